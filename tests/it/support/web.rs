//! The daemon's HTTP server in this process, and clients with and without TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use credwatch::metrics::{Daemon, Exposition};
use credwatch::state::Ledger;
use credwatch::web::{App, Bounds, Hosts, Listeners, serve};
use credwatch::web_config::{CurrentWebConfig, WebConfig};
use rustls::{ClientConnection, StreamOwned};

use super::daemon::Answer;
use super::endpoint::{Authority, Identity};

/// A server on loopback. Dropping this value ends it.
pub struct Server {
    pub address: SocketAddr,
    pub probe_address: SocketAddr,
    pub current_web_config: Arc<CurrentWebConfig>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    /// Starts a server with this web config.
    pub fn with(web_config: WebConfig) -> Self {
        Self::bounded(web_config, Bounds::default())
    }

    /// Starts a server with this web config and these limits.
    pub fn bounded(web_config: WebConfig, bounds: Bounds) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (listener, probe_listener) = (listen(), listen());
        let (address, probe_address) =
            (listener.local_addr().expect("bound"), probe_listener.local_addr().expect("bound"));
        let current_web_config = Arc::new(CurrentWebConfig::new(web_config));
        let ledger = Arc::new(Ledger::new(Vec::new(), &[1.0]));
        let app =
            App::new(Arc::clone(&ledger), Arc::new(Exposition::new(ledger, Daemon::new())), None);
        let listeners = Listeners {
            main: vec![listener],
            probe: vec![probe_listener],
            current_web_config: Arc::clone(&current_web_config),
            hosts: Hosts::default(),
            bounds,
        };
        runtime.spawn(serve(listeners, app, std::future::pending()));
        Self { address, probe_address, current_web_config, runtime: Some(runtime) }
    }

    /// Connects without TLS.
    pub fn connect(&self) -> TcpStream {
        connect(self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    listener
}

/// Connects without TLS, with a read timeout.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    stream
}

/// A folder with a web config and its files.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// Writes a file in the folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes `web.yml` and loads it.
    pub fn load(&self, text: &str) -> Result<WebConfig, String> {
        let path = self.write("web.yml", text);
        WebConfig::load(Some(&path))
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    /// Writes `web.yml` and loads it. Panics on a fault.
    #[track_caller]
    pub fn web_config(&self, text: &str) -> WebConfig {
        self.load(text).unwrap_or_else(|faults| panic!("{faults}"))
    }
}

/// Opens a TLS connection. In TLS 1.3 the client sees a refused certificate only when it reads, so
/// this also makes a request for `/livez`.
pub fn tls(
    address: SocketAddr,
    config: &Arc<rustls::ClientConfig>,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = "localhost".try_into().expect("a name");
    let connection =
        ClientConnection::new(Arc::clone(config), name).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, connect(address));
    ask(&mut stream, "/livez", "")?;
    Ok(stream)
}

/// Sends a GET and reads the response by its length. The connection stays usable.
pub fn ask(stream: &mut (impl Read + Write), path: &str, headers: &str) -> std::io::Result<Answer> {
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").as_bytes())?;
    stream.flush()?;
    answer(stream)
}

/// Reads one response.
pub fn answer(stream: &mut impl Read) -> std::io::Result<Answer> {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        text.push(byte[0].into());
    }
    let head = text.trim_end().to_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or_default();
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let status =
        head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// The header `Authorization: Basic …`.
pub fn login(name: &str, password: &str) -> String {
    use base64::Engine;
    format!(
        "Authorization: Basic {}\r\n",
        base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"))
    )
}

/// A `tls_server_config` with the certificate of [`identity`].
pub const TLS_FILES: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// A folder with `server.crt` and `server.key`, and the authority that issued them.
pub fn identity() -> (Folder, Authority) {
    let (folder, authority) = (Folder::new(), Authority::new("server-ca"));
    put(&folder, &authority.issue("localhost", 2020, 2099));
    (folder, authority)
}

/// Writes `server.crt` and `server.key`.
pub fn put(folder: &Folder, identity: &Identity) {
    folder.write("server.crt", &identity.pem);
    folder.write("server.key", &identity.key_pem());
}

pub fn users(pairs: &[(&str, &str)]) -> String {
    let line = |(name, password): &(&str, &str)| {
        format!("  {name}: {}\n", bcrypt::hash(password, 4).expect("hashed"))
    };
    format!("basic_auth_users:\n{}", pairs.iter().map(line).collect::<String>())
}
