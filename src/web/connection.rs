//! Accepts connections, limits their number and duration, and adds TLS when the web config has it.
//!
//! Every wait for a client is limited, so that a client cannot keep a connection without end. The
//! handshake and the head of a request have a timeout each. An idle connection has the timeout of
//! the head. An answer has one deadline, from its request to the last byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service;

use crate::web_config::{CurrentWebConfig, WebConfig};

/// The limits of the server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The maximum number of connections over all main listeners; further ones are closed at once.
    /// Together with all probes this stays below the usual limit of 1,024 open files.
    pub connections: usize,
    /// The maximum number of connections of the listeners for `/livez` and `/readyz`. A separate
    /// limit, so that neither kind of listener can block the other.
    pub probe_connections: usize,
    /// How long a client may take for the TLS handshake.
    pub handshake: Duration,
    /// How long a client may take to send the head of its request, and how long a connection may
    /// be idle.
    pub head: Duration,
    /// How long a client may take from its request to the last byte of the answer. Must be longer
    /// than `handshake` and `head`.
    pub answer: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 384,
            probe_connections: 32,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            answer: Duration::from_secs(60),
        }
    }
}

/// The shortest time between two log lines about too many connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Accepts connections.
#[derive(Clone)]
pub struct Acceptor {
    /// The web config with the TLS settings; `None` for listeners that never use TLS.
    current_web_config: Option<Arc<CurrentWebConfig>>,
    places: Arc<Semaphore>,
    bounds: Bounds,
    /// When the last log line about too many connections was written.
    logged: Arc<Mutex<Option<Instant>>>,
}

impl Acceptor {
    /// An acceptor for at most `places` connections.
    #[must_use]
    pub fn new(
        current_web_config: Option<Arc<CurrentWebConfig>>,
        places: usize,
        bounds: Bounds,
    ) -> Self {
        Self {
            current_web_config,
            places: Arc::new(Semaphore::new(places)),
            bounds,
            logged: Arc::default(),
        }
    }

    fn log_too_many_connections(&self) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL) {
            *logged = Some(Instant::now());
            tracing::warn!("too many connections at the same time; further ones are closed");
        }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Connection;
    type Service = Arriving<S>;
    type Future = BoxFuture<'static, io::Result<(Connection, Arriving<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.log_too_many_connections();
            return Box::pin(std::future::ready(Err(io::ErrorKind::ConnectionRefused.into())));
        };
        let web_config = self
            .current_web_config
            .as_ref()
            .map_or_else(Arc::default, |current_web_config| current_web_config.get());
        let bounds = self.bounds;
        Box::pin(async move {
            let tls = web_config.tls().map(|config| TlsAcceptor::from(Arc::clone(config)));
            let wire = match tls {
                None => Wire::Plain(stream),
                Some(tls) => Wire::Tls(Box::new(handshake(tls, stream, bounds.handshake).await?)),
            };
            let deadline = Arc::new(Mutex::new(Instant::now() + bounds.answer));
            let timer = Box::pin(tokio::time::sleep(bounds.answer));
            let arriving = Arriving {
                inner: service,
                accepted_under: AcceptedUnder(web_config),
                deadline: Arc::clone(&deadline),
                timeout: bounds.answer,
            };
            Ok((Connection { wire, deadline, timer, _place: place }, arriving))
        })
    }
}

async fn handshake(
    tls: TlsAcceptor,
    stream: TcpStream,
    timeout: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let peer = stream.peer_addr();
    let done = tokio::time::timeout(timeout, tls.accept(stream))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    if let Err(error) = &done {
        let peer = peer.map_or_else(|_| "?".to_owned(), |peer| peer.to_string());
        tracing::debug!(peer, %error, "no TLS connection");
    }
    done
}

/// The web config that was in force when the connection of a request was accepted.
#[derive(Clone)]
pub struct AcceptedUnder(pub Arc<WebConfig>);

/// The service of one connection. It sets the deadline of each request and adds its
/// [`AcceptedUnder`].
#[derive(Clone)]
pub struct Arriving<S> {
    inner: S,
    accepted_under: AcceptedUnder,
    deadline: Arc<Mutex<Instant>>,
    timeout: Duration,
}

impl<S, B> Service<Request<B>> for Arriving<S>
where
    S: Service<Request<B>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) =
            Instant::now() + self.timeout;
        request.extensions_mut().insert(self.accepted_under.clone());
        self.inner.call(request)
    }
}

/// A connection that counts against the limit, and ends at its deadline.
pub struct Connection {
    wire: Wire,
    /// When the connection ends, unless another request arrives before.
    deadline: Arc<Mutex<Instant>>,
    timer: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// An error after the deadline. Before it, the task is registered to wake at the deadline.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

/// Checks the deadline, then calls the stream.
macro_rules! forward {
    ($self:ident, $cx:ident, $stream:ident => $call:expr) => {{
        let this = $self.get_mut();
        this.check($cx)?;
        match &mut this.wire {
            Wire::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Wire::Tls(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
        }
    }};
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        forward!(self, cx, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        forward!(self, cx, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        forward!(self, cx, stream => stream.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, cx, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, cx, stream => stream.poll_shutdown(cx))
    }
}
