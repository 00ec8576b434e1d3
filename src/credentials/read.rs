//! Reads all credentials of a provider.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::error::{CredentialError, SecretError};
use super::source::SecretSource;

/// Name and value of each source. The files together and each command have `timeout`.
///
/// # Errors
/// The first source that cannot be read.
pub async fn read_all(
    sources: &Arc<[(String, SecretSource)]>,
    timeout: Duration,
) -> Result<Vec<(String, SecretString)>, CredentialError> {
    let read = if sources.iter().any(|(_, source)| source.is_file()) {
        let sources = Arc::clone(sources);
        // A network file system can block the thread that reads.
        let reading = tokio::task::spawn_blocking(move || read_without_commands(&sources));
        match tokio::time::timeout(timeout, reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => return Err(CredentialError::Stopped),
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
                .run(timeout)
                .await
                .unwrap_or_else(|| Err(SecretError::Empty(source.to_string()))),
        };
        match secret {
            Ok(secret) => credentials.push((name.clone(), secret)),
            Err(error) => return Err(CredentialError::One { name: name.clone(), error }),
        }
    }
    Ok(credentials)
}

/// The value of each source; `None` for a command.
fn read_without_commands(
    sources: &[(String, SecretSource)],
) -> Vec<Option<Result<SecretString, SecretError>>> {
    sources.iter().map(|(_, source)| source.read()).collect()
}
