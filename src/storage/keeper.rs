//! Saves the state from time to time, and a last time at the stop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::database::{Database, Unusable, guarded};
use super::folder::SaveError;
use super::open::{Open, Shared};
use super::readers::Readers;
use crate::metrics::Daemon as Instruments;
use crate::state::Ledger;

/// How often the state is saved. A crash of the machine loses at most this much of failures and
/// changes, and ten times as much of the rest.
const PERIOD: Duration = Duration::from_secs(60);

/// How long the daemon waits for one save, also when it stops. A disk can hang without end.
pub const LONGEST_SAVE: Duration = Duration::from_secs(5);

/// The directory that holds the state and the history.
pub struct Storage {
    path: PathBuf,
    /// `None` until this process has the lock.
    pub(super) open: Mutex<Option<Open>>,
    /// The database for readers.
    pub(super) shared: Shared,
    pub(super) readers: Readers,
    /// Whether a reader has found damage.
    pub(super) is_damaged: AtomicBool,
    /// Whether the daemon has started without the saved state.
    is_given_up: AtomicBool,
}

impl Storage {
    /// Storage in this directory. This call does not touch the file system, which can hang.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: Mutex::default(),
            shared: Shared::default(),
            readers: Readers::default(),
            is_damaged: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
        }
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that the saved state was not read in time.
    pub fn not_read(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// Whether the daemon has started without the saved state.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    /// Saves the state every minute, and a last time when `end` completes.
    pub async fn keep(
        self: Arc<Self>,
        ledger: Arc<Ledger>,
        instruments: Instruments,
        end: impl Future<Output = ()>,
    ) {
        let mut end = std::pin::pin!(end);
        let mut report = Report { path: self.path.clone(), instruments, failing: false };
        let storage = Arc::clone(&self);
        report.add(&bounded(move || storage.opened().map(drop)).await);
        loop {
            let ended = tokio::select! {
                () = &mut end => true,
                () = tokio::time::sleep(PERIOD) => false,
            };
            let (storage, ledger) = (Arc::clone(&self), Arc::clone(&ledger));
            report.add(&bounded(move || storage.save(&ledger, ended)).await);
            if ended {
                return;
            }
        }
    }

    /// Saves the state now: all of it at the end, after which the database is closed.
    ///
    /// # Errors
    /// When another process has the lock, an earlier save is not done, or the system refuses.
    /// Nothing is written then.
    pub(super) fn save(&self, ledger: &Ledger, is_end: bool) -> Result<(), SaveError> {
        self.replace_damaged();
        match self.save_once(ledger, is_end) {
            // Another file can take its place now.
            Err(SaveError::Database(problem)) if problem.is_lasting() => {
                self.save_once(ledger, is_end)
            }
            outcome => outcome,
        }
    }

    fn save_once(&self, ledger: &Ledger, is_end: bool) -> Result<(), SaveError> {
        let mut place = self.opened()?;
        let Some(mut open) = place.take() else { return Ok(()) };
        let outcome = guarded(|| open.save(ledger, is_end, ledger.now(), &self.shared));
        if outcome.is_ok() && !is_end {
            *place = Some(open);
            return Ok(());
        }
        self.share(None);
        // The path may name another directory now, so the next save opens it again.
        outcome.map_err(|problem| {
            open.give_up(&self.path, &problem);
            problem.into()
        })
    }

    /// Puts a database aside in which a reader has found damage.
    pub(super) fn replace_damaged(&self) {
        if self.is_damaged.swap(false, Ordering::Relaxed)
            && let Ok(mut place) = self.opened()
            && let Some(open) = place.take()
        {
            self.share(None);
            open.give_up(&self.path, &Unusable::Damaged);
        }
    }

    fn share(&self, database: Option<Arc<Database>>) {
        *self.shared.write().unwrap_or_else(PoisonError::into_inner) = database;
    }

    /// The directory, which is locked and open after this call.
    pub(super) fn opened(&self) -> Result<MutexGuard<'_, Option<Open>>, SaveError> {
        let mut open = match self.open.try_lock() {
            Ok(open) => open,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            // Another thread still waits for the disk.
            Err(TryLockError::WouldBlock) => return Err(SaveError::Slow(LONGEST_SAVE)),
        };
        if open.is_none() {
            let new = Open::new(&self.path)?;
            self.share(Some(Arc::clone(new.database())));
            *open = Some(new);
        }
        Ok(open)
    }
}

/// Runs `work` on another thread and waits at most [`LONGEST_SAVE`] for it.
pub(super) async fn bounded(
    work: impl FnOnce() -> Result<(), SaveError> + Send + 'static,
) -> Result<(), SaveError> {
    match tokio::time::timeout(LONGEST_SAVE, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panicked)) => Err(io::Error::other(panicked).into()),
        Err(_) => Err(SaveError::Slow(LONGEST_SAVE)),
    }
}

/// Reports whether the state is saved: by a metric, and by a log line after each change.
struct Report {
    path: PathBuf,
    instruments: Instruments,
    failing: bool,
}

impl Report {
    fn add(&mut self, outcome: &Result<(), SaveError>) {
        let path = self.path.display();
        match outcome {
            Err(SaveError::Locked) if !self.failing => tracing::warn!(
                %path,
                "another process saves its state in this directory, so this process saves nothing \
                 until the other one ends"
            ),
            Err(error) if !self.failing => tracing::error!(
                %path, %error, "the state cannot be saved; the last saved state stays"
            ),
            Ok(()) if self.failing => tracing::info!(%path, "the state can be saved again"),
            _ => {}
        }
        self.failing = outcome.is_err();
        self.instruments.saved(outcome.is_ok());
    }
}
