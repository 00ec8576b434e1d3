//! The inputs of a draft: the values of the sample that differ between customers.

use serde_json::{Map, Value as Json};

use super::digests::Digest;
use super::encoded;
use super::field::{Kind, kind};
use super::names::{escaped, snake, usable};
use super::values::{self, Part};
use crate::recipe::definition::CredentialKind;
use crate::secret::{
    is_harmless, is_random_step, looks_random, may_be_constant, may_stand_beside, names_a_secret,
};

/// One input. Holds the value from the sample, so it has no `Debug`.
#[derive(Default)]
pub struct Input {
    pub name: String,
    /// Whether it is a credential.
    pub secret: bool,
    /// Whether the request needs it as a number.
    pub is_number: bool,
    /// The environment variable that the sample takes it from.
    pub variable: Option<String>,
    /// The value in the sample; `None` for a placeholder.
    pub value: Option<String>,
    /// Whether the value in the sample is the default of the parameter.
    pub has_default: bool,
    /// The name of the placeholder.
    placeholder: Option<String>,
}

impl Input {
    /// Whether it may also be part of a path. A secret may not, because servers log paths.
    fn may_be_in_a_path(&self) -> bool {
        !names_a_secret(&self.name) && !["pass", "pwd"].iter().any(|word| self.name.contains(word))
    }

    /// Whether it identifies a customer, so that the same word elsewhere means that customer.
    fn names_a_customer(&self) -> bool {
        const WORDS: [&str; 5] = ["account", "merchant", "customer", "partner", "company"];
        !self.secret
            || self.name.ends_with("_id")
            || WORDS.iter().any(|word| self.name.contains(word))
    }
}

/// A value that is computed from others.
#[derive(Clone)]
pub struct Signature {
    pub name: String,
    /// The digest with the form of the sample.
    pub digest: Option<Digest>,
}

/// A JSON Web Token that is made for each request. Holds claims of the sample: no `Debug`.
pub struct Assertion {
    pub name: String,
    /// Whether it is the grant, so that its subject is often another than its issuer.
    pub is_grant: bool,
    /// The header of the sample; empty where the sample shows none.
    pub header: Map<String, Json>,
    /// Its claims.
    pub claims: Map<String, Json>,
}

/// All inputs, in the order in which the sample has them.
#[derive(Default)]
pub struct Inputs {
    pub all: Vec<Input>,
    pub signatures: Vec<Signature>,
    /// The digest that the field of a signature method names.
    pub method: Option<Digest>,
    pub assertions: Vec<Assertion>,
    /// The data of the request in small letters, which names its grant.
    pub grant: String,
    /// The time, in the form in which the request sends it.
    pub time: Option<String>,
    /// Whether each word of this part belongs to the customer: the variables of a GraphQL call.
    pub own_words: bool,
    /// Whether this field has a login name.
    pub is_login: bool,
    /// The TODO comments.
    pub todo: Vec<String>,
    /// Whether the sample is an OAuth 2 request, which logs in a client and not a user.
    pub is_oauth: bool,
    /// Whether the sample requests a token, or presents a key.
    pub kind: CredentialKind,
}

/// Words that APIs join to long names, such as `personalaccesstokens`.
const JOINED: [&str; 20] = [
    "personal", "access", "tokens", "token", "service", "accounts", "account", "principals",
    "principal", "credentials", "credential", "secrets", "secret", "management", "authentication",
    "application", "organization", "keys", "key", "user",
];

/// Whether a text is made of these words and nothing else.
fn is_joined(text: &str) -> bool {
    text.is_empty() || JOINED.iter().any(|word| text.strip_prefix(word).is_some_and(is_joined))
}

/// The field name of a path segment.
const STEP: &str = "/path";

/// How the names of methods begin that stand behind a `:` in a path.
const METHODS: [&str; 17] = [
    "create", "generate", "issue", "sign", "login", "logIn", "auth", "exchange", "refresh", "get",
    "request", "verify", "grant", "renew", "start", "open", "token",
];

/// The shortest Base64 text that is read as a pair. A shorter word can decode to one by chance.
const SHORTEST_PAIR: usize = 12;

/// Shorter values are not searched for in other texts: many words contain them.
pub const SHORTEST_TO_FIND: usize = 6;

/// The name of a parameter that need not be a URL. The name of one that must be ends with `_url`.
fn not_an_address(name: String) -> String {
    match name.strip_suffix("_url") {
        Some(rest) => format!("{rest}_address"),
        None => name,
    }
}

impl Inputs {
    /// Whether the sample presents a key and requests no token.
    pub fn is_static(&self) -> bool {
        self.kind == CredentialKind::Static
    }

    /// Adds a TODO comment, once.
    pub fn todo(&mut self, text: impl Into<String>) {
        // Names of fields come from outside, and a line break would end the comment.
        let text: String =
            text.into().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !self.todo.contains(&text) {
            self.todo.push(text);
        }
    }

