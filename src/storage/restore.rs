//! Reads the saved state at the start.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::folder::STATE_FILE;
use super::keeper::Storage;
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

/// Reads the state file into a new ledger. A file that cannot be used is renamed and logged, and
/// the daemon starts without it. `configured` is the modification time of the configuration.
///
/// # Errors
/// When there is no directory.
pub fn restore(
    storage: &Storage,
    ledger: &Ledger,
    configured: Option<SystemTime>,
) -> Result<(), NoDirectory> {
    if !storage.path().is_dir() {
        return Err(NoDirectory(storage.path().to_owned()));
    }
    let path = storage.path().join(STATE_FILE);
    let outcome = match files::read_text(&path, files::STATE) {
        Err(FileError::NotFound) => return Ok(()),
        Ok(text) => saved::read(&text, &ledger.roster(), ledger.now(), |entry, since| {
            touched(entry, since, configured)
        }),
        Err(error) => Err(error.to_string()),
    };
    let path = path.display();
    // The file at this path can be a new one by now.
    if storage.is_given_up() {
        return Ok(());
    }
    match outcome {
        Ok(providers) => tracing::info!(providers, %path, "the saved state is restored"),
        // The file belongs to the process that has the lock.
        Err(problem) if storage.put_aside().is_ok() => {
            tracing::warn!(%path, problem, "the saved state cannot be used; its file is renamed");
        }
        Err(problem) => tracing::warn!(%path, problem, "the saved state cannot be used"),
    }
    Ok(())
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
            (
                _,
                SecretSource::Environment(_) | SecretSource::Systemd(_) | SecretSource::Command(_),
            ) => Touched::Unknown,
        };
    }
    touched
}
