//! A recipe as it is written in TOML, before anything in it is compiled.

mod credentials;

use schemars::JsonSchema;

pub use credentials::Credentials;

pub use crate::document::{Expressions, Node, Ordered, Text};
use crate::time::Span;

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
    /// How well the API is known.
    pub known: Option<Known>,
    /// How often it is safe to ask for a token; counts unless a provider sets its own `interval`,
    /// or `[defaults]` a longer one.
    pub interval: Option<Span>,
    /// Inputs that are not secret.
    pub parameters: Ordered<Parameter>,
    /// Inputs that are secret, identifiers included.
    pub credentials: Credentials,
    /// `cached` when the provider hands the same token out until it expires, so that a falling
    /// lifetime is normal.
    pub tokens: Tokens,
    /// Values bound once per attempt, in this order; each may use those before it.
    #[serde(rename = "let")]
    pub bindings: Ordered<Text>,
    /// Calls that come before the token request, in this order; each answer can give values to what
    /// follows.
    pub steps: Vec<Step>,
    /// The request.
    pub request: Request,
    /// How the answer is read.
    pub response: Response,
    /// Calls that come at the end, whatever the outcome, so that a probe leaves nothing behind. One
    /// is made when all that it needs is known: the token, or what a step gave.
    pub cleanup: Vec<Step>,
}

/// One call beside the token request.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Its name, for people and for the label `step`.
    pub name: Option<Text>,
    /// The request.
    pub request: Request,
    /// How the answer is read.
    pub response: Answer,
}

/// How the answer to a call beside the token request is read. All values are expressions.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The statuses that are fine; any 2xx when left out.
    pub statuses: Vec<u16>,
    /// What must hold beside the status.
    pub ok: Option<Text>,
    /// Values for the calls that follow, by name, in this order; each may use those before it. All
    /// of them must be there.
    pub gives: Ordered<Text>,
    /// Where the error code is; the first usable scalar counts, then `http_<status>`.
    pub code: Expressions,
    /// Where a sentence for people is.
    pub message: Expressions,
    /// Codes that mean: too many requests.
    pub throttled: Vec<String>,
    /// Codes that mean: the provider itself is at fault, not the credential.
    pub unavailable: Vec<String>,
}

/// How a token is verified once it is issued.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    /// A request with the token, such as one to the API that the token is for.
    pub call: Option<VerifyCall>,
    /// The server's own word on the token (RFC 7662).
    pub introspection: Option<Introspection>,
    /// What the token says itself, when it is a JSON Web Token (RFC 7519).
    pub jwt: Option<Jwt>,
}

/// A request with the token.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyCall {
    /// The request; `token` is the token.
    pub request: Request,
    /// How the answer is read.
    pub response: Answer,
}

/// Asks the server about the token (RFC 7662).
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Introspection {
    /// The introspection endpoint.
    pub url: Option<Text>,
    /// How the client shows who it is, with the recipe's `client_id` and `client_secret`;
    /// `client_secret_basic` when left out.
    pub auth_method: IntrospectionAuth,
}

/// How the client shows who it is to the introspection endpoint.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum IntrospectionAuth {
    /// In the `Authorization` header.
    #[default]
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
    /// With the token itself.
    Bearer,
}

/// What a JSON Web Token must say of itself. That it has not ended (`exp`), has begun (`nbf`), was
/// not made in the future (`iat`) and ends when the answer says so (`expires_in`) is checked
/// always.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Jwt {
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must be or hold.
    pub audience: Option<String>,
    /// Where the keys are that sign tokens (RFC 7517); the signature is checked when it is given.
    pub jwks_url: Option<Text>,
    /// How far clocks may differ; `60s` when left out.
    pub leeway: Option<Span>,
}

/// How well an API is known.
#[derive(serde::Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Tried against the provider itself.
    Tried,
    /// Request and answers stand in the provider's documents.
    Documented,
    /// The request does; answers, mostly those of failures, are put together from public client
    /// code.
    DocumentedInPart,
    /// Put together from public client code and samples of answers.
    FromSamples,
}

impl Known {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Tried => "tried",
            Self::Documented => "documented",
            Self::DocumentedInPart => "documented in part",
            Self::FromSamples => "from samples",
        }
    }
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
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`; `POST` when left out.
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
    /// Where the token is; the first that is there counts. It must be a string with something in
    /// it.
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
    /// Values for the calls that clean up or verify, by name, as far as they are there.
    pub gives: Ordered<Text>,
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
    /// Seconds since 1970, or milliseconds when the number is 1e11 or more (1e11 s is the year
    /// 5138, 1e11 ms is 1973).
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