    /// Whether `let` of the draft has this name.
    pub fn is_computed(&self, name: &str) -> bool {
        self.signatures.iter().any(|known| known.name == name)
            || self.assertions.iter().any(|known| known.name == name)
    }

    /// The name of an input for a value of the sample.
    pub fn value(&mut self, wanted: &str, value: &str) -> String {
        let in_path = wanted == snake(STEP);
        let again = |input: &&Input| {
            input.value.as_deref() == Some(value)
                && (input.name == wanted || value.len() >= SHORTEST_TO_FIND && !is_harmless(value))
        };
        if let Some(known) =
            self.all.iter().filter(|input| !in_path || input.may_be_in_a_path()).find(again)
        {
            return known.name.clone();
        }
        self.add_secret(wanted, Some(value))
    }

    fn add_secret(&mut self, wanted: &str, value: Option<&str>) -> String {
        let value = value.map(str::to_owned);
        self.add(wanted, Input { secret: true, value, ..Input::default() })
    }

    /// The name of an input for a placeholder. The name of the field is better than the name that
    /// the page uses.
    pub fn placeholder(
        &mut self,
        field: Option<&str>,
        name: Option<String>,
        variable: Option<String>,
    ) -> String {
        if let Some(known) =
            self.all.iter().find(|input| input.placeholder.is_some() && input.placeholder == name)
        {
            return known.name.clone();
        }
        let wanted =
            field.map(snake).or_else(|| name.clone()).unwrap_or_else(|| self.unnamed().into());
        let is_place = |name: &str| matches!(kind(name), Kind::Parameter | Kind::Own);
        let secret = !(kind(&wanted).is_open() || name.as_deref().is_some_and(is_place));
        let wanted = if secret { wanted } else { not_an_address(wanted) };
        self.add(&wanted, Input { secret, variable, placeholder: name, ..Input::default() })
    }

    /// The name of a parameter for a value of the sample.
    pub fn open(&mut self, wanted: &str, value: &str) -> String {
        let again = |input: &&Input| input.name == wanted && input.value.as_deref() == Some(value);
        if let Some(known) = self.all.iter().find(again) {
            return known.name.clone();
        }
        let value = Some(value.to_owned());
        self.add(&not_an_address(wanted.to_owned()), Input { value, ..Input::default() })
    }

    /// The name of a parameter whose default is this value.
    pub fn with_default(&mut self, wanted: &str, value: &str) -> String {
        let again = |input: &&Input| {
            input.has_default && input.value.as_deref() == Some(value) && input.name == wanted
        };
        if let Some(known) = self.all.iter().find(again) {
            return known.name.clone();
        }
        let value = Some(value.to_owned());
        self.add(wanted, Input { value, has_default: true, ..Input::default() })
    }

    /// As [`Self::text`], for a field that may have a login name.
    pub fn member(&mut self, field: &str, value: &str, is_login: bool) -> String {
        self.is_login = is_login;
        let text = self.text(field, true, value, true);
        self.is_login = false;
        text
    }

