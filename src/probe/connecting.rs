//! Marks the moment at which a connection is ready.

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
        Connecting { inner }
    }
}

/// See [`MarkConnected`].
#[derive(Clone)]
pub struct Connecting<S> {
    inner: S,
}

impl<R, S: Service<R>> Service<R> for Connecting<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        mark(|moments| moments.connect_start = Some(Instant::now()));
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let connection = connecting.await?;
            mark(|moments| moments.connected = Some(Instant::now()));
            Ok(connection)
        })
    }
}
