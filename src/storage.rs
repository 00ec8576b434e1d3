//! The state in a directory of the daemon's own, so that a restart neither forgets a runway nor
//! asks a locked account.

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

/// How often the state is written. What is lost when the machine dies is at most that old.
const PERIOD: Duration = Duration::from_secs(60);

/// The name of the file.
const NAME: &str = "state.json";

/// A directory in which the state is kept.
pub struct Storage {
    folder: PathBuf,
}

impl Storage {
    /// One in this directory, which must be there.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Takes what was kept into a ledger that knows nothing yet. What cannot be used is put aside
    /// and told; the daemon starts all the same. `configured` is when the configuration was last
    /// written.
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
                tracing::info!(providers, path = %path.display(), "the state from before the restart is taken up");
            }
            Err(problem) => {
                tracing::warn!(path = %path.display(), problem, "the state from before the restart cannot be used and is put aside");
                let _ = fs::rename(&path, self.folder.join("state.json.unusable"));
            }
        }
    }

    /// Keeps the state: now and then, and a last time when `end` comes.
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
                    tracing::error!(%error, "the state cannot be saved; the one saved before stays");
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

    /// Writes another file and puts it in the place of the one before, so that there is a whole one
    /// at any time.
    ///
    /// # Errors
    /// What the system said; the file before is untouched then.
    pub fn save(&self, ledger: &Ledger) -> io::Result<()> {
        let text = saved::write(&ledger.roster(), ledger.now());
        let fresh = self.folder.join("state.json.new");
        let written = (|| {
            let mut file =
                File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, self.folder.join(NAME))?;
            File::open(&self.folder)?.sync_all()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }
}

/// Whether the secret of an entry may be another since a time, told from when files were written: a
/// hash of the secret would tell it exactly, and would itself be worth stealing.
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
            // systemd makes its copies anew at each start.
            (
                _,
                SecretSource::Environment(_) | SecretSource::Systemd(_) | SecretSource::Command(_),
            ) => Touched::Unknown,
        };
    }
    touched
}
