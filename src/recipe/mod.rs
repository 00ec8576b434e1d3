//! Recipes: how one kind of token API is asked and how its answer is read, as data.
//!
//! Pure: a recipe renders a [`TokenRequest`] from inputs and the time that it is given, and reads a
//! [`TokenResponse`] into an [`Outcome`](crate::outcome::Outcome). It does no input or output.
//!
//! Reading order: [`definition`] (as written), [`expression`] and [`template`] (the language), this file
//! (compilation), [`request`], [`response`], [`builtin`] (the table of built-ins).

mod answer;
pub mod builtin;
mod context;
pub mod definition;
mod expiry;
pub mod expression;
pub mod filters;
mod fingerprint;
mod forms;
mod jwt;
pub mod request;
pub mod response;
pub mod retry;
pub mod suggest;
pub mod template;
mod trace;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use http::{HeaderName, Method};

use crate::diagnostic::{Fault, Source, suggestion, within};
use definition::{Credential, Definition, Expressions, Format, Parameter, Text, Tokens, Unit};
use expression::{Compiled, Mistake, Names, Side};
use template::{JsonTemplate, Template};

pub use fingerprint::Fingerprints;
pub use request::{Attempt, Inputs, Rendered, TokenRequest};
pub use response::{Expectations, TokenResponse};
pub use trace::Trace;

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
    /// Whether the same token is handed out until it expires.
    pub tokens: Tokens,
    /// The inputs that are not secret, by name.
    pub parameters: Vec<(String, Parameter)>,
    /// The secret inputs, by name.
    pub credentials: Vec<(String, Credential)>,
    bindings: Vec<(String, Compiled)>,
    request: RequestTemplates,
    response: ResponseRules,
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

struct ResponseRules {
    format: Format,
    issued: Option<Compiled>,
    token: Vec<Compiled>,
    expiry: Vec<(Compiled, Unit)>,
    never: Option<Compiled>,
    code: Vec<Compiled>,
    message: Vec<Compiled>,
    scopes: Option<Compiled>,
    throttled: Vec<String>,
    unavailable: Vec<String>,
}

impl Recipe {
    /// Whether an answer can tell which scopes were granted.
    #[must_use]
    pub fn reads_scopes(&self) -> bool {
        self.response.scopes.is_some()
    }

    /// Whether any expression uses the value of this name.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        self.uses.contains(name)
    }

    /// Compiles a definition; all mistakes are added to `faults`.
    ///
    /// `place` is where the recipe begins, for what concerns it as a whole.
    #[must_use]
    pub fn compile(name: &str, definition: &Definition, source: &Arc<Source>, place: &Range<usize>, faults: &mut Vec<Fault>) -> Self {
        let mut compiler = Compiler { source, faults, names: Names::default(), uses: BTreeSet::new() };
        let (parameters, credentials) = compiler.inputs(definition);
        for clock in ["now_s", "now_ms", "now_iso", "uuid"] {
            compiler.names.add(clock, false);
        }
        let mut bindings = Vec::new();
        if let Some((name, _)) = definition.bindings.0.get(MOST_BINDINGS) {
            compiler.fault(name.span(), format!("these are more than {MOST_BINDINGS} values under `let`"));
        }
        for (name, text) in definition.bindings.0.iter().take(MOST_BINDINGS) {
            compiler.check_name(name.get_ref(), name.span());
            if let Some(compiled) = compiler.expression(Side::Request, text) {
                compiler.names.add(name.get_ref(), compiled.secret);
                bindings.push((name.get_ref().clone(), compiled));
            } else {
                compiler.names.add(name.get_ref(), false);
            }
        }
        let request = compiler.request(definition, place);
        for tree in ["json", "form", "xml"] {
            compiler.names.add_members(tree, &[]);
        }
        compiler.names.add_members("http", &["status", "headers"]);
        compiler.names.add("body", false);
        let response = compiler.response(definition, place);
        let uses = compiler.uses;
        Self {
            name: name.to_owned(),
            title: definition.title.clone(),
            documentation: definition.documentation.clone(),
            side_effects: definition.side_effects.clone(),
            tokens: definition.tokens,
            parameters,
            credentials,
            bindings,
            request,
            response,
            definition: definition.clone(),
            uses,
        }
    }
}

