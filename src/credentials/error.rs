//! Why a credential cannot be read. No error holds a value, or a name that can be one.

use std::process::ExitStatus;
use std::time::Duration;

use crate::files::{self, FileError};

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or not Unicode.
    #[error("{0} is not set")]
    Environment(String),
    /// The file cannot be read.
    #[error("cannot read {file}: {error}")]
    File {
        /// The path as configured, if it may be shown.
        file: String,
        /// Why.
        error: FileError,
    },
    /// `$CREDENTIALS_DIRECTORY` is not set, and the running service has no such credential: the
    /// service does not run, or its unit has no `LoadCredential=`.
    #[error(
        "systemd passed no credentials ($CREDENTIALS_DIRECTORY is not set), and the running \
         service has none of this name; is there a LoadCredential={0}:… in the unit?"
    )]
    NoCredentialsDirectory(String),
    /// This user may not look into the credentials of the service. The service itself gets here
    /// when systemd passed it none.
    #[error(
        "systemd passed no credentials ($CREDENTIALS_DIRECTORY is not set), and only root can read \
         those of the service: a person uses `sudo credwatch probe NAME`, the service needs \
         LoadCredential={0}:… in its unit"
    )]
    OfService(String),
    /// The command printed no secret.
    #[error("{program}: {error}")]
    Command {
        /// The program, without its arguments, if it may be shown.
        program: String,
        /// Why.
        error: CommandError,
    },
    /// The value is larger than a secret can be. It is never cut.
    #[error("{source_name} is larger than {} KiB", files::SECRET / 1024)]
    TooLarge {
        /// The source, such as `the environment variable NAME`.
        source_name: String,
    },
    /// A character in it cannot be seen.
    #[error("{source_name} has an invisible character (U+{code:04X}) in it; write it again")]
    Invisible {
        /// The source.
        source_name: String,
        /// The number of the character in Unicode.
        code: u32,
    },
    /// Nothing but white space.
    #[error("{0} is empty")]
    Empty(String),
}

/// Why a command printed no secret.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The system cannot start it.
    #[error("cannot be started: {0}")]
    Start(std::io::Error),
    /// Its output cannot be read.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// It did not end in time.
    #[error("did not end within {0:?}")]
    Timeout(Duration),
    /// It printed more than a secret can have.
    #[error("printed more than {} KiB", files::SECRET / 1024)]
    TooLarge,
    /// It ended with a status that is not success.
    #[error("failed ({0})")]
    Failed(ExitStatus),
    /// It did not print UTF-8.
    #[error("printed what is not UTF-8 text")]
    NotText,
}

/// Why the credentials of a provider cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// One of them cannot be read.
    #[error("{credential}: {error}")]
    One {
        /// The credential with its name in the recipe, if that may be shown.
        credential: String,
        /// Why.
        error: SecretError,
    },
    /// The file system did not answer in time.
    #[error("the credentials could not be read within {0:?}")]
    Timeout(Duration),
    /// The daemon is stopping.
    #[error("reading the credentials was stopped")]
    Stopped,
}
