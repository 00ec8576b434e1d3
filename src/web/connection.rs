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
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service;

use super::places::{Mark, Place, Places};
use crate::web_config::{CurrentWebConfig, WebConfig};

/// The limits of the server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The maximum number of connections over all main listeners. A further one takes the place
    /// of the one without progress for the longest time. Together with all probes this stays
    /// below the usual limit of 1,024 open files.
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

/// Accepts connections.
#[derive(Clone)]
pub struct Acceptor {
    /// The web config with the TLS settings; `None` for listeners that never use TLS.
    current_web_config: Option<Arc<CurrentWebConfig>>,
    places: Arc<Places>,
    bounds: Bounds,
}

impl Acceptor {
    /// An acceptor for at most `places` connections.
    #[must_use]
    pub fn new(
        current_web_config: Option<Arc<CurrentWebConfig>>,
        places: usize,
        bounds: Bounds,
    ) -> Self {
        Self { current_web_config, places: Arc::new(Places::new(places)), bounds }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Connection;
    type Service = Arriving<S>;
    type Future = BoxFuture<'static, io::Result<(Connection, Arriving<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Self { current_web_config, places, bounds } = self.clone();
        Box::pin(async move {
            let place = places.enter().await.ok_or(io::ErrorKind::ConnectionRefused)?;
            let web_config = current_web_config.map_or_else(Arc::default, |current| current.get());
            let tls = web_config.tls().map(|config| TlsAcceptor::from(Arc::clone(config)));
            let wire = match tls {
                None => Wire::Plain(stream),
                Some(tls) => tokio::select! {
                    done = handshake(tls, stream, bounds.handshake) => Wire::Tls(Box::new(done?)),
                    () = place.mark().clone().evicted() => {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                },
            };
            let deadline = Arc::new(Mutex::new(Instant::now() + bounds.answer));
            let arriving = Arriving {
                inner: service,
                accepted_under: AcceptedUnder(web_config),
                deadline: Arc::clone(&deadline),
                timeout: bounds.answer,
                mark: place.mark().clone(),
            };
            let connection = Connection {
                wire,
                deadline,
                timer: Box::pin(tokio::time::sleep(bounds.answer)),
                evicted: Box::pin(place.mark().clone().evicted()),
                is_evicted: false,
                place,
            };
            Ok((connection, arriving))
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
    mark: Mark,
}

impl<S, B> Service<Request<B>> for Arriving<S>
where
    S: Service<Request<B>, Response = Response, Future: Send + 'static>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) =
            Instant::now() + self.timeout;
        request.extensions_mut().insert(self.accepted_under.clone());
        self.mark.progress();
        let (answering, mark) = (self.inner.call(request), self.mark.clone());
        Box::pin(async move {
            tokio::select! {
                answer = answering => {
                    mark.progress();
                    answer
                }
                // The connection ends before this answer is sent.
                () = mark.clone().evicted() => Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            }
        })
    }
}

/// A connection that has a place, and ends at its deadline or when it is evicted.
pub struct Connection {
    wire: Wire,
    /// When the connection ends, unless another request arrives before.
    deadline: Arc<Mutex<Instant>>,
    timer: Pin<Box<Sleep>>,
    evicted: BoxFuture<'static, ()>,
    is_evicted: bool,
    place: Place,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// An error after the deadline and after an eviction. Before, the task is registered to wake at
    /// both.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.is_evicted = self.is_evicted || self.evicted.as_mut().poll(cx).is_ready();
        if self.is_evicted {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Notes the progress of a write.
    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.place.mark().progress();
        }
    }
}

/// Checks the connection, then calls its stream.
macro_rules! forward {
    ($this:expr, $cx:ident, $stream:ident => $call:expr) => {{
        let this = $this;
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
        forward!(self.get_mut(), cx, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = forward!(&mut *this, cx, stream => stream.poll_write(cx, bytes));
        this.wrote(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = forward!(&mut *this, cx, stream => stream.poll_write_vectored(cx, pieces));
        this.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self.get_mut(), cx, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self.get_mut(), cx, stream => stream.poll_shutdown(cx))
    }
}