/// More values than any signature needs.
const MOST_BINDINGS: usize = 50;

/// Headers that the transport sets: another value would break the request.
const TRANSPORT_HEADERS: [&str; 5] = ["connection", "content-length", "host", "transfer-encoding", "upgrade"];

/// Names that mean something of their own in expressions.
const RESERVED: [&str; 10] = ["json", "form", "xml", "http", "body", "token", "now_s", "now_ms", "now_iso", "uuid"];

/// Whether a name means something of its own in expressions, so that no input can have it.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || expression::KEYWORDS.contains(&name)
}

struct Compiler<'a> {
    source: &'a Arc<Source>,
    faults: &'a mut Vec<Fault>,
    names: Names,
    uses: BTreeSet<String>,
}

type NamedInputs = (Vec<(String, Parameter)>, Vec<(String, Credential)>);

impl Compiler<'_> {
    fn fault(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Fault {
        self.faults.push(Fault::error(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }

    fn mistake(&mut self, text: &Text, mistake: Mistake) {
        let span = match mistake.range {
            Some(range) => within(&self.source.text, text.0.span(), text.0.get_ref(), range),
            None => text.0.span(),
        };
        self.fault(span, mistake.message).hint = mistake.hint;
    }

    fn check_name(&mut self, name: &str, span: Range<usize>) {
        let mut characters = name.chars();
        let valid = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
        if !valid {
            self.fault(span, format!("{name:?} cannot be used in expressions")).hint =
                Some("a name has letters, digits and `_`, and begins with a letter".into());
        } else if is_reserved(name) {
            self.fault(span, format!("`{name}` has a meaning of its own in expressions")).hint = Some("choose another name".into());
        } else if self.names.contains(name) {
            self.fault(span, format!("the name `{name}` is given twice")).hint = Some("parameters, credentials and `let` share one set of names".into());
        }
    }

    fn inputs(&mut self, definition: &Definition) -> NamedInputs {
        let mut parameters = Vec::new();
        for (name, parameter) in &definition.parameters.0 {
            self.check_name(name.get_ref(), name.span());
            self.names.add(name.get_ref(), false);
            if let Some(definition::Scalar::Text(default)) = &parameter.default
                && !parameter.one_of.is_empty()
                && !parameter.one_of.contains(default)
            {
                let hint = suggestion(default, parameter.one_of.iter().map(String::as_str));
                self.fault(name.span(), format!("the default {default:?} is not in `one_of`")).hint = Some(hint);
            }
            parameters.push((name.get_ref().clone(), parameter.clone()));
        }
        let mut credentials = Vec::new();
        for (name, credential) in &definition.credentials.0 {
            self.check_name(name.get_ref(), name.span());
            self.names.add(name.get_ref(), true);
            credentials.push((name.get_ref().clone(), credential.clone()));
        }
        (parameters, credentials)
    }

    fn expression(&mut self, side: Side, text: &Text) -> Option<Compiled> {
        match Compiled::new(side, text.0.get_ref(), &self.names) {
            Ok(compiled) => {
                self.uses.extend(compiled.uses.iter().cloned());
                Some(compiled)
            }
            Err(mistake) => {
                self.mistake(text, mistake);
                None
            }
        }
    }

    fn expressions(&mut self, texts: &Expressions) -> Vec<Compiled> {
        texts.0.iter().filter_map(|text| self.expression(Side::Response, text)).collect()
    }

    fn template(&mut self, text: &Text) -> Option<Template> {
        match Template::new(text.0.get_ref(), &self.names) {
            Ok(template) => {
                self.uses.extend(template.expressions().flat_map(|expression| expression.uses.iter().cloned()));
                Some(template)
            }
            Err(mistake) => {
                self.mistake(text, mistake);
                None
            }
        }
    }

    fn request(&mut self, definition: &Definition, place: &Range<usize>) -> RequestTemplates {
        let request = &definition.request;
        let method = match &request.method {
            None => Method::POST,
            Some(text) => match text.0.get_ref().as_str() {
                "GET" => Method::GET,
                "POST" => Method::POST,
                "PUT" => Method::PUT,
                "PATCH" => Method::PATCH,
                other => {
                    let hint = suggestion(other, ["GET", "POST", "PUT", "PATCH"]);
                    self.fault(text.0.span(), format!("{other:?} is not a method that a token request can have")).hint = Some(hint);
                    Method::POST
                }
            },
        };
        let url = request.url.as_ref().and_then(|url| self.template(url));
        if request.url.is_none() {
            self.fault(place.clone(), "the recipe has no `request.url`");
        }
        let pairs = |compiler: &mut Self, table: &definition::Ordered<Text>| {
            table.0.iter().filter_map(|(name, text)| Some((name.get_ref().clone(), compiler.template(text)?))).collect::<Vec<_>>()
        };
        let query = pairs(self, &request.query);
        let mut headers = Vec::new();
        for (name, text) in &request.headers.0 {
            match HeaderName::try_from(name.get_ref().as_str()) {
                Ok(header) if TRANSPORT_HEADERS.contains(&header.as_str()) => {
                    self.fault(name.span(), format!("the header `{}` is set by the transport", name.get_ref()));
                }
                Ok(header) if headers.iter().any(|(known, _)| *known == header) => {
                    self.fault(name.span(), format!("the header `{}` is given twice", name.get_ref())).hint =
                        Some("upper and lower case do not tell headers apart".into());
                }
                Ok(header) => headers.extend(self.template(text).map(|template| (header, template))),
                Err(_) => {
                    self.fault(name.span(), format!("{:?} cannot be the name of a header", name.get_ref()));
                }
            }
        }
        let bodies = [request.form.is_some(), request.json.is_some(), request.body.is_some()];
        if bodies.iter().filter(|given| **given).count() > 1 {
            self.fault(place.clone(), "the request has more than one body").hint = Some("choose one of `form`, `json` and `body`".into());
        }
        let body = if let Some(form) = &request.form {
            BodyTemplate::Form(pairs(self, form))
        } else if let Some(json) = &request.json {
            BodyTemplate::Json(JsonTemplate::new(json, &mut |text| self.template(text)))
        } else if let Some(text) = &request.body {
            self.template(text).map_or(BodyTemplate::Empty, BodyTemplate::Text)
        } else {
            BodyTemplate::Empty
        };
        let nothing = || Template::new("", &Names::default()).expect("an empty text is a template");
        RequestTemplates { method, url: url.unwrap_or_else(nothing), query, headers, body }
    }

    fn response(&mut self, definition: &Definition, place: &Range<usize>) -> ResponseRules {
        let response = &definition.response;
        if response.token.0.is_empty() {
            self.fault(place.clone(), "the recipe has no `response.token`").hint =
                Some("say where the token is in the answer, such as `token = \"json.access_token\"`".into());
        }
        let issued = response.issued.as_ref().and_then(|text| self.expression(Side::Response, text));
        let token = self.expressions(&response.token);
        let code = self.expressions(&response.code);
        let message = self.expressions(&response.message);
        let scopes = response.scopes.as_ref().and_then(|text| self.expression(Side::Response, text));
        // The token is known only to the rules that cannot show it.
        self.names.add("token", true);
        let expiry = response.expiry.iter().filter_map(|rule| Some((self.expression(Side::Response, &rule.value)?, rule.unit))).collect();
        let never = response.never.as_ref().and_then(|text| self.expression(Side::Response, text));
        ResponseRules {
            format: response.format,
            issued,
            token,
            expiry,
            never,
            code,
            message,
            scopes,
            throttled: response.throttled.clone(),
            unavailable: response.unavailable.clone(),
        }
    }
}
