//! The daemon with a generated configuration.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::endpoint::Endpoint;
use crate::process::Process;
use crate::{Result, client, wait_for};

/// The parameters of a generated configuration.
#[derive(Clone, Copy)]
pub struct Plan {
    /// The number of providers.
    pub providers: usize,
    /// The time from one probe of a provider to the next, in milliseconds.
    pub interval_ms: u64,
    /// Whether the endpoint uses TLS.
    pub tls: bool,
    /// Whether the URL has a host name instead of an address, and the secrets are in files.
    pub as_deployed: bool,
}

impl Plan {
    /// Writes the configuration into `folder`. It has all settings that make a probe cost more.
    pub fn write(&self, endpoint: &Endpoint, folder: &Path) -> Result<std::path::PathBuf> {
        use std::fmt::Write;
        const SECRET: &str = "a-client-secret-of-the-usual-size";
        let secret = folder.join("secret");
        std::fs::write(&secret, format!("{SECRET}\n"))?;
        let url = endpoint.url(self.tls, if self.as_deployed { "localhost" } else { "127.0.0.1" });
        let secret = if self.as_deployed {
            format!("{{ file = \"{}\" }}", secret.display())
        } else {
            format!("{SECRET:?}")
        };
        let name = format!("credwatch-{}-{}-{}", self.providers, self.interval_ms, self.tls);
        let mut more = String::new();
        for first in (IN_ONE_FILE..self.providers).step_by(IN_ONE_FILE) {
            let file = format!("{name}-{first}.toml");
            let end = self.providers.min(first + IN_ONE_FILE);
            std::fs::write(folder.join(&file), providers(first..end, &url, &secret)?)?;
            write!(more, "{file:?}, ")?;
        }
        let settings = format!(
            "provider_files = [{more}]\n[defaults]\ninterval = \"{}ms\"\ntimeout = \"10s\"\n\
             min_lifetime = \"10m\"\ntls.ca_file = \"{}\"\n\n",
            self.interval_ms,
            Path::new(endpoint.root()).display()
        );
        let first = providers(0..self.providers.min(IN_ONE_FILE), &url, &secret)?;
        let path = folder.join(format!("{name}.toml"));
        std::fs::write(&path, settings + &first)?;
        Ok(path)
    }
}

/// A file of the configuration has at most 1,000,000 values.
const IN_ONE_FILE: usize = 50_000;

/// The tables of these providers.
fn providers(numbers: std::ops::Range<usize>, url: &str, secret: &str) -> Result<String> {
    use std::fmt::Write;
    let mut text = String::new();
    for number in numbers {
        writeln!(text, "[providers.provider-{number:05}]\nrecipe = \"oauth2-client-credentials\"")?;
        writeln!(text, "parameters = {{ token_url = {url:?}, scope = \"read write\" }}")?;
        writeln!(
            text,
            "credentials = {{ client_id = \"client-{number}\", client_secret = {secret} }}"
        )?;
        writeln!(text, "labels = {{ team = \"team-{}\", stage = \"prod\" }}", number % 20)?;
        writeln!(text, "required_scopes = [\"read\", \"write\"]\nsecret_expires = 2099-12-31\n")?;
    }
    Ok(text)
}

/// The measured binary: the one of this build, or the one that `CREDWATCH_BINARY` names.
pub fn binary() -> std::path::PathBuf {
    std::env::var_os("CREDWATCH_BINARY")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_credwatch").into())
        .into()
}

/// A running daemon; killed when it goes out of scope.
pub struct Daemon {
    process: Process,
    address: String,
    /// The time from the start to the first 200 of `/livez`.
    pub started_in: Duration,
}

impl Daemon {
    /// Starts the daemon on a free port and waits for `/livez`.
    pub fn start(configuration: &Path) -> Result<Self> {
        let mut command = Command::new(binary());
        let file = format!("--config.file={}", configuration.display());
        command
            .args(["run", &file, "--web.listen-address=127.0.0.1:0"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null());
        let start = Instant::now();
        let mut process = Process::start(&mut command)?;
        let mut log = BufReader::new(process.child().stderr.take().ok_or("no pipe")?);
        let address = listening(&mut log)?;
        wait_for("/livez", || Ok((client::text(&address, "/livez").is_ok()).then_some(())))?;
        let started_in = start.elapsed();
        // A full pipe would stop the daemon.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Ok(Self { process, address, started_in })
    }

    /// The process of the daemon.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits for `/readyz`: each provider has had a probe.
    pub fn wait_until_ready(&self) -> Result<()> {
        wait_for("/readyz", || Ok(client::text(&self.address, "/readyz").is_ok().then_some(())))
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> Result<String> {
        client::text(&self.address, "/metrics")
    }

    /// The number of failed probes so far.
    pub fn failures(&self) -> Result<u64> {
        let metrics = self.metrics()?;
        let samples =
            metrics.lines().filter(|line| line.starts_with("credwatch_probe_failures_total{"));
        Ok(samples.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }
}

/// Reads the log up to the line with the listen address. Returns the address.
fn listening(log: &mut impl BufRead) -> Result<String> {
    const HOST: &str = "127.0.0.1:";
    let mut seen = String::new();
    let mut line = String::new();
    while log.read_line(&mut line)? > 0 {
        if let Some(start) =
            line.find("listen").and_then(|place| Some(place + line[place..].find(HOST)?))
        {
            let port: String =
                line[start + HOST.len()..].chars().take_while(char::is_ascii_digit).collect();
            return Ok(format!("{HOST}{port}"));
        }
        seen.push_str(&line);
        line.clear();
    }
    Err(format!("the daemon ended without listening: {seen}").into())
}
