//! A compiled recipe: its calls, each with its request and the rules for its answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};

use super::definition::{
    Absent, Credential, CredentialKind, Definition, Format, Known, Parameter, Tokens, Unit,
};
use super::list_rules::ListRules;
use crate::language::expression::Compiled;
use crate::language::json_template::JsonTemplate;
use crate::language::names::Names;
use crate::language::scan::{Member, members};
use crate::language::template::Template;
use crate::outcome::{EndSource, Reason};

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
    /// How certain the recipe is about the API.
    pub known: Option<Known>,
    /// How often it is safe to request a token.
    pub interval: Option<Duration>,
    /// Whether the provider returns the same token until it expires.
    pub tokens: Tokens,
    /// The inputs that are not secret, by name.
    pub parameters: Vec<(String, Parameter)>,
    /// The secret inputs, by name.
    pub credentials: Vec<(String, Credential)>,
    /// The calls before the token request, in order.
    pub(super) steps: Vec<Call>,
    /// The call that decides: the token request, or the read that presents a static credential.
    pub main: Call,
    /// The calls at the end.
    pub(super) cleanup: Vec<Call>,
    pub(super) bindings: Vec<(String, Compiled)>,
    pub(super) reading: TokenRules,
    /// How a list of credentials in the answer is read.
    pub(super) list: Option<ListRules>,
    /// All names that the last request of a probe can use.
    pub(super) names: Names,
    /// The definition, to compare recipes.
    pub(super) definition: Definition,
    /// All names that its expressions use. Unused values are not computed.
    pub(super) uses: BTreeSet<String>,
    /// The number of its expressions and texts, which decides its size in memory.
    pub expressions: usize,
}

/// Recipes with equal definitions are equal, also from different files.
impl PartialEq for Recipe {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.definition == other.definition
    }
}

impl Recipe {
    /// Other words that people search for.
    #[must_use]
    pub fn aliases(&self) -> &[String] {
        &self.definition.aliases
    }

    /// Who runs the API or makes the server.
    #[must_use]
    pub fn vendor(&self) -> Option<&str> {
        self.definition.vendor.as_deref()
    }

    /// Whether a probe requests a token, or presents the credential itself.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        self.definition.kind
    }

    /// Whether a probe requests a token.
    #[must_use]
    pub fn issues_tokens(&self) -> bool {
        self.kind() == CredentialKind::Issued
    }

    /// The credential that ends where nothing names another: of those that are not optional the
    /// last one whose name is that of a secret, or else the last one. Empty for a recipe without
    /// credentials.
    #[must_use]
    pub fn ending_credential(&self) -> &str {
        let needed = || self.credentials.iter().filter(|(_, credential)| !credential.optional);
        let secret = needed().rfind(|(name, _)| is_secret_name(name));
        secret
            .or_else(|| needed().next_back())
            .or(self.credentials.last())
            .map_or("", |(name, _)| name)
    }

    /// The first parameter in the URL of the main request.
    #[must_use]
    pub fn url_parameter(&self) -> Option<&str> {
        let url = self.definition.request.url.as_ref()?.0.get_ref();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        url.split("{{").skip(1).filter_map(|part| part.split_once("}}")).find_map(|(inside, _)| {
            let mut words = inside.split(|c: char| !is_word(c));
            let name = words.find(|word| self.parameters.iter().any(|(name, _)| name == word))?;
            self.parameters.iter().map(|(other, _)| other.as_str()).find(|other| *other == name)
        })
    }

    /// Whether a rule reads the granted scopes.
    #[must_use]
    pub fn reads_scopes(&self) -> bool {
        self.reading.scopes.is_some()
    }

    /// The rules for the answer to a call, of which the first that finds something counts: those
    /// for codes and messages, and for the main call those for the token and its end.
    pub(super) fn alternatives<'a>(&'a self, call: &'a Call) -> Vec<&'a str> {
        let of_call = call.rules.code.iter().chain(&call.rules.message);
        let expiry = self.reading.expiry.iter().map(|(rule, _)| rule);
        let of_token = self.reading.token.iter().chain(expiry).filter(|_| call.kind.is_main());
        of_call.chain(of_token).map(|rule| rule.source.as_str()).collect()
    }

    /// How often the list of credentials is read; `None` when the recipe has no list.
    #[must_use]
    pub fn list_interval(&self) -> Option<Duration> {
        self.list.as_ref().map(|list| list.interval)
    }

    /// The rules of the list: their keys, and the expressions as the recipe writes them.
    #[must_use]
    pub fn list_sources(&self) -> Vec<(&'static str, &str)> {
        self.list.as_ref().map(ListRules::sources).unwrap_or_default()
    }

    /// The rules for the names of a list that read a member whose name says that it is secret.
    #[must_use]
    pub fn hidden_names(&self) -> Vec<&str> {
        self.list.as_ref().map(ListRules::hidden_names).unwrap_or_default()
    }

    /// The most credentials of the list that are kept.
    #[must_use]
    pub fn most_listed(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.most)
    }

    /// Whether any expression uses the current time.
    #[must_use]
    pub fn uses_the_time(&self) -> bool {
        ["now_s", "now_ms", "now_iso"].iter().any(|name| self.uses(name))
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
    /// Presents a static credential.
    Read,
    /// Reads a further page of the list of credentials. It is the request of [`Self::Read`] with
    /// another URL.
    Page,
    /// Uses the token, which the provider accepts or rejects.
    Check,
    /// Asks the provider whether the token is active (RFC 7662).
    Introspection,
    /// Fetches the keys that sign tokens (RFC 7517).
    Keys,
    /// Closes what earlier calls have opened.
    Cleanup,
}

