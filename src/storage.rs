//! Saves the state in a directory, so that the daemon knows token expiries after a restart and
//! keeps backing off from an account that could be locked.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::credentials::SecretSource;
use crate::files::{self, FileError};
use crate::metrics::Daemon as Instruments;
use crate::state::saved::{self, Touched};
use crate::state::{Entry, Ledger};

/// How often the state is saved. A crash of the machine loses at most this much.
const PERIOD: Duration = Duration::from_secs(60);

/// The name of the state file.
const NAME: &str = "state.json";

/// The directory that holds the state file.
pub struct Storage {
    folder: PathBuf,
}

impl Storage {
    /// Storage in this directory, which must exist.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Reads the state file into a new ledger. A file that cannot be used is renamed and logged,
    /// and the daemon starts without it. `configured` is the modification time of the
    /// configuration.
    pub fn restore(&self, ledger: &Ledger, configured: Option<SystemTime>) {
        let path = self.folder.join(NAME);
        let outcome = match files::read_text(&path, files::STATE) {
            Err(FileError::NotFound) => return,
            Ok(text) => saved::read(&text, &ledger.roster(), ledger.now(), |entry, since| {
                touched(entry, since, configured)
            }),
            Err(error) => Err(error.to_string()),
        };
        match outcome {
            Ok(providers) => {
                let path = path.display();
                tracing::info!(providers, %path, "the saved state is restored");
            }
            Err(problem) => {
                tracing::warn!(
                    path = %path.display(),
                    problem,
                    "the saved state cannot be used; its file is renamed"
                );
                let _ = fs::rename(&path, self.folder.join("state.json.unusable"));
            }
        }
    }

    /// Saves the state every minute, and a last time when `end` completes.
    pub async fn keep(
        self,
        ledger: Arc<Ledger>,
        instruments: Instruments,
        end: impl Future<Output = ()>,
    ) {
        let storage = Arc::new(self);
        let mut end = std::pin::pin!(end);
        let mut failing = false;
        loop {
            let ended = tokio::select! {
                () = &mut end => true,
                () = tokio::time::sleep(PERIOD) => false,
            };
            let (storage, ledger) = (Arc::clone(&storage), Arc::clone(&ledger));
            let saved = tokio::task::spawn_blocking(move || storage.save(&ledger))
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)));
            let worked = saved.is_ok();
            instruments.saved(worked);
            match saved {
                Err(error) if !failing => {
                    tracing::error!(
                        %error,
                        "the state cannot be saved; the last saved state stays"
                    );
                }
                Ok(()) if failing => tracing::info!("the state can be saved again"),
                _ => {}
            }
            failing = !worked;
            if ended {
                return;
            }
        }
    }

    /// Writes a new file and renames it over the old one, so that the state file is always whole.
    ///
    /// # Errors
    /// The error of the system. The old file is unchanged then.
    pub fn save(&self, ledger: &Ledger) -> io::Result<()> {
        let text = saved::write(&ledger.roster(), ledger.now());
        let new_path = self.folder.join("state.json.new");
        let written = (|| {
            let mut file = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new_path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new_path, self.folder.join(NAME))?;
            File::open(&self.folder)?.sync_all()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&new_path);
        }
        written
    }
}

/// Whether the secrets of an entry may have changed since a time, by the modification times of
/// files. A stored hash of the secret would be exact, but an attacker could use it.
fn touched(entry: &Entry, since: Timestamp, configured: Option<SystemTime>) -> Touched {
    let since = SystemTime::from(since);
    let mut touched =
        if configured.is_none_or(|written| written > since) { Touched::Yes } else { Touched::No };
    for (_, source) in entry.provider.credentials.iter() {
        touched = match (touched, source) {
            (Touched::Yes, _) => return Touched::Yes,
            (before, SecretSource::Inline(_)) => before,
            (before, SecretSource::File(path)) => {
                match fs::metadata(path).and_then(|meta| meta.modified()) {
                    Ok(written) if written <= since => before,
                    _ => return Touched::Yes,
                }
            }
            // systemd copies its credentials at each start, so their times say nothing.
            (
                _,
                SecretSource::Environment(_) | SecretSource::Systemd(_) | SecretSource::Command(_),
            ) => Touched::Unknown,
        };
    }
    touched
}
