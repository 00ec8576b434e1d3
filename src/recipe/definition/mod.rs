//! The TOML form of a recipe, before compilation.

mod credentials;
mod kinds;
mod list;
mod signs;
mod times;

use schemars::JsonSchema;

pub use credentials::Credentials;
pub use kinds::{CredentialKind, Known, Tokens};
pub use list::{List, RowTime};
pub use signs::Signs;
pub use times::{Absent, CreationRule, EndRule, TimeRule, Unit};

pub use crate::document::{Expressions, Node, OneOrSeveral, Ordered, Text};
use crate::outcome::Reason;
use crate::time::Span;

/// How to ask one kind of API about a credential, and how to read the answer: how to request a
/// token with it, or how to present it.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Recipe")]
pub struct Definition {
    /// `static` when the configured credential itself is presented and nothing is issued; `issued`
    /// (the default) when a token is requested.
    pub kind: CredentialKind,
    /// A name for people.
    pub title: Option<String>,
    /// Other words that people search for with `credwatch recipes list`: products that have this
    /// API, and their short names.
    pub aliases: Vec<String>,
    /// Who runs the API or makes the server: the heading in `credwatch recipes list`.
    pub vendor: Option<String>,
    /// The provider's documentation of the API.
    pub documentation: Option<String>,
    /// What a probe does at the provider besides issuing a token; shown by `credwatch check`.
    pub side_effects: Option<String>,
    /// How certain the recipe is about the API.
    pub known: Option<Known>,
    /// The shortest safe interval between token requests, at most `1d`. It makes the interval of
    /// `[defaults]`, or the default `60s`, longer and never shorter; a provider's own `interval`
    /// takes precedence.
    pub interval: Option<Span>,
    /// Inputs that are not secret.
    pub parameters: Ordered<Parameter>,
    /// Inputs that are secret, identifiers included.
    pub credentials: Credentials,
    /// `cached` when the provider returns the same token until it expires, so that a falling
    /// lifetime is normal.
    pub tokens: Tokens,
    /// Values computed once per attempt, in this order; each can use earlier ones.
    #[serde(rename = "let")]
    pub bindings: Ordered<Text>,
    /// Calls before the token request, in this order; each answer can give values to later calls.
    pub steps: Vec<Step>,
    /// The request.
    pub request: Request,
    /// How to read the answer.
    pub response: Response,
    /// Calls at the end, after every outcome, so that a probe leaves nothing behind. A call is made
    /// only if the values that it needs are known: the token, or values from steps.
    pub cleanup: Vec<Step>,
}

/// One call that is not the token request.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Its name, for people and for the label `step`.
    pub name: Option<Text>,
    /// The request.
    pub request: Request,
    /// How to read the answer.
    pub response: Answer,
}

/// How to read the answer to a call that is not the token request. All values are expressions.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The statuses of a success; any 2xx when left out.
    pub statuses: Vec<u16>,
    /// The condition for a success, in addition to the status.
    pub ok: Option<Text>,
    /// Values for later calls, by name, in this order; each can use earlier ones. The answer must
    /// have all of them.
    pub gives: Ordered<Text>,
    /// Where the error code is; the first usable scalar counts, then `http_<status>`.
    pub code: Expressions,
    /// Where the message for people is.
    pub message: Expressions,
    /// Codes, or a condition, that mean: too many requests.
    pub throttled: Signs,
    /// Codes, or a condition, that mean: the provider has a fault, and the credential is not the
    /// cause.
    pub unavailable: Signs,
    /// Codes, or a condition, that mean: the account is suspended, unpaid, or without quota.
    pub suspended: Signs,
    /// Codes, or a condition, that mean: the provider refuses the address of this host.
    pub blocked: Signs,
    /// Codes, or a condition, that mean: the clock of this host is wrong.
    pub local: Signs,
    /// How long to wait after `throttled`, `unavailable`, `suspended` and `blocked`; the first one
    /// present counts, with its own unit, then the headers of the answer.
    pub retry_after: OneOrSeveral<TimeRule>,
    /// Where the end of a configured credential is; for each credential the first time counts.
    pub credential_expiry: OneOrSeveral<EndRule>,
    /// Where the time is at which a configured credential was created.
    pub credential_created: OneOrSeveral<CreationRule>,
}

impl Answer {
    /// What gives a failure its reason, in order of precedence.
    #[must_use]
    pub fn signs(&self) -> [(Reason, &Signs); 5] {
        [
            (Reason::Suspended, &self.suspended),
            (Reason::Blocked, &self.blocked),
            (Reason::Local, &self.local),
            (Reason::Throttled, &self.throttled),
            (Reason::Unavailable, &self.unavailable),
        ]
    }
}

/// How to verify an issued token.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    /// A request with the token, such as one to the API that the token is for.
    pub call: Option<VerifyCall>,
    /// Asks the server whether the token is active (RFC 7662).
    pub introspection: Option<Introspection>,
    /// Checks the claims of the token, which must be a JSON Web Token (RFC 7519).
    pub jwt: Option<Jwt>,
}

