//! Facts about a recipe that are one of a few words.

use schemars::JsonSchema;

/// How certain a recipe is about its API.
#[derive(serde::Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Tried against the provider itself.
    Tried,
    /// Request and answers stand in the provider's documents.
    Documented,
    /// The request stands there; answers, mostly those of failures, come from public client code.
    DocumentedInPart,
    /// Request and answers come from public client code and samples of answers.
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

/// What a probe does with the configured credential.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// It requests a token with it.
    #[default]
    Issued,
    /// It presents it, as consumers do. Nothing is issued.
    Static,
}

impl CredentialKind {
    /// The word in the recipe.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Static => "static",
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
