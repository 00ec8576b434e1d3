//! One web config, read and checked as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use rustls::ServerConfig;

use super::client_auth::Rule;
use super::definition::Off;
use super::rate::{self, Limiter};
use super::report::Report;
use super::tls::{self, TlsSetup};
use super::users::Users;
use super::{headers, read, yaml};
use crate::diagnostic::{Fault, Sentence, Shown, Source};
use crate::files;

/// TLS, passwords, headers and the rate limit, ready for use. Holds secrets, so it has no `Debug`.
#[derive(Default)]
pub struct WebConfig {
    tls: Option<TlsSetup>,
    pub(super) users: Users,
    headers: HeaderMap,
    limiter: Option<Limiter>,
    off: Off,
    files: Vec<PathBuf>,
    warnings: Vec<Fault>,
}

impl WebConfig {
    /// Reads the file at `path` and all files that it names. Without a path, or with an empty one,
    /// there is no TLS and no login. It blocks while it reads from the disk.
    ///
    /// # Errors
    /// All faults with their places. They show no secret.
    pub fn load(path: Option<&Path>) -> Result<Self, Vec<Fault>> {
        let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(Self::default());
        };
        let text = files::read_text(path, files::WEB_CONFIG).map_err(|error| {
            vec![Fault::general(Sentence::fill(
                "cannot read {}: {}",
                [Shown::outside_of_files(path.display()), Shown::outside_of_files(error)],
            ))]
        })?;
        let source = Arc::new(Source::new(path.display().to_string(), text));
        let root = yaml::parse(&source, &read::KEYS).map_err(|fault| vec![fault])?;
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
                    "without TLS, passwords cross the network in plain text",
                    "set up `tls_server_config`, unless a proxy in front of credwatch terminates \
                     TLS",
                );
            }
            Ok(Self {
                tls,
                users,
                headers,
                limiter,
                off: file.off,
                files,
                warnings: report.warnings,
            })
        } else {
            report.faults.extend(report.warnings);
            report.faults.sort_by_key(|fault| fault.span.start);
            Err(report.faults)
        }
    }

    /// Whether connections use TLS.
    #[must_use]
    pub fn uses_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// How many users can log in; with 0 no login is needed.
    #[must_use]
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// Whether a client needs a certificate.
    #[must_use]
    pub fn needs_client_certificates(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.clients.is_some())
    }

    /// The file itself and every file that it names. The daemon watches them for changes.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The warnings about a usable file.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The TLS settings of rustls; `None` without TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<ServerConfig>> {
        self.tls.as_ref().map(|tls| &tls.config)
    }

    /// The headers of every response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether the rate limit allows one more request now.
    #[must_use]
    pub fn allows_request(&self, now: Instant) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.allows(now))
    }

    /// Whether this web config accepts a connection that an earlier one accepted. It does not when
    /// only this one has TLS, or when the rules for client certificates differ.
    #[must_use]
    pub fn accepts_connection_of(&self, earlier: &Self) -> bool {
        match (&self.tls, &earlier.tls) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(now), Some(then)) => now.clients.is_none() || now.clients == then.clients,
        }
    }

    /// A fault for each protection that `earlier` has and this web config does not, unless its file
    /// switches the protection off (there are no words that switch off the authorities or the names
    /// of client certificates alone). So a file that was emptied or cut does not open the server.
    #[must_use]
    pub fn protection_dropped_from(&self, earlier: &Self) -> Vec<Fault> {
        let file = self.files.first().map_or_else(String::new, |path| path.display().to_string());
        let clients = |config: &Self| config.tls.as_ref().and_then(|tls| tls.clients);
        let (then, now) = (clients(earlier), clients(self));
        let lost = |has: fn(&Rule) -> bool| {
            then.as_ref().is_some_and(has) && now.as_ref().is_some_and(|now| !has(now))
        };
        let kinds = [
            (
                earlier.uses_tls() && !self.uses_tls() && !self.off.tls,
                "no longer sets up TLS",
                "write `tls_server_config: {}` or ",
            ),
            (
                then.is_some() && self.uses_tls() && now.is_none() && !self.off.client_certificates,
                "no longer requires client certificates",
                "write `client_auth_type: NoClientCert` or ",
            ),
            (
                lost(|rule| rule.authorities),
                "no longer names the authorities of client certificates, so those of every \
                 authority of the system would be accepted",
                "",
            ),
            (
                lost(|rule| rule.names),
                "no longer names the accepted clients, so client certificates with every name \
                 would be accepted",
                "",
            ),
            (
                !earlier.users.is_empty() && self.users.is_empty() && !self.off.users,
                "no longer has users, so nobody would need a password",
                "write `basic_auth_users: {}` or ",
            ),
        ];
        let dropped = kinds.into_iter().filter(|(dropped, ..)| *dropped);
        dropped
            .map(|(_, what, off)| {
                let parts = [Shown::outside_of_files(&file), what.into()];
                Fault::general(Sentence::fill("{} {}", parts)).hint(Sentence::fill(
                    "if this is what you want, {}restart credwatch; if not, the file was emptied \
                     or cut",
                    [off.into()],
                ))
            })
            .collect()
    }
}
