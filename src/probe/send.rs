//! Sends one request and waits for its whole answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use tokio::time::Instant as Deadline;

use super::body::{Arriving, BodyError, LARGEST_BODY, Place, Places, SMALL_BODY, is_gzip, unpack};
use super::failure::classify;
use super::marks::{Marks, Moments};
use crate::outcome::{Failure, Reason, malformed};
use crate::recipe::{TokenRequest, TokenResponse};

/// The most bytes of all headers of an answer, counted as in HTTP/2 (RFC 9113, section 6.5.2):
/// names, values and 32 bytes for each header.
pub const LARGEST_HEADERS: u32 = 32 * 1024;

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
    pub answer: Result<Answer, Failed>,
    pub start: Instant,
    /// When the answer ended, without the time that the probe waited for a place.
    pub end: Instant,
    /// How long the probe waited for a place for a large body. The provider had no part in it.
    pub waited: Duration,
    pub moments: Moments,
}

/// A whole answer.
pub struct Answer {
    pub response: TokenResponse,
    /// Held as long as the body is in memory; `None` for a small body.
    pub place: Option<Place>,
}

/// A failure, with the status if the head of an answer arrived.
pub struct Failed {
    pub status: Option<u16>,
    pub failure: Failure,
}

/// Sends a request and waits for its answer until `deadline`, which is `timeout` from its start.
pub async fn send(
    client: &reqwest::Client,
    request: &TokenRequest,
    deadline: Deadline,
    timeout: Duration,
    context: (&Clock, &Places),
) -> Sent {
    let (now, places) = context;
    let marks = Arc::new(Marks::default());
    let start = Instant::now();
    let mut exchange = Exchange { deadline, timeout, waited: Duration::ZERO, marks: &marks };
    let answer = exchange.run(build(client, request), client, now, places).await;
    let waited = exchange.waited;
    let end = Instant::now();
    let end = end.checked_sub(waited).unwrap_or(end);
    Sent { answer, start, end, waited, moments: marks.moments() }
}

fn build(client: &reqwest::Client, request: &TokenRequest) -> reqwest::RequestBuilder {
    let mut builder = client.request(request.method.clone(), request.url.clone());
    for (name, value) in [(header::ACCEPT, ACCEPT), (header::ACCEPT_ENCODING, "gzip")] {
        if !request.headers.contains_key(&name) {
            builder = builder.header(name, value);
        }
    }
    builder = builder.headers(request.headers.clone());
    match &request.body {
        Some(body) => builder.body(body.clone()),
        None => builder,
    }
}

/// One request and its answer.
struct Exchange<'a> {
    deadline: Deadline,
    timeout: Duration,
    waited: Duration,
    marks: &'a Arc<Marks>,
}

impl Exchange<'_> {
    async fn run(
        &mut self,
        request: reqwest::RequestBuilder,
        client: &reqwest::Client,
        now: &Clock,
        places: &Places,
    ) -> Result<Answer, Failed> {
        let marks = self.marks;
        let head = async {
            let request = request.build()?;
            marks.scope(client.execute(request)).await
        };
        let mut response = self.in_time(head).await?.map_err(|error| self.broken(None, &error))?;
        marks.set(|moments| moments.head = Some(Instant::now()));
        let received = now();
        let status = response.status();
        let mut headers = std::mem::take(response.headers_mut());
        check_size(&headers).map_err(|failure| failed(status, failure))?;
        let (body, place) = match self.body(Arriving::new(response), &headers, places).await? {
            Ok((body, place)) => (body, place),
            Err(BodyError::Broken(error)) => return Err(self.broken(Some(status), &error)),
            // A refusal stays a refusal, also with an error page that cannot be read.
            Err(_) if !status.is_success() => (Vec::new(), None),
            Err(BodyError::TooLarge) => return Err(failed(status, too_large())),
            Err(BodyError::NotGzip) => return Err(failed(status, not_gzip())),
        };
        if is_gzip(&headers) {
            headers.remove(header::CONTENT_ENCODING);
        }
        let body = body.into();
        let response = TokenResponse { status: status.as_u16(), headers, body, received };
        Ok(Answer { response, place })
    }

    /// The unpacked body. The time that the probe waits for a place does not count.
    async fn body(
        &mut self,
        mut arriving: Arriving,
        headers: &HeaderMap,
        places: &Places,
    ) -> Result<Result<(Vec<u8>, Option<Place>), BodyError>, Failed> {
        let mut place = None;
        match self.in_time(arriving.read_small()).await? {
            Ok(true) => {}
            Ok(false) => {
                place = self.wait(places).await;
                if let Err(error) = self.in_time(arriving.read_rest()).await? {
                    return Ok(Err(error));
                }
            }
            Err(error) => return Ok(Err(error)),
        }
        let bytes = arriving.into_bytes();
        if !is_gzip(headers) {
            return Ok(Ok((bytes, place)));
        }
        if place.is_none() {
            match unpack(&bytes, SMALL_BODY) {
                Err(BodyError::TooLarge) => place = self.wait(places).await,
                unpacked => return Ok(unpacked.map(|bytes| (bytes, None))),
            }
        }
        Ok(unpack(&bytes, LARGEST_BODY).map(|bytes| (bytes, place)))
    }

    async fn wait(&mut self, places: &Places) -> Option<Place> {
        let (place, waited) = places.wait().await;
        self.waited += waited;
        place
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Failed> {
        tokio::time::timeout_at(self.deadline + self.waited, work).await.map_err(|_| {
            let message = format!(
                "no whole answer within {:?}; `{}` was under way",
                self.timeout,
                self.marks.moments().current_phase()
            );
            Failed { status: None, failure: Failure::new(Reason::Timeout, &message) }
        })
    }

    fn broken(&self, status: Option<StatusCode>, error: &reqwest::Error) -> Failed {
        let failure = classify(error, &self.marks.moments());
        Failed { status: status.map(|status| status.as_u16()), failure }
    }
}

fn failed(status: StatusCode, failure: Failure) -> Failed {
    Failed { status: Some(status.as_u16()), failure }
}

fn check_size(headers: &HeaderMap) -> Result<(), Failure> {
    let size: usize =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
    if u32::try_from(size).is_ok_and(|size| size <= LARGEST_HEADERS) {
        return Ok(());
    }
    let message = format!("the answer has more than {} KiB of headers", LARGEST_HEADERS / 1024);
    Err(malformed("not_http", &message))
}

fn too_large() -> Failure {
    let message = format!("the answer has more than {} KiB", LARGEST_BODY / 1024);
    malformed("body_too_large", &message)
}

fn not_gzip() -> Failure {
    malformed("not_gzip", "the answer says that it is compressed but cannot be unpacked")
}
