//! Sends one request and waits for its whole answer.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use jiff::Timestamp;
use rustls::ClientConfig;
use tokio::time::{Instant as Deadline, timeout_at};
use url::Url;

use super::body::{Arriving, BodyError, LARGEST_BODY, Place, Places, SMALL_BODY};
use super::budget::{Budget, crowded};
use super::coding::{Coding, decode};
use super::failure::{self, classify, no_close_notify};
use super::headers::{ACCEPT, USER_AGENT};
use super::http2::Again;
use super::identity::Identity;
use super::local;
use super::marks::{Marks, Moments};
use super::proxy::{self, Proxies, speaks_tls};
use crate::outcome::{Detail, Failure, Phase, Reason, malformed};
use crate::recipe::request::announces_an_empty_body;
use crate::recipe::{TokenRequest, TokenResponse};

/// The most bytes of all headers of an answer, counted as in HTTP/2 (RFC 9113, section 6.5.2):
/// names, values and 32 bytes for each header.
pub const LARGEST_HEADERS: u32 = 32 * 1024;

/// The time of the wall clock.
pub type Clock = dyn Fn() -> Timestamp + Send + Sync;

/// An HTTP client with its settings.
#[derive(Clone)]
pub struct HttpClient {
    /// The client of the library.
    pub http: reqwest::Client,
    /// Our client certificate, if there is one.
    pub identity: Arc<Identity>,
    /// The proxies of its requests.
    pub proxies: Arc<Proxies>,
    /// How it speaks TLS with a proxy.
    pub tls: Arc<ClientConfig>,
}

/// The result of a request.
pub struct Sent {
    /// A failure only when no head of an answer arrived.
    pub answer: Result<Answer, Failure>,
    /// How to send the request again, when the provider did not process it.
    pub again: Option<Again>,
    pub start: Instant,
    /// When the answer ended, without the time that the probe waited for a place.
    pub end: Instant,
    pub moments: Moments,
}

/// An answer whose head arrived.
pub struct Answer {
    pub response: TokenResponse,
    /// Held as long as the body is in memory; `None` for a small body.
    pub place: Option<Place>,
}

/// Sends a request and waits for its answer, as long as the budget allows.
pub async fn send(
    client: &HttpClient,
    request: &TokenRequest,
    budget: &mut Budget,
    context: (&Clock, &Places),
) -> Sent {
    let (now, places) = context;
    let marks = Arc::new(Marks::default());
    let certificate = client.identity.certificate;
    if certificate.is_some() {
        marks.set(|moments| {
            moments.client_certificate = certificate;
            moments.began = Some(now());
        });
    }
    let (start, waited) = (Instant::now(), budget.waited());
    let mut exchange = Exchange { client, request, budget, marks: &marks, again: None };
    let answer = exchange.run(now, places).await;
    let again = exchange.again;
    let end = Instant::now();
    let end = end.checked_sub(budget.waited().saturating_sub(waited)).unwrap_or(end);
    let mut moments = marks.moments();
    // The certificate of a proxy is not that of the endpoint.
    if moments.handshakes == 1 && client.proxies.of(&request.url).is_some_and(speaks_tls) {
        moments.certificate_expiry = None;
    }
    Sent { answer, again, start, end, moments }
}

fn build(request: &TokenRequest) -> reqwest::Request {
    let mut built = reqwest::Request::new(request.method.clone(), request.url.clone());
    *built.headers_mut() = complete(request);
    *built.body_mut() =
        request.body.clone().filter(|body| !body.is_empty()).map(reqwest::Body::from);
    built
}

/// The headers of the request, with those that credwatch adds.
fn complete(request: &TokenRequest) -> HeaderMap {
    static VALUES: [HeaderValue; 4] = [
        HeaderValue::from_static(ACCEPT),
        HeaderValue::from_static("gzip"),
        HeaderValue::from_static("0"),
        HeaderValue::from_static(USER_AGENT),
    ];
    let [accept, gzip, zero, user_agent] = &VALUES;
    let is_empty = request.body.as_ref().is_none_or(Bytes::is_empty);
    // The HTTP library sends no length for an empty body.
    let length = is_empty && announces_an_empty_body(&request.method);
    let added = [
        Some((header::ACCEPT, accept)),
        Some((header::ACCEPT_ENCODING, gzip)),
        length.then_some((header::CONTENT_LENGTH, zero)),
    ];
    let own = request.headers.pairs();
    let mut headers = HeaderMap::with_capacity(own.len() + 4);
    for (name, value) in added.into_iter().flatten() {
        if request.headers.get(&name).is_none() {
            headers.append(name, value.clone());
        }
    }
    for (name, value) in own {
        headers.append(name.clone(), value.clone());
    }
    headers.entry(header::USER_AGENT).or_insert_with(|| user_agent.clone());
    headers
}

