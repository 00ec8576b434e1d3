//! The routes of the pages.

use std::io::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::{Markup, html};
use tokio::sync::Semaphore;
use url::form_urlencoded;

use super::parts::{self, Sheet};
use super::selection::Selection;
use super::{format, overview, provider, reasons};
use crate::state::Ledger;
use crate::web::app::App;
use crate::web::encoding::accepts_gzip;

/// Our own style, script and pictures, and nothing else: no inline ones, no other host, no frame.
/// Text does not become markup in the script either.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Pages that are written at the same time; others wait their turn.
static TURNS: Semaphore = Semaphore::const_new(2);

/// `/`
pub async fn overview_page(
    Shared(app): Shared<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&app, &headers, move |ledger| {
        match Selection::parse(query.as_deref().unwrap_or_default()) {
            Ok(selection) => (StatusCode::OK, overview::page(ledger, &selection)),
            Err(problem) => (
                StatusCode::BAD_REQUEST,
                sorry(ledger, "./", "This filter is not understood", &problem),
            ),
        }
    })
    .await
}

/// `/providers/NAME`
pub async fn provider_page(
    Shared(app): Shared<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&app, &headers, move |ledger| one(ledger, &name, "../")).await
}

/// `/providers?name=NAME`, for names that browsers take for steps in a path.
pub async fn provider_page_by_query(
    Shared(app): Shared<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&app, &headers, move |ledger| {
        let mut pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
        let name =
            pairs.find_map(|(name, value)| (name == "name").then_some(value)).unwrap_or_default();
        one(ledger, &name, "./")
    })
    .await
}

/// `/reasons`
pub async fn reasons_page(Shared(app): Shared<App>, headers: HeaderMap) -> Response {
    answer(&app, &headers, |ledger| (StatusCode::OK, reasons::page(ledger))).await
}

fn one(ledger: &Ledger, name: &str, root: &'static str) -> (StatusCode, Sheet) {
    match provider::page(ledger, name, root) {
        Some(sheet) => (StatusCode::OK, sheet),
        None => (
            StatusCode::NOT_FOUND,
            sorry(
                ledger,
                root,
                "There is no provider of this name",
                &format!("It was asked for “{name}”."),
            ),
        ),
    }
}

/// A page that says what is the matter with the address.
fn sorry(ledger: &Ledger, root: &'static str, title: &str, problem: &str) -> Sheet {
    let body = html! {
        nav.back aria-label="Back" { a href=(root) { "← All providers" } }
        h1 { (title) }
        p { (format::foreign(problem)) }
    };
    Sheet {
        root,
        title: format!("{title} · credwatch"),
        summary: title.to_owned(),
        alarm: false,
        stalled: ledger.is_stalled(),
        now: ledger.now(),
        body,
    }
}

/// Writes a page away from the threads that probe, and sends it.
async fn answer(
    app: &App,
    headers: &HeaderMap,
    write: impl FnOnce(&Ledger) -> (StatusCode, Sheet) + Send + 'static,
) -> Response {
    let _turn = TURNS.acquire().await;
    let (ledger, gzip) = (Arc::clone(&app.ledger), accepts_gzip(headers));
    let written = app.threads.call(move || {
        let (status, sheet) = write(&ledger);
        (status, packed(&parts::frame(&sheet), gzip))
    });
    let Some((status, bytes)) = written.await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the page cannot be written just now\n")
            .into_response();
    };
    let mut response = (status, Body::from(bytes)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The bytes of a page. A hundred rows are a few hundred kilobytes, every few seconds, to a phone
/// perhaps.
fn packed(page: &Markup, gzip: bool) -> Vec<u8> {
    let text = page.0.as_bytes();
    if !gzip {
        return text.to_vec();
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}
