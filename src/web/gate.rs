//! What every request goes through before it is answered, and every answer before it goes out.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::connection::Arrival;
use crate::web_config::{Door, Doors, Login};

/// The longest body of a request, in bytes. Nothing here takes more than a few words.
pub const LONGEST_BODY: usize = 16 * 1024;

/// Lets a request through by the door in force, and gives the answer the headers of that door.
pub async fn gate(State(doors): State<Arc<Doors>>, request: Request, next: Next) -> Response {
    let door = doors.current();
    let mut response =
        match refusal(&doors, &door, request.extensions().get(), request.headers()).await {
            Some(response) => response,
            None => next.run(without_login(request)).await,
        };
    for (name, value) in door.headers() {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// Nobody behind the gate has use for a password.
fn without_login(mut request: Request) -> Request {
    request.headers_mut().remove(header::AUTHORIZATION);
    request
}

async fn refusal(
    doors: &Doors,
    door: &Door,
    arrival: Option<&Arrival>,
    headers: &HeaderMap,
) -> Option<Response> {
    if arrival.is_some_and(|Arrival(earlier)| !door.would_admit(earlier)) {
        // Made before TLS or another rule for client certificates came into force.
        return Some(closing(
            StatusCode::MISDIRECTED_REQUEST,
            "this connection was made under other rules; make a new one\n",
        ));
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST_BODY) {
        return Some(closing(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n"));
    }
    // In the order of the toolkit, so that guessing passwords is limited too.
    if !door.has_room(Instant::now()) {
        return Some((StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n").into_response());
    }
    match doors.login(door, headers.get(header::AUTHORIZATION)).await {
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

/// An answer after which the connection ends.
fn closing(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONNECTION, HeaderValue::from_static("close"))], text).into_response()
}
