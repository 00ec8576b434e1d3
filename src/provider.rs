//! A provider: a configured instance of a recipe, in which all defaults and references are
//! resolved.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use minijinja::Value;
use secrecy::SecretString;

use crate::credentials::{CredentialSources, SecretSource};
use crate::links::Link;
use crate::pause::{Pause, Pauses};
use crate::recipe::{Call, Expectations, Inputs, Recipe, Repeated, Verification};

/// One configured provider. Providers are equal when all their settings are equal.
#[derive(Clone, PartialEq)]
pub struct Provider {
    /// The key in the configuration and the value of the label `provider`.
    pub name: String,
    /// Whether this is the current or the next credential.
    pub slot: Slot,
    /// How to request and read a token.
    pub recipe: Arc<Recipe>,
    /// The parameters that have a value, including the recipe's defaults.
    pub parameters: Parameters,
    /// Name and source of each secret.
    pub credentials: Arc<CredentialSources>,
    /// What the configuration tells people about it.
    pub facts: Arc<Facts>,
    /// The configured labels, for `credwatch_provider_info`.
    pub labels: Arc<[(String, String)]>,
    /// When not to probe; `None` for always.
    pub pauses: Option<Arc<Pauses>>,
    /// When to probe.
    pub cadence: Cadence,
    /// The deadline of one probe, from DNS to the end of the body.
    pub timeout: Duration,
    /// The requirements for a token.
    pub expectations: Expectations,
    /// How to verify an issued token.
    pub verification: Option<Arc<Verification>>,
    /// The names of a probe's calls, for the label `step`. Empty when a probe makes only the token
    /// request.
    pub steps: Arc<[Arc<str>]>,
    /// When the client secret itself expires, from the configuration.
    pub secret_expires: Option<Timestamp>,
    /// How old the credential may become, and when its end is near.
    pub policy: CredentialPolicy,
    /// How to connect. Providers with equal settings share an HTTP client.
    pub transport: Arc<Transport>,
    /// Host and port of the endpoint, for the limit per host; `None` when they depend on secrets.
    pub endpoint: Option<Arc<str>>,
    /// Host of the main request, with its port unless that is the usual one of the scheme; of the
    /// first request when an answer or a secret decides. `None` when no host is known.
    pub api_host: Option<Arc<str>>,
    /// Its request, once it is known that each probe sends the same one.
    pub repeated: Repeated,
}

/// What the configuration tells people about a provider. Metrics, pages and alerts show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Who renews the credential.
    pub owner: Option<Box<str>>,
    /// Where the credential is renewed.
    pub renew_url: Option<Link>,
    /// A page of the vendor about its API.
    pub vendor_url: Option<Link>,
}

/// The names and values of parameters. `1`, `1.0`, `true` and `"1"` are different values, because
/// requests have different texts for them; the engine calls some of them equal.
#[derive(Clone, Default)]
pub struct Parameters(Arc<[(String, Value)]>);

impl From<Vec<(String, Value)>> for Parameters {
    fn from(list: Vec<(String, Value)>) -> Self {
        Self(list.into())
    }
}

impl Deref for Parameters {
    type Target = [(String, Value)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        let is_same =
            |((name, value), (other_name, other)): (&(String, Value), &(String, Value))| {
                name == other_name && value.kind() == other.kind() && text(value) == text(other)
            };
        Arc::ptr_eq(&self.0, &other.0)
            || self.len() == other.len() && self.iter().zip(other.iter()).all(is_same)
    }
}

impl Eq for Parameters {}

impl Hash for Parameters {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (name, value) in &*self.0 {
            (name, text(value)).hash(state);
        }
    }
}

/// The text of a parameter in a request.
pub fn text(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

/// The current or the next credential of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The credential that consumers use. Health and most metrics are about it.
    #[default]
    Current,
    /// The credential in `credentials_next`, which credwatch tests before consumers use it.
    Next,
}

/// When to probe a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// The time from one probe to the next.
    pub interval: Duration,
    /// The time until the try that confirms a first refusal of the credential, or the last of
    /// `failure_threshold` failures.
    pub confirm_after: Duration,
    /// How many failures in a row of any class, confirmed by one more, make a provider broken.
    pub failure_threshold: u32,
    /// The longest time between probes of a credential that the provider keeps refusing.
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

impl Cadence {
    /// The longest time from one probe to the next.
    #[must_use]
    pub fn longest_pause(&self) -> Duration {
        self.max_backoff.max(self.interval) + self.interval
    }
}

/// How old a credential may become, and when its end is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialPolicy {
    /// The age at which the credential must be renewed.
    pub max_age: Option<Duration>,
    /// How long before the end the ticket fires.
    pub warning: Duration,
    /// How long before the end the page fires.
    pub critical: Duration,
}

impl Default for CredentialPolicy {
    fn default() -> Self {
        const DAY: u64 = 24 * 3600;
        let days = |days: u64| Duration::from_secs(days * DAY);
        Self { max_age: None, warning: days(30), critical: days(3) }
    }
}

