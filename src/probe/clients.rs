//! The HTTP clients: one for each set of settings, built on first use.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::RootCertStore;

use super::connecting::MarkConnected;
use super::dns;
use super::send::{LARGEST_HEADERS, USER_AGENT};
use super::tls::{self, TlsError};
use crate::provider::{Proxy, Transport};
use crate::tls::system_roots;

/// The clients built so far.
pub struct Clients {
    roots: Mutex<Roots>,
    made: Mutex<HashMap<Arc<Transport>, Cached>>,
}

/// A client, or why it cannot be built.
pub type Client = Result<reqwest::Client, TlsError>;

/// The certificates of the system, loaded on first use.
type Roots = Arc<LazyLock<RootCertStore>>;

/// A client, with the state of its certificate files when it was built.
#[derive(Clone)]
struct Cached {
    client: Client,
    stamp: Stamp,
    /// When the files were last checked.
    checked: Instant,
}

/// The time between two checks of certificate files. Thousands of providers can share them, and
/// each check costs a thread.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The most headers of an answer in HTTP/1.1.
const MOST_HEADERS: usize = 100;

/// The bytes that a provider may send ahead in HTTP/2 (RFC 9113, section 6.9.2).
const HTTP2_WINDOW: u32 = 65_535;

/// Size, time and inode of each certificate file; `None` for a file that cannot be read.
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
    /// Builds the client for these settings, to find faults in its files before the first probe.
    ///
    /// # Errors
    /// When a certificate or key file cannot be used.
    pub fn prepare(&self, transport: &Arc<Transport>) -> Result<(), TlsError> {
        new_client(transport, &self.roots()).map(|_| ())
    }

    /// Drops all clients and the system's certificates. Later probes build and load them again.
    pub fn refresh(&self) {
        *self.roots.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(LazyLock::new(system_roots));
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn roots(&self) -> Roots {
        Arc::clone(&self.roots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The client for these settings. When its certificate files have changed, it is built again,
    /// because a client certificate can be valid for only a few hours. While the new files cannot
    /// be used, for example when only one of two is written, the old client stays in use.
    pub async fn client(&self, transport: &Arc<Transport>) -> Client {
        let known =
            self.made.lock().unwrap_or_else(PoisonError::into_inner).get(transport).cloned();
        if let Some(known) = &known
            && (transport.files().next().is_none() || known.checked.elapsed() < CHECK_INTERVAL)
        {
            return known.client.clone();
        }
        let (roots, wanted) = (self.roots(), Arc::clone(transport));
        // Loading certificates blocks for milliseconds or longer.
        let made = tokio::task::spawn_blocking(move || {
            let (stamp, checked) = (stamp(&wanted), Instant::now());
            if let Some(known) = known.as_ref().filter(|known| known.stamp == stamp) {
                return Cached { checked, ..known.clone() };
            }
            match (new_client(&wanted, &roots), known) {
                (Err(error), Some(Cached { client: Ok(before), .. })) => {
                    tracing::warn!(
                        %error,
                        "the changed certificate files cannot be used, so the old ones stay in use"
                    );
                    Cached { client: Ok(before), stamp, checked }
                }
                (client, _) => Cached { client, stamp, checked },
            }
        });
        let made = made.await.unwrap_or_else(|_| Cached {
            client: Err(TlsError::Setup("the set-up was stopped".into())),
            stamp: Stamp::new(),
            checked: Instant::now(),
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
    // The cryptography seeds itself on first use, which would count as TLS time of the first probe.
    let _ = tls.crypto_provider().secure_random.fill(&mut [0; 32]);
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(dns::System))
        .connector_layer(MarkConnected)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(0)
        // A connection serves one request under a deadline, so keep-alive would only cost system
        // calls.
        .tcp_keepalive(None)
        .tcp_keepalive_interval(None)
        .tcp_keepalive_retries(None)
        .tcp_user_timeout(None)
        .http1_max_headers(MOST_HEADERS)
        .http2_max_header_list_size(LARGEST_HEADERS)
        // The library keeps all that fits into the window in memory, also while no one reads it.
        .http2_initial_stream_window_size(HTTP2_WINDOW)
        .http2_initial_connection_window_size(HTTP2_WINDOW)
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
