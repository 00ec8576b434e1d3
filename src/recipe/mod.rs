//! Recipes: how one kind of token API is asked and how its answer is read, as data.
//!
//! Pure: a recipe renders a [`TokenRequest`] from inputs and the time that it is given, and reads a
//! [`TokenResponse`] into an [`Outcome`](crate::outcome::Outcome). It does no input or output.
//!
//! A probe is a row of [`Call`]s: the steps before the token request, the token request, what
//! verifies the token, what cleans up. Each is a request and the rules for its answer; [`Values`]
//! go from one to the next.
//!
//! Reading order: [`definition`] (as written), [`expression`] and [`template`] (the language), this
//! file, `compile`, [`values`], [`request`], [`response`] (what any answer tells), [`token`] (what
//! the token's does), [`verification`], [`builtin`] (the table of built-ins).

mod answer;
mod bounds;
pub mod builtin;
mod claims;
mod compile;
mod context;
pub mod definition;
mod expiry;
pub mod expression;
pub mod filters;
mod fingerprint;
mod forms;
mod jwt;
mod lint;
mod rehearsal;
pub mod request;
pub mod response;
pub mod retry;
pub mod suggest;
mod telling;
pub mod template;
pub mod token;
mod trace;
pub mod values;
pub mod verification;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};

use definition::{Credential, Definition, Format, Known, Parameter, Tokens, Unit};
use expression::{Compiled, Names, Side};
use template::{JsonTemplate, Template};

pub use compile::is_reserved;
pub use fingerprint::Fingerprints;
pub use request::TokenRequest;
pub use response::TokenResponse;
pub use telling::shown_place;
pub use token::Expectations;
pub use trace::Trace;
pub use values::{Attempt, Inputs, RenderError, Values};
pub use verification::Verification;

/// A compiled recipe.
pub struct Recipe {
    /// The name by which providers choose it.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// Where the API is documented.
    pub documentation: Option<String>,
    /// What a probe does at the provider beside issuing a token.
    pub side_effects: Option<String>,
    /// How well the API is known.
    pub known: Option<Known>,
    /// How often it is safe to ask.
    pub interval: Option<Duration>,
    /// Whether the same token is handed out until it expires.
    pub tokens: Tokens,
    /// The inputs that are not secret, by name.
    pub parameters: Vec<(String, Parameter)>,
    /// The secret inputs, by name.
    pub credentials: Vec<(String, Credential)>,
    /// The calls before the token request, in order.
    pub steps: Vec<Call>,
    /// The token request.
    pub token: Call,
    /// The calls at the end.
    pub cleanup: Vec<Call>,
    bindings: Vec<(String, Compiled)>,
    reading: TokenRules,
    /// All names that a request at the end of a probe can use.
    names: Names,
    /// As it was written: two recipes are the same when this is.
    definition: Definition,
    /// All names that its expressions use: what nobody asks for is not made.
    uses: BTreeSet<String>,
}

/// Wherever it stands in whatever file.
impl PartialEq for Recipe {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.definition == other.definition
    }
}

impl Recipe {
    /// Whether an answer can tell which scopes were granted.
    #[must_use]
    pub fn reads_scopes(&self) -> bool {
        self.reading.scopes.is_some()
    }

    /// Whether any expression uses the value of this name.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        self.uses.contains(name)
    }
}

/// One request and how its answer is read.
pub struct Call {
    /// Its name, for people and for the label `step`.
    pub name: Arc<str>,
    /// Before the name of a part, where mistakes are told: `steps.login.`.
    part: String,
    request: RequestTemplates,
    rules: Rules,
    /// What its answer gives to the calls after it.
    gives: Vec<(String, Compiled)>,
    /// What its request takes from answers before it.
    needs: BTreeSet<String>,
    /// Whether what an answer gave decides to which host its request goes.
    follows: bool,
    /// The names that the rules for its answer use.
    uses: BTreeSet<String>,
}

struct RequestTemplates {
    method: Method,
    url: Template,
    query: Vec<(String, Template)>,
    headers: Vec<(HeaderName, Template)>,
    body: BodyTemplate,
}

enum BodyTemplate {
    Empty,
    Form(Vec<(String, Template)>),
    Json(JsonTemplate),
    Text(Template),
}

/// How any answer is told to be a success or a failure, and which.
struct Rules {
    format: Format,
    /// Those that are fine; any 2xx when empty.
    statuses: Vec<u16>,
    /// What must hold beside the status.
    holds: Option<Holds>,
    code: Vec<Compiled>,
    message: Vec<Compiled>,
    throttled: Vec<String>,
    unavailable: Vec<String>,
}

/// What must hold beside the status.
struct Holds {
    /// The word that recipes have for it.
    word: &'static str,
    rule: Compiled,
    /// The members of the answer that the rule looks at.
    members: Vec<Compiled>,
}

impl Holds {
    fn new(word: &'static str, rule: Compiled, names: &Names) -> Self {
        let members = lint::members(&rule.source)
            .into_iter()
            .filter_map(|member| Compiled::new(Side::Response, member, names).ok())
            .collect();
        Self { word, rule, members }
    }
}

/// What is read of a success of the token request.
struct TokenRules {
    token: Vec<Compiled>,
    expiry: Vec<(Compiled, Unit)>,
    never: Option<Compiled>,
    scopes: Option<Compiled>,
}
