//! The HTTP handlers of the pages.

use std::io::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::{Markup, html};
use url::form_urlencoded;

use super::parts::{self, Place, Sheet};
use super::selection::Selection;
use super::{ends, format, overview, provider, reasons};
use crate::by_hand::ByHand;
use crate::provider::Slot;
use crate::state::Ledger;
use crate::state::long::LongHistory;
use crate::web::app::App;
use crate::web::encoding::accepts_gzip;

/// Allows only style, script and pictures from this server: nothing inline, no other host and no
/// frame. The script cannot turn text into markup.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

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
                problem_page(ledger, "./", "This filter is not valid", &problem),
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
    provider_answer(&app, &headers, name, "../").await
}

/// `/providers?name=NAME`, for the names `.` and `..`, which browsers remove from a path.
pub async fn provider_page_by_query(
    Shared(app): Shared<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let mut pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    let name = pairs.find_map(|(name, value)| (name == "name").then(|| value.into_owned()));
    provider_answer(&app, &headers, name.unwrap_or_default(), "./").await
}

/// `/ends`
pub async fn ends_page(
    Shared(app): Shared<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&app, &headers, move |ledger| {
        match ends::Query::parse(query.as_deref().unwrap_or_default()) {
            Ok(query) => (StatusCode::OK, ends::page(ledger, &query)),
            Err(problem) => (
                StatusCode::BAD_REQUEST,
                problem_page(ledger, "./", "This filter is not valid", &problem),
            ),
        }
    })
    .await
}

/// `/reasons`
pub async fn reasons_page(Shared(app): Shared<App>, headers: HeaderMap) -> Response {
    answer(&app, &headers, |ledger| (StatusCode::OK, reasons::page(ledger))).await
}

/// The page of the provider with this name. Its history comes from the disk.
async fn provider_answer(
    app: &App,
    headers: &HeaderMap,
    name: String,
    root: &'static str,
) -> Response {
    let (roster, now) = (app.ledger.roster(), app.ledger.now().wall);
    let long = match roster.entry(&name, Slot::Current) {
        Some(entry) => Some(app.long_history(entry, now).await),
        None => None,
    };
    let by_hand = Arc::clone(&app.by_hand);
    let write =
        move |ledger: &Ledger| provider_or_problem(ledger, &name, long.as_ref(), root, &by_hand);
    answer(app, headers, write).await
}

fn provider_or_problem(
    ledger: &Ledger,
    name: &str,
    long: Option<&LongHistory>,
    root: &'static str,
    by_hand: &ByHand,
) -> (StatusCode, Sheet) {
    match provider::page(ledger, name, long, root, by_hand) {
        Some(sheet) => (StatusCode::OK, sheet),
        None => (
            StatusCode::NOT_FOUND,
            problem_page(
                ledger,
                root,
                "There is no provider with this name",
                &format!("The requested name is “{name}”."),
            ),
        ),
    }
}

/// A page that says what is wrong with the address.
fn problem_page(ledger: &Ledger, root: &'static str, title: &str, problem: &str) -> Sheet {
    let body = html! {
        nav.back aria-label="Back" { a href=(root) { "← All providers" } }
        h1 { (title) }
        p { (format::untrusted(problem)) }
    };
    Sheet {
        root,
        place: Place::Other,
        title: format!("{title} · credwatch"),
        summary: title.to_owned(),
        alarm: false,
        stalled: ledger.is_stalled(),
        now: ledger.now(),
        body,
    }
}

/// Writes a page on a thread that is not used for probes, and sends it.
async fn answer(
    app: &App,
    headers: &HeaderMap,
    write: impl FnOnce(&Ledger) -> (StatusCode, Sheet) + Send + 'static,
) -> Response {
    let (ledger, gzip) = (Arc::clone(&app.ledger), accepts_gzip(headers));
    let telemetry_path = Arc::clone(&app.telemetry_path);
    let written = app.documents.write(move || {
        let (status, sheet) = write(&ledger);
        (status, encode(&parts::frame(&sheet, &telemetry_path), gzip))
    });
    let (status, bytes) = match written.await {
        Ok(written) => written,
        Err(busy) => return busy.into_response(),
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

/// The bytes of a page, compressed if the client accepts that. A browser loads a page of a few
/// hundred kilobytes every few seconds, perhaps on a phone.
fn encode(page: &Markup, gzip: bool) -> Vec<u8> {
    let text = page.0.as_bytes();
    if !gzip {
        return text.to_vec();
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}
