//! Secrets: a type that cannot be printed, where they come from, and a filter that keeps them out
//! of texts that come from outside.

mod command;
mod disguise;
mod needles;
mod redact;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

pub use redact::{HIDDEN, Redactor, UNRESERVED, is_told_secret, looks_random, names_a_secret};

/// Where the value of a credential comes from. Everything but an inline value is read again for
/// each probe.
#[derive(Clone)]
pub enum SecretSource {
    /// Written in the configuration itself.
    Inline(SecretString),
    /// An environment variable of the daemon.
    Environment(String),
    /// A file.
    File(PathBuf),
    /// A systemd credential: a file of this name in `$CREDENTIALS_DIRECTORY`.
    Systemd(String),
    /// What a program prints: its absolute path, then its arguments.
    Command(Vec<String>),
}

/// Told apart by what is configured, an inline value included.
impl PartialEq for SecretSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline(own), Self::Inline(other)) => {
                own.expose_secret() == other.expose_secret()
            }
            (Self::Environment(own), Self::Environment(other))
            | (Self::Systemd(own), Self::Systemd(other)) => own == other,
            (Self::File(own), Self::File(other)) => own == other,
            (Self::Command(own), Self::Command(other)) => own == other,
            _ => false,
        }
    }
}

/// Why a secret could not be read. Never holds the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or not Unicode.
    #[error("the environment variable {0} is not set")]
    Environment(String),
    /// The file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    File {
        /// The path as configured.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// `$CREDENTIALS_DIRECTORY` is not set: not started by systemd, or without `LoadCredential=`.
    #[error(
        "systemd passed no credentials ($CREDENTIALS_DIRECTORY is not set); is there a LoadCredential={0}:… in the unit?"
    )]
    NoCredentialsDirectory(String),
    /// The program could not be started, failed, or took too long.
    #[error("{program}: {problem}")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// What went wrong. Never holds what it printed.
        problem: String,
    },
    /// Nothing but white space.
    #[error("{0} is empty")]
    Empty(String),
}

/// The largest secret that is read, in bytes; a private key with its chain is far below.
const LARGEST: u64 = 64 * 1024;

impl SecretSource {
    /// Reads the value here and now, on this thread, which a file can block; `None` for a program,
    /// which [`SecretSource::run`] is for.
    ///
    /// # Errors
    /// When it cannot be read, or is empty.
    #[must_use]
    pub fn read(&self) -> Option<Result<SecretString, SecretError>> {
        let text = match self {
            Self::Inline(value) => return Some(Ok(value.clone())),
            Self::Environment(name) => {
                std::env::var(name).map_err(|_| SecretError::Environment(name.clone()))
            }
            Self::File(path) => read_file(path),
            Self::Systemd(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(directory) => read_file(&Path::new(&directory).join(name)),
                None => Err(SecretError::NoCredentialsDirectory(name.clone())),
            },
            Self::Command(_) => return None,
        };
        Some(text.and_then(|text| self.trimmed(&text)))
    }

    /// Runs the program that prints the value, at most for `deadline`; `None` for all other
    /// sources.
    ///
    /// # Errors
    /// When it cannot be started, fails, takes too long or prints nothing.
    pub async fn run(&self, deadline: Duration) -> Option<Result<SecretString, SecretError>> {
        let Self::Command(arguments) = self else { return None };
        Some(command::run(arguments, deadline).await.and_then(|text| self.trimmed(&text)))
    }

    /// Surrounding white space is no part of a secret: files end in newlines, and copied values in
    /// blanks.
    fn trimmed(&self, text: &str) -> Result<SecretString, SecretError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            Err(SecretError::Empty(self.to_string()))
        } else {
            Ok(SecretString::from(trimmed))
        }
    }

    /// Whether the value can change while the daemon runs.
    #[must_use]
    pub fn can_change(&self) -> bool {
        matches!(self, Self::File(_) | Self::Systemd(_) | Self::Command(_))
    }

    /// Whether reading the value touches the file system, which can hang.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File(_) | Self::Systemd(_))
    }
}

fn read_file(path: &Path) -> Result<String, SecretError> {
    use std::io::Read;
    let failed = |error| SecretError::File { path: path.to_owned(), error };
    // Opening a named pipe would wait for its writer, perhaps for ever.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("it is no file")));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Where from, never what.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("the inline value"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Systemd(name) => write!(f, "the systemd credential {name}"),
            Self::Command(arguments) => {
                write!(f, "what {} prints", arguments.first().map_or("", String::as_str))
            }
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_file_names_its_path_and_nothing_else() {
        let error = read_file(Path::new("/nonexistent/key")).expect_err("there is no such file");
        assert!(error.to_string().starts_with("cannot read /nonexistent/key: "), "{error}");
    }
}
