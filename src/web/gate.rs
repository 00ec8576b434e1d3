//! Checks every request against the web config, and adds its headers to every answer.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::connection::AcceptedUnder;
use super::hosts::{HostRule, Refusal};
use super::places::Mark;
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
    let login = request.headers().get(header::AUTHORIZATION);
    let known = gate.current_web_config.remembers(&web_config, login);
    let refusal = match early_refusal(&gate, &web_config, &request, known) {
        None if !known => login_refusal(&gate, &web_config, login).await,
        refusal => refusal,
    };
    let mut response = if let Some(response) = refusal {
        response
    } else {
        // A request that is refused is no progress of its connection.
        if let Some(mark) = request.extensions().get::<Mark>() {
            mark.admit();
        }
        next.run(without_login(request)).await
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

/// Refuses a request for anything but its login. `known` means that the login is remembered.
fn early_refusal(
    gate: &Gate,
    web_config: &WebConfig,
    request: &Request,
    known: bool,
) -> Option<Response> {
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
    // The rate limit comes before the login, as in the exporter-toolkit, so that it limits guessing
    // too. Guesses must not use up the requests of a known user.
    if !known && !web_config.allows_request(Instant::now()) {
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
            // 503 at `/healthz` would say that a provider is broken.
            (StatusCode::TOO_MANY_REQUESTS, "too many logins at the same time\n").into_response(),
        ),
    }
}

/// An answer that closes the connection.
fn closing(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONNECTION, HeaderValue::from_static("close"))], text).into_response()
}
