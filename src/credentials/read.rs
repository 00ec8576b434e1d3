//! Reads all credentials of a provider.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::error::{CredentialError, SecretError};
use super::shown;
use super::source::SecretSource;

/// Name and source of each credential of a provider.
pub struct CredentialSources {
    list: Vec<(String, SecretSource)>,
    /// One thread at a time reads the files, because a file system that hangs keeps the thread.
    /// Most providers have no files, and need no memory for it.
    turn: OnceLock<Arc<Semaphore>>,
}

impl CredentialSources {
    /// These sources.
    #[must_use]
    pub fn new(list: Vec<(String, SecretSource)>) -> Self {
        Self { list, turn: OnceLock::new() }
    }

    fn turn(&self) -> &Arc<Semaphore> {
        self.turn.get_or_init(|| Arc::new(Semaphore::new(1)))
    }
}

impl Deref for CredentialSources {
    type Target = [(String, SecretSource)];

    fn deref(&self) -> &Self::Target {
        &self.list
    }
}

impl PartialEq for CredentialSources {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

/// Name and value of each source. The files together and each command have `timeout`.
///
/// # Errors
/// The first source that cannot be read.
pub async fn read_all(
    sources: &Arc<CredentialSources>,
    timeout: Duration,
) -> Result<Vec<(String, SecretString)>, CredentialError> {
    let read = if sources.iter().any(|(_, source)| source.is_file()) {
        match tokio::time::timeout(timeout, read_on_a_thread(sources)).await {
            Ok(Some(read)) => read,
            Ok(None) => return Err(CredentialError::Stopped),
            Err(_) => return Err(CredentialError::Timeout(timeout)),
        }
    } else {
        read_without_commands(sources)
    };
    let mut credentials = Vec::with_capacity(read.len());
    for ((name, source), read) in sources.iter().zip(read) {
        let secret = match read {
            Some(secret) => secret,
            None => source
                .run(timeout, sources.turn())
                .await
                .unwrap_or_else(|| Err(SecretError::Empty(source.to_string()))),
        };
        match secret {
            Ok(secret) => credentials.push((name.clone(), secret)),
            Err(error) => {
                return Err(CredentialError::One { credential: shown::credential(name), error });
            }
        }
    }
    Ok(credentials)
}

/// The value of each source; `None` for a command.
type Values = Vec<Option<Result<SecretString, SecretError>>>;

async fn read_on_a_thread(sources: &Arc<CredentialSources>) -> Option<Values> {
    let turn = Arc::clone(sources.turn()).acquire_owned().await.ok()?;
    let sources = Arc::clone(sources);
    let reading = tokio::task::spawn_blocking(move || {
        let read = read_without_commands(&sources);
        drop(turn);
        read
    });
    reading.await.ok()
}

fn read_without_commands(sources: &[(String, SecretSource)]) -> Values {
    sources.iter().map(|(_, source)| source.read()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_provider_whose_files_hang_keeps_one_thread_and_its_probes_time_out() {
        let file = ("secret".to_owned(), SecretSource::File("/dev/null".into()));
        let sources = Arc::new(CredentialSources::new(vec![file]));
        let hanging = Arc::clone(sources.turn()).acquire_owned().await.expect("it is free");
        for _ in 0..3 {
            let error = read_all(&sources, Duration::from_secs(10)).await.expect_err("it hangs");
            assert!(matches!(error, CredentialError::Timeout(_)), "{error}");
        }
        drop(hanging);
        let error = read_all(&sources, Duration::from_secs(10)).await.expect_err("it is no file");
        assert!(matches!(error, CredentialError::One { .. }), "{error}");
    }
}
