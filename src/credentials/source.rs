//! Where the value of a credential comes from.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::command;
use super::error::SecretError;
use super::shown;
use crate::files::{self, FileError};

/// The credentials of the running service, for root.
const SERVICE_CREDENTIALS: &str = "/run/credentials/credwatch.service";

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
    /// A systemd credential: a file of this name in `$CREDENTIALS_DIRECTORY`, or without that
    /// variable in the directory of the running service.
    Systemd(String),
    /// The output of a program: its absolute path, then its arguments.
    Command(Vec<String>),
}

/// Equal sources are configured in the same way. Inline values are compared.
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

impl SecretSource {
    /// Reads the value on this thread, which a network file system can block; `None` for a
    /// command, which [`SecretSource::run`] runs.
    ///
    /// # Errors
    /// When it cannot be read, or is empty.
    #[must_use]
    pub fn read(&self) -> Option<Result<SecretString, SecretError>> {
        let text = match self {
            Self::Inline(value) => {
                return Some(self.without_invisible(value.expose_secret()).map(|()| value.clone()));
            }
            Self::Environment(name) => std::env::var(name)
                .map(Zeroizing::new)
                .map_err(|_| SecretError::Environment(shown::variable(name))),
            Self::File(path) => read_file(path),
            Self::Systemd(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(directory) => read_file(&Path::new(&directory).join(name)),
                None => read_of_service(Path::new(SERVICE_CREDENTIALS), name),
            },
            Self::Command(_) => return None,
        };
        Some(text.and_then(|text| self.trimmed(&text)))
    }

    /// Runs the program that prints the value for at most `deadline`; `None` for other sources. A
    /// thread that holds `turn` starts the program.
    ///
    /// # Errors
    /// When it cannot be started, fails, takes too long or prints nothing.
    pub async fn run(
        &self,
        deadline: Duration,
        turn: &Arc<Semaphore>,
    ) -> Option<Result<SecretString, SecretError>> {
        let Self::Command(arguments) = self else { return None };
        Some(command::run(arguments, deadline, turn).await.and_then(|text| self.trimmed(&text)))
    }

    /// The text without white space and invisible characters around it: files end in newlines,
    /// and copied values in blanks.
    fn trimmed(&self, text: &str) -> Result<SecretString, SecretError> {
        if text.len() as u64 > files::SECRET {
            return Err(SecretError::TooLarge { source_name: self.to_string() });
        }
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
        if trimmed.is_empty() {
            return Err(SecretError::Empty(self.to_string()));
        }
        self.without_invisible(trimmed).map(|()| SecretString::from(trimmed))
    }

    /// Refuses a value with a character that no person can see. A key in PEM form can have them
    /// between its parts.
    fn without_invisible(&self, value: &str) -> Result<(), SecretError> {
        let found = value.chars().find(|c| is_invisible(*c)).filter(|_| !value.contains("-----"));
        found.map_or(Ok(()), |character| {
            let source_name = self.to_string();
            Err(SecretError::Invisible { source_name, code: u32::from(character) })
        })
    }

