//! The TOML form of the fake APIs.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::recipe::definition::{Node, Ordered, Text, Tokens};
use crate::time::Span;

/// The fake APIs.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Definitions {
    /// Answers that a test can make every API return.
    pub answers: Ordered<Answer>,
    /// The APIs, by name.
    pub apis: Ordered<Api>,
}

/// One API.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// The recipe for it.
    pub recipe: String,
    /// Whether only the demo uses it, and no test of all token APIs.
    pub demo_only: bool,
    /// The prefix of the path, which makes equal paths of several APIs different. Part of
    /// `base_url`.
    pub prefix: String,
    /// The path of its token endpoint.
    pub path: String,
    /// The valid credentials, by their names in the recipe.
    pub credentials: Ordered<String>,
    /// The credential that a test can revoke.
    pub secret: String,
    /// The lifetime of its tokens. Without it they never expire.
    pub lifetime: Option<Span>,
    /// Whether it returns the same token until that expires.
    pub tokens: Tokens,
    /// The checks, in order. The first that fails decides the answer.
    pub checks: Vec<Check>,
    /// The answers, by name. `issued` is the answer when all checks pass.
    pub answers: Ordered<Answer>,
}

/// A check of a request.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// A condition that must be true.
    pub holds: Option<Text>,
    /// A value that must be new.
    pub once: Option<Text>,
    /// The name of the answer when the check fails.
    pub otherwise: String,
}

/// One answer.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Ordered<Text>,
    /// The body as JSON.
    pub json: Option<Node>,
    /// The body as text.
    pub body: Option<Text>,
}
