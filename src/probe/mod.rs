//! The only place from which HTTP requests go out.
//!
//! Every probe is a fresh connection with a full handshake, under one deadline, without redirects,
//! with a bounded body. It is measured once, here, around the thing measured.

mod attempt;
mod dns;
mod failure;
mod marks;
mod tls;

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use http::header;
use jiff::Timestamp;
use rustls::RootCertStore;
use secrecy::{ExposeSecret, SecretString};
use tower_layer::Layer;
use tower_service::Service;
use uuid::Uuid;

use crate::authoring::explain::Explanation;
use crate::credentials::read_all;
use crate::outcome::{Code, Failure, Outcome, Probe, Reason};
use crate::provider::{Provider, Proxy, Transport};
use crate::recipe::retry::http_date;
use crate::recipe::{Fingerprints, TokenRequest, TokenResponse};
use crate::time::unix_seconds;
use crate::tls::system_roots;
use attempt::Probing;
use failure::classify;
use marks::{Marks, mark};
use tls::TlsError;

/// The most bytes of a body that are read, after decompression. Token answers have a few hundred.
pub const LARGEST_BODY: usize = 256 * 1024;

/// The name under which credwatch asks.
const USER_AGENT: &str = concat!("credwatch/", env!("CARGO_PKG_VERSION"));

/// What credwatch takes, unless a recipe says otherwise.
const ACCEPT: &str = "application/json";

/// Sends token requests. One for the whole program; clients are made once for each set of settings.
pub struct Prober {
    roots: Mutex<Roots>,
    clients: Mutex<HashMap<Arc<Transport>, Cached>>,
    fingerprints: Fingerprints,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    uuid: Arc<dyn Fn() -> Uuid + Send + Sync>,
}

type Client = Result<reqwest::Client, TlsError>;

/// The certificates of the system, loaded when first needed.
type Roots = Arc<LazyLock<RootCertStore>>;

/// A client, with what its certificate files were when it was made.
#[derive(Clone)]
struct Cached {
    client: Client,
    stamp: Stamp,
    /// When the files were looked at.
    looked: Instant,
}

/// How long a look at certificate files holds: thousands of providers can share them, and each look
/// costs a thread.
const LOOK_HOLDS: Duration = Duration::from_secs(1);

/// Size, time and number of each certificate file; `None` for one that cannot be looked at.
type Stamp = Vec<Option<(u64, SystemTime, u64)>>;

fn stamp(transport: &Transport) -> Stamp {
    transport
        .files()
        .map(|path| {
            std::fs::metadata(path)
                .ok()
                .and_then(|meta| Some((meta.len(), meta.modified().ok()?, meta.ino())))
        })
        .collect()
}

impl Default for Prober {
    fn default() -> Self {
        Self::new()
    }
}

