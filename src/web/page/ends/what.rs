//! What ends, where that stands, and how near the end is.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::outcome::{EndSource, ListedCredential};
use crate::provider::Provider;
use crate::state::Entry;
use crate::web::page::expiring::{CERTIFICATE_SOON, SECRET_SOON};
use crate::web::page::shape::Shape;

/// Where an end stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Reported,
    Declared,
    Jwt,
    Certificate,
    List,
    ClientCertificate,
    Endpoint,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 7] = [
        Self::Reported,
        Self::Declared,
        Self::Jwt,
        Self::Certificate,
        Self::List,
        Self::ClientCertificate,
        Self::Endpoint,
    ];

    /// The word in an address. The first four are those of the metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reported => EndSource::Reported.word(),
            Self::Declared => "declared",
            Self::Jwt => EndSource::Jwt.word(),
            Self::Certificate => EndSource::Certificate.word(),
            Self::List => "list",
            Self::ClientCertificate => "client_certificate",
            Self::Endpoint => "endpoint",
        }
    }

    /// Where the end stands, for people.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Reported => "told by the provider",
            Self::Declared => "secret_expires",
            Self::Jwt => "in the token itself",
            Self::Certificate => "in the certificate itself",
            Self::List => "in the provider's list",
            Self::ClientCertificate => "in its file",
            Self::Endpoint => "certificate of the endpoint",
        }
    }
}

/// How near an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    Ended,
    /// Nearer than `credential_critical`.
    Critical,
    /// Nearer than `credential_warning`.
    Warning,
    Later,
}

impl Band {
    /// All bands, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Ended, Self::Critical, Self::Warning, Self::Later];

    /// The word in an address and in the style sheet.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Later => "later",
        }
    }

    /// The title of a filter.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ended => "Ended",
            Self::Critical => "Critical",
            Self::Warning => "Warning",
            Self::Later => "Later",
        }
    }

    /// The sign; none for an end that is far away.
    pub fn shape(self) -> Option<Shape> {
        match self {
            Self::Ended => Some(Shape::Ended),
            Self::Critical => Some(Shape::Failing),
            Self::Warning => Some(Shape::Ending),
            Self::Later => None,
        }
    }
}

/// What ends.
#[derive(Clone, Debug)]
pub enum What {
    /// The input with this name.
    Credential {
        name: Arc<str>,
        source: EndSource,
        is_next: bool,
    },
    /// The credential with the configured date.
    Declared,
    /// One of these rows of a list. Their names have passed the redactor.
    Listed(Arc<[ListedCredential]>, usize),
    ClientCertificate,
    /// A certificate of an endpoint, which so many more providers use.
    Endpoint(usize),
}

impl What {
    /// Where the end stands.
    pub fn source(&self) -> Source {
        match self {
            Self::Credential { source: EndSource::Reported, .. } => Source::Reported,
            Self::Credential { source: EndSource::Jwt, .. } => Source::Jwt,
            Self::Credential { source: EndSource::Certificate, .. } => Source::Certificate,
            Self::Declared => Source::Declared,
            Self::Listed(..) => Source::List,
            Self::ClientCertificate => Source::ClientCertificate,
            Self::Endpoint(_) => Source::Endpoint,
        }
    }

    /// Its name; empty for a recipe without credentials.
    pub fn name<'a>(&'a self, provider: &'a Provider) -> &'a str {
        match self {
            Self::Credential { name, .. } => name,
            Self::Declared => declared(provider),
            Self::Listed(rows, place) => &rows[*place].name,
            Self::ClientCertificate => "client certificate",
            Self::Endpoint(_) => {
                provider.endpoint.as_deref().unwrap_or("the endpoint's certificate")
            }
        }
    }
}

/// The credential that `secret_expires` is about. Recipes name identifiers first, so where the
/// recipe does not tell, the last credential is the secret.
fn declared(provider: &Provider) -> &str {
    let label = Some(provider.declared_label()).filter(|label| !label.is_empty());
    let last = || provider.credentials.iter().last().map(|(name, _)| name.as_ref());
    label.or_else(last).unwrap_or_default()
}

/// One end.
#[derive(Clone)]
pub struct End<'a> {
    pub at: Timestamp,
    pub entry: &'a Arc<Entry>,
    pub what: What,
    /// The place of the provider in the order of names, and that of the end in it.
    pub place: (usize, usize),
}

/// What ends are sorted by.
pub type Key = (Timestamp, usize, usize);

impl End<'_> {
    /// What ends are sorted by: times, then names.
    pub fn key(&self) -> Key {
        (self.at, self.place.0, self.place.1)
    }

    /// How near the end is.
    pub fn band(&self, now: Timestamp) -> Band {
        Margins::of(self.what.source(), &self.entry.provider, now).band(self.at)
    }
}

/// The times that bound the bands. As on the other pages, certificates have their own margins.
pub struct Margins {
    now: Timestamp,
    critical: Timestamp,
    warning: Timestamp,
}

impl Margins {
    /// The margins for the ends of a provider from this source.
    pub fn of(source: Source, provider: &Provider, now: Timestamp) -> Self {
        let warning = match source {
            Source::ClientCertificate => Duration::from_secs_f64(SECRET_SOON),
            Source::Endpoint => Duration::from_secs_f64(CERTIFICATE_SOON),
            _ => provider.policy.warning,
        };
        let after = |margin: Duration| {
            let margin = SignedDuration::try_from(margin).unwrap_or(SignedDuration::MAX);
            now.saturating_add(margin).unwrap_or(Timestamp::MAX)
        };
        let critical = after(provider.policy.critical.min(warning));
        Self { now, critical, warning: after(warning) }
    }

    /// How near an end is.
    pub fn band(&self, at: Timestamp) -> Band {
        match at {
            at if at <= self.now => Band::Ended,
            at if at <= self.critical => Band::Critical,
            at if at < self.warning => Band::Warning,
            _ => Band::Later,
        }
    }
}
