//! A provider: one configured instance of a recipe, with everything resolved.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use minijinja::Value;
use secrecy::SecretString;

use crate::recipe::{Expectations, Inputs, Recipe};
use crate::secret::{SecretError, SecretSource};

/// One configured provider.
pub struct Provider {
    /// The key in the configuration, and the label `provider`.
    pub name: String,
    /// How it is asked.
    pub recipe: Arc<Recipe>,
    /// The parameters that have a value, defaults of the recipe included.
    pub parameters: Vec<(String, Value)>,
    /// Where its secrets come from.
    pub credentials: Vec<(String, SecretSource)>,
    /// Labels of the operator's own, for `credwatch_provider_info`.
    pub labels: Vec<(String, String)>,
    /// When it is probed.
    pub cadence: Cadence,
    /// The deadline of one probe, DNS and body included.
    pub timeout: Duration,
    /// What a token must have.
    pub expectations: Expectations,
    /// When the client secret itself ends, as the operator knows it.
    pub secret_expires: Option<Timestamp>,
    /// How connections are made. Equal settings share one client.
    pub transport: Arc<Transport>,
    /// Host and port of the endpoint, for the limit per host; `None` when secrets decide it.
    pub endpoint: Option<Arc<str>>,
}

/// When a provider is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// From one probe to the next.
    pub interval: Duration,
    /// From a first refusal of the credential to the second try that confirms it.
    pub confirm_after: Duration,
    /// Failures in a row that make a provider broken, whatever their class.
    pub failure_threshold: u32,
    /// The longest pause between probes of a credential that is refused again and again.
    pub max_backoff: Duration,
}

impl Default for Cadence {
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), confirm_after: Duration::from_secs(5), failure_threshold: 3, max_backoff: Duration::from_secs(3600) }
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

/// A credential that cannot be read, by the name that the recipe gives it.
#[derive(Debug, thiserror::Error)]
#[error("the credential `{name}`: {error}")]
pub struct CredentialError {
    /// The name in the recipe.
    pub name: String,
    /// Why.
    pub error: SecretError,
}

impl Provider {
    /// Reads all credentials, here and now.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn read_credentials(&self) -> Result<Vec<(String, SecretString)>, CredentialError> {
        read_credentials(&self.credentials)
    }

    /// Whether reading the credentials touches files, and so must not happen on the threads of the runtime.
    #[must_use]
    pub fn reads_files(&self) -> bool {
        self.credentials.iter().any(|(_, source)| source.can_change())
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
        f.debug_struct("Provider").field("name", &self.name).field("recipe", &self.recipe.name).finish_non_exhaustive()
    }
}

/// Reads credentials, here and now.
///
/// # Errors
/// The first that cannot be read.
pub fn read_credentials(sources: &[(String, SecretSource)]) -> Result<Vec<(String, SecretString)>, CredentialError> {
    sources
        .iter()
        .map(|(name, source)| match source.read() {
            Ok(secret) => Ok((name.clone(), secret)),
            Err(error) => Err(CredentialError { name: name.clone(), error }),
        })
        .collect()
}
