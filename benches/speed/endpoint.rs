//! The token endpoint: one cheap process for all programs. It counts its responses.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::process::{self, Worker};
use crate::{Result, authority};

/// The endpoint, seen from the measuring process.
pub struct Endpoint {
    worker: Worker,
    root: PathBuf,
    plain: u16,
    tls: u16,
}

impl Endpoint {
    /// Starts the endpoint on free ports. Writes the certificate of its authority into `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut worker = Worker::start("endpoint", &[folder.as_os_str()])?;
        let numbers = worker.ask()?;
        let [_, _, plain, tls] = numbers[..] else {
            return Err("the endpoint did not answer with four numbers".into());
        };
        Ok(Self {
            worker,
            root: folder.join(authority::ROOT),
            plain: u16::try_from(plain)?,
            tls: u16::try_from(tls)?,
        })
    }

    /// The path of the authority's certificate.
    pub fn root(&self) -> &OsStr {
        self.root.as_os_str()
    }

    /// The token URL, with this host name or address of the loopback.
    pub fn url(&self, tls: bool, host: &str) -> String {
        let (scheme, port) = if tls { ("https", self.tls) } else { ("http", self.plain) };
        format!("{scheme}://{host}:{port}/token")
    }

    /// The number of responses so far. A resumed TLS session is an error, because it costs less.
    pub fn answered(&mut self) -> Result<u64> {
        let numbers = self.worker.ask()?;
        if numbers[1] > 0 { Err("a program resumed a TLS session".into()) } else { Ok(numbers[0]) }
    }
}

/// The data that all connections of the endpoint share.
struct Shared {
    answered: AtomicU64,
    resumed: AtomicU64,
    answer: Vec<u8>,
}

/// Runs the endpoint in this process.
pub fn serve(folder: &Path) -> Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(authority::server(folder)?));
    let shared = Arc::new(Shared {
        answered: AtomicU64::new(0),
        resumed: AtomicU64::new(0),
        answer: token_answer(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ports: Result<(u16, u16)> = runtime.block_on(async {
        Ok((listen(&shared, None).await?, listen(&shared, Some(acceptor)).await?))
    });
    let (plain, tls) = ports?;
    process::answer(|| {
        vec![
            shared.answered.load(Ordering::Relaxed),
            shared.resumed.load(Ordering::Relaxed),
            plain.into(),
            tls.into(),
        ]
    })?;
    runtime.shutdown_background();
    Ok(())
}

/// A token response with the headers of RFC 6749, section 5.1.
fn token_answer() -> Vec<u8> {
    let body = format!(
        r#"{{"access_token":"{}","token_type":"Bearer","expires_in":3600,"scope":"read write"}}"#,
        "eyJhbGciOiJFUzI1NiJ9".repeat(26)
    );
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json;charset=UTF-8\r\n\
         Cache-Control: no-store\r\nPragma: no-cache\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Listens on a free port of the loopback, and on the same port of IPv6 if possible.
async fn listen(shared: &Arc<Shared>, acceptor: Option<TlsAcceptor>) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    if let Ok(second) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        tokio::spawn(accept(second, Arc::clone(shared), acceptor.clone()));
    }
    tokio::spawn(accept(listener, Arc::clone(shared), acceptor));
    Ok(port)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, acceptor: Option<TlsAcceptor>) {
    loop {
        // A client may have closed the connection already.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
        tokio::spawn(async move {
            // The client may close the connection at any time.
            let _ = connection(stream, &shared, acceptor).await;
        });
    }
}

async fn connection(
    stream: TcpStream,
    shared: &Shared,
    acceptor: Option<TlsAcceptor>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    // The client closes first and would keep each port for a minute, until the search for a free
    // port costs more than the probe. A reset after the client's close avoids that.
    stream.set_zero_linger()?;
    let Some(acceptor) = acceptor else { return converse(stream, shared).await };
    let stream = acceptor.accept(stream).await?;
    if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
        shared.resumed.fetch_add(1, Ordering::Relaxed);
    }
    converse(stream, shared).await
}

/// Answers each complete request until the client closes the connection.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(2048);
    loop {
        match request_length(&buffer) {
            Some(length) if buffer.len() >= length => {
                buffer.drain(..length);
                stream.write_all(&shared.answer).await?;
                stream.flush().await?;
                shared.answered.fetch_add(1, Ordering::Relaxed);
            }
            _ if stream.read_buf(&mut buffer).await? == 0 => return Ok(()),
            _ => {}
        }
    }
}

/// The length of the request at the start of these bytes. `None` if its head is not complete.
fn request_length(bytes: &[u8]) -> Option<usize> {
    const LENGTH: &[u8] = b"content-length:";
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let mut lines = bytes[..head].split(|byte| *byte == b'\n');
    let length = lines.find(|line| {
        line.len() > LENGTH.len() && line[..LENGTH.len()].eq_ignore_ascii_case(LENGTH)
    });
    let body = length.and_then(|line| {
        std::str::from_utf8(&line[LENGTH.len()..]).ok()?.trim().parse::<usize>().ok()
    });
    Some(head + body.unwrap_or(0))
}