    /// The name of its environment variable, if it has one that may be shown.
    #[must_use]
    pub fn shown_variable(&self) -> Option<&str> {
        let Self::Environment(name) = self else { return None };
        shown::variable_name(name)
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

/// Null bytes, byte order marks, and blanks and joints without width that come with copied text.
fn is_invisible(character: char) -> bool {
    matches!(character, '\0' | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn read_file(path: &Path) -> Result<Zeroizing<String>, SecretError> {
    files::read_secret(path)
        .map_err(|error| SecretError::File { file: shown::file("", path), error })
}

/// Reads a credential of the running service, whose directory this is.
fn read_of_service(directory: &Path, name: &str) -> Result<Zeroizing<String>, SecretError> {
    let path = directory.join(name);
    files::read_secret(&path).map_err(|error| match error {
        FileError::NotFound => SecretError::NoCredentialsDirectory(shown::systemd(name).to_owned()),
        FileError::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            SecretError::OfService(shown::systemd(name).to_owned())
        }
        error => SecretError::File { file: shown::file("", &path), error },
    })
}

/// Shows the source and never the value. Looks into the file system, which can hang.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("the inline value"),
            Self::Environment(name) => f.write_str(&shown::variable(name)),
            Self::File(path) => f.write_str(&shown::file("the file ", path)),
            Self::Systemd(name) => write!(f, "the systemd credential {}", shown::systemd(name)),
            Self::Command(arguments) => {
                let program = arguments.first().map_or("", String::as_str);
                write!(f, "what {} prints", shown::program(program))
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

    fn read(path: &Path) -> Result<String, String> {
        let read = SecretSource::File(path.to_owned()).read().expect("no command");
        read.map(|secret| secret.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    /// Each of these is the secret itself, in the place of the name of its source.
    #[test]
    fn a_name_that_does_not_look_like_one_is_in_no_message() {
        let secrets = ["kX9canaryQ7zT2", "canarysecretword", "AKIACANARYQ7ZT2X", "a/kX9canary/Q7"];
        for secret in secrets {
            let folder = Path::new("/etc");
            for source in [
                SecretSource::Environment(secret.into()),
                SecretSource::File(folder.join(secret)),
                SecretSource::File(secret.into()),
                SecretSource::Systemd(secret.into()),
                SecretSource::Command(vec![format!("/{secret}")]),
            ] {
                let error = source.read().and_then(Result::err).map(|error| error.to_string());
                let said = format!("{source} {error:?}").to_lowercase();
                assert!(!said.contains("canary"), "{said}");
            }
        }
        for (source, message) in [
            (
                SecretSource::Environment("kX9canaryQ7zT2".into()),
                "the environment variable of this credential is not set",
            ),
            (
                SecretSource::Environment("CRM_EU_SECRET".into()),
                "the environment variable CRM_EU_SECRET is not set",
            ),
            (
                SecretSource::File("kX9canaryQ7zT2".into()),
                "cannot read the file of this credential: there is no such file",
            ),
        ] {
            let error = source.read().expect("no command").expect_err("there is none");
            assert_eq!(error.to_string(), message);
        }
        assert!(SecretSource::Environment("PATH".into()).to_string().ends_with(" PATH"));
    }

    #[test]
    fn invisible_characters_around_a_secret_are_no_part_of_it_and_inside_they_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        for text in [
            "\u{feff}s3 cret\r\n", "\u{200b}s3 cret\u{200b}", "s3 cret\u{2060}\n",
            " \u{feff}\u{a0}s3 cret\0\n",
        ] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(read(&path).as_deref(), Ok("s3 cret"), "{text:?}");
        }
        for (text, code) in [("s3\u{200b}cret", "U+200B"), ("s3\0cret", "U+0000")] {
            std::fs::write(&path, text).expect("written");
            let file = format!("the file {}", path.display());
            let problem = format!(" has an invisible character ({code}) in it; write it again");
            assert_eq!(read(&path), Err(file + &problem));
            let inline = SecretSource::Inline(SecretString::from(text)).read();
            let error = inline.and_then(Result::err).expect("it is refused").to_string();
            assert_eq!(error, format!("the inline value{problem}"));
        }
        // U+200D joins the parts of an emoji.
        std::fs::write(&path, "pass👩\u{200d}🚒word").expect("written");
        assert_eq!(read(&path).as_deref(), Ok("pass👩\u{200d}🚒word"));
    }

    #[test]
    fn an_unreadable_file_is_reported_with_its_path_and_nothing_else() {
        assert_eq!(
            read(Path::new("/nonexistent/key")),
            Err("cannot read /nonexistent/key: there is no such file".into())
        );
    }

    #[test]
    fn a_systemd_credential_of_the_running_service_is_read_and_a_missing_one_is_explained() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("crm"), "s3cret\n").expect("written");
        let read = |name| read_of_service(folder.path(), name);
        assert_eq!(read("crm").expect("it is there").trim(), "s3cret");
        let error = read("erp").expect_err("it is not there").to_string();
        assert!(error.contains("LoadCredential=erp:"), "{error}");
    }

    #[test]
    fn a_secret_is_read_without_white_space_and_byte_order_marks_around_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, " \u{feff}s3 cret\u{feff}\r\n").expect("written");
        assert_eq!(read(&path), Ok("s3 cret".into()));
    }
}
