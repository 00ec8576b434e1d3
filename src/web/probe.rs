//! `/probe?provider=NAME`: a probe now, and the metrics of that one provider.
//!
//! For those who want Prometheus to decide when and by whom a provider is probed. Only configured
//! providers are, never a URL of the caller's, and no caller can have more probes than one in
//! [`FLOOR`](crate::schedule::FLOOR).

use std::time::Duration;

use axum::extract::{Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::app::App;
use crate::metrics::{CONTENT_TYPE, write_one};

#[derive(Deserialize)]
pub struct Asked {
    provider: Option<String>,
}

/// How long Prometheus is going to wait, in seconds.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// What is left of that for the way of the answer.
const FOR_THE_WAY: Duration = Duration::from_millis(500);

/// How long others wait, and Prometheus at most.
const LONGEST_WAIT: Duration = Duration::from_secs(55);

pub async fn probe(
    Shared(app): Shared<App>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let Some(name) = asked.provider else {
        return (StatusCode::BAD_REQUEST, "name a provider: /probe?provider=NAME\n")
            .into_response();
    };
    if app.ledger.roster().only(&name).is_none() {
        return (StatusCode::NOT_FOUND, "there is no provider of this name\n").into_response();
    }
    let Some(control) = &app.control else {
        return (StatusCode::SERVICE_UNAVAILABLE, "nobody probes here\n").into_response();
    };
    let pending = tokio::time::timeout(patience(&headers), control.probe(&name)).await.is_err();
    // A reload may have come in between.
    let Some(roster) = app.ledger.roster().only(&name) else {
        return (StatusCode::NOT_FOUND, "there is no provider of this name any more\n")
            .into_response();
    };
    let mut body = Vec::new();
    if write_one(&mut body, roster, pending, app.ledger.now()).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], body)
        .into_response()
}

/// How long the caller is going to wait.
fn patience(headers: &HeaderMap) -> Duration {
    let told = headers
        .get(SCRAPE_TIMEOUT)
        .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let told = told.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    told.map_or(LONGEST_WAIT, |told| told.saturating_sub(FOR_THE_WAY.min(told / 2)))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_its_answer_before_it_stops_waiting() {
        for (told, seconds) in
            [("10", 9.5), ("0.4", 0.2), ("120", 55.0), ("-1", 55.0), ("NaN", 55.0), ("soon", 55.0)]
        {
            let headers: HeaderMap =
                [(SCRAPE_TIMEOUT.parse().expect("a name"), told.parse().expect("a value"))]
                    .into_iter()
                    .collect();
            assert_eq!(patience(&headers).as_secs_f64().to_string(), seconds.to_string(), "{told}");
        }
        assert_eq!(patience(&HeaderMap::new()), LONGEST_WAIT);
    }
}
