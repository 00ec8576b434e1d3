//! A compiled recipe: its calls, each with its request and the rules for its answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};

use super::definition::{Credential, Definition, Format, Known, Parameter, Tokens, Unit};
use crate::language::expression::{Compiled, Side};
use crate::language::names::Names;
use crate::language::scan;
use crate::language::template::{JsonTemplate, Template};

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
    pub(super) steps: Vec<Call>,
    /// The token request.
    pub token: Call,
    /// The calls at the end.
    pub(super) cleanup: Vec<Call>,
    pub(super) bindings: Vec<(String, Compiled)>,
    pub(super) reading: TokenRules,
    /// All names that a request at the end of a probe can use.
    pub(super) names: Names,
    /// As it was written: two recipes are the same when this is.
    pub(super) definition: Definition,
    /// All names that its expressions use: what nobody asks for is not made.
    pub(super) uses: BTreeSet<String>,
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

/// What a call of a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prepares the token request.
    Step,
    /// Requests the token.
    Token,
    /// Uses the token, which the provider accepts or refuses.
    Check,
    /// Asks the provider whether the token is active (RFC 7662).
    Introspection,
    /// Fetches the keys that sign tokens (RFC 7517).
    Keys,
    /// Closes what the calls before it have opened.
    Cleanup,
}

impl Kind {
    /// The name of a call that no recipe names.
    pub(super) fn own_name(self) -> &'static str {
        match self {
            Self::Step | Self::Cleanup => "",
            Self::Token => TOKEN,
            Self::Check => CHECK,
            Self::Introspection => INTROSPECTION,
            Self::Keys => KEYS,
        }
    }

    /// Whether the call leads to the token: its time and its phases are those of the probe.
    #[must_use]
    pub fn leads_to_the_token(self) -> bool {
        matches!(self, Self::Step | Self::Token)
    }
}

/// The name of the token request.
pub(super) const TOKEN: &str = "token";
/// The name of the call that uses the token.
const CHECK: &str = "verify";
/// The name of the call to an introspection endpoint.
const INTROSPECTION: &str = "introspection";
/// The name of the check of what a JSON Web Token says of itself, which is no call.
pub(super) const INSPECTION: &str = "jwt";
/// The name of the call for keys.
const KEYS: &str = "jwks";
/// The names of the label `step` that no recipe can choose.
pub(super) const OWN_NAMES: [&str; 5] = [TOKEN, CHECK, INTROSPECTION, INSPECTION, KEYS];

/// One request and how its answer is read.
pub struct Call {
    /// Its name, for people and for the label `step`.
    pub name: Arc<str>,
    /// What it is for.
    pub kind: Kind,
    /// Before the name of a part, where mistakes are told: `steps.login.`.
    pub(super) part: String,
    pub(super) request: RequestTemplates,
    pub(super) rules: Rules,
    /// What its answer gives to the calls after it.
    pub(super) gives: Vec<(String, Compiled)>,
    /// What its request takes from answers before it.
    pub(super) needs: BTreeSet<String>,
    /// Whether what an answer gave decides to which host its request goes.
    pub(super) follows: bool,
    /// The names that the rules for its answer use.
    pub(super) uses: BTreeSet<String>,
}

pub(super) struct RequestTemplates {
    pub(super) method: Method,
    pub(super) url: Template,
    pub(super) query: Vec<(String, Template)>,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: BodyTemplate,
}

pub(super) enum BodyTemplate {
    Empty,
    Form(Vec<(String, Template)>),
    Json(JsonTemplate),
    Text(Template),
}

/// How any answer is told to be a success or a failure, and which.
pub(super) struct Rules {
    pub(super) format: Format,
    /// Those that are fine; any 2xx when empty.
    pub(super) statuses: Vec<u16>,
    /// What must hold beside the status.
    pub(super) holds: Option<Holds>,
    pub(super) code: Vec<Compiled>,
    pub(super) message: Vec<Compiled>,
    pub(super) throttled: Vec<String>,
    pub(super) unavailable: Vec<String>,
}

/// What must hold beside the status.
pub(super) struct Holds {
    /// The word that recipes have for it.
    pub(super) word: &'static str,
    pub(super) rule: Compiled,
    /// The members of the answer that the rule looks at.
    pub(super) members: Vec<Compiled>,
}

impl Holds {
    pub fn new(word: &'static str, rule: Compiled, names: &Names) -> Self {
        let members = scan::members(&rule.source)
            .into_iter()
            .filter_map(|member| Compiled::new(Side::Response, member, names).ok())
            .collect();
        Self { word, rule, members }
    }
}

/// What is read of a success of the token request.
pub(super) struct TokenRules {
    pub(super) token: Vec<Compiled>,
    pub(super) expiry: Vec<(Compiled, Unit)>,
    pub(super) never: Option<Compiled>,
    pub(super) scopes: Option<Compiled>,
}
