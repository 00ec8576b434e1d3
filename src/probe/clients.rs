//! The HTTP clients: one for each set of settings, built on first use.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use foldhash::fast::RandomState;
use rustls::RootCertStore;
use tokio::time::Instant;

use super::chain::Validity;
use super::connecting::MarkConnected;
use super::dns;
use super::headers::USER_AGENT;
use super::proxy::Proxies;
use super::send::{HttpClient, LARGEST_HEADERS};
use super::tls::{self, TlsError};
use crate::provider::Transport;
use crate::tls::system_roots;

/// The clients built so far.
pub struct Clients {
    roots: Mutex<Roots>,
    made: Mutex<HashMap<(Arc<Transport>, Duration), Slot, RandomState>>,
}

/// A client, or why it cannot be built.
pub type Client = Result<HttpClient, TlsError>;

/// The place of a client. One thread at a time builds it, because a file system that hangs keeps
/// the thread.
type Slot = Arc<tokio::sync::Mutex<Option<Cached>>>;

/// The certificates of the system, loaded on first use.
type Roots = Arc<LazyLock<Arc<RootCertStore>>>;

fn roots() -> Roots {
    Arc::new(LazyLock::new(|| Arc::new(system_roots())))
}

/// A client, with the state of its certificate files when it was built.
struct Cached {
    client: Client,
    stamp: Stamp,
    /// When the files were last checked.
    checked: Instant,
}

impl Cached {
    /// Whether no file of the client can have changed since the last check.
    fn is_current(&self, transport: &Transport) -> bool {
        transport.files().next().is_none() || self.checked.elapsed() < CHECK_INTERVAL
    }
}

/// The time between two checks of certificate files. Thousands of providers can share them, and
/// each check costs a thread.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a client without certificate files of its own may take at least.
const LONGEST_SETUP: Duration = Duration::from_secs(30);

/// The most headers of an answer in HTTP/1.1.
const MOST_HEADERS: usize = 100;

/// The bytes that a provider may send ahead in HTTP/2 (RFC 9113, section 6.9.2).
const HTTP2_WINDOW: u32 = 65_535;

/// Why a client certificate and a proxy that speaks TLS are refused together. The HTTP library has
/// one setting for both handshakes.
const CERTIFICATE_AND_PROXY: &str = "`tls.client_certificate_file` cannot be used with a proxy \
                                     whose URL begins with https://, because the proxy could ask \
                                     for the certificate, too";

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
        Self { roots: Mutex::new(roots()), made: Mutex::default() }
    }
}

impl Clients {
    /// Builds the client for these settings, to find faults in its files before the first probe.
    /// Returns when our client certificate is valid.
    ///
    /// # Errors
    /// When a certificate or key file cannot be used.
    pub fn prepare(transport: &Transport) -> Result<Option<Validity>, TlsError> {
        // The certificates of the system have no faults, and loading them takes long.
        new_client(transport, LONGEST_SETUP, &Arc::new(RootCertStore::empty()))
            .map(|client| client.identity.certificate)
    }

    /// Drops all clients and the system's certificates. Later probes build and load them again.
    pub fn refresh(&self) {
        *self.roots.lock().unwrap_or_else(PoisonError::into_inner) = roots();
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn roots(&self) -> Roots {
        Arc::clone(&self.roots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The client for these settings, and for probes with this timeout. When its certificate files
    /// have changed, it is built again, because a client certificate can be valid for only a few
    /// hours. While the new files cannot be used, for example when only one of two is written, the
    /// old client stays in use.
    pub async fn client(&self, transport: &Arc<Transport>, timeout: Duration) -> Client {
        let slot = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(made.entry((Arc::clone(transport), timeout)).or_default())
        };
        // Mostly it is there, and nothing has to be waited for.
        if let Ok(place) = slot.try_lock()
            && let Some(known) = place.as_ref().filter(|known| known.is_current(transport))
        {
            return known.client.clone();
        }
        let client = Box::pin(current(slot, Arc::clone(transport), timeout, self.roots()));
        // The certificates of the system take seconds on a busy machine, and that is no failure.
        let own_files = transport.files().next().is_some();
        let timeout = if own_files { timeout } else { timeout.max(LONGEST_SETUP) };
        tokio::time::timeout(timeout, client).await.unwrap_or_else(|_| {
            Err(TlsError::Setup(format!(
                "the certificate files could not be read within {timeout:?}"
            )))
        })
    }
}

/// The client of a slot, which is built first if necessary.
async fn current(slot: Slot, transport: Arc<Transport>, timeout: Duration, roots: Roots) -> Client {
    let mut place = slot.lock_owned().await;
    if let Some(known) = place.as_ref().filter(|known| known.is_current(&transport)) {
        return known.client.clone();
    }
    // Loading certificates blocks for milliseconds or longer.
    let building = tokio::task::spawn_blocking(move || {
        let (stamp, checked) = (stamp(&transport), Instant::now());
        let cached = match place.take() {
            Some(known) if known.stamp == stamp => Cached { checked, ..known },
            known => {
                let new = new_client(&transport, timeout, &roots);
                Cached { client: rebuilt(known, new), stamp, checked }
            }
        };
        place.insert(cached).client.clone()
    });
    building.await.unwrap_or_else(|_| Err(TlsError::Setup("the set-up was stopped".into())))
}

/// A new client. The known client is used when the new files cannot be.
fn rebuilt(known: Option<Cached>, new: Client) -> Client {
    match (new, known) {
        (Err(error), Some(Cached { client: Ok(before), .. })) => {
            tracing::warn!(
                %error,
                "the changed certificate files cannot be used, so the old ones stay in use"
            );
            Ok(before)
        }
        (client, _) => client,
    }
}

fn new_client(transport: &Transport, timeout: Duration, roots: &Arc<RootCertStore>) -> Client {
    let proxies = Proxies::new(&transport.proxy, |name| {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    });
    let proxies = Arc::new(proxies.map_err(TlsError::Proxy)?);
    if transport.client_certificate.is_some() && proxies.speak_tls() {
        return Err(TlsError::Proxy(CERTIFICATE_AND_PROXY.to_owned()));
    }
    let (tls, identity) = tls::client_config(transport, roots)?;
    let mut tunnel = tls.clone();
    tunnel.alpn_protocols = vec![b"http/1.1".to_vec()];
    // The cryptography seeds itself on first use, which would count as TLS time of the first probe.
    let _ = tls.crypto_provider().secure_random.fill(&mut [0; 32]);
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(dns::System))
        .connector_layer(MarkConnected)
        // The library divides it among the addresses of a name.
        .connect_timeout(timeout)
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
        // As curl and browsers do. A header that cannot be read is left out.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http2_max_header_list_size(LARGEST_HEADERS)
        // The library keeps all that fits into the window in memory, also while no one reads it.
        .http2_initial_stream_window_size(HTTP2_WINDOW)
        .http2_initial_connection_window_size(HTTP2_WINDOW)
        .user_agent(USER_AGENT);
    let builder = if transport.http1 { builder.http1_only() } else { builder };
    let builder = if proxies.is_empty() {
        builder.no_proxy()
    } else {
        let proxies = Arc::clone(&proxies);
        builder.proxy(reqwest::Proxy::custom(move |url| proxies.of(url).cloned()))
    };
    let http = builder.build();
    let http = http.map_err(|error| TlsError::Setup(error.without_url().to_string()))?;
    Ok(HttpClient { http, identity, proxies, tls: Arc::new(tunnel) })
}
