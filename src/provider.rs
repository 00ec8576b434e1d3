//! A provider: one configured instance of a recipe, with everything resolved.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use minijinja::Value;
use secrecy::SecretString;

use crate::credentials::SecretSource;
use crate::recipe::{Call, Expectations, Inputs, Recipe, Verification};

/// One configured provider. Two are the same when nothing that anybody could notice differs.
#[derive(Clone, PartialEq)]
pub struct Provider {
    /// The key in the configuration, and the label `provider`.
    pub name: String,
    /// Which of its credentials this is.
    pub slot: Slot,
    /// How it is asked.
    pub recipe: Arc<Recipe>,
    /// The parameters that have a value, defaults of the recipe included.
    pub parameters: Vec<(String, Value)>,
    /// Where its secrets come from.
    pub credentials: Arc<[(String, SecretSource)]>,
    /// Labels of the operator's own, for `credwatch_provider_info`.
    pub labels: Vec<(String, String)>,
    /// When it is probed.
    pub cadence: Cadence,
    /// The deadline of one probe, DNS and body included.
    pub timeout: Duration,
    /// What a token must have.
    pub expectations: Expectations,
    /// How a token is verified once it is issued.
    pub verification: Option<Arc<Verification>>,
    /// The names of the calls of a probe, with these inputs: the label `step`. Empty when it makes
    /// the token request and nothing else.
    pub steps: Arc<[Arc<str>]>,
    /// When the client secret itself ends, as the operator knows it.
    pub secret_expires: Option<Timestamp>,
    /// How connections are made. Equal settings share one client.
    pub transport: Arc<Transport>,
    /// Host and port of the endpoint, for the limit per host; `None` when secrets decide it.
    pub endpoint: Option<Arc<str>>,
}

/// Which credential of a provider is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The one in use: what metrics and health are about.
    #[default]
    Current,
    /// The one that is to follow (`credentials_next`): proven beside the current one before anybody
    /// relies on it.
    Next,
}

/// When a provider is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// From one probe to the next.
    pub interval: Duration,
    /// From a first refusal of the credential, or from the last of `failure_threshold` failures, to
    /// the try that confirms it.
    pub confirm_after: Duration,
    /// Failures in a row that make a provider broken when one more confirms them, whatever their
    /// class.
    pub failure_threshold: u32,
    /// The longest pause between probes of a credential that is refused again and again.
    pub max_backoff: Duration,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            confirm_after: Duration::from_secs(5),
            failure_threshold: 3,
            max_backoff: Duration::from_secs(3600),
        }
    }
}

/// How connections to an endpoint are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transport {
    /// Certificates to trust beside those of the system (PEM).
    pub ca_file: Option<PathBuf>,
    /// Client certificate chain and key (PEM).
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Accept any certificate. Told by `check`, the log, the page and a metric.
    pub insecure: bool,
    /// The proxy.
    pub proxy: Proxy,
}

impl Transport {
    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let (certificate, key) =
            self.client_certificate.as_ref().map(|(certificate, key)| (certificate, key)).unzip();
        self.ca_file.iter().chain(certificate).chain(key)
    }
}

/// Through what a request goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// Nothing.
    #[default]
    Direct,
    /// A proxy at this URL.
    Url(String),
    /// Whatever `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    Environment,
}

impl Provider {
    /// The name that decides its turns. Credentials that are to follow have turns of their own, so
    /// that the endpoint is not asked for two tokens at the same moment.
    #[must_use]
    pub fn turn(&self) -> Cow<'_, str> {
        match self.slot {
            Slot::Current => Cow::Borrowed(&self.name),
            Slot::Next => Cow::Owned(format!("{} next", self.name)),
        }
    }

    /// Whether a secret can become another while the daemon runs.
    #[must_use]
    pub fn can_rotate(&self) -> bool {
        self.credentials.iter().any(|(_, source)| source.can_change())
    }

    /// Whether reading the secrets runs programs.
    #[must_use]
    pub fn runs_commands(&self) -> bool {
        self.credentials.iter().any(|(_, source)| matches!(source, SecretSource::Command(_)))
    }

    /// Every request of a probe, in order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.recipe.calls(self.verification.as_deref())
    }

    /// The inputs of a request.
    #[must_use]
    pub fn inputs<'a>(&'a self, credentials: &'a [(String, SecretString)]) -> Inputs<'a> {
        Inputs { parameters: &self.parameters, credentials }
    }
}

/// The name only: parameters can be long, and credentials must not show.
impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("recipe", &self.recipe.name)
            .finish_non_exhaustive()
    }
}
