//! A token endpoint that misbehaves on purpose. It runs in threads of this process.
//!
//! Most providers share a port. Each of the first providers has its own port, so that the endpoint
//! can reset its connections before it reads a request, and can close its port.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::Result;
use crate::truth::{Answer, Hostile, TOKEN_PART, World};

/// The number of providers that share a port. It is small, so that the daemon's limit of probes per
/// host never delays them.
const SHARING: usize = 50;

/// An address that no client uses as its source, so that a closed port can be opened again.
const OWN_HOST: [u8; 4] = [127, 0, 0, 2];

/// The longest time that the endpoint keeps a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The endpoint. Dropping it ends its threads.
pub struct Endpoint {
    runtime: Runtime,
    world: Arc<World>,
    shared: Vec<SocketAddr>,
    own: Vec<Own>,
}

struct Own {
    address: SocketAddr,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Endpoint {
    /// Starts to listen. Each of the first `own` providers gets its own port.
    pub fn start(world: &Arc<World>, own: usize) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let mut endpoint =
            Self { runtime, world: Arc::clone(world), shared: Vec::new(), own: Vec::new() };
        for _ in 0..world.len().div_ceil(SHARING) {
            let (address, _) = endpoint.listen(SocketAddr::from(([127, 0, 0, 1], 0)), None)?;
            endpoint.shared.push(address);
        }
        for provider in 0..own {
            let (address, task) =
                endpoint.listen(SocketAddr::from((OWN_HOST, 0)), Some(provider))?;
            endpoint.own.push(Own { address, listening: Mutex::new(Some(task)) });
        }
        Ok(endpoint)
    }

    /// The number of providers with their own port.
    pub fn own(&self) -> usize {
        self.own.len()
    }

    /// The token URL of a provider.
    pub fn url(&self, provider: usize) -> String {
        let address = self
            .own
            .get(provider)
            .map_or_else(|| self.shared[provider % self.shared.len()], |own| own.address);
        format!("http://{address}/t/{provider}")
    }

    /// Closes the provider's own port. From now on connections to it are refused.
    pub fn close(&self, provider: usize) {
        let task =
            self.own[provider].listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // The task ends when the listener is closed. Its result is always "cancelled".
            let _ = self.runtime.block_on(task);
        }
    }

    /// Opens the provider's own port again.
    pub fn open(&self, provider: usize) -> Result<()> {
        let own = &self.own[provider];
        let (_, task) = self.listen(own.address, Some(provider))?;
        *own.listening.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(())
    }

    fn listen(
        &self,
        address: SocketAddr,
        own: Option<usize>,
    ) -> Result<(SocketAddr, JoinHandle<()>)> {
        let listener = self.runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        Ok((address, self.runtime.spawn(accept(listener, Arc::clone(&self.world), own))))
    }
}

async fn accept(listener: TcpListener, world: Arc<World>, own: Option<usize>) {
    loop {
        // A client may have closed the connection already.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            // The client may close the connection at any time.
            let _ = tokio::time::timeout(PATIENCE, converse(stream, &world, own)).await;
        });
    }
}

/// Serves one request. The daemon opens a connection for each.
async fn converse(mut stream: TcpStream, world: &World, own: Option<usize>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    // With this option a close sends a reset. Some faults need it, and it avoids TIME_WAIT: a long
    // campaign would run out of ports.
    stream.set_zero_linger()?;
    if own.is_some_and(|provider| world.resets(provider)) {
        return Ok(());
    }
    let mut request = Vec::with_capacity(1024);
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&request);
    let provider =
        text.split_once("/t/").and_then(|(_, rest)| rest.split(' ').next()?.parse::<usize>().ok());
    let authorization = text
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().starts_with("authorization:").then(|| line[14..].trim())
        })
        .unwrap_or_default();
    let Some((provider, answer)) =
        provider.and_then(|provider| Some((provider, world.decide(provider, authorization)?)))
    else {
        return Ok(());
    };
    match answer {
        Answer::Reset => return Ok(()),
        Answer::Slow | Answer::Silent => {}
        Answer::Cut => {
            let whole = bytes(answer, provider);
            stream.write_all(&whole[..whole.len() - 40]).await?;
            // For every second provider the endpoint closes the connection without a reset.
            if provider % 2 == 0 {
                stream.shutdown().await?;
            } else {
                return Ok(());
            }
        }
        _ => {
            let mut whole = bytes(answer, provider);
            if answer == Answer::Hostile(Hostile::Echo) {
                whole = echo(&text);
            }
            stream.write_all(&whole).await?;
        }
    }
    let mut rest = [0; 64];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Whether the request is complete, with its body.
fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())
        .unwrap_or_default();
    request.len() >= head + 4 + length
}

/// A response of a server that repeats the request.
fn echo(request: &str) -> Vec<u8> {
    let message = format!("{request} {}", request.replace('-', "%2D"));
    let body = serde_json::json!({ "error": "server_error", "error_description": message });
    response("500 It happens", "", "application/json", &body.to_string())
}

/// The bytes of a response that is made to do harm.
fn hostile(kind: Hostile, provider: usize) -> Vec<u8> {
    const JSON: &str = "application/json";
    let failure = |code: &str, message: &str| {
        let body = serde_json::json!({ "error": code, "error_description": message });
        response("500 It happens", "", JSON, &body.to_string())
    };
    match kind {
        Hostile::Echo => failure("server_error", ""),
        Hostile::ManyWords => failure("server_error", &"secret client word ".repeat(10_500)),
        Hostile::NewCode => {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
            failure(&format!("code_{provider}_{now}"), "a new code")
        }
        Hostile::Escapes => {
            failure("server_error", "\u{1b}[2J\u{202e}<script>alert(1)</script>\r\nlevel=ERROR")
        }
        Hostile::LargeBody => response("200 OK", "", JSON, &"[1],".repeat(75_000)),
        Hostile::Deep => response("200 OK", "", JSON, &"[".repeat(10_000)),
        Hostile::ManyMembers => {
            let members: Vec<String> = (0..20_000).map(|n| format!("\"m{n}\":{n}")).collect();
            response("200 OK", "", JSON, &format!("{{{}}}", members.join(",")))
        }
    }
}

/// The bytes of a response.
fn bytes(answer: Answer, provider: usize) -> Vec<u8> {
    const JSON: &str = "application/json";
    let page = "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It \
                works</h1></body></html>";
    let token = || {
        format!(
            "{{\"access_token\":\"{TOKEN_PART}-{provider}-{}\",\
             \"token_type\":\"Bearer\",\"expires_in\":7200}}",
            "x".repeat(200)
        )
    };
    let (status, more, kind, body): (String, String, &str, String) = match answer {
        Answer::Hostile(kind) => return hostile(kind, provider),
        Answer::Refused => (
            "401 Unauthorized".into(),
            String::new(),
            JSON,
            r#"{"error":"invalid_client","error_description":"unknown client or secret"}"#.into(),
        ),
        Answer::ServerError(status) => {
            (format!("{status} It happens"), String::new(), "text/html", page.into())
        }
        Answer::Unavailable => (
            "503 Service Unavailable".into(),
            String::new(),
            JSON,
            r#"{"error":"temporarily_unavailable"}"#.into(),
        ),
        Answer::Html => ("200 OK".into(), String::new(), "text/html", page.into()),
        Answer::Empty => ("200 OK".into(), String::new(), JSON, String::new()),
        Answer::Throttled(seconds) => (
            "429 Too Many Requests".into(),
            format!("Retry-After: {seconds}\r\n"),
            JSON,
            "{}".into(),
        ),
        _ => ("200 OK".into(), String::new(), JSON, token()),
    };
    response(&status, &more, kind, &body)
}

/// A response with this status line, further headers, content type and body.
fn response(status: &str, more: &str, kind: &str, body: &str) -> Vec<u8> {
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!(
        "HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Type: {kind}\r\n{more}Content-Length: \
             {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
