//! Checks every request against the web config, and adds its headers to every answer.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::connection::AcceptedUnder;
use super::hosts::{HostRule, Refusal};
use crate::web_config::{CurrentWebConfig, Login, WebConfig};

/// The longest accepted body of a request, in bytes. No path needs more than a few words.
pub const LONGEST_BODY: usize = 16 * 1024;

/// What a listener checks before a handler sees a request.
#[derive(Clone)]
pub struct Gate {
    pub current_web_config: Arc<CurrentWebConfig>,
    pub hosts: HostRule,
}

/// Checks a request against the current web config and the allowed hosts, and adds the configured
/// headers to the answer.
pub async fn gate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let web_config = gate.current_web_config.get();
    let early = early_refusal(&gate, &web_config, &request);
    let login = request.headers().get(header::AUTHORIZATION);
    let refusal = match early {
        Some(response) => Some(response),
        None => login_refusal(&gate, &web_config, login).await,
    };
    let mut response = match refusal {
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

/// Refuses a request for anything but its login.
fn early_refusal(gate: &Gate, web_config: &WebConfig, request: &Request) -> Option<Response> {
    let accepted_under: Option<&AcceptedUnder> = request.extensions().get();
    if accepted_under
        .is_some_and(|AcceptedUnder(earlier)| !web_config.accepts_connection_of(earlier))
    {
        // The connection is older than the current TLS or client certificate settings.
        return Some(closing(
            StatusCode::MISDIRECTED_REQUEST,
            "the TLS settings have changed since this connection was opened; open a new one\n",
        ));
    }
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST_BODY) {
        return Some(closing(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n"));
    }
    // The rate limit comes first, as in the exporter-toolkit, so that it limits guessing too.
    if !web_config.allows_request(Instant::now()) {
        return Some((StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n").into_response());
    }
    gate.hosts.check(request).err().map(|refusal| match refusal {
        Refusal::Unclear => closing(
            StatusCode::BAD_REQUEST,
            "the request must name its host exactly once, in the header Host\n",
        ),
        Refusal::Host => closing(
            StatusCode::FORBIDDEN,
            "requests for this host are refused; use a loopback name such as localhost, or start \
             credwatch with --web.allowed-hosts or --web.external-url\n",
        ),
        Refusal::Origin => closing(
            StatusCode::FORBIDDEN,
            "a page of another site sends this request; if it is the page of credwatch behind a \
             proxy, start credwatch with --web.external-url\n",
        ),
    })
}

async fn login_refusal(
    gate: &Gate,
    web_config: &WebConfig,
    login: Option<&HeaderValue>,
) -> Option<Response> {
    match gate.current_web_config.login(web_config, login).await {
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