/// One request and its answer.
struct Exchange<'a> {
    client: &'a HttpClient,
    request: &'a TokenRequest,
    budget: &'a mut Budget,
    marks: &'a Arc<Marks>,
    again: Option<Again>,
}

/// A body as far as it can be read.
struct Body {
    bytes: Vec<u8>,
    place: Option<Place>,
    damage: Option<Failure>,
}

impl Exchange<'_> {
    async fn run(&mut self, now: &Clock, places: &Places) -> Result<Answer, Failure> {
        let (marks, url) = (self.marks, &self.request.url);
        if let Some(failure) = local::too_long(url.as_str().len()) {
            return Err(failure);
        }
        let http = &self.client.http;
        let head = marks.scope(http.execute(build(self.request)));
        let head = timeout_at(self.budget.deadline(), head).await.map_err(|_| self.late())?;
        let mut response = match head {
            Ok(response) => response,
            // In a box, as all that few probes need: a future is moved with all its room.
            Err(error) => return Err(Box::pin(self.failed(&error, url)).await),
        };
        let proxy = self.client.proxies.of(url).filter(|_| url.scheme() == "http");
        if let (Some(proxy), 407) = (proxy, response.status().as_u16()) {
            return Err(proxy::refused(proxy, Some(407)));
        }
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

    /// The failure of a request without an answer.
    async fn failed(&mut self, error: &reqwest::Error, url: &Url) -> Failure {
        self.again = failure::again(error);
        let moments = self.marks.moments();
        let deadline = self.budget.deadline();
        if moments.connected.is_none() && Deadline::now() >= deadline {
            return self.late();
        }
        let failure = classify(error, self.marks);
        let Some(proxy) = self.client.proxies.of(url) else { return failure };
        if failure::is_tunnel(error, &moments, proxy) {
            let status = proxy::refusal(proxy, url, &self.client.tls, deadline).await;
            return proxy::refused(proxy, status);
        }
        if speaks_tls(proxy) && moments.connected.is_none() && moments.handshakes == 1 {
            return proxy::without_tls(proxy, failure);
        }
        failure
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
        let mut read = arriving.read(SMALL_BODY, self.budget.deadline()).await;
        if matches!(read, Ok(false)) {
            place = self.budget.wait(places.place()).await;
            if place.is_none() {
                return Body::lost(crowded());
            }
            read = arriving.read(LARGEST_BODY, self.budget.deadline()).await;
        }
        let damage = match read {
            Ok(_) => None,
            Err(BodyError::TooLarge) => return Body::too_large(),
            Err(BodyError::Late) => Some(self.late()),
            Err(BodyError::Silent) => {
                let message = "the answer did not end: nothing followed its JSON for a second";
                let failure = Failure::new(Reason::Timeout, message);
                Some(failure.detail(Detail::Late(Phase::Transfer)))
            }
            Err(BodyError::Broken(error)) => Some(
                no_close_notify(&error)
                    .filter(|_| ends_by_closing)
                    .unwrap_or_else(|| classify(&error, self.marks)),
            ),
        };
        let bytes = arriving.into_bytes();
        if codings.is_empty() {
            return Body { bytes, place, damage };
        }
        let size = if place.is_some() { LARGEST_BODY } else { SMALL_BODY };
        let mut decoded = decode(&bytes, &codings, size);
        if decoded.is_err() && place.is_none() {
            place = self.budget.wait(places.place()).await;
            if place.is_none() {
                return Body::lost(crowded());
            }
            decoded = decode(&bytes, &codings, LARGEST_BODY);
        }
        let Ok((decoded, problem)) = decoded else { return Body::too_large() };
        if problem.is_none() {
            headers.remove(header::CONTENT_ENCODING);
        }
        Body { bytes: decoded.into_owned(), place, damage: damage.or(problem) }
    }

    fn late(&self) -> Failure {
        let phase = self.marks.moments().current_phase();
        let mut message = phase.unfinished(self.budget.timeout());
        if phase == Phase::Connect
            && let Some(addresses) = self.marks.addresses()
        {
            message += &format!("; no connection to any of {addresses}");
        }
        Failure::new(Reason::Timeout, &message).detail(Detail::Late(phase))
    }
}

impl Body {
    /// A body of which nothing is kept.
    fn lost(failure: Failure) -> Self {
        Self { bytes: Vec::new(), place: None, damage: Some(failure) }
    }

    fn too_large() -> Self {
        let message = format!("the answer has more than {} KiB", LARGEST_BODY / 1024);
        Self::lost(malformed("body_too_large", &message))
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
