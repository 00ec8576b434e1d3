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

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_server::accept::Accept;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};
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
            // Else the last piece of a streamed answer waits 40 ms for a delayed acknowledgement.
            stream.set_nodelay(true)?;
            let gated = current_web_config.is_some();
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
                gated,
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

/// The service of one connection. It sets the deadline of each request, and adds its
/// [`AcceptedUnder`] and the [`Mark`] of the connection.
#[derive(Clone)]
pub struct Arriving<S> {
    inner: S,
    accepted_under: AcceptedUnder,
    deadline: Arc<Mutex<Instant>>,
    timeout: Duration,
    /// Whether the gate decides which requests are admitted. Otherwise all are.
    gated: bool,
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
        request.extensions_mut().insert(self.mark.clone());
        self.mark.begin();
        if !self.gated {
            self.mark.admit();
        }
        let in_progress = InProgress(self.mark.clone());
        let (answering, evicted) = (self.inner.call(request), self.mark.clone().evicted());
        Box::pin(async move {
            tokio::select! {
                answer = answering => answer.map(|answer| {
                    answer.map(|body| Body::new(Sending { body, _in_progress: in_progress }))
                }),
                // The connection ends before this answer is sent.
                () = evicted => Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            }
        })
    }
}

/// A request in progress. Dropping it ends the request.
struct InProgress(Mark);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The body of an answer, whose request is in progress until the body is sent.
struct Sending {
    body: Body,
    _in_progress: InProgress,
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
            self.place.mark().wrote();
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use hyper::body::Body as _;

    use super::*;

    /// The answer is ready when the sender is dropped.
    #[derive(Clone)]
    struct Handler(tokio::sync::watch::Receiver<()>);

    impl Service<Request<Body>> for Handler {
        type Response = Response;
        type Error = std::convert::Infallible;
        type Future = BoxFuture<'static, Result<Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            let mark = request.extensions().get::<Mark>().expect("the mark").clone();
            let mut ready = self.0.clone();
            Box::pin(async move {
                mark.admit();
                let _ = ready.changed().await;
                Ok("answer".into_response())
            })
        }
    }

    #[tokio::test]
    async fn the_last_piece_of_an_answer_does_not_wait() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (stream, _) = accepted.expect("a connection");
        let accepted = Acceptor::new(None, 1, Bounds::default()).accept(stream, ()).await;
        let (connection, _) = accepted.expect("a place");
        let Wire::Plain(stream) = &connection.wire else { panic!("no TLS was configured") };
        assert!(stream.nodelay().expect("the option can be read"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_in_progress_until_its_answer_is_sent() {
        let places = Arc::new(Places::new(2));
        let place = places.enter().await.expect("a place");
        let (ready, is_ready) = tokio::sync::watch::channel(());
        let mut service = Arriving {
            inner: Handler(is_ready),
            accepted_under: AcceptedUnder(Arc::default()),
            deadline: Arc::new(Mutex::new(Instant::now())),
            timeout: Duration::from_secs(60),
            gated: true,
            mark: place.mark().clone(),
        };
        let mut answering = service.call(Request::new(Body::empty()));
        assert!((&mut answering).now_or_never().is_none());
        let is_evicted = || place.mark().clone().evicted().now_or_never().is_some();
        // An idle connection goes first, however new it is.
        let further = || async {
            tokio::time::advance(Duration::from_secs(20)).await;
            let idle = places.enter().now_or_never().flatten();
            assert!(places.enter().now_or_never().is_none());
            drop(idle);
        };
        further().await;
        assert!(!is_evicted());
        drop(ready);
        let answer = answering.await.expect("an answer");
        assert_eq!(answer.body().size_hint().exact(), Some(6));
        further().await;
        assert!(!is_evicted());
        drop(answer);
        let idle = places.enter().now_or_never().flatten();
        assert!(places.enter().now_or_never().is_none());
        assert!(is_evicted() && idle.is_some(), "it is idle now");
    }
}
