//! A recipe as it is written in TOML, before anything in it is compiled.

use schemars::JsonSchema;

pub use super::forms::{Credentials, Expressions, Node, Ordered, Text};

/// How one kind of token API is asked, and how its answer is read.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Recipe")]
pub struct Definition {
    /// A name for people.
    pub title: Option<String>,
    /// Where the API is documented, in the provider's own words.
    pub documentation: Option<String>,
    /// What a probe does at the provider beside issuing a token; shown by `credwatch check`.
    pub side_effects: Option<String>,
    /// Inputs that are not secret.
    pub parameters: Ordered<Parameter>,
    /// Inputs that are secret, identifiers included.
    pub credentials: Credentials,
    /// `cached` when the provider hands the same token out until it expires, so that a falling lifetime is normal.
    pub tokens: Tokens,
    /// Values bound once per attempt, in this order; each may use those before it.
    #[serde(rename = "let")]
    pub bindings: Ordered<Text>,
    /// The request.
    pub request: Request,
    /// How the answer is read.
    pub response: Response,
}

/// Whether a provider issues a new token each time.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Tokens {
    /// A new token for each request.
    #[default]
    Fresh,
    /// The same token until it expires.
    Cached,
}

/// An input that is not secret.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Parameter {
    /// What it is for.
    pub description: Option<String>,
    /// The value when a provider gives none.
    pub default: Option<Scalar>,
    /// Whether a provider may leave it out; what needs it is then left out of the request.
    pub optional: bool,
    /// The values that are allowed; any when empty.
    pub one_of: Vec<String>,
}

/// A secret input.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Credential {
    /// What it is, in the provider's words.
    pub description: Option<String>,
    /// Whether a provider may leave it out; what needs it is then left out of the request.
    pub optional: bool,
}

/// A single string, number or boolean.
#[derive(serde::Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(untagged)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// true or false.
    Boolean(bool),
}

impl From<&Scalar> for minijinja::Value {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => Self::from(text.as_str()),
            Scalar::Integer(number) => Self::from(*number),
            Scalar::Boolean(truth) => Self::from(*truth),
        }
    }
}

/// The token request. Text may hold expressions in `{{ … }}`.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// `GET`, `POST`, `PUT` or `PATCH`; `POST` when left out.
    pub method: Option<Text>,
    /// The URL. A value at its very start is taken as it is, later ones are percent-encoded.
    pub url: Option<Text>,
    /// Query parameters, appended to the URL.
    pub query: Ordered<Text>,
    /// Headers.
    pub headers: Ordered<Text>,
    /// A body of the type `application/x-www-form-urlencoded`.
    pub form: Option<Ordered<Text>>,
    /// A body of the type `application/json`. A lone expression keeps its type.
    pub json: Option<Node>,
    /// A body as it is; its type is set by a `Content-Type` header.
    pub body: Option<Text>,
}

/// How the answer is read. All values are expressions.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Response {
    /// What the body of a success is; `json` when left out.
    pub format: Format,
    /// What must hold beside a 2xx status and a token.
    pub issued: Option<Text>,
    /// Where the token is; the first that is there counts. It must be a string with something in it.
    pub token: Expressions,
    /// Where the expiry is; the first that is there counts, with its own unit.
    pub expiry: Vec<ExpiryRule>,
    /// When the token never expires.
    pub never: Option<Text>,
    /// Where the error code is; the first usable scalar counts, then `http_<status>`.
    pub code: Expressions,
    /// Where a sentence for people is.
    pub message: Expressions,
    /// Where the granted scopes are: an array, or a string with blanks or commas.
    pub scopes: Option<Text>,
    /// Codes that mean: too many requests.
    pub throttled: Vec<String>,
    /// Codes that mean: the provider itself is at fault, not the credential.
    pub unavailable: Vec<String>,
}

/// What the body of a successful answer is.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON, a lone string included.
    #[default]
    Json,
    /// A form, as in a URL: `access_token=…&expires_in=…`.
    Form,
    /// XML.
    Xml,
    /// The token and nothing else.
    Text,
    /// Whatever: the token stands in a header.
    Any,
}

impl Format {
    /// The word in the recipe.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Xml => "xml",
            Self::Text => "text",
            Self::Any => "any",
        }
    }
}

/// One place where the expiry may stand.
#[derive(serde::Deserialize, JsonSchema, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ExpiryRule {
    /// An expression; absent and null pass on to the next rule.
    pub value: Text,
    /// What the number or text means.
    pub unit: Unit,
}

/// What an expiry value means.
#[derive(serde::Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds from now on.
    Seconds,
    /// Milliseconds from now on.
    Milliseconds,
    /// Minutes from now on.
    Minutes,
    /// Seconds since 1970, or milliseconds when the number is 1e11 or more (1e11 s is the year 5138, 1e11 ms is 1973).
    Epoch,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Microseconds since 1970.
    EpochMicroseconds,
    /// A date with time and offset as in RFC 3339.
    Rfc3339,
    /// The value is a JSON Web Token; its `exp` claim counts (RFC 7519, section 4.1.4).
    Jwt,
}

impl Unit {
    /// The word in the recipe.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Minutes => "minutes",
            Self::Epoch => "epoch",
            Self::EpochSeconds => "epoch_seconds",
            Self::EpochMilliseconds => "epoch_milliseconds",
            Self::EpochMicroseconds => "epoch_microseconds",
            Self::Rfc3339 => "rfc3339",
            Self::Jwt => "jwt",
        }
    }
}
