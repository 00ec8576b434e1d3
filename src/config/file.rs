//! The configuration file. `credwatch schema` prints the comments of these types.

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
    /// How many probes may run at the same time.
    pub limits: Limits,
    /// Settings of the metrics.
    pub metrics: Metrics,
    /// Settings for all providers. A setting in a provider's own table takes precedence.
    pub defaults: Defaults,
    /// Further files with `[providers.NAME]` tables, as paths or patterns relative to this file:
    /// `conf.d/*.toml`.
    #[schemars(extend("x-credwatch" = "path"))]
    pub provider_files: Vec<Text>,
    /// Further files with `[recipes.NAME]` tables, as paths or patterns relative to this file:
    /// `recipes/*.toml`.
    #[schemars(extend("x-credwatch" = "path"))]
    pub recipe_files: Vec<Text>,
    /// Built-in recipes that a recipe of your own with the same name replaces. In `recipe_files`
    /// such a name is an error unless it is in this list, in this file it is a warning.
    #[schemars(extend("x-credwatch" = "name"))]
    pub replace_builtin: Vec<Text>,
    /// Times at which some providers are not probed. Such a provider keeps its last state, and
    /// raises no alert.
    pub maintenance: Vec<At<Maintenance>>,
    /// Recipes of your own, by name.
    pub recipes: Ordered<Definition>,
    /// The watched providers, by name. The name is the label `provider`.
    pub providers: Ordered<Provider>,
}

/// A file of recipes, as `recipe_files` names them.
// Only for the schema. The loader reads a `File`, so that a misplaced table gets its own message.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "credwatch recipes")]
pub struct RecipeFile {
    /// Recipes of your own, by name. The name of a built-in recipe needs `replace_builtin` in the
    /// main file.
    pub recipes: Ordered<Definition>,
}

/// The HTTP server.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// The addresses of the HTTP server; default `["127.0.0.1:9797"]`. `:PORT` means all addresses.
    #[schemars(extend("x-credwatch" = "address"))]
    pub listen_addresses: Vec<Text>,
    /// Links of the pages to other tools.
    pub links: Links,
}

/// Links of the pages to other tools. Each is a URL that begins with `https://` or `http://`.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// The dashboard of a provider, with `{provider}` for its name:
    /// `https://grafana.example/d/credwatch-provider?var-provider={provider}`.
    pub board: Option<Text>,
    /// Alertmanager, for the link to a silence of a provider's alerts:
    /// `https://alertmanager.example`.
    pub alertmanager: Option<Text>,
    /// Your runbooks, with `{reason}` for the failure reason; without it, credwatch adds
    /// `#{reason}`.
    pub runbooks: Option<Text>,
}

/// How many probes may run at the same time.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Probes that run at the same time, over all providers; default 500.
    #[schemars(range(min = 1))]
    pub probes_in_flight: Option<usize>,
    /// Probes that run at the same time against one host and port; default 32.
    #[schemars(range(min = 1))]
    pub probes_in_flight_per_host: Option<usize>,
}

/// Settings of the metrics.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// The upper bounds of `credwatch_probe_duration_seconds`, in seconds, in rising order.
    pub duration_buckets: Option<At<Vec<f64>>>,
    /// Whether metrics leave out failure reasons that never happened and empty buckets; default
    /// `false`.
    pub compact: bool,
    /// Whether `OpenMetrics` tells when each counter and histogram began at zero; default `false`.
    pub created: bool,
}

/// A maintenance window: providers that are not probed between two times of the day.
#[derive(Clone, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Maintenance {
    /// The names of the providers, or patterns: `billing-*`.
    #[schemars(extend("x-credwatch" = "name"))]
    pub providers: Vec<Text>,
    /// Or the labels of the providers. A provider must have all of them.
    pub labels: Ordered<Text>,
    /// The days on which the window opens, such as `["sat", "sun"]`; default each day.
    pub weekdays: Vec<Text>,
    /// When the window opens, as the time of the day: `22:30`.
    pub from: Option<Text>,
    /// When the window closes: on the next day unless this is later than `from`.
    pub to: Option<Text>,
    /// The time zone of the days and times, such as `Europe/Berlin`; default `UTC`.
    pub time_zone: Option<Text>,
}

