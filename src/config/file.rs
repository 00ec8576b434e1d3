//! The configuration as it is written in TOML. The comments here are what `credwatch schema` says.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::document::At;
use crate::recipe::definition::{Definition, Ordered, Scalar, Text, Verify};
use crate::time::Span;

/// The configuration of credwatch.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "credwatch configuration")]
pub struct File {
    /// The HTTP server.
    pub web: Web,
    /// How much is done at a time.
    pub limits: Limits,
    /// What is measured.
    pub metrics: Metrics,
    /// Any key of a provider that makes sense for all of them; a provider's own key wins.
    pub defaults: Defaults,
    /// Further files with `[providers.NAME]` tables, as paths or patterns relative to this file:
    /// `conf.d/*.toml`.
    pub provider_files: Vec<Text>,
    /// Further files with `[recipes.NAME]` tables, as paths or patterns relative to this file:
    /// `recipes/*.toml`.
    pub recipe_files: Vec<Text>,
    /// Recipes of your own, by name. A name that a built-in recipe has replaces it.
    pub recipes: Ordered<Definition>,
    /// What is watched, by name. The name is the label `provider`.
    pub providers: Ordered<Provider>,
}

/// A file of recipes, as `recipe_files` names them.
// For its schema only: such a file is read as a `File`, so that what belongs elsewhere is told as
// that.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "credwatch recipes")]
pub struct RecipeFile {
    /// Recipes of your own, by name. A name that a built-in recipe has replaces it.
    pub recipes: Ordered<Definition>,
}

/// The HTTP server.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// Where metrics and health are served; `["127.0.0.1:9797"]` when left out. `:PORT` means all
    /// addresses.
    pub listen_addresses: Vec<Text>,
}

/// How much is done at a time.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Probes that run at the same time, over all providers; 500 when left out.
    #[schemars(range(min = 1))]
    pub probes_in_flight: Option<usize>,
    /// Probes that run at the same time against one host and port; 32 when left out.
    #[schemars(range(min = 1))]
    pub probes_in_flight_per_host: Option<usize>,
}

/// What is measured.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// The upper bounds of `credwatch_probe_duration_seconds`, in seconds, rising.
    pub duration_buckets: Option<At<Vec<f64>>>,
}

/// Declares the keys that `[defaults]` and `[providers.NAME]` share, once.
macro_rules! shared_keys {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Deserialize, JsonSchema, Default)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// From one probe to the next; what the recipe calls safe, or `60s`, when left out.
            pub interval: Option<At<Span>>,
            /// The deadline of one probe, name resolution and body included; `10s` when left out.
            pub timeout: Option<At<Span>>,
            /// From a first refusal of the credential, or from the failure that makes
            /// `failure_threshold` full, to the second try that confirms it; `5s` when left out,
            /// never more than `interval`.
            pub confirm_after: Option<At<Span>>,
            /// Failures in a row, of whatever class, that make a provider broken when one more try
            /// confirms them; 3 when left out.
            #[schemars(range(min = 1))]
            pub failure_threshold: Option<u32>,
            /// The longest pause between probes of a credential that is refused again and again;
            /// `1h` when left out.
            pub max_backoff: Option<At<Span>>,
            /// A token that lives shorter than this counts as a failure.
            pub min_lifetime: Option<At<Span>>,
            /// Labels of your own; they appear on `credwatch_provider_info`, to be joined from
            /// there.
            pub labels: Ordered<Text>,
            /// A proxy, such as `http://proxy.example:3128`; an empty text for none.
            pub proxy: Option<Text>,
            /// Take the proxy from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; false when left out.
            pub proxy_from_environment: Option<bool>,
            /// How the endpoint's certificate is checked, and which one is shown to it.
            pub tls: Tls,
            $($own)*
        }

        impl $name {
            /// The keys that both kinds of table have.
            #[must_use]
            pub fn shared(&self) -> Shared<'_> {
                Shared {
                    interval: self.interval.as_ref(),
                    timeout: self.timeout.as_ref(),
                    confirm_after: self.confirm_after.as_ref(),
                    failure_threshold: self.failure_threshold,
                    max_backoff: self.max_backoff.as_ref(),
                    min_lifetime: self.min_lifetime.as_ref(),
                    labels: &self.labels,
                    proxy: self.proxy.as_ref(),
                    proxy_from_environment: self.proxy_from_environment,
                    tls: &self.tls,
                }
            }
        }
    };
}

/// The keys that `[defaults]` and `[providers.NAME]` share.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    pub(super) interval: Option<&'a At<Span>>,
    pub(super) timeout: Option<&'a At<Span>>,
    pub(super) confirm_after: Option<&'a At<Span>>,
    pub(super) failure_threshold: Option<u32>,
    pub(super) max_backoff: Option<&'a At<Span>>,
    pub(super) min_lifetime: Option<&'a At<Span>>,
    pub(super) labels: &'a Ordered<Text>,
    pub(super) proxy: Option<&'a Text>,
    pub(super) proxy_from_environment: Option<bool>,
    pub(super) tls: &'a Tls,
}

shared_keys! {
    /// Any key of a provider that makes sense for all.
    Defaults {}
}

shared_keys! {
    /// One credential that is watched.
    Provider {
        /// The recipe: a built-in one (`credwatch recipes list`), or one under `[recipes]`.
        pub recipe: Option<Text>,
        /// The recipe's inputs that are not secret.
        pub parameters: Ordered<At<Scalar>>,
        /// The recipe's secret inputs, identifiers included.
        pub credentials: Ordered<Credential>,
        /// Those that are to follow, as far as they differ: probed beside the current ones, to
        /// prove them before the switch.
        pub credentials_next: Ordered<Credential>,
        /// Scopes that must be granted.
        pub required_scopes: Vec<Text>,
        /// How a token is verified once it is issued.
        pub verify: Option<Verify>,
        /// When the client secret itself ends, as a date without quotes.
        pub secret_expires: Option<Date>,
    }
}

/// The value of a credential, or where it is: exactly one of `env`, `file`, `systemd` and
/// `command`.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Credential {
    /// The value itself.
    Inline(String),
    /// Where it is.
    From(From),
}

/// Where a credential is.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct From {
    /// In this environment variable of the daemon.
    pub env: Option<String>,
    /// In this file, relative to the configuration file; read again for each probe.
    pub file: Option<PathBuf>,
    /// In the systemd credential of this name (`LoadCredential=`); read again for each probe.
    pub systemd: Option<String>,
    /// What this program prints: its absolute path, then its arguments; run again for each probe.
    pub command: Option<Vec<String>>,
}

/// How the endpoint's certificate is checked, and which one is shown to it.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificates to trust beside those of the system (PEM).
    pub ca_file: Option<Text>,
    /// The client certificate with its chain (PEM).
    pub client_certificate_file: Option<Text>,
    /// The key of the client certificate (PEM).
    pub client_key_file: Option<Text>,
    /// Accept any certificate. What is sent can then be read by anybody on the way.
    pub insecure: Option<bool>,
}

/// A date, or a date with time and offset.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Date(pub Spanned<Datetime>);

impl JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "x-credwatch": "date" })
    }
}