impl Verify {
    /// Whether the verification makes requests with texts of its own.
    #[must_use]
    pub fn makes_requests(&self) -> bool {
        let keys = self.jwt.as_ref().and_then(|jwt| jwt.jwks_url.as_ref());
        self.call.is_some() || self.introspection.is_some() || keys.is_some()
    }
}

/// A request with the token.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyCall {
    /// The request; `token` is the token.
    pub request: Request,
    /// How to read the answer.
    pub response: Answer,
}

/// Asks the server about the token (RFC 7662).
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Introspection {
    /// The introspection endpoint.
    pub url: Option<Text>,
    /// How the client authenticates, with the recipe's `client_id` and `client_secret`;
    /// `client_secret_basic` when left out.
    pub auth_method: IntrospectionAuth,
}

/// How the client authenticates at the introspection endpoint.
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

/// The requirements for a JSON Web Token. credwatch always checks that the token has not expired
/// (`exp`), is valid already (`nbf`), was not issued in the future (`iat`) and expires when the
/// answer says so (`expires_in`).
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Jwt {
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must be or hold.
    pub audience: Option<String>,
    /// The URL of the keys that sign tokens (RFC 7517); with it the signature is checked.
    pub jwks_url: Option<Text>,
    /// The allowed difference between clocks; `60s` when left out.
    pub leeway: Option<Span>,
}

/// An input that is not secret.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Parameter {
    /// Its purpose.
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
    /// The URL. A value at its very start is not changed, later ones are percent-encoded.
    pub url: Option<Text>,
    /// Query parameters, appended to the URL.
    pub query: Ordered<Text>,
    /// Headers.
    pub headers: Ordered<Text>,
    /// A body of the type `application/x-www-form-urlencoded`.
    pub form: Option<Ordered<Text>>,
    /// A body of the type `multipart/form-data` (RFC 7578), with one part for each entry.
    pub multipart: Option<Ordered<Text>>,
    /// A body of the type `application/json`. A lone expression keeps its type.
    pub json: Option<Node>,
    /// A body as text; a `Content-Type` header sets its type.
    pub body: Option<Text>,
}

/// How to read the answer to the token request. All values are expressions.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Response {
    /// The format of the body of a success. When left out it is `json`; for `kind = "static"` it is
    /// that of the values that the rules for a success use, or any but an HTML page.
    pub format: Option<Format>,
    /// The statuses of a success; any 2xx when left out.
    pub statuses: Vec<u16>,
    /// The condition for a success, in addition to the status and a token.
    pub issued: Option<Text>,
    /// Where the answer has a new value of a credential, by the credential's name. A server that
    /// gives another value has used up the configured one.
    pub replaces: Ordered<Text>,
    /// The condition for a refusal although the status says success.
    pub dead: Option<Text>,
    /// The condition for a success although the status says refusal, such as a missing scope. Only
    /// for `kind = "static"`.
    pub alive: Option<Text>,
    /// Where the token is; the first one present counts. It must be a string that is not blank.
    pub token: Expressions,
    /// Where the expiry is; the first one present counts, with its own unit.
    pub expiry: OneOrSeveral<TimeRule>,
    /// When the token never expires.
    pub never: Option<Text>,
    /// Where the error code is; the first usable scalar counts, then `http_<status>`.
    pub code: Expressions,
    /// Where the message for people is.
    pub message: Expressions,
    /// Where the granted scopes are: an array, or a string with spaces or commas.
    pub scopes: Option<Text>,
    /// Values for the calls that verify or clean up, by name, if the answer has them.
    pub gives: Ordered<Text>,
    /// Codes, or a condition, that mean: too many requests.
    pub throttled: Signs,
    /// Codes, or a condition, that mean: the provider has a fault, and the credential is not the
    /// cause.
    pub unavailable: Signs,
    /// Codes, or a condition, that mean: the account is suspended, unpaid, or without quota.
    pub suspended: Signs,
    /// Codes, or a condition, that mean: the provider refuses the address of this host.
    pub blocked: Signs,
    /// Codes, or a condition, that mean: the clock of this host is wrong.
    pub local: Signs,
    /// How long to wait after `throttled`, `unavailable`, `suspended` and `blocked`; the first one
    /// present counts, with its own unit, then the headers of the answer.
    pub retry_after: OneOrSeveral<TimeRule>,
    /// Where the end of a configured credential is; for each credential the first time counts.
    pub credential_expiry: OneOrSeveral<EndRule>,
    /// Where the time is at which a configured credential was created.
    pub credential_created: OneOrSeveral<CreationRule>,
    /// Many credentials in one answer. Only for `kind = "static"`.
    pub list: Option<List>,
}

impl Response {
    /// What gives a failure its reason, in order of precedence.
    #[must_use]
    pub fn signs(&self) -> [(Reason, &Signs); 5] {
        [
            (Reason::Suspended, &self.suspended),
            (Reason::Blocked, &self.blocked),
            (Reason::Local, &self.local),
            (Reason::Throttled, &self.throttled),
            (Reason::Unavailable, &self.unavailable),
        ]
    }
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
    /// Any body: the token is in a header.
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