/// How to connect to an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transport {
    /// More authorities to trust, in addition to those of the system (PEM).
    pub ca_file: Option<PathBuf>,
    /// Client certificate chain and key (PEM).
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Do not check the certificate. `check`, the log, the page and a metric warn about it.
    pub insecure: bool,
    /// The proxy to use.
    pub proxy: Proxy,
    /// Offer no HTTP/2.
    pub http1: bool,
}

impl Transport {
    /// The files that the settings name.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let (certificate, key) =
            self.client_certificate.as_ref().map(|(certificate, key)| (certificate, key)).unzip();
        self.ca_file.iter().chain(certificate).chain(key)
    }
}

/// The proxy of a provider's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// No proxy.
    #[default]
    Direct,
    /// The proxy at this URL.
    Url(String),
    /// The proxy in the environment, as curl reads it.
    Environment,
}

#[cfg(test)]
impl Provider {
    /// A provider with this name, and with defaults for everything else.
    #[must_use]
    pub fn sample(name: &str) -> Self {
        let recipe = crate::recipe::builtin::recipe("oauth2-client-credentials");
        Self {
            name: name.into(),
            slot: Slot::Current,
            recipe: Arc::new(recipe.expect("built in")),
            parameters: Parameters::default(),
            credentials: Arc::new(CredentialSources::new(Vec::new())),
            labels: Arc::default(),
            pauses: None,
            cadence: Cadence::default(),
            timeout: Duration::from_secs(10),
            expectations: Expectations::default(),
            verification: None,
            steps: Arc::default(),
            secret_expires: None,
            policy: CredentialPolicy::default(),
            transport: Arc::default(),
            endpoint: None,
            api_host: None,
            facts: Arc::default(),
            repeated: Repeated::default(),
        }
    }
}

impl Provider {
    /// The name that decides when the provider is probed. The next credential has another name, so
    /// that credwatch does not send two token requests at the same time.
    #[must_use]
    pub fn turn(&self) -> Cow<'_, str> {
        match self.slot {
            Slot::Current => Cow::Borrowed(&self.name),
            Slot::Next => Cow::Owned(format!("{} next", self.name)),
        }
    }

    /// The host that groups and filters know it by. A secret in the path hides the endpoint, but
    /// not the host.
    #[must_use]
    pub fn shown_host(&self) -> Option<&str> {
        self.endpoint.as_deref().or(self.api_host.as_deref())
    }

    /// The same provider without its pauses.
    #[must_use]
    pub fn without_pauses(&self) -> Self {
        Self { pauses: None, ..self.clone() }
    }

    /// The pause of the provider at this time.
    #[must_use]
    pub fn pause(&self, now: Timestamp) -> Option<Pause> {
        self.pauses.as_ref()?.at(now)
    }

    /// Whether a secret or the client certificate can change while the daemon runs.
    #[must_use]
    pub fn can_rotate(&self) -> bool {
        self.transport.client_certificate.is_some()
            || self.credentials.iter().any(|(_, source)| source.can_change())
    }

    /// Whether credwatch runs commands to read the secrets.
    #[must_use]
    pub fn runs_commands(&self) -> bool {
        self.credentials.iter().any(|(_, source)| matches!(source, SecretSource::Command(_)))
    }

    /// The input that `secret_expires` is about.
    #[must_use]
    pub fn declared_credential(&self) -> &str {
        self.recipe.ending_credential()
    }

    /// The label `credential` of the end that `secret_expires` declares. It is empty, so that each
    /// reported end replaces it, unless answers tell the ends of other credentials too.
    #[must_use]
    pub fn declared_label(&self) -> &str {
        let own = self.declared_credential();
        let has_others =
            self.calls().flat_map(Call::ending_credentials).any(|credential| credential != own);
        if has_others { own } else { "" }
    }

    /// All requests of a probe, in order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.recipe.calls(self.verification.as_deref())
    }

    /// The inputs of a request: parameters and credentials.
    #[must_use]
    pub fn inputs<'a>(&'a self, credentials: &'a [(String, SecretString)]) -> Inputs<'a> {
        Inputs { parameters: &self.parameters, credentials }
    }
}

/// Shows only the name, because parameters can be long and credentials are secret.
impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("recipe", &self.recipe.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_with_different_texts_in_a_request_are_different() {
        let values = [
            Value::from(1),
            Value::from(true),
            Value::from("1"),
            Value::from(1.0),
            Value::from(0),
            Value::from(false),
            Value::from("true"),
        ];
        let of = |value: &Value| Parameters::from(vec![("p".to_owned(), value.clone())]);
        for (number, one) in values.iter().enumerate() {
            for (other_number, other) in values.iter().enumerate() {
                assert_eq!(of(one) == of(other), number == other_number, "{one:?} {other:?}");
            }
        }
    }
}