/// Declares the keys that `[defaults]` and `[providers.NAME]` share.
macro_rules! shared_keys {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Deserialize, JsonSchema, Default)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// The time from one probe to the next; default `60s`, or the recipe's
            /// interval if that is longer.
            pub interval: Option<At<Span>>,
            /// The deadline of one probe, including name resolution and body; default `10s`.
            pub timeout: Option<At<Span>>,
            /// The time to the probe that confirms a first refusal of the credential, or the
            /// failure that reaches `failure_threshold`; default `5s`, at most `interval`.
            pub confirm_after: Option<At<Span>>,
            /// Failures in a row, of any class, that make a provider broken when one more probe
            /// confirms them; default 3.
            #[schemars(range(min = 1))]
            pub failure_threshold: Option<u32>,
            /// The longest pause between probes of a credential that the provider keeps refusing;
            /// default `1h`.
            pub max_backoff: Option<At<Span>>,
            /// A token with a shorter lifetime counts as a failure.
            pub min_lifetime: Option<At<Span>>,
            /// The age at which a credential must be renewed, where the provider tells when it was
            /// created; the earlier of this and the reported end counts.
            pub credential_max_age: Option<At<Span>>,
            /// How long before the end of a credential the ticket fires; default `30d`.
            pub credential_warning: Option<At<Span>>,
            /// How long before the end of a credential the page fires; default `3d`.
            pub credential_critical: Option<At<Span>>,
            /// Who renews the credential: a team or a person, for pages and alerts.
            pub owner: Option<Text>,
            /// Labels of your own on `credwatch_provider_info`; join other series with it.
            pub labels: Ordered<Text>,
            /// A proxy, such as `http://proxy.example:3128`; an empty text for no proxy.
            pub proxy: Option<Text>,
            /// Use the proxy of `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, in either
            /// case; default false.
            pub proxy_from_environment: Option<bool>,
            /// `1.1` to offer no HTTP/2; default `2`, which offers both.
            pub http: Option<Http>,
            /// How credwatch checks the endpoint's certificate, and its own client certificate.
            pub tls: Tls,
            $($own)*
        }

        impl $name {
            /// The keys that both tables have.
            #[must_use]
            pub fn shared(&self) -> Shared<'_> {
                Shared {
                    interval: self.interval.as_ref(),
                    timeout: self.timeout.as_ref(),
                    confirm_after: self.confirm_after.as_ref(),
                    failure_threshold: self.failure_threshold,
                    max_backoff: self.max_backoff.as_ref(),
                    min_lifetime: self.min_lifetime.as_ref(),
                    credential_max_age: self.credential_max_age.as_ref(),
                    credential_warning: self.credential_warning.as_ref(),
                    credential_critical: self.credential_critical.as_ref(),
                    owner: self.owner.as_ref(),
                    labels: &self.labels,
                    proxy: self.proxy.as_ref(),
                    proxy_from_environment: self.proxy_from_environment,
                    http: self.http,
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
    pub(super) credential_max_age: Option<&'a At<Span>>,
    pub(super) credential_warning: Option<&'a At<Span>>,
    pub(super) credential_critical: Option<&'a At<Span>>,
    pub(super) owner: Option<&'a Text>,
    pub(super) labels: &'a Ordered<Text>,
    pub(super) proxy: Option<&'a Text>,
    pub(super) proxy_from_environment: Option<bool>,
    pub(super) http: Option<Http>,
    pub(super) tls: &'a Tls,
}

shared_keys! {
    /// Settings for all providers.
    Defaults {}
}

shared_keys! {
    /// One watched provider.
    Provider {
        /// The recipe: a built-in one (`credwatch recipes list`), or one under `[recipes]`.
        #[schemars(extend("x-credwatch" = "name"))]
        pub recipe: Option<Text>,
        /// The recipe's inputs that are not secret.
        pub parameters: Ordered<At<Scalar>>,
        /// The recipe's secret inputs, identifiers included.
        pub credentials: Ordered<Credential>,
        /// The next credentials, as far as they differ from the current ones. credwatch probes
        /// them too, so that they are tested before the switch.
        pub credentials_next: Ordered<Credential>,
        /// Scopes that the provider must grant.
        pub required_scopes: Vec<Text>,
        /// How each issued token is verified.
        pub verify: Option<Verify>,
        /// Whether the provider is probed; default `true`. A provider that is not probed keeps its
        /// last state, and raises no alert.
        pub enabled: Option<bool>,
        /// The provider is not probed before this time: a time, or a date, without quotes.
        pub pause_until: Option<Date>,
        /// When the client secret itself expires, as a date without quotes.
        pub secret_expires: Option<Date>,
        /// Where the credential is renewed, for pages and alerts.
        pub renew_url: Option<Text>,
        /// A page of the vendor about its API, such as a status page, for pages and alerts.
        pub vendor_url: Option<Text>,
    }
}

/// The value of a credential, or its source: exactly one of `env`, `file`, `systemd` and `command`.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Credential {
    /// The value itself.
    Inline(String),
    /// Its source.
    From(From),
}

/// The source of a credential.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct From {
    /// An environment variable of the daemon.
    pub env: Option<String>,
    /// A file, relative to the configuration file; read again for each probe.
    #[schemars(extend("x-credwatch" = "path"))]
    pub file: Option<PathBuf>,
    /// A systemd credential (`LoadCredential=`); read again for each probe.
    #[schemars(extend("x-credwatch" = "name"))]
    pub systemd: Option<String>,
    /// A program that prints the value: its absolute path, then its arguments; run for each probe.
    pub command: Option<Vec<String>>,
}

/// The newest version of HTTP that credwatch offers.
#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1 only.
    #[serde(rename = "1.1")]
    Http1,
    /// HTTP/2 and HTTP/1.1.
    #[serde(rename = "2")]
    Http2,
}

/// How credwatch checks the endpoint's certificate, and its own client certificate.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificates to trust in addition to those of the system (PEM).
    #[schemars(extend("x-credwatch" = "path"))]
    pub ca_file: Option<Text>,
    /// The client certificate with its chain (PEM).
    #[schemars(extend("x-credwatch" = "path"))]
    pub client_certificate_file: Option<Text>,
    /// The key of the client certificate (PEM).
    #[schemars(extend("x-credwatch" = "path"))]
    pub client_key_file: Option<Text>,
    /// Accept any certificate. Anybody on the network path can then read the credential.
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
