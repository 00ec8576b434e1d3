//! A fake API as it is written in TOML.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::recipe::definition::{Node, Ordered, Text, Tokens};
use crate::time::Span;

/// The fake APIs.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Definitions {
    /// Answers that every API can be told to give.
    pub answers: Ordered<Answer>,
    /// The APIs, by name.
    pub apis: Ordered<Api>,
}

/// One API.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// The recipe that asks it.
    pub recipe: String,
    /// What stands before the path, to tell APIs with the same path apart; part of the `base_url`.
    pub prefix: String,
    /// The path of its token endpoint.
    pub path: String,
    /// What it accepts, by the names that its recipe has for them.
    pub credentials: Ordered<String>,
    /// The credential that is another one once the secret is revoked.
    pub secret: String,
    /// How long its tokens live; for ever when left out.
    pub lifetime: Option<Span>,
    /// Whether it hands the same token out until it expires.
    pub tokens: Tokens,
    /// Looked at in order; the first that does not hold decides the answer.
    pub checks: Vec<Check>,
    /// The answers, by name. `issued` is the one when all checks hold.
    pub answers: Ordered<Answer>,
}

/// Something that must hold for a request.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// A condition on the request.
    pub holds: Option<Text>,
    /// A value that must not have come before.
    pub once: Option<Text>,
    /// The name of the answer otherwise.
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
    /// The body as it is.
    pub body: Option<Text>,
}
