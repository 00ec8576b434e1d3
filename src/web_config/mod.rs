//! Who may come in, and how: what `--web.config.file` says, in the format of the Prometheus
//! exporters.
//!
//! A [`Door`] is read and built as a whole or not at all. [`Doors`] holds the one in force; whoever
//! accepts a connection or a request asks it anew, so that a door can be replaced without a
//! restart.

mod clients;
mod headers;
mod pem;
mod rate;
mod read;
mod tls;
mod users;
mod yaml;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use axum::http::{HeaderMap, HeaderValue};
use rustls::ServerConfig;

use crate::diagnostic::{Fault, Source};
use crate::files;
use rate::Limiter;
use read::Report;
use users::{Logins, Users};

pub use users::Login;

/// TLS, passwords, headers and the limit of requests, ready for use. Holds secrets, so it cannot be
/// printed.
#[derive(Default)]
pub struct Door {
    lock: Option<tls::Lock>,
    users: Users,
    headers: HeaderMap,
    limiter: Option<Limiter>,
    files: Vec<PathBuf>,
    warnings: Vec<Fault>,
}

impl Door {
    /// Reads the file at `path` and all files that it names; without a path, or with an empty one,
    /// a door that stands open. Reads from the disk, so inside a runtime it belongs on a thread for
    /// blocking calls.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place. Nothing in it shows a secret.
    pub fn load(path: Option<&Path>) -> Result<Self, Vec<Fault>> {
        let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(Self::default());
        };
        let text = files::read_text(path, files::WEB_CONFIG).map_err(|error| {
            vec![Fault::general(format!("cannot read {}: {error}", path.display()))]
        })?;
        let source = Arc::new(Source::new(path.display().to_string(), text));
        let root = yaml::parse(&source).map_err(|fault| vec![fault])?;
        let mut report = Report { source, faults: Vec::new(), warnings: Vec::new() };
        let file = report.file(&root);
        let mut files = vec![path.to_owned()];
        let folder = path.parent().unwrap_or(Path::new(""));
        let lock = tls::build(&file.tls, folder, &mut files, &mut report);
        let users = Users::check(&file.users, &mut report);
        let headers = headers::check(&file.headers, &mut report);
        let limiter = rate::check(&file.rate, &mut report);
        if report.faults.is_empty() {
            if let Some((name, _)) = file.users.first().filter(|_| lock.is_none()) {
                report.warn(
                    &name.span,
                    "without TLS passwords can be read on their way",
                    "set up `tls_server_config`, unless something before the daemon does it",
                );
            }
            Ok(Self { lock, users, headers, limiter, files, warnings: report.warnings })
        } else {
            report.faults.extend(report.warnings);
            report.faults.sort_by_key(|fault| fault.span.start);
            Err(report.faults)
        }
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// How many users can log in; with none nobody has to.
    #[must_use]
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// The file itself and every file that it names: a change in one of them is a reason to load it
    /// again.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What the author of the file would want to know, though it can be used.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// What to make a TLS connection with.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<ServerConfig>> {
        self.lock.as_ref().map(|lock| &lock.config)
    }

    /// Headers for every answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether one more request may be answered now.
    #[must_use]
    pub fn has_room(&self, now: Instant) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.allows(now))
    }

    /// Whether a connection that came in by another door would have come in by this one: not when
    /// it is plain and this one is locked, and not when its client was looked at by another rule.
    #[must_use]
    pub fn would_admit(&self, earlier: &Self) -> bool {
        match (&self.lock, &earlier.lock) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(now), Some(then)) => now.clients.is_none() || now.clients == then.clients,
        }
    }
}

/// The door in force, and what is known of logins over all doors.
#[derive(Default)]
pub struct Doors {
    current: RwLock<Arc<Door>>,
    logins: Logins,
}

impl Doors {
    /// Begins with this door.
    #[must_use]
    pub fn new(door: impl Into<Arc<Door>>) -> Self {
        Self { current: RwLock::new(door.into()), logins: Logins::default() }
    }

    /// The door in force.
    #[must_use]
    pub fn current(&self) -> Arc<Door> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another door into force, for every connection and request from now on.
    pub fn replace(&self, door: impl Into<Arc<Door>>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = door.into();
    }

    /// Checks the login of one request.
    pub async fn login(&self, door: &Door, authorization: Option<&HeaderValue>) -> Login {
        self.logins.check(&door.users, authorization).await
    }
}
