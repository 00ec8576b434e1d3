//! Putting another plan into force while the daemon runs: the whole of it, or nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::diagnostic::{Fault, Severity};
use crate::logging::log_faults;
use crate::metrics::Daemon as Instruments;
use crate::plan::PlanFiles;
use crate::probe::Prober;
use crate::schedule::Control;
use crate::systemd;
use crate::threads::Threads;
use crate::web_config::CurrentWebConfig;

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

/// A request for a reload.
pub struct Trigger {
    /// Why.
    pub cause: Cause,
    /// Gets a sentence: what has changed, or why nothing has.
    pub reply: Option<oneshot::Sender<Result<String, String>>>,
}

/// Files are looked at this often, and less often when reading them takes long.
const PERIOD: Duration = Duration::from_secs(1);

/// Triggers that may wait. A reload answers all that came before it.
pub const MOST_TRIGGERS: usize = 4;

/// Reloads when it is triggered, and when a file changes.
pub struct Reloader {
    plan_files: PlanFiles,
    /// Where the daemon serves.
    listen_addresses: Vec<SocketAddr>,
    control: Control,
    current_web_config: Arc<CurrentWebConfig>,
    prober: Arc<Prober>,
    instruments: Instruments,
    threads: Threads,
}

impl Reloader {
    /// One for the plan that was read from `plan_files` and serves at `listen_addresses`.
    #[must_use]
    pub fn new(
        plan_files: PlanFiles,
        listen_addresses: Vec<SocketAddr>,
        control: Control,
        current_web_config: Arc<CurrentWebConfig>,
        prober: Arc<Prober>,
        instruments: Instruments,
    ) -> Self {
        let threads = Threads::default();
        Self {
            plan_files,
            listen_addresses,
            control,
            current_web_config,
            prober,
            instruments,
            threads,
        }
    }

    /// Runs until the last sender of triggers is gone.
    pub async fn run(mut self, mut triggers: mpsc::Receiver<Trigger>) {
        let mut pause = PERIOD;
        // Content that was seen once and is not in force. It is taken when it is still there at the
        // next look, so that a file is not read while it is being written.
        let mut seen = None;
        loop {
            tokio::select! {
                trigger = triggers.recv() => {
                    let Some(trigger) = trigger else { return };
                    let outcome = self.reload(trigger.cause).await;
                    if let Some(reply) = trigger.reply {
                        let _ = reply.send(outcome);
                    }
                    seen = None;
                }
                () = tokio::time::sleep(pause) => {
                    let start = Instant::now();
                    let files = self.plan_files.clone();
                    let digest = self.threads.call(move || files.digest()).await;
                    pause = PERIOD.max(start.elapsed() * 50);
                    let changed = digest.filter(|digest| !self.plan_files.is_current(*digest));
                    if changed.is_some() && changed == seen {
                        let _ = self.reload(Cause::Files).await;
                        seen = None;
                    } else {
                        seen = changed;
                    }
                }
            }
        }
    }

    async fn reload(&mut self, cause: Cause) -> Result<String, String> {
        systemd::reloading();
        let outcome = self.attempt().await;
        systemd::ready();
        match &outcome {
            Ok(changes) => {
                self.instruments.configured(Timestamp::now());
                tracing::info!(cause = cause.word(), changes, "configuration reloaded");
            }
            Err(problem) => {
                self.instruments.refused();
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
        let mut files = self.plan_files.clone();
        let read = self.threads.call(move || (files.load(), files)).await;
        let plan;
        (plan, self.plan_files) = read.ok_or("reading it was stopped")?;
        let plan = Arc::new(plan.map_err(|faults| refused(&faults))?);
        log_faults(&plan.warnings);
        if plan.listen_addresses != self.listen_addresses {
            tracing::warn!(
                "`web.listen_addresses` has changed: that takes a restart, the addresses before stay in use"
            );
        }
        let changes =
            self.control.apply(Arc::clone(&plan)).await.ok_or("the scheduler has ended")?;
        self.prober.refresh();
        self.current_web_config.replace(Arc::clone(&plan.web));
        Ok(format!(
            "{} added, {} changed, {} removed, {} unchanged",
            changes.added, changes.changed, changes.removed, changes.kept
        ))
    }
}

/// Logs the faults of a plan, and returns them in a sentence.
fn refused(faults: &[Fault]) -> String {
    log_faults(faults);
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
}
