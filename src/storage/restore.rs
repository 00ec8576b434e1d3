//! Reads the saved state at the start.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use redb::ReadTransaction;

use super::database::{Database, read_only};
use super::folder::{DATABASE, Folder, STATE_FILE, SaveError};
use super::keeper::Storage;
use super::open::Open;
use super::read;
use crate::credentials::SecretSource;
use crate::files::{self, FileError};
use crate::state::saved::{self, Touched};
use crate::state::{Entry, Ledger};

/// How long the start waits for the state directory and for the times of the secret files.
pub const LONGEST_RESTORE: Duration = Duration::from_secs(30);

/// There is no directory at the path of the flag or of systemd.
#[derive(Debug, thiserror::Error)]
#[error("--storage.path is no directory: {}", .0.display())]
pub struct NoDirectory(pub PathBuf);

/// Reads the saved state into a new ledger. What cannot be used is renamed and logged, and the
/// daemon starts without it. `configured` is the modification time of the configuration.
///
/// # Errors
/// When there is no directory.
pub fn restore(
    storage: &Storage,
    ledger: &Ledger,
    configured: Option<SystemTime>,
) -> Result<(), NoDirectory> {
    let path = storage.path();
    if !path.is_dir() {
        return Err(NoDirectory(path.to_owned()));
    }
    let start = ledger.now().wall;
    let touched = |entry: &Entry, since| touched(entry, since, configured);
    // Opening the database changes its time.
    let written = |name| fs::metadata(path.join(name)).and_then(|meta| meta.modified()).ok();
    let (old, new) = (written(STATE_FILE), written(DATABASE));
    let opened = storage.opened();
    // The file of an earlier version, which has run last.
    let is_old = old.is_some_and(|old| new.is_none_or(|new| old > new));
    let outcome = match &opened {
        Ok(open) => {
            let database = open.as_ref().filter(|_| !is_old).map(Open::database);
            let moment = database.and_then(|database| database.read().ok());
            match moment.and_then(|moment| restored(storage, ledger, &moment, touched)) {
                Some(providers) => Ok(Some(providers)),
                // What an earlier version knew is older than what is lost.
                None if !is_old && is_lost(storage, open.as_ref()) => Ok(None),
                None => read_old(storage, ledger, touched).inspect_err(|_| {
                    let put_aside = |open: &Open| open.folder().put_aside(STATE_FILE);
                    let _ = open.as_ref().map(put_aside);
                }),
            }
        }
        // The other process writes it, and this one reads it.
        Err(SaveError::Locked) => Ok(Folder::reading(path)
            .and_then(read_only)
            .ok()
            .and_then(|(_database, moment)| restored(storage, ledger, &moment, touched))),
        // The log has it with the first save.
        Err(_) => Ok(None),
    };
    let database =
        opened.as_ref().ok().and_then(|open| Some(Arc::clone(open.as_ref()?.database())));
    drop(opened);
    if !storage.is_given_up() && saved::has_ended_a_back_off(&ledger.roster(), start) {
        save_ended(storage, ledger, database.as_deref(), touched);
    }
    storage.replace_damaged();
    // The file at this path can be a new one by now.
    if storage.is_given_up() {
        return Ok(());
    }
    let path = path.display();
    match outcome {
        Ok(Some(providers)) => tracing::info!(providers, %path, "the saved state is restored"),
        Ok(None) => {}
        Err(problem) => {
            tracing::warn!(%path, problem, "the saved state cannot be used; its file is renamed");
        }
    }
    Ok(())
}

/// Saves which back-offs have ended, before the first probe: a daemon that crashes again and again
/// must not end them again. When that fails, none of them ends.
fn save_ended(
    storage: &Storage,
    ledger: &Ledger,
    database: Option<&Database>,
    touched: impl Fn(&Entry, Timestamp) -> Touched,
) {
    if storage.save(ledger, false).is_ok() {
        return;
    }
    let touched = |entry: &Entry, since| match touched(entry, since) {
        Touched::ByThisStart => Touched::Unknown,
        touched => touched,
    };
    let _ = match database {
        Some(database) => {
            database.read().ok().and_then(|moment| restored(storage, ledger, &moment, touched))
        }
        None => Folder::reading(storage.path())
            .and_then(read_only)
            .ok()
            .and_then(|(_database, moment)| restored(storage, ledger, &moment, touched)),
    };
}

/// Whether there was a database that cannot be used.
fn is_lost(storage: &Storage, open: Option<&Open>) -> bool {
    open.is_some_and(Open::is_replaced) || storage.is_damaged.load(Ordering::Relaxed)
}

/// The number of restored providers; `None` when nothing is saved, or it cannot be read.
fn restored(
    storage: &Storage,
    ledger: &Ledger,
    moment: &ReadTransaction,
    touched: impl Fn(&Entry, Timestamp) -> Touched,
) -> Option<usize> {
    let (roster, now) = (ledger.roster(), ledger.now());
    let (mut rows, mut count) = (0, 0);
    storage.noted(|| {
        read::states(moment, |row| {
            rows += 1;
            count += usize::from(saved::read_one(row, &roster, now, &touched));
        })
    })?;
    (rows > 0).then_some(count)
}

/// The same from the file of an earlier version.
fn read_old(
    storage: &Storage,
    ledger: &Ledger,
    touched: impl Fn(&Entry, Timestamp) -> Touched,
) -> Result<Option<usize>, String> {
    match files::read_text(&storage.path().join(STATE_FILE), files::STATE) {
        Err(FileError::NotFound) => Ok(None),
        Ok(text) => saved::read(&text, &ledger.roster(), ledger.now(), touched).map(Some),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the secrets of an entry may have changed since a time, by the modification times of
/// files. A stored hash of the secret would be exact, but an attacker could use it.
fn touched(entry: &Entry, since: Timestamp, configured: Option<SystemTime>) -> Touched {
    let since = SystemTime::from(since);
    let is_older = |path: &PathBuf| {
        fs::metadata(path).and_then(|meta| meta.modified()).is_ok_and(|written| written <= since)
    };
    let own = entry.provider.transport.client_certificate.iter();
    let is_new = configured.is_none_or(|written| written > since)
        || own.flat_map(|(certificate, key)| [certificate, key]).any(|path| !is_older(path));
    let mut touched = if is_new { Touched::Yes } else { Touched::No };
    for (_, source) in entry.provider.credentials.iter() {
        touched = match (touched, source) {
            (Touched::Yes, _) => return Touched::Yes,
            (before, SecretSource::Inline(_)) => before,
            (before, SecretSource::File(path)) if is_older(path) => before,
            (_, SecretSource::File(_)) => return Touched::Yes,
            // systemd copies its credentials at each start, so their times say nothing.
            (_, SecretSource::Environment(_) | SecretSource::Systemd(_))
            | (Touched::ByThisStart, SecretSource::Command(_)) => Touched::ByThisStart,
            (_, SecretSource::Command(_)) => Touched::Unknown,
        };
    }
    touched
}
