//! Sends one request and waits for its whole answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use jiff::Timestamp;
use tokio::time::Instant as Deadline;

use super::body::{Arriving, BodyError, LARGEST_BODY, Place, Places, SMALL_BODY};
use super::chain::Validity;
use super::coding::{Coding, decode};
use super::failure::{classify, no_close_notify};
use super::marks::{Marks, Moments};
use crate::outcome::{Failure, Reason, malformed};
use crate::recipe::request::announces_an_empty_body;
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

/// An HTTP client with its settings.
#[derive(Clone)]
pub struct HttpClient {
    /// The client of the library.
    pub http: reqwest::Client,
    /// When our client certificate is valid, if there is one.
    pub certificate: Option<Validity>,
}

/// The result of a request.
pub struct Sent {
    /// A failure only when no head of an answer arrived.
    pub answer: Result<Answer, Failure>,
    pub start: Instant,
    /// When the answer ended, without the time that the probe waited for a place.
    pub end: Instant,
    /// How long the probe waited for a place for a large body. The provider had no part in it.
    pub waited: Duration,
    pub moments: Moments,
}

/// An answer whose head arrived.
pub struct Answer {
    pub response: TokenResponse,
    /// Held as long as the body is in memory; `None` for a small body.
    pub place: Option<Place>,
}

/// Sends a request and waits for its answer until `deadline`, which is `timeout` from its start.
pub async fn send(
    client: &HttpClient,
    request: &TokenRequest,
    deadline: Deadline,
    timeout: Duration,
    context: (&Clock, &Places),
) -> Sent {
    let (now, places) = context;
    let marks = Arc::new(Marks::default());
    if client.certificate.is_some() {
        marks.set(|moments| {
            moments.client_certificate = client.certificate;
            moments.began = Some(now());
        });
    }
    let start = Instant::now();
    let mut exchange = Exchange { deadline, timeout, waited: Duration::ZERO, marks: &marks };
    let answer = exchange.run(build(&client.http, request), &client.http, now, places).await;
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
        Some(body) if !body.is_empty() => builder.body(body.clone()),
        // The HTTP library sends no length for an empty body.
        _ if announces_an_empty_body(&request.method) => builder.header(header::CONTENT_LENGTH, 0),
        _ => builder,
    }
}

/// One request and its answer.
struct Exchange<'a> {
    deadline: Deadline,
    timeout: Duration,
    waited: Duration,
    marks: &'a Arc<Marks>,
}

/// A body as far as it can be read.
struct Body {
    bytes: Vec<u8>,
    place: Option<Place>,
    damage: Option<Failure>,
}

impl Exchange<'_> {
    async fn run(
        &mut self,
        request: reqwest::RequestBuilder,
        client: &reqwest::Client,
        now: &Clock,
        places: &Places,
    ) -> Result<Answer, Failure> {
        let marks = self.marks;
        let head = async {
            let request = request.build()?;
            marks.scope(client.execute(request)).await
        };
        let mut response = tokio::time::timeout_at(self.deadline, head)
            .await
            .map_err(|_| self.late())?
            .map_err(|error| classify(&error, &marks.moments()))?;
        marks.set(|moments| moments.head = Some(Instant::now()));
        let received = now();
        let status = response.status().as_u16();
        let mut headers = std::mem::take(response.headers_mut());
        let too_large = shorten(&mut headers);
        let Body { bytes, place, damage } = self.body(response, &mut headers, places).await;
        let damage = damage.or(too_large);
        let response = TokenResponse { status, headers, body: bytes.into(), received, damage };
        Ok(Answer { response, place })
    }

    /// The unpacked body. The time that the probe waits for a place does not count.
    async fn body(
        &mut self,
        response: reqwest::Response,
        headers: &mut HeaderMap,
        places: &Places,
    ) -> Body {
        let codings = Coding::of(headers);
        let ends_by_closing = response.version() <= Version::HTTP_11
            && !headers.contains_key(header::CONTENT_LENGTH)
            && !headers.contains_key(header::TRANSFER_ENCODING);
        let mut arriving = Arriving::new(response, &codings);
        let mut place = None;
        let mut read = arriving.read(SMALL_BODY, self.deadline).await;
        if matches!(read, Ok(false)) {
            place = self.wait(places).await;
            read = arriving.read(LARGEST_BODY, self.deadline + self.waited).await;
        }
        let damage = match read {
            Ok(_) => None,
            Err(BodyError::TooLarge) => return Body::too_large(),
            Err(BodyError::Late) => Some(self.late()),
            Err(BodyError::Broken(error)) => Some(
                no_close_notify(&error)
                    .filter(|_| ends_by_closing)
                    .unwrap_or_else(|| classify(&error, &self.marks.moments())),
            ),
        };
        let bytes = arriving.into_bytes();
        if codings.is_empty() {
            return Body { bytes, place, damage };
        }
        let size = if place.is_some() { LARGEST_BODY } else { SMALL_BODY };
        let mut decoded = decode(&bytes, &codings, size);
        if decoded.is_err() && place.is_none() {
            place = self.wait(places).await;
            decoded = decode(&bytes, &codings, LARGEST_BODY);
        }
        let Ok((decoded, problem)) = decoded else { return Body::too_large() };
        if problem.is_none() {
            headers.remove(header::CONTENT_ENCODING);
        }
        Body { bytes: decoded.into_owned(), place, damage: damage.or(problem) }
    }

    async fn wait(&mut self, places: &Places) -> Option<Place> {
        let (place, waited) = places.wait().await;
        self.waited += waited;
        place
    }

    fn late(&self) -> Failure {
        let message = format!(
            "no whole answer within {:?}; `{}` was under way",
            self.timeout,
            self.marks.moments().current_phase()
        );
        Failure::new(Reason::Timeout, &message)
    }
}

impl Body {
    /// A body that is too large. Nothing of it is kept.
    fn too_large() -> Self {
        let message = format!("the answer has more than {} KiB", LARGEST_BODY / 1024);
        let damage = Some(malformed("body_too_large", &message));
        Self { bytes: Vec::new(), place: None, damage }
    }
}

/// Drops the longest headers when all together are too large. Dates, waits and the like are short.
fn shorten(headers: &mut HeaderMap) -> Option<Failure> {
    let size = |name: &HeaderName, value: &HeaderValue| name.as_str().len() + value.len() + 32;
    let fits = |sum: usize| u32::try_from(sum).is_ok_and(|sum| sum <= LARGEST_HEADERS);
    if fits(headers.iter().map(|(name, value)| size(name, value)).sum()) {
        return None;
    }
    let all = std::mem::take(headers);
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by_key(|(name, value)| size(name, value));
    let mut sum = 0;
    for (name, value) in all {
        sum += size(name, value);
        if !fits(sum) {
            break;
        }
        headers.append(name, value.clone());
    }
    let message = format!("the answer has more than {} KiB of headers", LARGEST_HEADERS / 1024);
    Some(malformed("not_http", &message))
}
