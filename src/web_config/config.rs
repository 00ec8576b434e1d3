//! One web config, read and built as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use rustls::ServerConfig;

use super::rate::{self, Limiter};
use super::report::Report;
use super::tls::{self, TlsSetup};
use super::users::Users;
use super::{headers, read, yaml};
use crate::diagnostic::{Fault, Source};
use crate::files;

/// TLS, passwords, headers and the limit of requests, ready for use. Holds secrets, so it cannot be
/// printed.
#[derive(Default)]
pub struct WebConfig {
    tls: Option<TlsSetup>,
    pub(super) users: Users,
    headers: HeaderMap,
    limiter: Option<Limiter>,
    files: Vec<PathBuf>,
    warnings: Vec<Fault>,
}

impl WebConfig {
    /// Reads the file at `path` and all files that it names. Without a path, or with an empty one,
    /// connections are plain and nobody has to log in. Blocks while it reads from the disk.
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
        let file = read::file(&root, &mut report);
        let mut files = vec![path.to_owned()];
        let folder = path.parent().unwrap_or(Path::new(""));
        let tls = tls::build(&file.tls, folder, &mut files, &mut report);
        let users = Users::check(&file.users, &mut report);
        let headers = headers::check(&file.headers, &mut report);
        let limiter = rate::check(&file.rate, &mut report);
        if report.faults.is_empty() {
            if let Some((name, _)) = file.users.first().filter(|_| tls.is_none()) {
                report.warn(
                    &name.span,
                    "without TLS passwords can be read on their way",
                    "set up `tls_server_config`, unless something before the daemon does it",
                );
            }
            Ok(Self { tls, users, headers, limiter, files, warnings: report.warnings })
        } else {
            report.faults.extend(report.warnings);
            report.faults.sort_by_key(|fault| fault.span.start);
            Err(report.faults)
        }
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn uses_tls(&self) -> bool {
        self.tls.is_some()
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
        self.tls.as_ref().map(|tls| &tls.config)
    }

    /// Headers for every answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether one more request may be answered now.
    #[must_use]
    pub fn allows_request(&self, now: Instant) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.allows(now))
    }

    /// Whether this web config would have accepted a connection that an earlier one accepted. It
    /// would not when the connection is plain and this one has TLS, nor when the rule for client
    /// certificates is another.
    #[must_use]
    pub fn accepts_connection_of(&self, earlier: &Self) -> bool {
        match (&self.tls, &earlier.tls) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(now), Some(then)) => now.clients.is_none() || now.clients == then.clients,
        }
    }
}