impl Prober {
    /// One without any client yet: they are made when first needed, off the threads of the runtime.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Timestamp::now, Uuid::new_v4)
    }

    /// One whose attempts get time and random number from here, so that they can be repeated.
    #[must_use]
    pub fn with(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        uuid: impl Fn() -> Uuid + Send + Sync + 'static,
    ) -> Self {
        Self {
            roots: Mutex::new(Arc::new(LazyLock::new(system_roots))),
            clients: Mutex::default(),
            fingerprints: Fingerprints::default(),
            now: Arc::new(now),
            uuid: Arc::new(uuid),
        }
    }

    /// Probes a provider once.
    pub async fn probe(&self, provider: &Provider) -> Probe {
        self.run(provider, None).await
    }

    /// Probes a provider once and explains each step.
    pub async fn explain(&self, provider: &Provider) -> (Probe, Explanation) {
        let mut explanation = Explanation::default();
        let probe = self.run(provider, Some(&mut explanation)).await;
        (probe, explanation)
    }

    /// Tries to make the client for these settings, to find what is wrong with its files before a
    /// probe is due.
    ///
    /// # Errors
    /// When a certificate or key file cannot be used.
    pub fn prepare(&self, transport: &Arc<Transport>) -> Result<(), TlsError> {
        new_client(transport, &self.roots()).map(|_| ())
    }

    /// Forgets all clients and the system's certificates: they are made and loaded again for the
    /// probes that follow.
    pub fn refresh(&self) {
        *self.roots.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(LazyLock::new(system_roots));
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn roots(&self) -> Roots {
        Arc::clone(&self.roots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fingerprint of the credentials as they can be read now, to notice that a secret has changed.
    pub async fn credentials(&self, provider: &Provider) -> Option<u128> {
        read_all(&provider.credentials, provider.timeout)
            .await
            .ok()
            .map(|credentials| self.fingerprint(&credentials))
    }

    fn fingerprint(&self, credentials: &[(String, SecretString)]) -> u128 {
        let joined: Vec<&str> =
            credentials.iter().map(|(_, secret)| secret.expose_secret()).collect();
        self.fingerprints.of(&joined.join("\0"))
    }

    async fn run(&self, provider: &Provider, explanation: Option<&mut Explanation>) -> Probe {
        let mut probe = Probe::new(Outcome::Failed(Failure::new(Reason::Secret, "")), (self.now)());
        let failed =
            |probe: Probe, failure: Failure| Probe { outcome: Outcome::Failed(failure), ..probe };
        let credentials = match read_all(&provider.credentials, provider.timeout).await {
            Ok(credentials) => credentials,
            Err(error) => return failed(probe, Failure::new(Reason::Secret, &error.to_string())),
        };
        // What cannot change needs no comparing.
        probe.credentials = provider.can_rotate().then(|| self.fingerprint(&credentials));
        let client = match self.client(&provider.transport).await {
            Ok(client) => client,
            Err(error) => return failed(probe, Failure::new(Reason::Tls, &error.to_string())),
        };
        let attempt = self.attempt(provider);
        probe.started = attempt.now;
        let values = match provider.recipe.begin(&provider.inputs(&credentials), &attempt) {
            Ok(values) => values,
            Err(error) => return failed(probe, error.failure()),
        };
        drop(credentials);
        Probing { prober: self, provider, client, attempt, values, probe, explanation }.run().await
    }

    /// The client for these settings. One with certificate files of its own is made anew when they
    /// have changed: a client certificate can live for hours only. While new files cannot be used,
    /// as when only one of two is written yet, the client before goes on.
    async fn client(&self, transport: &Arc<Transport>) -> Client {
        let known =
            self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(transport).cloned();
        if let Some(known) = &known
            && (transport.files().next().is_none() || known.looked.elapsed() < LOOK_HOLDS)
        {
            return known.client.clone();
        }
        let (roots, wanted) = (self.roots(), Arc::clone(transport));
        // Loading the system's certificates takes milliseconds, reading files may take longer.
        let made = tokio::task::spawn_blocking(move || {
            let (stamp, looked) = (stamp(&wanted), Instant::now());
            if let Some(known) = known.as_ref().filter(|known| known.stamp == stamp) {
                return Cached { looked, ..known.clone() };
            }
            match (new_client(&wanted, &roots), known) {
                (Err(error), Some(Cached { client: Ok(before), .. })) => {
                    tracing::warn!(%error, "changed certificate files cannot be used, those before are");
                    Cached { client: Ok(before), stamp, looked }
                }
                (client, _) => Cached { client, stamp, looked },
            }
        });
        let made = made.await.unwrap_or_else(|_| Cached {
            client: Err(TlsError::Setup("the set-up was stopped".into())),
            stamp: Stamp::new(),
            looked: Instant::now(),
        });
        let client = made.client.clone();
        self.clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(Arc::clone(transport), made);
        client
    }
}

fn new_client(transport: &Transport, roots: &RootCertStore) -> Client {
    let tls = tls::client_config(transport, roots)?;
    // The cryptography seeds itself at its first use, which would show up as TLS time of the first
    // probe.
    let _ = tls.crypto_provider().secure_random.fill(&mut [0; 32]);
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(dns::System))
        .connector_layer(MarkConnected)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(0)
        // A connection lives for one exchange under one deadline: keeping it alive only costs calls
        // into the kernel.
        .tcp_keepalive(None)
        .tcp_keepalive_interval(None)
        .tcp_keepalive_retries(None)
        .tcp_user_timeout(None)
        .http1_max_headers(100)
        .http2_max_header_list_size(32 * 1024)
        .user_agent(USER_AGENT);
    let builder = match &transport.proxy {
        Proxy::Direct => builder.no_proxy(),
        Proxy::Environment => builder,
        Proxy::Url(url) => builder.proxy(reqwest::Proxy::all(url).map_err(|error| {
            TlsError::Setup(format!("the proxy cannot be used: {}", error.without_url()))
        })?),
    };
    builder.build().map_err(|error| TlsError::Setup(error.without_url().to_string()))
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

/// A failure, with the status when the head of an answer was there.
struct Failed {
    status: Option<u16>,
    failure: Failure,
}

impl Failed {
    fn without_status(failure: Failure) -> Self {
        Self { status: None, failure }
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: reqwest::RequestBuilder,
    marks: &Marks,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
) -> Result<TokenResponse, Failed> {
    let wrong = |status: Option<u16>, error: &reqwest::Error| Failed {
        status,
        failure: classify(error, &marks.seen()),
    };
    let request = request.build().map_err(|error| wrong(None, &error))?;
    let mut response = client.execute(request).await.map_err(|error| wrong(None, &error))?;
    let received = now();
    marks.set(|seen| seen.head = Some(Instant::now()));
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let mut body = BytesMut::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| wrong(Some(status.as_u16()), &error))?
    {
        if body.len() + chunk.len() > LARGEST_BODY {
            // What is refused is refused, however long the page that says so.
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

/// The provider's clock minus ours. `Date` has whole seconds, so half a second is what it means on
/// average.
fn clock_skew(response: &TokenResponse) -> Option<f64> {
    let date = http_date(response.headers.get(header::DATE)?.to_str().ok()?)?;
    Some(unix_seconds(date) + 0.5 - unix_seconds(response.received))
}

/// Marks the moment at which a connection is ready: TCP, the proxy's part and TLS.
#[derive(Clone)]
struct MarkConnected;

impl<S> Layer<S> for MarkConnected {
    type Service = Connecting<S>;
    fn layer(&self, inner: S) -> Connecting<S> {
        Connecting { inner }
    }
}

/// See [`MarkConnected`].
#[derive(Clone)]
struct Connecting<S> {
    inner: S,
}

impl<R, S: Service<R>> Service<R> for Connecting<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        mark(|seen| seen.connect_start = Some(Instant::now()));
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let connection = connecting.await?;
            mark(|seen| seen.connected = Some(Instant::now()));
            Ok(connection)
        })
    }
}
