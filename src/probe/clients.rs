//! The HTTP clients: one for each set of settings, made when it is first needed.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::RootCertStore;

use super::connecting::MarkConnected;
use super::dns;
use super::send::USER_AGENT;
use super::tls::{self, TlsError};
use crate::provider::{Proxy, Transport};
use crate::tls::system_roots;

/// The clients that were made so far.
pub struct Clients {
    roots: Mutex<Roots>,
    made: Mutex<HashMap<Arc<Transport>, Cached>>,
}

/// A client, or why none can be made.
pub type Client = Result<reqwest::Client, TlsError>;

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

impl Default for Clients {
    fn default() -> Self {
        Self { roots: Mutex::new(Arc::new(LazyLock::new(system_roots))), made: Mutex::default() }
    }
}

impl Clients {
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
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn roots(&self) -> Roots {
        Arc::clone(&self.roots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The client for these settings. One with certificate files of its own is made anew when they
    /// have changed: a client certificate can live for hours only. While new files cannot be used,
    /// as when only one of two is written yet, the client before goes on.
    pub async fn client(&self, transport: &Arc<Transport>) -> Client {
        let known =
            self.made.lock().unwrap_or_else(PoisonError::into_inner).get(transport).cloned();
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
        self.made
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