    /// The name of a credential that nothing in the sample names.
    fn unnamed(&self) -> &'static str {
        if self.is_static() { "api_key" } else { "credential" }
    }

    fn add(&mut self, wanted: &str, mut input: Input) -> String {
        // Only where a token is issued, its name belongs to it.
        let name =
            if self.is_static() && wanted == "token" { "token".into() } else { usable(wanted) };
        let taken =
            |name: &str| self.all.iter().any(|input| input.name == name) || self.is_computed(name);
        let mut unique = name.clone();
        let mut count = 1;
        while taken(&unique) {
            count += 1;
            unique = format!("{name}_{count}");
        }
        input.name.clone_from(&unique);
        self.all.push(input);
        unique
    }

    /// The name of a credential that the sample does not show: the key of a signature.
    pub fn hidden(&mut self, name: &str) -> String {
        self.add_secret(name, None)
    }

    /// The text with expressions for a value of a field. `named` is false where the name says
    /// nothing about the value: in `Authorization` and in a path.
    pub fn text(&mut self, field: &str, named: bool, value: &str, angles: bool) -> String {
        if let Some(name) = self.assertion(field, value) {
            return format!("{{{{ {name} }}}}");
        }
        let encoded = (value.len() >= SHORTEST_PAIR).then(|| encoded::found(value)).flatten();
        if let Some(pair) = encoded {
            return format!("{{{{ {} }}}}", self.pair(&pair));
        }
        if let Some(text) = self.graphql(value) {
            return text;
        }
        self.ask_about_short_life(field, value);
        let kind = kind(field);
        let mut parts = values::parts(value, angles);
        // In these fields a word in capitals belongs to the API.
        let own_words = matches!(kind, Kind::Constant | Kind::Parameter | Kind::Unknown);
        if let [Part::Placeholder { soft: true, name: Some(_), .. }] = parts.as_slice()
            && own_words
        {
            parts = vec![Part::Text(value.to_owned())];
        }
        if let [Part::Text(text)] = parts.as_slice() {
            return self.literal(field, kind, text);
        }
        let may_stand = |part: &Part| match part {
            Part::Text(text) => {
                may_stand_beside(text)
                    || looks_random(text)
                    || kind.is_open() && may_be_constant(text)
            }
            Part::Placeholder { .. } | Part::Command(_) => true,
        };
        if !parts.iter().all(may_stand) {
            self.ask_about_whole(field);
            return format!("{{{{ {} }}}}", self.value(&snake(field), value));
        }
        let several = parts.len() > 1;
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Text(text) if looks_random(&text) => {
                    // The sign that joins it to the part before it: `{app_id}|SECRET`.
                    let random = text.trim_start_matches(['|', ':', '/', '.']);
                    out.push_str(&text[..text.len() - random.len()]);
                    out.push_str(&format!("{{{{ {} }}}}", self.value(&snake(field), random)));
                }
                // A word of the path stays, even if the sample uses it as a password too.
                Part::Text(text) if field == STEP => out.push_str(&escaped(&text)),
                Part::Text(text) => out.push_str(&self.known(&text)),
                Part::Command(command) => {
                    out.push_str(&format!("{{{{ {} }}}}", self.command(field, kind, &command)));
                }
                Part::Placeholder { name, variable, .. } => {
                    let expression = self.computed(field, kind).unwrap_or_else(|| {
                        let field = (named && !several).then_some(field);
                        self.placeholder(field, name, variable)
                    });
                    out.push_str(&format!("{{{{ {expression} }}}}"));
                }
            }
        }
        out
    }

    /// The text for one segment of a path. `before` is the segment before it, which often names it.
    pub fn step(&mut self, before: &str, step: &str) -> String {
        // A method of a resource: `accounts:signIn`, `/session/:create`.
        let is_method = |name: &str| METHODS.iter().any(|verb| name.starts_with(verb));
        if let Some((resource, method)) = step.split_once(':')
            && is_method(method)
            && [resource, method].iter().all(|part| !is_random_step(part))
            && !self.shows_a_secret(step)
        {
            return escaped(step);
        }
        if let Some(name) = step.strip_prefix(':').filter(|name| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty()
        }) {
            let name = values::clean(name);
            return format!("{{{{ {} }}}}", self.placeholder(None, name, None));
        }
        if let [Part::Placeholder { name, variable, .. }] = values::parts(step, true).as_slice() {
            return format!("{{{{ {} }}}}", self.placeholder(None, name.clone(), variable.clone()));
        }
        let parts = values::parts(step, true);
        if !matches!(parts.as_slice(), [Part::Text(_)] | []) {
            return self.text(STEP, false, step, true);
        }
        // An account number can be in both places; a secret must not be in the path.
        let known = self.all.iter().find(|input| {
            input.value.as_deref() == Some(step)
                && step.len() >= 3
                && input.may_be_in_a_path()
                && (input.names_a_customer() || is_random_step(step) || !is_harmless(step))
        });
        if let Some(known) = known {
            return format!("{{{{ {} }}}}", known.name);
        }
        // `@me` is the caller.
        let name = step.strip_prefix('@').unwrap_or(step);
        if (!is_random_step(name) || is_joined(name)) && !self.shows_a_secret(step) {
            return self.tenant(before, step).unwrap_or_else(|| escaped(step));
        }
        let name = snake(before);
        let name = name.strip_suffix('s').unwrap_or(&name);
        let wanted = if name.is_empty() { "path_id".into() } else { format!("{name}_id") };
        format!("{{{{ {} }}}}", self.add_secret(&wanted, Some(step)))
    }

    /// Asks the author to split a text that became a credential.
    pub fn ask_about_whole(&mut self, field: &str) {
        self.todo(format!(
            "the whole of `{}` is a credential; move the part that all customers share into the \
             text",
            snake(field)
        ));
    }

    /// Whether a text contains the value of a credential that is not a plain word.
    pub fn shows_a_secret(&self, text: &str) -> bool {
        let is_secret = |value: &&str| value.len() >= SHORTEST_TO_FIND && !is_harmless(value);
        self.all
            .iter()
            .filter_map(|input| input.value.as_deref().filter(is_secret))
            .any(|value| text.contains(value))
    }

    /// The expression for a command that a shell would run.
    fn command(&mut self, field: &str, kind: Kind, command: &str) -> String {
        let has = |word: &str| command.contains(word);
        if has("uuid") {
            return "uuid".into();
        }
        if has("date") && !has("base64") {
            let form = if has("%N") || has("%3N") || has("000") {
                "now_ms"
            } else if has("%s") {
                "now_s"
            } else {
                "now_iso"
            };
            return self.now(form, field);
        }
        if has("base64") && !has("openssl dgst") && command.contains(':') {
            return self.pair(command);
        }
        if has("openssl") || has("sha") || has("hmac") || kind == Kind::Signature {
            return self.signature(if kind == Kind::Signature { field } else { "signature" }, "");
        }
        self.todo(format!(
            "another command makes `{}`: find out in the documentation what it is",
            snake(field)
        ));
        let name = snake(field);
        self.hidden(&name)
    }
}
