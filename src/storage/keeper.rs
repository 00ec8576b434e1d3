//! Saves the state from time to time, and a last time at the stop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use super::folder::{Folder, SaveError};
use crate::metrics::Daemon as Instruments;
use crate::state::{Ledger, saved};

/// How often the state is saved. A crash of the machine loses at most this much.
const PERIOD: Duration = Duration::from_secs(60);

/// How long the daemon waits for one save, also when it stops. A disk can hang without end.
pub const LONGEST_SAVE: Duration = Duration::from_secs(5);

/// The directory that holds the state file.
pub struct Storage {
    path: PathBuf,
    /// `None` until this process has the lock.
    folder: Mutex<Option<Folder>>,
    /// Whether the state file was not read in time. The first save must not overwrite it.
    is_unread: AtomicBool,
    /// Whether the daemon has started without the state file.
    is_given_up: AtomicBool,
}

impl Storage {
    /// Storage in this directory. This call does not touch the file system, which can hang.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            folder: Mutex::default(),
            is_unread: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
        }
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that the state file was not read in time. The first save renames it, so that a disk
    /// that was only slow loses nothing.
    pub fn not_read(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
        self.is_unread.store(true, Ordering::Relaxed);
    }

    /// Whether the daemon has started without the state file.
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
        report.add(&bounded(move || storage.locked().map(drop)).await);
        loop {
            let ended = tokio::select! {
                () = &mut end => true,
                () = tokio::time::sleep(PERIOD) => false,
            };
            let (storage, ledger) = (Arc::clone(&self), Arc::clone(&ledger));
            report.add(&bounded(move || storage.save(&ledger)).await);
            if ended {
                return;
            }
        }
    }

    /// Saves the state now.
    ///
    /// # Errors
    /// When another process has the lock, an earlier save is not done, or the system refuses. The
    /// old file is unchanged then.
    fn save(&self, ledger: &Ledger) -> Result<(), SaveError> {
        let mut folder = self.locked()?;
        if let Some(folder) = folder.as_ref().filter(|_| self.is_unread.load(Ordering::Relaxed)) {
            match folder.put_aside() {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => self.is_unread.store(false, Ordering::Relaxed),
            }
        }
        let text = saved::write(&ledger.roster(), ledger.now());
        let written = folder.as_ref().map_or(Ok(()), |folder| folder.write(text.as_bytes()));
        if written.is_err() {
            // The path may name another directory now, so the next save opens it again.
            *folder = None;
        }
        written
    }

    /// Renames a state file that cannot be used.
    ///
    /// # Errors
    /// As for [`Storage::save`].
    pub(super) fn put_aside(&self) -> Result<(), SaveError> {
        let folder = self.locked()?;
        Ok(folder.as_ref().map_or(Ok(()), Folder::put_aside)?)
    }

    /// The directory, which is locked after this call.
    fn locked(&self) -> Result<MutexGuard<'_, Option<Folder>>, SaveError> {
        let mut folder = match self.folder.try_lock() {
            Ok(folder) => folder,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            // Another thread still waits for the disk.
            Err(TryLockError::WouldBlock) => return Err(SaveError::Slow(LONGEST_SAVE)),
        };
        if folder.is_none() {
            *folder = Some(Folder::lock(&self.path)?);
        }
        Ok(folder)
    }
}

/// Runs `work` on another thread and waits at most [`LONGEST_SAVE`] for it.
async fn bounded(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_was_not_read_in_time_is_renamed_before_the_first_save() {
        let place = tempfile::tempdir().expect("a folder");
        let (state, aside) =
            (place.path().join("state.json"), place.path().join("state.json.unusable"));
        let storage = Storage::new(place.path().to_owned());
        let ledger = Ledger::new(Vec::new(), &[]);
        storage.not_read();
        storage.save(&ledger).expect("there is no file yet");
        assert!(!aside.exists());
        std::fs::write(&state, "of the run before").expect("written");
        storage.not_read();
        for _ in 0..2 {
            storage.save(&ledger).expect("it is saved");
            assert_eq!(std::fs::read_to_string(&aside).expect("it is there"), "of the run before");
            assert!(std::fs::read_to_string(&state).expect("it is there").contains("version"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_save_on_a_disk_that_hangs_is_given_up_and_no_second_thread_waits_for_it() {
        let place = tempfile::tempdir().expect("a folder");
        let storage = Arc::new(Storage::new(place.path().to_owned()));
        let (answer, disk) = std::sync::mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let hanging = Arc::clone(&storage);
        let save = tokio::spawn(bounded(move || {
            let _folder = hanging.locked()?;
            let _ = begun.send(());
            let _ = disk.recv();
            Ok(())
        }));
        begins.await.expect("the save begins");
        tokio::time::advance(LONGEST_SAVE).await;
        assert!(matches!(save.await.expect("it ran"), Err(SaveError::Slow(_))));
        let ledger = Ledger::new(Vec::new(), &[]);
        assert!(matches!(storage.save(&ledger), Err(SaveError::Slow(_))));
        drop(answer);
        while storage.save(&ledger).is_err() {
            tokio::task::yield_now().await;
        }
    }
}
