//! Reloads the plan while the daemon runs. A plan is used as a whole or not at all.

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
use crate::schedule::{Control, read_held_ends};
use crate::state::Ledger;
use crate::systemd;
use crate::threads::{JobError, OneJob};
use crate::web_config::CurrentWebConfig;

/// What triggered a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGHUP.
    Signal,
    /// `POST /-/reload`.
    Request,
    /// The content of a file has changed.
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
    /// What triggered the reload.
    pub cause: Cause,
    /// Gets a sentence: the changes, or the reason why the plan is refused.
    pub reply: Option<oneshot::Sender<Result<String, String>>>,
}

/// How often the files are checked; less often when reading them takes long.
const PERIOD: Duration = Duration::from_secs(1);

/// How long the reloader waits for the files.
const LONGEST_READING: Duration = Duration::from_secs(30);

/// How many triggers may wait in the queue.
const MOST_TRIGGERS: usize = 4;

/// The queue of triggers. A trigger that finds it full is refused.
#[must_use]
pub fn trigger_queue() -> (mpsc::Sender<Trigger>, mpsc::Receiver<Trigger>) {
    mpsc::channel(MOST_TRIGGERS)
}

/// Reloads the plan after a trigger, and when a file has changed.
pub struct Reloader {
    plan_files: PlanFiles,
    /// The addresses of the HTTP server, which a reload cannot change.
    listen_addresses: Vec<SocketAddr>,
    control: Control,
    current_web_config: Arc<CurrentWebConfig>,
    ledger: Arc<Ledger>,
    prober: Arc<Prober>,
    instruments: Instruments,
    reading: OneJob,
    /// Whether the files could not be read the last time, because they hang.
    slow: bool,
}

impl Reloader {
    /// A reloader for the plan of `plan_files`.
    #[must_use]
    pub fn new(
        plan_files: PlanFiles,
        listen_addresses: Vec<SocketAddr>,
        control: Control,
        current_web_config: Arc<CurrentWebConfig>,
        (ledger, prober): (Arc<Ledger>, Arc<Prober>),
        instruments: Instruments,
    ) -> Self {
        Self {
            ledger,
            plan_files,
            listen_addresses,
            control,
            current_web_config,
            prober,
            instruments,
            reading: OneJob::new(LONGEST_READING),
            slow: false,
        }
    }

    /// Runs until all senders of triggers are dropped.
    pub async fn run(mut self, mut triggers: mpsc::Receiver<Trigger>) {
        let mut pause = PERIOD;
        // The digest of changed files at the last check. A reload starts when the next check finds
        // the same digest, because a file may still be written.
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
                    let digest = self.reading.call(move || files.digest()).await;
                    pause = PERIOD;
                    let digest = match digest {
                        Ok(digest) => digest,
                        Err(error) => {
                            self.cannot_check(&error);
                            continue;
                        }
                    };
                    pause = PERIOD.max(start.elapsed() * 50);
                    let changed = (!self.plan_files.is_current(digest)).then_some(digest);
                    if std::mem::take(&mut self.slow) || changed.is_some() && changed == seen {
                        let _ = self.reload(Cause::Files).await;
                        seen = None;
                    } else {
                        seen = changed;
                    }
                }
            }
        }
    }

    /// Reports once that the files cannot be checked for changes.
    fn cannot_check(&mut self, error: &JobError) {
        if !std::mem::replace(&mut self.slow, true) {
            self.instruments.refused();
            tracing::error!(
                %error, "the files of the configuration cannot be checked for changes"
            );
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
                    "configuration refused, the previous one stays in use"
                );
            }
        }
        outcome
    }

    async fn attempt(&mut self) -> Result<String, String> {
        let mut files = self.plan_files.clone();
        let plan;
        (plan, self.plan_files) = self
            .reading
            .call(move || (files.load(), files))
            .await
            .inspect_err(|_| self.slow = true)
            .map_err(|error| format!("the files cannot be read: {error}"))?;
        let plan = Arc::new(plan.map_err(|faults| refused(&faults))?);
        let dropped = plan.web.protection_dropped_from(&self.current_web_config.get());
        if !dropped.is_empty() {
            return Err(refused(&dropped));
        }
        log_faults(&plan.warnings);
        if plan.listen_addresses != self.listen_addresses {
            tracing::warn!(
                "`web.listen_addresses` has changed: this needs a restart, the previous addresses \
                 stay in use"
            );
        }
        let changes =
            self.control.apply(Arc::clone(&plan)).await.ok_or("the scheduler has ended")?;
        self.prober.refresh();
        tokio::spawn(read_held_ends(Arc::clone(&self.ledger), Arc::clone(&self.prober)));
        self.current_web_config.replace(Arc::clone(&plan.web));
        Ok(format!(
            "{} added, {} changed, {} removed, {} unchanged",
            changes.added, changes.changed, changes.removed, changes.kept
        ))
    }
}

/// Logs the faults of a plan. Returns the first error, and the number of the others.
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
