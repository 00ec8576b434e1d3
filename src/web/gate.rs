//! Checks every request against the web config, and adds its headers to every answer.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::connection::AcceptedUnder;
use crate::web_config::{CurrentWebConfig, Login, WebConfig};

/// The longest accepted body of a request, in bytes. No path needs more than a few words.
pub const LONGEST_BODY: usize = 16 * 1024;

/// Checks a request against the current web config, and adds the configured headers to the answer.
pub async fn gate(
    State(current_web_config): State<Arc<CurrentWebConfig>>,
    request: Request,
    next: Next,
) -> Response {
    let web_config = current_web_config.get();
    let mut response = match refusal(
        &current_web_config,
        &web_config,
        request.extensions().get(),
        request.headers(),
    )
    .await
    {
        Some(response) => response,
        None => next.run(without_login(request)).await,
    };
    for (name, value) in web_config.headers() {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// Removes the password, which no handler needs.
fn without_login(mut request: Request) -> Request {
    request.headers_mut().remove(header::AUTHORIZATION);
    request
}

async fn refusal(
    current_web_config: &CurrentWebConfig,
    web_config: &WebConfig,
    accepted_under: Option<&AcceptedUnder>,
    headers: &HeaderMap,
) -> Option<Response> {
    if accepted_under
        .is_some_and(|AcceptedUnder(earlier)| !web_config.accepts_connection_of(earlier))
    {
        // The connection is older than the current TLS or client certificate settings.
        return Some(closing(
            StatusCode::MISDIRECTED_REQUEST,
            "the TLS settings have changed since this connection was opened; open a new one\n",
        ));
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST_BODY) {
        return Some(closing(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n"));
    }
    // The rate limit comes first, as in the exporter-toolkit, so that it limits guessing too.
    if !web_config.allows_request(Instant::now()) {
        return Some((StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n").into_response());
    }
    match current_web_config.login(web_config, headers.get(header::AUTHORIZATION)).await {
        Login::Admitted => None,
        Login::Refused => Some(
            (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))],
                "Unauthorized\n",
            )
                .into_response(),
        ),
        Login::Busy => Some(
            (StatusCode::SERVICE_UNAVAILABLE, "too many logins at the same time\n").into_response(),
        ),
    }
}

/// An answer that closes the connection.
fn closing(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONNECTION, HeaderValue::from_static("close"))], text).into_response()
}
