//! Sends one request and waits for its whole answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header;
use jiff::Timestamp;
use tokio::time::Instant as Deadline;

use super::failure::classify;
use super::marks::{Marks, Moments};
use crate::outcome::{Code, Failure, Reason};
use crate::recipe::{TokenRequest, TokenResponse};

/// The most bytes of a body that are read, after decompression. Token answers have a few hundred.
pub const LARGEST_BODY: usize = 256 * 1024;

/// The `User-Agent` of credwatch.
pub const USER_AGENT: &str = concat!("credwatch/", env!("CARGO_PKG_VERSION"));

/// The `Accept` header of a recipe that sets none.
const ACCEPT: &str = "application/json";

/// The headers that credwatch adds when a recipe does not set them.
pub const DEFAULT_HEADERS: [(&str, &str); 2] = [("Accept", ACCEPT), ("User-Agent", USER_AGENT)];

/// The time of the wall clock.
pub type Clock = dyn Fn() -> Timestamp + Send + Sync;

/// The result of a request.
pub struct Sent {
    pub answer: Result<TokenResponse, Failed>,
    pub start: Instant,
    pub end: Instant,
    pub moments: Moments,
}

/// Sends a request and waits for its answer until `deadline`, which is `timeout` from its start.
pub async fn send(
    client: &reqwest::Client,
    request: &TokenRequest,
    deadline: Deadline,
    timeout: Duration,
    now: &Clock,
) -> Sent {
    let marks = Arc::new(Marks::default());
    let start = Instant::now();
    let request = build(client, request);
    let exchange = marks.scope(exchange(client, request, &marks, now));
    let answer = tokio::time::timeout_at(deadline, exchange).await;
    let end = Instant::now();
    let moments = marks.moments();
    let answer = answer.unwrap_or_else(|_| {
        let message = format!(
            "no whole answer within {timeout:?}; `{}` was under way",
            moments.current_phase()
        );
        Err(Failed { status: None, failure: Failure::new(Reason::Timeout, &message) })
    });
    Sent { answer, start, end, moments }
}

fn build(client: &reqwest::Client, request: &TokenRequest) -> reqwest::RequestBuilder {
    let mut builder = client.request(request.method.clone(), request.url.clone());
    if !request.headers.contains_key(header::ACCEPT) {
        builder = builder.header(header::ACCEPT, ACCEPT);
    }
    builder = builder.headers(request.headers.clone());
    match &request.body {
        Some(body) => builder.body(body.clone()),
        None => builder,
    }
}

/// A failure, with the status if the head of an answer arrived.
pub struct Failed {
    pub status: Option<u16>,
    pub failure: Failure,
}

async fn exchange(
    client: &reqwest::Client,
    request: reqwest::RequestBuilder,
    marks: &Marks,
    now: &Clock,
) -> Result<TokenResponse, Failed> {
    let wrong = |status: Option<u16>, error: &reqwest::Error| Failed {
        status,
        failure: classify(error, &marks.moments()),
    };
    let request = request.build().map_err(|error| wrong(None, &error))?;
    let mut response = client.execute(request).await.map_err(|error| wrong(None, &error))?;
    let received = now();
    marks.set(|moments| moments.head = Some(Instant::now()));
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let mut body = BytesMut::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| wrong(Some(status.as_u16()), &error))?
    {
        if body.len() + chunk.len() > LARGEST_BODY {
            // A refusal stays a refusal, also with a long error page.
            if !status.is_success() {
                body.clear();
                break;
            }
            let failure = Failure::new(
                Reason::Malformed,
                &format!("the answer has more than {} KiB", LARGEST_BODY / 1024),
            )
            .code(Code::word("body_too_large"));
            return Err(Failed { status: Some(status.as_u16()), failure });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(TokenResponse { status: status.as_u16(), headers, body: body.freeze(), received })
}
