//! Taking another configuration in while the daemon runs: whole, or not at all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::diagnostic::{Fault, Severity};
use crate::metrics::Daemon as Instruments;
use crate::probe::Prober;
use crate::schedule::{Adopted, Control};
use crate::systemd;
use crate::threads::Threads;
use crate::watch::{Digest, Files};
use crate::web_config::{Door, Doors};

/// Why a reload is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGHUP.
    Signal,
    /// `POST /-/reload`.
    Request,
    /// A file holds something else than it did.
    Files,
}

impl Cause {
    fn word(self) -> &'static str {
        match self {
            Self::Signal => "SIGHUP",
            Self::Request => "request",
            Self::Files => "a file has changed",
        }
    }
}

/// A wish for a reload, and who waits for what comes of it.
pub struct Trigger {
    /// Why.
    pub cause: Cause,
    /// Gets a sentence: what was taken in, or why nothing was.
    pub reply: Option<oneshot::Sender<Result<String, String>>>,
}

/// A configuration as it stands in its files now.
pub struct Reading {
    /// What to run on, or every fault.
    pub outcome: Result<Fresh, Vec<Fault>>,
    /// The files that it came from.
    pub files: Files,
}

/// What a reload can change.
pub struct Fresh {
    /// Who is watched, and how.
    pub adopted: Adopted,
    /// Where to serve, as far as the configuration decides it. Taken in at a start only.
    pub listen_addresses: Vec<SocketAddr>,
    /// Who may come in.
    pub door: Door,
    /// What can be run, but its author would want to know.
    pub warnings: Vec<Fault>,
}

/// Reads the configuration from its files. May block.
pub type Read = Arc<dyn Fn() -> Reading + Send + Sync>;

/// Reads the configuration together with the digest of exactly what was read. `files` are those of
/// the configuration in force; they stay watched when the new one has faults, as it may not have
/// got to where it names them.
///
/// The files are not known before they are read, so when they turn out to be others, they are read
/// again; if they never stay the same, the next look will tell.
pub fn settle(read: &dyn Fn() -> Reading, files: &Files) -> (Reading, Digest) {
    let mut watched = files.clone();
    let mut tries = 3;
    loop {
        tries -= 1;
        // Before it is read: what changes after this is noticed at the next look.
        let digest = watched.digest();
        let mut reading = read();
        if reading.outcome.is_err() {
            reading.files.extend(files);
        }
        if reading.files == watched || tries == 0 {
            return (reading, digest);
        }
        watched = reading.files;
    }
}

/// Files are looked at this often, and less often when reading them takes long.
const PERIOD: Duration = Duration::from_secs(1);

/// Faults that are logged of one reading.
const MOST_LOGGED: usize = 20;

/// What a reloader works with.
pub struct Parts {
    /// Reads the configuration.
    pub read: Read,
    /// The files that the configuration in force came from.
    pub files: Files,
    /// What they held when it was read.
    pub seen: Digest,
    /// Where it serves; empty when it is not the configuration that says so.
    pub listen_addresses: Vec<SocketAddr>,
    /// Reaches the scheduler.
    pub control: Control,
    /// Ask the door in force.
    pub doors: Arc<Doors>,
    /// Has clients that hold certificates from files.
    pub prober: Arc<Prober>,
    /// Say whether it worked.
    pub instruments: Instruments,
}

/// Reloads when it is told to, and when a file changes.
pub struct Reloader {
    parts: Parts,
    threads: Threads,
}

impl Reloader {
    /// One that has not begun yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, threads: Threads::default() }
    }

    /// Works until nobody can send triggers any more.
    pub async fn run(mut self, mut triggers: mpsc::Receiver<Trigger>) {
        let mut pause = PERIOD;
        // Content that was seen once and is not in force. It is taken when it is still there at the
        // next look, so that a file is not read while it is being written.
        let mut fresh = None;
        loop {
            tokio::select! {
                trigger = triggers.recv() => {
                    let Some(trigger) = trigger else { return };
                    let outcome = self.reload(trigger.cause).await;
                    if let Some(reply) = trigger.reply {
                        let _ = reply.send(outcome);
                    }
                    fresh = None;
                }
                () = tokio::time::sleep(pause) => {
                    let start = Instant::now();
                    let digest = self.digest().await;
                    pause = PERIOD.max(start.elapsed() * 50);
                    if digest == self.parts.seen {
                        fresh = None;
                    } else if fresh == Some(digest) {
                        fresh = None;
                        let _ = self.reload(Cause::Files).await;
                    } else {
                        fresh = Some(digest);
                    }
                }
            }
        }
    }

    async fn digest(&self) -> Digest {
        let files = self.parts.files.clone();
        let seen = self.parts.seen;
        self.threads.call(move || files.digest()).await.unwrap_or(seen)
    }

    async fn reload(&mut self, cause: Cause) -> Result<String, String> {
        systemd::reloading();
        let outcome = self.attempt().await;
        systemd::ready();
        match &outcome {
            Ok(changes) => {
                self.parts.instruments.configured(Timestamp::now());
                tracing::info!(cause = cause.word(), changes, "configuration reloaded");
            }
            Err(problem) => {
                self.parts.instruments.refused();
                tracing::error!(
                    cause = cause.word(),
                    problem,
                    "configuration refused, the one before stays in force"
                );
            }
        }
        outcome
    }

    async fn attempt(&mut self) -> Result<String, String> {
        let (read, files) = (Arc::clone(&self.parts.read), self.parts.files.clone());
        let settled = self
            .threads
            .call(move || settle(&*read, &files))
            .await
            .ok_or("reading it was stopped")?;
        let reading;
        (reading, self.parts.seen) = settled;
        self.parts.files = reading.files;
        let fresh = reading.outcome.map_err(|faults| {
            log(&faults);
            let errors: Vec<&Fault> =
                faults.iter().filter(|fault| fault.severity == Severity::Error).collect();
            let first = errors
                .first()
                .map(|fault| format!("{}: {}", fault.place(), fault.message))
                .unwrap_or_default();
            match errors.len() {
                0 | 1 => first,
                count => format!("{first} (and {} more)", count - 1),
            }
        })?;
        log(&fresh.warnings);
        if !self.parts.listen_addresses.is_empty()
            && fresh.listen_addresses != self.parts.listen_addresses
        {
            tracing::warn!(
                "`web.listen_addresses` has changed: that takes a restart, the addresses before stay in use"
            );
        }
        let changes =
            self.parts.control.adopt(fresh.adopted).await.ok_or("the scheduler has ended")?;
        self.parts.prober.refresh();
        self.parts.doors.replace(fresh.door);
        Ok(format!(
            "{} added, {} changed, {} removed, {} unchanged",
            changes.added, changes.changed, changes.removed, changes.kept
        ))
    }
}

/// Writes faults to the log, each with its place.
pub fn log(faults: &[Fault]) {
    for fault in faults.iter().take(MOST_LOGGED) {
        match fault.severity {
            Severity::Error => tracing::error!(
                at = fault.place(),
                hint = fault.hint.as_deref(),
                "{}",
                fault.message
            ),
            Severity::Warning => tracing::warn!(
                at = fault.place(),
                hint = fault.hint.as_deref(),
                "{}",
                fault.message
            ),
        }
    }
    if faults.len() > MOST_LOGGED {
        tracing::warn!(
            count = faults.len() - MOST_LOGGED,
            "more faults than are logged; `credwatch check` shows all"
        );
    }
}
