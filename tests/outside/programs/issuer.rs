//! Servers that issue tokens and that nobody here wrote, as processes on free ports of loopback.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use credwatch::config;
use credwatch::outcome::{Failure, Issued, Outcome, Probe};
use credwatch::probe::Prober;
use serde_json::Value as Json;

use crate::support::{repository, wait_for, wait_within};

/// Such a server. It says where it listens on its standard output; it is killed by its id when this
/// goes out of scope, and ends by itself when whoever started it is gone.
pub struct Issuer {
    child: Child,
    /// A file without a name, so that nothing stays behind when tests share a server, which is then
    /// never dropped.
    out: File,
    /// Host and port.
    pub address: String,
}

impl Issuer {
    /// Starts it, and waits until it listens.
    pub fn start(what: &str, command: &mut Command) -> Self {
        let (out, err) =
            (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(out.try_clone().expect("the same file"))
            .stderr(err.try_clone().expect("the same file"))
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {what} ({error}); run `make test`, which installs it")
            });
        // Some set up a database first.
        let address = wait_within(Duration::from_secs(60), &format!("{what} to listen"), || {
            if let Some(status) = child.try_wait().expect("its status") {
                panic!("{what} ended with {status}: {}", read(&err));
            }
            said(&read(&out), "listening").first().cloned()
        });
        Self { child, out, address }
    }

    /// Starts a script in `tests/issuers` with the distribution's Python, where `tests/parts.sh`
    /// has put what it needs.
    pub fn script(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("/usr/bin/python3");
        // Warnings are about the age of what it imports.
        command.args(["-B", "-W", "ignore", &format!("{name}.py")]).args(arguments);
        Self::start(name, command.current_dir(repository("tests/issuers")).env_remove("PYTHONPATH"))
    }

    /// What it has said so far on lines that begin with this word.
    pub fn said(&self, word: &str) -> Vec<String> {
        said(&read(&self.out), word)
    }

    /// The same in JSON, of the line with this number, once it is there.
    pub fn told(&self, word: &str, place: usize) -> Json {
        let line = wait_for(&format!("a line of the server with {word}"), || {
            self.said(word).get(place).cloned()
        });
        serde_json::from_str(&line).expect("JSON")
    }

    /// Says that whoever started it is gone, and waits for its end.
    pub fn end(&mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        wait_for("the server to end", || self.child.try_wait().expect("its status"))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rest of each whole line that begins with this word.
fn said(output: &str, word: &str) -> Vec<String> {
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .filter_map(|line| Some(line.strip_prefix(word)?.strip_prefix(' ')?.to_owned()))
        .collect()
}

/// The whole file, wherever its writer stands in it.
fn read(file: &File) -> String {
    let mut content =
        vec![0; usize::try_from(file.metadata().expect("its size").len()).expect("short")];
    let length = file.read_at(&mut content, 0).expect("readable");
    content.truncate(length);
    String::from_utf8_lossy(&content).into_owned()
}

/// Probes a provider once: its recipe, and what else stands in its table. The server has time, as
/// many tests run at once.
pub async fn probe(recipe: &str, more: &str) -> Probe {
    probe_with(&Prober::new(), recipe, more).await
}

/// The same with a clock and a source of chance of the test's own.
pub async fn probe_with(prober: &Prober, recipe: &str, more: &str) -> Probe {
    let configuration = config::load_text(
        "test.toml",
        &format!("[providers.x]\nrecipe = \"{recipe}\"\ntimeout = \"1m\"\n{more}\n"),
    )
    .unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    prober.probe(&configuration.providers[0]).await
}

#[track_caller]
pub fn token(probe: Probe) -> Issued {
    match probe.outcome {
        Outcome::Issued(issued) => issued,
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

#[track_caller]
pub fn failure(probe: Probe) -> Failure {
    match probe.outcome {
        Outcome::Failed(failure) => failure,
        Outcome::Issued(issued) => panic!("{issued:?}"),
    }
}

/// Asserts that the server refused with this status and this code of its own; returns what it said
/// to people.
#[track_caller]
pub fn refusal(probe: Probe, status: u16, code: &str) -> String {
    assert_eq!(probe.status, Some(status), "{code}: {:?}", probe.outcome);
    let failure = failure(probe);
    assert_eq!(
        (failure.reason.class().word(), failure.reason.word(), failure.code.as_str()),
        ("credential", "rejected", code),
        "{failure:?}"
    );
    failure.message.as_str().to_owned()
}
