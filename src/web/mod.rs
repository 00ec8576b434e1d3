//! The HTTP server: metrics, health, and a page for people. Reads the ledger, changes nothing.

mod health;
mod page;
mod reload;
mod scrape;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::sync::mpsc;

use crate::metrics::Exposition;
use crate::reload::Trigger;
use crate::state::Ledger;

/// How long a client may take to send the head of its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// Has the configuration read again; nothing when that is not allowed over HTTP.
    reload: Option<mpsc::Sender<Trigger>>,
}

impl Faces {
    /// The faces of one ledger. `reload` is given when reloads over HTTP are allowed.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, exposition: Arc<Exposition>, reload: Option<mpsc::Sender<Trigger>>) -> Self {
        Self { ledger, exposition, scrapes: Arc::new(tokio::sync::Semaphore::new(scrape::MOST_AT_ONCE)), reload }
    }
}

/// All routes.
pub fn router(faces: Faces) -> Router {
    Router::new()
        .route("/", get(page::overview))
        .route("/metrics", get(scrape::metrics))
        .route("/healthz", get(health::healthz))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/-/reload", post(reload::reload))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found; see / for what there is\n") })
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
        if any && error.kind() != std::io::ErrorKind::AddrInUse { TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], address.port()))) } else { Err(error) }
    });
    let listener = bound?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves on these listeners until `end`, then lets running answers finish for a moment.
///
/// # Errors
/// When a listener cannot be used.
pub async fn serve(listeners: Vec<TcpListener>, faces: Faces, end: impl Future<Output = ()>) -> std::io::Result<()> {
    let handle: Handle<SocketAddr> = Handle::new();
    let app = router(faces);
    let mut servers = tokio::task::JoinSet::new();
    for listener in listeners {
        let mut server = axum_server::from_tcp(listener)?.handle(handle.clone()).http1_only();
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
        let service = app.clone().into_make_service();
        servers.spawn(async move { server.serve(service).await });
    }
    tokio::select! {
        () = end => {}
        Some(ended) = servers.join_next() => return ended.unwrap_or(Ok(())),
    }
    handle.graceful_shutdown(Some(GRACE));
    while servers.join_next().await.is_some() {}
    Ok(())
}
