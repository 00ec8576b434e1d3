//! Marks the moment at which a connection is ready.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tower_layer::Layer;
use tower_service::Service;

use super::marks::mark;

/// Marks when the connector begins and when the connection is ready: TCP, proxy and TLS.
#[derive(Clone)]
pub struct MarkConnected;

impl<S> Layer<S> for MarkConnected {
    type Service = Connecting<S>;
    fn layer(&self, inner: S) -> Connecting<S> {
        Connecting { inner: Arc::new(inner) }
    }
}

/// See [`MarkConnected`].
#[derive(Clone)]
pub struct Connecting<S> {
    /// Shared, because the HTTP library copies the connector six times for each request.
    inner: Arc<S>,
}

impl<R, S> Service<R> for Connecting<S>
where
    R: Send + 'static,
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    /// Always ready: each call waits for its own copy of the connector.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        mark(|moments| moments.connect_start = Some(Instant::now()));
        let mut inner = S::clone(&self.inner);
        Box::pin(async move {
            poll_fn(|context| inner.poll_ready(context)).await?;
            let connection = inner.call(request).await?;
            mark(|moments| moments.connected = Some(Instant::now()));
            Ok(connection)
        })
    }
}