impl Kind {
    /// The name of a call to which the recipe gives no name.
    pub(super) fn own_name(self) -> &'static str {
        match self {
            Self::Step | Self::Page | Self::Cleanup => "",
            Self::Token => TOKEN,
            Self::Read => READ,
            Self::Check => CHECK,
            Self::Introspection => INTROSPECTION,
            Self::Keys => KEYS,
        }
    }

    /// Whether the call decides the outcome unless a later one fails.
    #[must_use]
    pub fn is_main(self) -> bool {
        matches!(self, Self::Token | Self::Read)
    }

    /// Whether the call leads to the outcome: its time and its phases are those of the probe.
    #[must_use]
    pub fn leads_to_the_outcome(self) -> bool {
        self == Self::Step || self.is_main()
    }
}

/// The name of the token request.
const TOKEN: &str = "token";
/// The name of the call that presents a static credential.
const READ: &str = "read";
/// The name of the call that uses the token.
const CHECK: &str = "verify";
/// The name of the call to an introspection endpoint.
const INTROSPECTION: &str = "introspection";
/// The name of the check of a JSON Web Token's claims, which is no call.
pub(super) const INSPECTION: &str = "jwt";
/// The name of the call for keys.
const KEYS: &str = "jwks";
/// The names of the label `step` that no recipe of this kind can choose.
pub(super) fn own_names(kind: CredentialKind) -> &'static [&'static str] {
    match kind {
        CredentialKind::Issued => &[TOKEN, CHECK, INTROSPECTION, INSPECTION, KEYS],
        CredentialKind::Static => &[READ],
    }
}

/// One request and how its answer is read.
pub struct Call {
    /// Its name, for people and for the label `step`.
    pub name: Arc<str>,
    /// What it is for.
    pub kind: Kind,
    /// The prefix of its keys in messages, such as `steps.login.`.
    pub(super) part: String,
    pub(super) request: RequestTemplates,
    pub(super) rules: Rules,
    /// The values that its answer gives to later calls.
    pub(super) gives: Vec<(String, Compiled)>,
    /// The values that its request takes from earlier answers.
    pub(super) needs: BTreeSet<String>,
    /// Whether a value from an answer decides the host of the URL.
    pub(super) follows: bool,
    /// The names that the rules for its answer use.
    pub(super) uses: BTreeSet<String>,
    /// Whether these rules use only members and headers of the answer, and the token.
    pub(super) reads_only_members: bool,
}

