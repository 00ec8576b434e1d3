//! The daemon as a process that gets HTTP requests and signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;

use super::{signal, wait_for};

/// A running daemon. Dropping this value kills it.
pub struct Daemon {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    /// Has the configuration. It is removed with the daemon.
    folder: tempfile::TempDir,
}

/// An HTTP response.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Daemon {
    /// Starts `credwatch run` on a free port with this configuration.
    pub fn start(configuration: &str) -> Self {
        Self::start_with(configuration, &[], &[])
    }

    /// Starts a daemon with more arguments and environment variables.
    pub fn start_with(
        configuration: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("credwatch.toml"), configuration).expect("written");
        Self::start_in(folder, arguments, environment)
    }

    /// Starts a daemon with the `credwatch.toml` of this folder.
    pub fn start_in(
        folder: tempfile::TempDir,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let file = folder.path().join("credwatch.toml");
        let mut child = credwatch()
            .arg("run")
            .arg(format!("--config.file={}", file.display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(arguments)
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let copy = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
                copy.lock().expect("not poisoned").push_str(&line);
                line.clear();
            }
        });
        let address = wait_for("the daemon to listen", || {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("the daemon ended with {status}: {}", log.lock().expect("not poisoned"));
            }
            let log = log.lock().expect("not poisoned");
            let place = log.find("listen")?;
            let rest = &log[place..];
            let start = rest.find("127.0.0.1:")?;
            Some(
                rest[start..]
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':'))
                    .collect::<String>(),
            )
        });
        Self { child, address, log, folder }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The folder with its configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces the configuration in one step, by a rename, as an editor does.
    pub fn configure(&self, text: &str) {
        let new = self.folder().join("credwatch.toml.new");
        std::fs::write(&new, text).expect("written");
        std::fs::rename(new, self.folder().join("credwatch.toml")).expect("renamed");
    }

    /// Stops the daemon with SIGTERM. Returns its folder, for the next daemon.
    pub fn stop(mut self) -> tempfile::TempDir {
        self.signal(Signal::TERM);
        assert!(self.wait().success(), "{}", self.log());
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("not poisoned").clone()
    }

    /// Waits until the log has this text. A log line reaches the test after the response that
    /// follows it in the daemon.
    pub fn wait_for_log(&self, text: &str) {
        wait_for(&format!("{text:?} in the log"), || self.log().contains(text).then_some(()));
    }

    /// Gets a path.
    pub fn get(&self, path: &str) -> Answer {
        get(&self.address, path)
    }

    /// Posts an empty body to a path.
    pub fn post(&self, path: &str) -> Answer {
        ask(&self.address, "POST", path, "")
    }

    /// Posts an empty body to a path with more headers. Each header ends with `\r\n`.
    pub fn post_with(&self, path: &str, headers: &str) -> Answer {
        ask(&self.address, "POST", path, headers)
    }

    /// Sends exactly this request and reads until the daemon closes the connection.
    pub fn raw(&self, request: &str) -> Answer {
        exchange(&self.address, request)
    }

    /// Gets a path with more headers. Each header ends with `\r\n`.
    pub fn get_with(&self, path: &str, headers: &str) -> Answer {
        ask(&self.address, "GET", path, headers)
    }

    /// The value of one sample. `name` is its full name with labels, as exposed.
    pub fn sample(&self, name: &str) -> Option<f64> {
        let metrics = self.get("/metrics").body;
        metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits until a provider is in a state.
    pub fn wait_for_state(&self, provider: &str, state: &str) {
        let name = format!("credwatch_provider_state{{provider=\"{provider}\",state=\"{state}\"}}");
        wait_for(&format!("{provider} to be {state}; log: {}", self.log()), || {
            (self.sample(&name) == Some(1.0)).then_some(())
        });
    }

    /// Sends a signal.
    pub fn signal(&self, number: Signal) {
        signal(&self.child, number);
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the daemon to end", || self.child.try_wait().expect("its status"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, without the environment variables that it would read.
pub fn credwatch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_credwatch"));
    for name in [
        "RUST_LOG", "JOURNAL_STREAM", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
        "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC",
        "INVOCATION_ID", "KUBERNETES_SERVICE_HOST", "NO_COLOR",
    ] {
        command.env_remove(name);
    }
    command
}

/// Gets a path of a server on loopback.
pub fn get(address: &str, path: &str) -> Answer {
    ask(address, "GET", path, "")
}

/// Posts an empty body to a path of a server on loopback.
pub fn post(address: &str, path: &str) -> Answer {
    ask(address, "POST", path, "")
}

fn ask(address: &str, method: &str, path: &str, headers: &str) -> Answer {
    exchange(address, &format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n"))
}

/// Sends exactly this request and reads until the server closes the connection.
pub fn exchange(address: &str, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).expect("an answer");
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status =
        head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
