//! Loops that request tokens as fast as possible, each in its own process: the floor, the client
//! library alone, and the prober of credwatch.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use credwatch::outcome::Outcome;
use credwatch::probe::Prober;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{Result, authority, process};

/// The number of requests at a time. It is credwatch's default limit for one host.
pub const CONCURRENCY: usize = 32;

/// `client-1:a-client-secret-of-the-usual-size`
const BASIC: &str = "Basic Y2xpZW50LTE6YS1jbGllbnQtc2VjcmV0LW9mLXRoZS11c3VhbC1zaXpl";
/// The body of the request.
const FORM: &str = "grant_type=client_credentials&scope=read+write";
/// Each response must contain this.
const WANTED: &[u8] = b"\"access_token\":\"";

/// Keeps [`CONCURRENCY`] probes in flight until the standard input ends. Answers each line of input
/// with the number of failures.
fn saturate<F, P>(probe: F) -> Result<()>
where
    F: Fn(usize) -> P + Send + Sync + 'static,
    P: Future<Output = Result<()>> + Send,
{
    // The same runtime as in the daemon.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (probe, failures) = (Arc::new(probe), Arc::new(AtomicU64::new(0)));
    for index in 0..CONCURRENCY {
        let (probe, failures) = (Arc::clone(&probe), Arc::clone(&failures));
        runtime.spawn(async move {
            loop {
                if let Err(error) = probe(index).await
                    && failures.fetch_add(1, Ordering::Relaxed) == 0
                {
                    eprintln!("a probe failed: {error}");
                }
            }
        });
    }
    process::answer(|| vec![failures.load(Ordering::Relaxed)])?;
    runtime.shutdown_background();
    Ok(())
}

/// The floor: `hyper` without a client library, with a new connection for each request.
pub fn floor(url: &str, root: &Path) -> Result<()> {
    let url = url::Url::parse(url)?;
    let tls = if url.scheme() == "https" {
        Some(TlsConnector::from(Arc::new(authority::client(root)?)))
    } else {
        None
    };
    let address = url.socket_addrs(|| None)?.into_iter().next().ok_or("no address")?;
    let name = ServerName::from(address.ip());
    let host = format!("{address}");
    saturate(move |_| {
        let (tls, name, host) = (tls.clone(), name.clone(), host.clone());
        async move {
            let stream = TcpStream::connect(address).await?;
            // Each client library sets it. Without it the end of the handshake delays the request.
            stream.set_nodelay(true)?;
            match tls {
                None => request_with_hyper(stream, &host).await,
                Some(tls) => request_with_hyper(tls.connect(name, stream).await?, &host).await,
            }
        }
    })
}

async fn request_with_hyper(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    host: &str,
) -> Result<()> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::post("/token")
        .header(header::HOST, host)
        .header(header::AUTHORIZATION, BASIC)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from_static(FORM.as_bytes())))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    check(status, &body)
}

/// `reqwest` alone: the cost of the client library over the floor.
pub fn bare_reqwest(url: &str, root: &Path) -> Result<()> {
    let url = reqwest::Url::parse(url)?;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(authority::client(root)?)
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()?;
    saturate(move |_| {
        let request = client
            .post(url.clone())
            .header(header::AUTHORIZATION, BASIC)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(FORM);
        async move {
            let response = request.send().await?;
            let status = response.status();
            check(status, &response.bytes().await?)
        }
    })
}

fn check(status: http::StatusCode, body: &[u8]) -> Result<()> {
    let issued = status.is_success() && body.windows(WANTED.len()).any(|window| window == WANTED);
    if issued { Ok(()) } else { Err(format!("no token in a response with status {status}").into()) }
}

/// The prober of credwatch, with the providers of a configuration file.
pub fn prober(configuration: &Path) -> Result<()> {
    let configuration = credwatch::config::load(configuration)
        .plan
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let (prober, providers) = (Arc::new(Prober::new()), configuration.providers);
    saturate(move |index| {
        let (prober, provider) =
            (Arc::clone(&prober), Arc::clone(&providers[index % providers.len()]));
        async move {
            match prober.probe(&provider).await.outcome {
                Outcome::Issued(_) | Outcome::Accepted => Ok(()),
                Outcome::Failed(failure) => {
                    Err(format!("{}: {}", failure.reason.word(), failure.message.as_str()).into())
                }
            }
        }
    })
}
