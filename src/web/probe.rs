//! `/probe?provider=NAME` probes a provider now and answers with its metrics;
//! `POST /api/v1/providers/NAME/probe` does it for an operator and answers with JSON.
//!
//! Both accept only names of configured providers, never a URL. A young result is the answer
//! without another probe, so that clients cannot multiply the requests to a provider.

use std::time::Duration;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::api;
use super::app::App;
use super::encoding::accepted_format;
use crate::metrics::write_one;
use crate::schedule::{Requested, Requester};

#[derive(Deserialize)]
pub struct Target {
    provider: Option<String>,
}

/// The header in which Prometheus sends its scrape timeout, in seconds.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// The part of the scrape timeout that is left for sending the answer.
const SENDING_TIME: Duration = Duration::from_millis(500);

/// The longest time that a request waits for its probe, and the default without a scrape timeout.
const LONGEST_WAIT: Duration = Duration::from_secs(55);

pub async fn probe(
    Shared(app): Shared<App>,
    Query(target): Query<Target>,
    headers: HeaderMap,
) -> Response {
    let Some(name) = target.provider else {
        return (StatusCode::BAD_REQUEST, "name a provider: /probe?provider=NAME\n")
            .into_response();
    };
    if app.ledger.roster().only(&name).is_none() {
        return (StatusCode::NOT_FOUND, "there is no provider with this name\n").into_response();
    }
    let Some(control) = &app.control else {
        return (StatusCode::SERVICE_UNAVAILABLE, "this server has no scheduler\n").into_response();
    };
    let probing = control.probe(&name, Requester::Scraper);
    let pending = tokio::time::timeout(wait_limit(&headers), probing).await.is_err();
    // A reload may have removed the provider in the meantime.
    let Some(roster) = app.ledger.roster().only(&name) else {
        return (StatusCode::NOT_FOUND, "there is no longer a provider with this name\n")
            .into_response();
    };
    let mut body: Vec<u8> = Vec::new();
    let format = accepted_format(&headers);
    if write_one(format, &mut body, roster, pending, app.ledger.now()).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let about = [
        (header::CONTENT_TYPE, format.content_type()),
        (header::VARY, "Accept"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (about, body).into_response()
}

/// Probes a provider even while credwatch backs off from it: an operator has repaired something and
/// wants to see the result.
pub async fn probe_for_operator(
    Shared(app): Shared<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !app.admin_api {
        return api::problem(
            StatusCode::FORBIDDEN,
            "probes over the API are not enabled; start credwatch with --web.enable-admin-api",
        );
    }
    let Some(control) = &app.control else {
        return api::problem(StatusCode::SERVICE_UNAVAILABLE, "this server has no scheduler");
    };
    let probing = control.probe(&name, Requester::Operator);
    match tokio::time::timeout(wait_limit(&headers), probing).await {
        Ok(Some(Requested::Ended)) => api::one(&app, &name, StatusCode::OK).await,
        Err(_) => api::one(&app, &name, StatusCode::ACCEPTED).await,
        Ok(None) => api::unknown(),
        Ok(Some(Requested::Paused(_))) => api::problem(
            StatusCode::CONFLICT,
            "the provider is paused, so it is not probed; the member `paused` of the provider \
             tells why and until when",
        ),
        Ok(Some(Requested::Refused(wait))) => {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let problem = api::problem(
                StatusCode::TOO_MANY_REQUESTS,
                "the last probe has just ended, or the provider asks credwatch to wait; the \
                 header Retry-After has the seconds until the next probe is possible",
            );
            ([(header::RETRY_AFTER, seconds.to_string())], problem).into_response()
        }
    }
}

/// How long to wait for the probe, from the caller's scrape timeout.
fn wait_limit(headers: &HeaderMap) -> Duration {
    let timeout = headers
        .get(SCRAPE_TIMEOUT)
        .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let timeout = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    timeout
        .map_or(LONGEST_WAIT, |timeout| timeout.saturating_sub(SENDING_TIME.min(timeout / 2)))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_its_answer_before_its_timeout() {
        for (timeout, seconds) in
            [("10", 9.5), ("0.4", 0.2), ("120", 55.0), ("-1", 55.0), ("NaN", 55.0), ("soon", 55.0)]
        {
            let headers: HeaderMap =
                [(SCRAPE_TIMEOUT.parse().expect("a name"), timeout.parse().expect("a value"))]
                    .into_iter()
                    .collect();
            assert_eq!(
                wait_limit(&headers).as_secs_f64().to_string(),
                seconds.to_string(),
                "{timeout}"
            );
        }
        assert_eq!(wait_limit(&HeaderMap::new()), LONGEST_WAIT);
    }
}
