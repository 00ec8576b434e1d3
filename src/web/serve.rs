//! Serves until the daemon stops.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::task::JoinError;

use super::app::App;
use super::connection::{Acceptor, Bounds};
use super::gate::Gate;
use super::hosts::{HostRule, Hosts};
use super::{gate, routes};
use crate::web_config::CurrentWebConfig;

/// The longest accepted head of a request, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;

/// How long open connections may still send a request when the daemon stops.
const LAST_REQUESTS: Duration = Duration::from_millis(100);

/// How long running answers may take when the daemon stops.
const GRACE: Duration = Duration::from_millis(400);

/// The listeners of the server, with the web config and the limits.
pub struct Listeners {
    /// Listeners for all paths, with the web config.
    pub main: Vec<TcpListener>,
    /// Listeners for only `/livez` and `/readyz`, without TLS and passwords.
    pub probe: Vec<TcpListener>,
    /// The web config. Each new connection and each request uses the current version.
    pub current_web_config: Arc<CurrentWebConfig>,
    /// The hosts that requests may name.
    pub hosts: Hosts,
    /// The limits for clients.
    pub bounds: Bounds,
}

/// Serves until `end`, then gives running answers a moment to finish.
///
/// # Errors
/// When a listener cannot be used.
pub async fn serve(
    listeners: Listeners,
    app: App,
    end: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let Listeners { main, probe, current_web_config, hosts, bounds } = listeners;
    let handle: Handle<SocketAddr> = Handle::new();
    let guarded = Acceptor::new(Some(Arc::clone(&current_web_config)), bounds.connections, bounds);
    let gated = |hosts: HostRule| {
        let gate = Gate { current_web_config: Arc::clone(&current_web_config), hosts };
        routes::all(app.clone()).layer(from_fn_with_state(gate, gate::gate))
    };
    let mut open = Vec::new();
    for listener in main {
        let router = gated(hosts.rule(listener.local_addr()?, &app.telemetry_path));
        open.push((listener, router, guarded.clone()));
    }
    let plain = Acceptor::new(None, bounds.probe_connections, bounds);
    let mut servers = tokio::task::JoinSet::new();
    let bare =
        probe.into_iter().map(|listener| (listener, routes::probes(app.clone()), plain.clone()));
    for (listener, router, acceptor) in open.into_iter().chain(bare) {
        let mut server =
            axum_server::from_tcp(listener)?.handle(handle.clone()).acceptor(acceptor).http1_only();
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_buf_size(LONGEST_HEAD);
        let service = router.layer(DefaultBodyLimit::max(gate::LONGEST_BODY)).into_make_service();
        servers.spawn(async move { server.serve(service).await });
    }
    tokio::select! {
        () = end => {}
        Some(ended) = servers.join_next() => return Err(ended_by_itself(ended)),
    }
    // Accept no further connections, but give accepted ones time for their first request. Otherwise
    // they would be closed without an answer, and a scrape would fail during a restart.
    servers.shutdown().await;
    leave(&handle, LAST_REQUESTS).await;
    handle.graceful_shutdown(Some(GRACE));
    leave(&handle, GRACE).await;
    Ok(())
}

/// The error of a listener that no longer serves.
fn ended_by_itself(ended: Result<std::io::Result<()>, JoinError>) -> std::io::Error {
    match ended {
        Ok(Ok(())) => std::io::Error::other("the HTTP server ended by itself"),
        Ok(Err(error)) => error,
        Err(panicked) => std::io::Error::other(panicked),
    }
}

/// Waits until all connections are closed, at most for `longest`.
async fn leave(handle: &Handle<SocketAddr>, longest: Duration) {
    let start = tokio::time::Instant::now();
    while handle.connection_count() > 0 && start.elapsed() < longest {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_ends_by_itself_or_panics_is_an_error() {
        let panicked = tokio::spawn(async { panic!("on purpose") }).await;
        for ended in [Ok(Ok(())), Ok(Err(std::io::ErrorKind::AddrInUse.into())), panicked] {
            assert!(!ended_by_itself(ended).to_string().is_empty());
        }
    }
}
