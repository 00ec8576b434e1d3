//! The HTTP server: metrics, health, and a page for people. Reads the ledger, changes nothing.

mod api;
mod connection;
mod discovery;
mod gate;
mod health;
mod page;
mod probe;
mod reload;
mod scrape;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::sync::mpsc;

use crate::metrics::Exposition;
use crate::reload::Trigger;
use crate::schedule::{Control, Mode};
use crate::state::Ledger;
use crate::threads::Threads;
use crate::web_config::Doors;
use connection::Acceptor;

pub use connection::Bounds;

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;

/// How long requests may still come over connections that are open when the daemon ends.
const LAST_REQUESTS: Duration = Duration::from_millis(100);

/// How long running answers may take when the daemon ends.
const GRACE: Duration = Duration::from_millis(400);

/// What the handlers read.
#[derive(Clone)]
pub struct Faces {
    /// All providers.
    pub ledger: Arc<Ledger>,
    /// The exposition.
    pub exposition: Arc<Exposition>,
    scrapes: Arc<tokio::sync::Semaphore>,
    threads: Threads,
    /// Has the configuration read again; nothing when that is not allowed over HTTP.
    reload: Option<mpsc::Sender<Trigger>>,
    /// Has providers probed; nothing where nobody probes, as in a test of the faces alone.
    control: Option<Control>,
    mode: Mode,
}

impl Faces {
    /// The faces of one ledger. `reload` is given when reloads over HTTP are allowed.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        exposition: Arc<Exposition>,
        reload: Option<mpsc::Sender<Trigger>>,
    ) -> Self {
        Self {
            ledger,
            exposition,
            scrapes: Arc::new(tokio::sync::Semaphore::new(scrape::MOST_AT_ONCE)),
            threads: Threads::default(),
            reload,
            control: None,
            mode: Mode::default(),
        }
    }

    /// With somebody who probes when asked, or only then.
    #[must_use]
    pub fn probing(mut self, control: Control, mode: Mode) -> Self {
        (self.control, self.mode) = (Some(control), mode);
        self
    }
}

/// All routes.
pub fn router(faces: Faces) -> Router {
    Router::new()
        .route("/", get(page::overview))
        .route("/providers", get(page::provider_by_query))
        .route("/providers/{name}", get(page::provider))
        .route("/reasons", get(page::reasons))
        .route("/assets/{name}", get(page::asset))
        .route("/metrics", get(scrape::metrics))
        .route("/healthz", get(health::healthz))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/probe", get(probe::probe))
        .route("/sd/prometheus", get(discovery::prometheus))
        .route("/api/v1/providers", get(api::providers))
        .route("/api/v1/providers/{name}", get(api::provider))
        .route("/-/reload", post(reload::reload))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found; see / for what there is\n") })
        .layer(axum::middleware::map_response(harden))
        .with_state(faces)
}

/// The routes for whoever starts and stops the daemon: nothing that says what is watched.
fn probes(faces: Faces) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(|| async {
            (StatusCode::NOT_FOUND, "not found; here are /livez and /readyz only\n")
        })
        .layer(axum::middleware::map_response(harden))
        .with_state(faces)
}

/// Headers that every answer gets.
async fn harden(response: Response) -> Response {
    const ALWAYS: [(HeaderName, HeaderValue); 3] = [
        (axum::http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (axum::http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (axum::http::header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    (axum::response::AppendHeaders(ALWAYS), response).into_response()
}

/// Binds an address; told at once, before anything runs, when it is taken.
///
/// # Errors
/// What the system said.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let bound = TcpListener::bind(address).or_else(|error| {
        // `:PORT` means all addresses, also on a host without IPv6.
        let any = address.is_ipv6() && address.ip().is_unspecified();
        if any && error.kind() != std::io::ErrorKind::AddrInUse {
            TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], address.port())))
        } else {
            Err(error)
        }
    });
    let listener = bound?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Where to serve, and for whom.
pub struct Entrances {
    /// Listeners for everything, behind the door.
    pub listeners: Vec<TcpListener>,
    /// Listeners for `/livez` and `/readyz` alone, without TLS and passwords.
    pub probe_listeners: Vec<TcpListener>,
    /// The doors; each new connection and each request asks for the current one.
    pub doors: Arc<Doors>,
    /// How much is borne of clients.
    pub bounds: Bounds,
}

/// Serves until `end`, then lets running answers finish for a moment.
///
/// # Errors
/// When a listener cannot be used.
pub async fn serve(
    entrances: Entrances,
    faces: Faces,
    end: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let Entrances { listeners, probe_listeners, doors, bounds } = entrances;
    let handle: Handle<SocketAddr> = Handle::new();
    let all = router(faces.clone())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&doors), gate::gate));
    let guarded = Acceptor::new(Some(doors), bounds.connections, bounds);
    let plain = Acceptor::new(None, bounds.probe_connections, bounds);
    let mut servers = tokio::task::JoinSet::new();
    let open = listeners.into_iter().map(|listener| (listener, all.clone(), guarded.clone()));
    let bare = probe_listeners
        .into_iter()
        .map(|listener| (listener, probes(faces.clone()), plain.clone()));
    for (listener, app, acceptor) in open.chain(bare) {
        let mut server =
            axum_server::from_tcp(listener)?.handle(handle.clone()).acceptor(acceptor).http1_only();
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_buf_size(LONGEST_HEAD);
        let service = app.layer(DefaultBodyLimit::max(gate::LONGEST_BODY)).into_make_service();
        servers.spawn(async move { server.serve(service).await });
    }
    tokio::select! {
        () = end => {}
        Some(ended) = servers.join_next() => return ended.unwrap_or(Ok(())),
    }
    // No further connections. Those that were accepted just now may still send their request: a
    // connection that is told to end before its first one is closed without an answer, and a scrape
    // would fail over a restart.
    servers.shutdown().await;
    leave(&handle, LAST_REQUESTS).await;
    handle.graceful_shutdown(Some(GRACE));
    leave(&handle, GRACE).await;
    Ok(())
}

/// Waits until all clients have left, or no longer than this.
async fn leave(handle: &Handle<SocketAddr>, longest: Duration) {
    let start = tokio::time::Instant::now();
    while handle.connection_count() > 0 && start.elapsed() < longest {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
