//! The peer: Debian's `prometheus-blackbox-exporter` at full load.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use url::form_urlencoded;

use crate::contenders::CONCURRENCY;
use crate::process::Process;
use crate::{Result, client, wait_for};

/// The name of the program.
pub const PROGRAM: &str = "prometheus-blackbox-exporter";

/// Whether the program is installed.
pub fn is_installed() -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(PROGRAM).is_file())
}

/// The configuration: the same token request as for the other programs. The exporter checks the
/// body and verifies the certificate chain.
fn configuration(root: &Path) -> String {
    format!(
        r#"modules:
  token:
    prober: http
    timeout: 10s
    http:
      method: POST
      preferred_ip_protocol: ip4
      follow_redirects: false
      headers:
        Content-Type: application/x-www-form-urlencoded
        Accept: application/json
      body: grant_type=client_credentials&scope=read+write
      basic_auth:
        username: client-1
        password: a-client-secret-of-the-usual-size
      fail_if_body_not_matches_regexp:
        - '"access_token"\s*:\s*"[^"]+"'
      tls_config:
        ca_file: "{}"
"#,
        root.display()
    )
}

/// The exporter and the clients that put it under full load. Dropping this value ends both.
pub struct LoadedExporter {
    process: Process,
    driver: Option<JoinHandle<Result<()>>>,
    stop: Arc<AtomicBool>,
    failures: Arc<AtomicU64>,
}

impl LoadedExporter {
    /// Starts the exporter and the clients.
    pub fn start(root: &Path, folder: &Path, target: &str) -> Result<Self> {
        let file = folder.join("blackbox.yml");
        std::fs::write(&file, configuration(root))?;
        // The exporter cannot choose a free port by itself.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = Command::new(PROGRAM);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error");
        let process = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        wait_for("the exporter", || {
            Ok(client::text(&address, "/-/healthy").is_ok().then_some(()))
        })?;
        let (stop, failures) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("module", "token")
            .append_pair("target", target)
            .finish();
        let shared = (Arc::clone(&stop), Arc::clone(&failures));
        let driver = std::thread::spawn(move || {
            drive(&address, &format!("/probe?{query}"), &shared.0, &shared.1)
        });
        Ok(Self { process, driver: Some(driver), stop, failures })
    }

    /// The process of the exporter.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The number of failed probes so far.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

impl Drop for LoadedExporter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(driver) = self.driver.take() {
            let _ = driver.join();
        }
    }
}

/// Keeps [`CONCURRENCY`] requests in flight, each on its own kept connection.
fn drive(
    address: &str,
    path: &str,
    stop: &Arc<AtomicBool>,
    failures: &Arc<AtomicU64>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CONCURRENCY {
            clients.spawn(send_requests(
                address.to_owned(),
                path.to_owned(),
                Arc::clone(stop),
                Arc::clone(failures),
            ));
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        Ok(())
    })
}

async fn send_requests(
    address: String,
    path: String,
    stop: Arc<AtomicBool>,
    failures: Arc<AtomicU64>,
) -> Result<()> {
    let stream = tokio::net::TcpStream::connect(&address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    while !stop.load(Ordering::Relaxed) {
        let request =
            Request::get(&path).header(header::HOST, &address).body(Empty::<Bytes>::new())?;
        let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        if !body.split(|byte| *byte == b'\n').any(|line| line == b"probe_success 1") {
            failures.fetch_add(1, Ordering::Relaxed);
        }
    }
    drop(sender);
    connection.await??;
    Ok(())
}
