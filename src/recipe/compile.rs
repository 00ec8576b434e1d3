//! From a recipe as it is written to one that can be used, with every mistake told at its place.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use http::{HeaderName, Method};

use super::call::{BodyTemplate, Call, Holds, Recipe, RequestTemplates, Rules, TokenRules};
use super::definition::{
    self, Answer, Credential, Definition, Expressions, Format, Parameter, Request, Scalar, Step,
    Text, Unit,
};
use crate::diagnostic::{Fault, Source, suggestion, within};
use crate::language::expression::{Compiled, Side};
use crate::language::names::{Mistake, Names};
use crate::language::scan::KEYWORDS;
use crate::language::taint::{SAME, paths, shown_secret};
use crate::language::template::{JsonTemplate, Template};

/// More values than any signature needs.
const MOST_BINDINGS: usize = 50;

/// More calls than any API needs for one token.
const MOST_STEPS: usize = 8;

/// Headers that the transport sets: another value would break the request.
const TRANSPORT_HEADERS: [&str; 5] =
    ["connection", "content-length", "host", "transfer-encoding", "upgrade"];

/// Names that mean something of their own in expressions.
const RESERVED: [&str; 11] =
    ["json", "form", "xml", "http", "body", "token", "now_s", "now_ms", "now_iso", "uuid", SAME];

/// Whether a name means something of its own in expressions, so that no input can have it.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || KEYWORDS.contains(&name)
}

/// The name of the token request among the steps, and of what verifies the token.
pub const TOKEN: &str = "token";
pub const VERIFICATION: [&str; 4] = ["verify", "introspection", "jwt", "jwks"];

/// What a call is for: what it may do differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Token,
    Step,
}

impl Recipe {
    /// Compiles a definition; all mistakes are added to `faults`.
    ///
    /// `place` is where the recipe begins, for what concerns it as a whole.
    #[must_use]
    pub fn compile(
        name: &str,
        definition: &Definition,
        source: &Arc<Source>,
        place: &Range<usize>,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut compiler = Compiler::new(source, faults, Names::default(), BTreeSet::new());
        let (parameters, credentials) = compiler.inputs(definition);
        for clock in ["now_s", "now_ms", "now_iso", "uuid"] {
            compiler.names.add(clock, false);
        }
        let bindings = compiler.bindings(definition);
        let mut known: Vec<Arc<str>> = vec![TOKEN.into()];
        known.extend(VERIFICATION.map(Arc::from));
        let steps = compiler.steps(&definition.steps, "steps", &mut known, place);
        let request = compiler.request(&definition.request, Kind::Token, place);
        let outside = compiler.names.clone();
        compiler.add_answer_names();
        let gives = compiler.gives(&definition.response.gives);
        let (rules, reading) = compiler.response(definition, place);
        compiler.names = outside;
        let token = compiler.finish(TOKEN.into(), String::new(), request, rules, gives);
        compiler.names.add("token", true);
        compiler.answers.insert("token".into());
        let cleanup = compiler.steps(&definition.cleanup, "cleanup", &mut known, place);
        let Compiler { names, all, .. } = compiler;
        Self {
            name: name.to_owned(),
            title: definition.title.clone(),
            documentation: definition.documentation.clone(),
            side_effects: definition.side_effects.clone(),
            known: definition.known,
            interval: definition.interval.map(|span| span.0),
            tokens: definition.tokens,
            parameters,
            credentials,
            steps,
            token,
            cleanup,
            bindings,
            reading,
            names,
            definition: definition.clone(),
            uses: all,
        }
    }

    /// Compiles a call that verifies the token; all mistakes are added to `faults`.
    pub(super) fn compile_check(
        &self,
        name: &str,
        request: &Request,
        answer: &Answer,
        source: &Arc<Source>,
        place: &Range<usize>,
        faults: &mut Vec<Fault>,
    ) -> Call {
        let given = self
            .steps
            .iter()
            .chain([&self.token])
            .flat_map(|step| step.gives.iter().map(|(name, _)| name.clone()));
        let answers = given.chain(["token".to_owned()]).collect();
        let mut compiler = Compiler::new(source, faults, self.names.clone(), answers);
        compiler.call(name.into(), format!("verify.{name}."), request, answer, place)
    }
}

