//! The daemon as users run it: a process that gets HTTP requests and signals, and is always ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Result, wait_for};

/// The longest time for a response.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running daemon; killed when it goes out of scope.
pub struct Daemon {
    child: Mutex<Child>,
    id: u32,
    address: String,
    log: Arc<Mutex<String>>,
}

/// The figures of the kernel about the process of the daemon.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vitals {
    /// Resident memory, in megabytes.
    pub resident: f64,
    /// Open descriptors.
    pub descriptors: usize,
    pub threads: usize,
}

impl Daemon {
    /// Starts the daemon on a free port, without the environment variables that it would read.
    pub fn start(configuration: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_credwatch"));
        for name in [
            "RUST_LOG", "JOURNAL_STREAM", "STATE_DIRECTORY", "HTTP_PROXY", "HTTPS_PROXY",
            "http_proxy", "https_proxy", "CREDENTIALS_DIRECTORY",
        ] {
            command.env_remove(name);
        }
        let file = format!("--config.file={}", configuration.display());
        let state = configuration.parent().map(|folder| folder.join("state")).unwrap_or_default();
        let state = format!("--storage.path={}", state.display());
        command
            .args(["run", &file, &state, "--web.listen-address=127.0.0.1:0"])
            .envs(environment.iter().copied());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().ok_or("no pipe")?;
        let id = child.id();
        let log = Arc::new(Mutex::new(String::new()));
        let mut daemon =
            Self { child: Mutex::new(child), id, address: String::new(), log: Arc::clone(&log) };
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stderr);
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
                log.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
                line.clear();
            }
        });
        daemon.address = wait_for("the daemon to listen", PATIENCE, || {
            daemon.check()?;
            let log = daemon.log();
            let place = log.find(" listen=127.0.0.1:").map(|place| place + " listen=".len());
            Ok(place.and_then(|place| log[place..].split_whitespace().next().map(str::to_owned)))
        })?;
        Ok(daemon)
    }

    /// Returns an error if the process has ended.
    pub fn check(&self) -> Result<()> {
        match self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
            None => Ok(()),
            Some(status) => {
                Err(format!("the daemon has ended with {status}: {}", self.log()).into())
            }
        }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.id.to_string()).status()?;
        if status.success() { Ok(()) } else { Err(format!("kill -{name}: {status}").into()) }
    }

    /// Reads the current figures from `/proc`.
    pub fn vitals(&self) -> Result<Vitals> {
        let folder = format!("/proc/{}", self.id);
        let status = std::fs::read_to_string(format!("{folder}/status"))?;
        let number = |name: &str| {
            status.lines().find_map(|line| {
                line.strip_prefix(name)?.split_whitespace().next()?.parse::<u32>().ok()
            })
        };
        let resident = f64::from(number("VmRSS:").ok_or("no VmRSS")?) * 1024.0 / 1e6;
        let threads = usize::try_from(number("Threads:").ok_or("no Threads")?)?;
        Ok(Vitals {
            resident,
            descriptors: std::fs::read_dir(format!("{folder}/fd"))?.count(),
            threads,
        })
    }

    /// Gets a path on a new connection.
    pub fn get(&self, path: &str) -> Result<String> {
        self.get_with(path, &[200])
    }

    /// Gets a path whose response has one of these statuses. HTTP/1.0 avoids a chunked body.
    pub fn get_with(&self, path: &str, statuses: &[u16]) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let head = text.find("\r\n\r\n").ok_or("an answer without an end of its head")?;
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        if !status.is_some_and(|status| statuses.contains(&status)) {
            return Err(format!("{path}: {}", text.lines().next().unwrap_or_default()).into());
        }
        Ok(text.split_off(head + 4))
    }

    /// Opens a connection for many small requests.
    pub fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(stream), address: self.address.clone() })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A connection that stays open.
pub struct Connection {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Connection {
    /// Gets a path. Returns status and body.
    pub fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or("no status line")?;
        let mut length = None;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>().ok();
            }
        }
        let mut body = vec![0; length.ok_or("an answer without a length")?];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}
