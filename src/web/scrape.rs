//! `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::encoding::accepts_gzip;
use super::gzip::Gzip;
use crate::metrics::{CONTENT_TYPE, Sink};

pub async fn metrics(State(app): State<App>, headers: HeaderMap) -> Response {
    let gzip = accepts_gzip(&headers);
    let (exposition, now) = (Arc::clone(&app.exposition), app.ledger.now());
    let write = move |sink: &mut dyn Sink| {
        if !gzip {
            return exposition.write(sink, now);
        }
        let mut compressed = Gzip::new(sink);
        exposition.write(&mut compressed, now)?;
        compressed.finish()
    };
    let mut response = match app.scrapes.send(write).await {
        Ok(body) => body.into_response(),
        Err(busy) => return busy.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