/// Whether an input with this name is a secret and no identifier.
fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 7] =
        ["secret", "key", "password", "token", "jwt", "assertion", "certificate"];
    !name.ends_with("_id") && WORDS.iter().any(|word| name.contains(word))
}

impl Call {
    /// The credentials whose ends its answer can tell.
    pub fn ending_credentials(&self) -> impl Iterator<Item = &str> {
        self.rules.ends.places().map(|place| &*place.credential)
    }
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
    Multipart(Vec<(String, Template)>),
    Json(JsonTemplate),
    Text(Template),
}

impl BodyTemplate {
    /// The media type that the body sets, without parameters.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Multipart(_) => Some("multipart/form-data"),
            Self::Json(_) => Some("application/json"),
            Self::Empty | Self::Text(_) => None,
        }
    }
}

/// The rules that say whether an answer is a success or which failure it is.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) format: Format,
    /// Whether an HTML page is no success, whatever `format` says.
    pub(super) refuses_pages: bool,
    /// The statuses of a success; any 2xx when empty.
    pub(super) statuses: Vec<u16>,
    /// The condition for a success, in addition to the status.
    pub(super) condition: Option<Condition>,
    /// The condition for a refusal although the status says success.
    pub(super) dead: Option<Compiled>,
    /// The condition for a success although the status says refusal.
    pub(super) alive: Option<Compiled>,
    pub(super) code: Vec<Compiled>,
    pub(super) message: Vec<Compiled>,
    /// What gives a failure its reason; the first one that fits counts.
    pub(super) meanings: Vec<Meaning>,
    /// How long to wait, with the unit of each value.
    pub(super) retry_after: Vec<(Compiled, Unit)>,
    /// Where the answer has a new value of a credential, by the credential's name.
    pub(super) replaces: Vec<(Arc<str>, Compiled)>,
    /// Whether the answer is a page of a list, which has more values than other answers.
    pub(super) lists: bool,
    /// The format in which the rows of the list stand, where the recipe gives no format.
    pub(super) rows_in: Option<Format>,
    /// Where ends of configured credentials are, and when the credentials were created.
    pub(super) ends: EndRules,
}

/// The rules for the ends of configured credentials.
#[derive(Default)]
pub(super) struct EndRules {
    pub(super) expiry: Vec<EndPlace>,
    pub(super) created: Vec<EndPlace>,
}

impl EndRules {
    pub(super) fn is_empty(&self) -> bool {
        self.places().next().is_none()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &EndPlace> {
        self.expiry.iter().chain(&self.created)
    }
}

/// One place of the end of a configured credential.
pub(super) struct EndPlace {
    pub(super) rule: Compiled,
    pub(super) unit: Unit,
    pub(super) absent: Absent,
    pub(super) credential: Arc<str>,
    pub(super) source: EndSource,
}

/// Codes and a condition that give a failure a reason.
pub(super) struct Meaning {
    pub(super) reason: Reason,
    pub(super) codes: Vec<String>,
    pub(super) when: Option<Compiled>,
}

/// The rule `ok` or `issued` of a recipe.
pub(super) struct Condition {
    /// Its key in the recipe.
    pub(super) word: &'static str,
    pub(super) rule: Compiled,
    /// The members of the answer that the rule uses.
    pub(super) members: Vec<Member>,
}

impl Condition {
    pub fn new(word: &'static str, rule: Compiled) -> Self {
        let members = members(&rule.source);
        Self { word, rule, members }
    }
}

/// The rules for a successful answer to the token request.
pub(super) struct TokenRules {
    pub(super) token: Vec<Compiled>,
    pub(super) expiry: Vec<(Compiled, Unit)>,
    pub(super) never: Option<Compiled>,
    pub(super) scopes: Option<Compiled>,
}
