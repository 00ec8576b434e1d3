//! `/metrics`, or the path of `--web.telemetry-path`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::encoding::{accepted_format, accepts_gzip};
use super::gzip::Gzip;
use crate::metrics::Sink;

pub async fn metrics(State(app): State<App>, headers: HeaderMap) -> Response {
    let (gzip, format) = (accepts_gzip(&headers), accepted_format(&headers));
    let (exposition, now) = (Arc::clone(&app.exposition), app.ledger.now());
    let write = move |sink: &mut dyn Sink| {
        if !gzip {
            return exposition.write_as(format, sink, now);
        }
        let mut compressed = Gzip::new(sink);
        exposition.write_as(format, &mut compressed, now)?;
        compressed.finish()
    };
    let mut response = match app.scrapes.send(write).await {
        Ok(body) => body.into_response(),
        Err(busy) => return busy.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
