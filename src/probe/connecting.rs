//! Opens connections: TCP, a proxy if there is one, and TLS. Marks when each is ready.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tower_service::Service;

use super::dns::System;
use super::marks::mark;
use super::wire::Wire;

type Failed = Box<dyn Error + Send + Sync>;
type Future<T> = Pin<Box<dyn std::future::Future<Output = Result<T, Failed>> + Send>>;

/// TCP to a provider or to a proxy.
#[derive(Clone)]
struct Tcp {
    connector: HttpConnector<System>,
    forwards: bool,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<Wire>;
    type Error = Failed;
    type Future = Future<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, forwards) = (self.connector.call(uri), self.forwards);
        Box::pin(async move {
            let tcp = connecting.await?.into_inner();
            Ok(TokioIo::new(Wire::new(tcp, forwards)))
        })
    }
}

/// Reaches a host directly or through its proxy, without the TLS of the host.
#[derive(Clone)]
pub struct Reach {
    tcp: HttpConnector<System>,
    proxies: Arc<Matcher>,
    /// TLS to a proxy.
    tls: Arc<ClientConfig>,
}

impl Service<Uri> for Reach {
    type Response = MaybeHttpsStream<TokioIo<Wire>>;
    type Error = Failed;
    type Future = Future<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.tcp.clone();
        let Some(proxy) = self.proxies.intercept(&uri) else {
            let mut tcp = Tcp { connector, forwards: false };
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(tcp.call(uri).await?)) });
        };
        let tunnels = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let tcp = Tcp { connector, forwards: !tunnels };
        let mut to_proxy = HttpsConnector::from((tcp, Arc::clone(&self.tls)));
        if !tunnels {
            return to_proxy.call(proxy.uri().clone());
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
        if let Some(login) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(login.clone());
        }
        Box::pin(async move { Ok(tunnel.call(uri).await?) })
    }
}

/// Opens connections and marks when the connector begins and when the connection is ready.
#[derive(Clone)]
pub struct Connector(HttpsConnector<Reach>);

impl Connector {
    /// A connector for these proxies, with this TLS.
    pub fn new(proxies: Arc<Matcher>, tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(System);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let mut tls_of_proxy = tls.clone();
        tls_of_proxy.alpn_protocols.clear();
        let reach = Reach { tcp, proxies, tls: Arc::new(tls_of_proxy) };
        Self(HttpsConnector::from((reach, tls)))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<MaybeHttpsStream<TokioIo<Wire>>>;
    type Error = Failed;
    type Future = Future<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        mark(|moments| moments.connect_start = Some(Instant::now()));
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let connection = connecting.await?;
            mark(|moments| moments.connected = Some(Instant::now()));
            Ok(connection)
        })
    }
}