struct Compiler<'a> {
    source: &'a Arc<Source>,
    faults: &'a mut Vec<Fault>,
    /// What can be used where the compiler is now.
    names: Names,
    /// Those that come from answers.
    answers: BTreeSet<String>,
    /// What the call under way uses: its request, then its response.
    uses: BTreeSet<String>,
    /// What anything used.
    all: BTreeSet<String>,
    /// Where the answer under way has the token or what it gives.
    hidden: Vec<Vec<String>>,
}

type NamedInputs = (Vec<(String, Parameter)>, Vec<(String, Credential)>);

impl<'a> Compiler<'a> {
    fn new(
        source: &'a Arc<Source>,
        faults: &'a mut Vec<Fault>,
        names: Names,
        answers: BTreeSet<String>,
    ) -> Self {
        Self {
            source,
            faults,
            names,
            answers,
            uses: BTreeSet::new(),
            all: BTreeSet::new(),
            hidden: Vec::new(),
        }
    }

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
        let valid = characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
        if !valid {
            self.fault(span, format!("{name:?} cannot be used in expressions")).hint =
                Some("a name has letters, digits and `_`, and begins with a letter".into());
        } else if is_reserved(name) {
            self.fault(span, format!("`{name}` has a meaning of its own in expressions")).hint =
                Some("choose another name".into());
        } else if self.names.contains(name) {
            self.fault(span, format!("the name `{name}` is given twice")).hint = Some(
                "parameters, credentials, `let` and what steps give share one set of names".into(),
            );
        }
    }

    fn inputs(&mut self, definition: &Definition) -> NamedInputs {
        let mut parameters = Vec::new();
        for (name, parameter) in &definition.parameters.0 {
            self.check_name(name.get_ref(), name.span());
            self.names.add(name.get_ref(), false);
            if let Some(Scalar::Text(default)) = &parameter.default
                && !parameter.one_of.is_empty()
                && !parameter.one_of.contains(default)
            {
                let hint = suggestion(default, parameter.one_of.iter().map(String::as_str));
                self.fault(name.span(), format!("the default {default:?} is not in `one_of`"))
                    .hint = Some(hint);
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

    fn bindings(&mut self, definition: &Definition) -> Vec<(String, Compiled)> {
        let mut bindings = Vec::new();
        if let Some((name, _)) = definition.bindings.0.get(MOST_BINDINGS) {
            self.fault(
                name.span(),
                format!("these are more than {MOST_BINDINGS} values under `let`"),
            );
        }
        for (name, text) in definition.bindings.0.iter().take(MOST_BINDINGS) {
            self.check_name(name.get_ref(), name.span());
            if let Some(compiled) = self.expression(Side::Request, text) {
                self.names.add(name.get_ref(), compiled.secret);
                bindings.push((name.get_ref().clone(), compiled));
            } else {
                self.names.add(name.get_ref(), false);
            }
        }
        bindings
    }

    /// Adds what the rules for an answer can use beside the names of the request.
    fn add_answer_names(&mut self) {
        for tree in ["json", "form", "xml"] {
            self.names.add_members(tree, &[]);
        }
        self.names.add_members("http", &["status", "headers"]);
        self.names.add("body", false);
    }

    /// The calls of one list. What one gives can be used by those after it, and by all that comes
    /// after the list.
    fn steps(
        &mut self,
        steps: &[Step],
        list: &str,
        known: &mut Vec<Arc<str>>,
        place: &Range<usize>,
    ) -> Vec<Call> {
        if steps.len() > MOST_STEPS {
            self.fault(
                place.clone(),
                format!("these are more than {MOST_STEPS} calls under `{list}`"),
            );
        }
        let mut calls = Vec::new();
        for step in steps.iter().take(MOST_STEPS) {
            let name: Arc<str> = match &step.name {
                None => {
                    self.fault(place.clone(), format!("a call under `{list}` has no `name`"))
                        .hint = Some(
                        "it is shown to people, and is the label `step`: `name = \"login\"`".into(),
                    );
                    continue;
                }
                Some(text) => {
                    let name = text.0.get_ref().as_str();
                    let valid = !name.is_empty()
                        && name.len() <= 40
                        && name.bytes().all(|byte| {
                            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
                        });
                    if !valid {
                        self.fault(
                            text.0.span(),
                            format!("{name:?} cannot be the name of a call"),
                        )
                        .hint = Some("it has 1 to 40 letters, digits, `_` and `-`".into());
                    } else if known.iter().any(|known| **known == *name) {
                        self.fault(text.0.span(), format!("the name `{name}` is taken")).hint =
                            Some(format!(
                                "each call has a name of its own; `{TOKEN}`, `{}` are ours",
                                VERIFICATION.join("`, `")
                            ));
                    }
                    name.into()
                }
            };
            known.push(Arc::clone(&name));
            calls.push(self.call(
                Arc::clone(&name),
                format!("{list}.{name}."),
                &step.request,
                &step.response,
                place,
            ));
        }
        calls
    }

    fn call(
        &mut self,
        name: Arc<str>,
        part: String,
        request: &Request,
        answer: &Answer,
        place: &Range<usize>,
    ) -> Call {
        let request = self.request(request, Kind::Step, place);
        let outside = self.names.clone();
        self.add_answer_names();
        self.hide(answer.gives.0.iter().map(|(_, text)| text));
        let holds = answer.ok.as_ref().and_then(|text| self.rule(text));
        let holds = holds.map(|rule| Holds::new("ok", rule, &self.names));
        let (code, message) = (self.rules(&answer.code), self.rules(&answer.message));
        let gives = self.gives(&answer.gives);
        self.names = outside;
        let rules = Rules {
            format: Format::Any,
            statuses: answer.statuses.clone(),
            holds,
            code,
            message,
            throttled: answer.throttled.clone(),
            unavailable: answer.unavailable.clone(),
        };
        self.finish(name, part, request, rules, gives)
    }

    /// What an answer gives. All of it is secret: an answer can hold anything.
    fn gives(&mut self, table: &definition::Ordered<Text>) -> Vec<(String, Compiled)> {
        let mut gives = Vec::new();
        for (given, text) in &table.0 {
            self.check_name(given.get_ref(), given.span());
            gives.extend(
                self.expression(Side::Response, text)
                    .map(|compiled| (given.get_ref().clone(), compiled)),
            );
            self.names.add(given.get_ref(), true);
        }
        gives
    }

    fn finish(
        &mut self,
        name: Arc<str>,
        part: String,
        request: Requested,
        rules: Rules,
        gives: Vec<(String, Compiled)>,
    ) -> Call {
        let uses = std::mem::take(&mut self.uses);
        self.all.extend(uses.iter().cloned());
        let needs: BTreeSet<String> = request.uses.intersection(&self.answers).cloned().collect();
        let follows = request
            .templates
            .url
            .origin()
            .any(|expression| expression.uses.iter().any(|name| self.answers.contains(name)));
        self.all.extend(request.uses);
        // From here on what the answer gives can be used.
        for (given, _) in &gives {
            self.names.add(given, true);
            self.answers.insert(given.clone());
        }
        Call { name, part, request: request.templates, rules, gives, needs, follows, uses }
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

    /// Notes which paths of the answer are secret: those of the token and of what it gives.
    fn hide<'b>(&mut self, texts: impl Iterator<Item = &'b Text>) {
        self.hidden = texts.flat_map(|text| paths(text.0.get_ref())).collect();
    }

    /// A rule for the answer whose value may be shown, so that no secret may go into it.
    fn rule(&mut self, text: &Text) -> Option<Compiled> {
        let compiled = self.expression(Side::Response, text)?;
        let source = text.0.get_ref();
        let Some(shown) = shown_secret(source, |name| self.names.is_secret(name), &self.hidden)
        else {
            return Some(compiled);
        };
        let used = source[shown.clone()].to_owned();
        let place = within(&self.source.text, text.0.span(), source, shown);
        self.fault(place, format!("this rule would show `{used}`, which is secret")).hint =
            Some(format!(
                "a rule for the answer may use a secret only in `{SAME}(a, b)`, in a test such as \
                 `is defined`, and in `expiry` with the unit `jwt`"
            ));
        None
    }

    fn rules(&mut self, texts: &Expressions) -> Vec<Compiled> {
        texts.0.iter().filter_map(|text| self.rule(text)).collect()
    }

    fn template(&mut self, text: &Text) -> Option<Template> {
        match Template::new(text.0.get_ref(), &self.names) {
            Ok(template) => {
                self.uses.extend(
                    template.expressions().flat_map(|expression| expression.uses.iter().cloned()),
                );
                Some(template)
            }
            Err(mistake) => {
                self.mistake(text, mistake);
                None
            }
        }
    }

    fn method(&mut self, request: &Request, kind: Kind) -> Method {
        let has_body = request.form.is_some() || request.json.is_some() || request.body.is_some();
        let known: &[&str] = if kind == Kind::Token {
            &["GET", "POST", "PUT", "PATCH"]
        } else {
            &["GET", "POST", "PUT", "PATCH", "DELETE"]
        };
        match request.method.as_ref().map(|text| (text, text.0.get_ref().as_str())) {
            None if kind == Kind::Token || has_body => Method::POST,
            None => Method::GET,
            Some((_, method)) if known.contains(&method) => {
                Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST)
            }
            Some((text, other)) => {
                let hint = suggestion(other, known.iter().copied());
                self.fault(
                    text.0.span(),
                    format!("{other:?} is not a method that a token request can have"),
                )
                .hint = Some(hint);
                Method::POST
            }
        }
    }

    fn request(&mut self, request: &Request, kind: Kind, place: &Range<usize>) -> Requested {
        // What `let` uses is used by everything.
        self.all.append(&mut self.uses);
        let method = self.method(request, kind);
        let url = request.url.as_ref().and_then(|url| self.template(url));
        if request.url.is_none() {
            self.fault(
                place.clone(),
                if kind == Kind::Token {
                    "the recipe has no `request.url`"
                } else {
                    "a call has no `request.url`"
                },
            );
        }
        let pairs = |compiler: &mut Self, table: &definition::Ordered<Text>| {
            table
                .0
                .iter()
                .filter_map(|(name, text)| Some((name.get_ref().clone(), compiler.template(text)?)))
                .collect::<Vec<_>>()
        };
        let query = pairs(self, &request.query);
        let headers = self.headers(request);
        let bodies = [request.form.is_some(), request.json.is_some(), request.body.is_some()];
        if bodies.iter().filter(|given| **given).count() > 1 {
            self.fault(place.clone(), "the request has more than one body").hint =
                Some("choose one of `form`, `json` and `body`".into());
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
        let templates =
            RequestTemplates { method, url: url.unwrap_or_else(nothing), query, headers, body };
        Requested { templates, uses: std::mem::take(&mut self.uses) }
    }

    fn headers(&mut self, request: &Request) -> Vec<(HeaderName, Template)> {
        let mut headers = Vec::new();
        for (name, text) in &request.headers.0 {
            match HeaderName::try_from(name.get_ref().as_str()) {
                Ok(header) if TRANSPORT_HEADERS.contains(&header.as_str()) => {
                    self.fault(
                        name.span(),
                        format!("the header `{}` is set by the transport", name.get_ref()),
                    );
                }
                Ok(header) if headers.iter().any(|(known, _)| *known == header) => {
                    self.fault(
                        name.span(),
                        format!("the header `{}` is given twice", name.get_ref()),
                    )
                    .hint = Some("upper and lower case do not tell headers apart".into());
                }
                Ok(header) => {
                    headers.extend(self.template(text).map(|template| (header, template)));
                }
                Err(_) => {
                    self.fault(
                        name.span(),
                        format!("{:?} cannot be the name of a header", name.get_ref()),
                    );
                }
            }
        }
        headers
    }

    fn response(&mut self, definition: &Definition, place: &Range<usize>) -> (Rules, TokenRules) {
        let response = &definition.response;
        if response.token.0.is_empty() {
            self.fault(place.clone(), "the recipe has no `response.token`").hint = Some(
                "say where the token is in the answer, such as `token = \"json.access_token\"`"
                    .into(),
            );
        }
        let given = response.gives.0.iter().map(|(_, text)| text);
        self.hide(response.token.0.iter().chain(given));
        let holds = response.issued.as_ref().and_then(|text| self.rule(text));
        let holds = holds.map(|rule| Holds::new("issued", rule, &self.names));
        let token = self.expressions(&response.token);
        let code = self.rules(&response.code);
        let message = self.rules(&response.message);
        let scopes = response.scopes.as_ref().and_then(|text| self.rule(text));
        // The token is known only to the rules that cannot show it.
        self.names.add("token", true);
        let expiry = response
            .expiry
            .iter()
            .filter_map(|rule| {
                // Of a JSON Web Token only a time leaves.
                let compiled = match rule.unit {
                    Unit::Jwt => self.expression(Side::Response, &rule.value),
                    _ => self.rule(&rule.value),
                };
                Some((compiled?, rule.unit))
            })
            .collect();
        let never = response.never.as_ref().and_then(|text| self.rule(text));
        let rules = Rules {
            format: response.format,
            statuses: Vec::new(),
            holds,
            code,
            message,
            throttled: response.throttled.clone(),
            unavailable: response.unavailable.clone(),
        };
        (rules, TokenRules { token, expiry, never, scopes })
    }
}

/// A compiled request with the names that it uses.
struct Requested {
    templates: RequestTemplates,
    uses: BTreeSet<String>,
}
