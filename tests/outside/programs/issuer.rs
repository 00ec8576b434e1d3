//! Token servers of other projects, as processes on free loopback ports.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use credwatch::config;
use credwatch::outcome::{Failure, Issued, Outcome, Probe};
use credwatch::probe::Prober;
use serde_json::Value as Json;

use crate::support::{repository, wait_for, wait_within};

/// A token server. It prints its address on standard output. Dropping this value kills it, and it
/// ends by itself when its standard input is closed.
pub struct Issuer {
    child: Child,
    /// The standard output. An unnamed file leaves nothing behind, even for a shared server, which
    /// is never dropped.
    out: File,
    /// Host and port.
    pub address: String,
}

impl Issuer {
    /// Starts a server and waits until it listens.
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
        // Some servers set up a database first.
        let address = wait_within(Duration::from_secs(240), &format!("{what} to listen"), || {
            if let Some(status) = child.try_wait().expect("its status") {
                panic!("{what} ended with {status}: {}", read(&err));
            }
            lines(&read(&out), "listening").first().cloned()
        });
        Self { child, out, address }
    }

    /// Starts a script in `tests/issuers` with the distribution's Python. `tests/parts.sh` installs
    /// its libraries.
    pub fn script(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("/usr/bin/python3");
        // Ignores deprecation warnings of old libraries.
        command.args(["-B", "-W", "ignore", &format!("{name}.py")]).args(arguments);
        Self::start(name, command.current_dir(repository("tests/issuers")).env_remove("PYTHONPATH"))
    }

    /// The output lines that begin with this word, without the word.
    pub fn lines(&self, word: &str) -> Vec<String> {
        lines(&read(&self.out), word)
    }

    /// Waits for the line with this word and number. Returns its JSON.
    pub fn json_line(&self, word: &str, place: usize) -> Json {
        let line = wait_for(&format!("a line of the server with {word}"), || {
            self.lines(word).get(place).cloned()
        });
        serde_json::from_str(&line).expect("JSON")
    }

    /// Closes the standard input of the server, and waits for its end.
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

/// The rest of each complete line that begins with this word.
fn lines(output: &str, word: &str) -> Vec<String> {
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .filter_map(|line| Some(line.strip_prefix(word)?.strip_prefix(' ')?.to_owned()))
        .collect()
}

/// The whole file. It does not move the position of the writer.
fn read(file: &File) -> String {
    let mut content =
        vec![0; usize::try_from(file.metadata().expect("its size").len()).expect("short")];
    let length = file.read_at(&mut content, 0).expect("readable");
    content.truncate(length);
    String::from_utf8_lossy(&content).into_owned()
}

/// Probes a provider once, with this recipe and these other keys. The timeout is long, because many
/// tests run at once.
pub async fn probe(recipe: &str, more: &str) -> Probe {
    probe_with(&Prober::new(), recipe, more).await
}

/// Probes a provider once with this prober, which may have its own clock and random numbers.
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
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn failure(probe: Probe) -> Failure {
    match probe.outcome {
        Outcome::Failed(failure) => failure,
        good => panic!("{good:?}"),
    }
}

/// Asserts that the server refused with this status and this code. Returns the message.
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
