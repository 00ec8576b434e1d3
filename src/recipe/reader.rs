//! An answer as it arrived, and the values that its rules can use.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

use super::call::Call;
use super::definition::Format;
use super::named_secrets::{hide_headers, hide_in_text, hide_members};
use super::trace::{Found, Given, Trace};
use super::values::{Values, hide};
use crate::language::answer::{self, MOST_LISTED_VALUES, MOST_VALUES};
use crate::language::charset::{UNREADABLE, decoded};
use crate::language::context::Context;
use crate::language::expression::Compiled;
use crate::language::flow::keeps_whole_values;
use crate::language::names::Secrecy;
use crate::language::scan::{Member, members};
use crate::language::tree::Tree;
use crate::language::uses::{Use, uses};
use crate::outcome::{Failure, Reason};
use crate::secret::{HIDDEN, Redactor};

/// An answer. Can hold a token: it can be read, not printed.
pub struct TokenResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, already limited in size.
    pub body: Bytes,
    /// When the head of the answer arrived.
    pub received: Timestamp,
    /// Why the body is not whole or not readable; `None` for a body without a fault.
    pub damage: Option<Failure>,
}

/// Reads one answer.
pub struct Reader<'a, 'r> {
    pub call: &'r Call,
    pub response: &'a TokenResponse,
    pub names: Context,
    pub redactor: &'a mut Redactor,
    pub trace: &'a mut Trace<'r>,
    /// The body in UTF-8.
    pub body: Cow<'a, [u8]>,
    /// The body in each form in which it can be read, by the form's name in expressions.
    pub trees: Vec<(&'static str, Arc<Tree>)>,
    /// The body without the token and the given values, if a rule that is shown uses it.
    shown_body: Option<Value>,
    /// The rules that find the token, for the answer to the token request.
    pub tokens: &'r [Compiled],
    /// What the codes and conditions say, once it is known.
    pub told: OnceCell<Option<Reason>>,
    /// Whether the condition `dead` was true.
    pub was_dead: bool,
}

/// Values for later calls with their names and rules, and the name of the first value that the
/// answer lacks.
pub type GivenValues<'r> = (Vec<(&'r str, &'r Compiled, Value)>, Option<&'r str>);

impl<'a, 'r> Reader<'a, 'r> {
    /// A reader that has already hidden every secret that it can find in the answer.
    pub fn new(
        call: &'r Call,
        tokens: &'r [Compiled],
        values: &'a mut Values,
        response: &'a TokenResponse,
        trace: &'a mut Trace<'r>,
    ) -> Self {
        let Values { context, redactor, .. } = values;
        let mut reader = Self::of(call, tokens, (context.clone(), redactor), response, trace);
        reader.hide_secrets();
        reader
    }

    /// A reader that has hidden no secret of the answer, so nothing that it reads may be shown.
    pub fn of(
        call: &'r Call,
        tokens: &'r [Compiled],
        (mut names, redactor): (Context, &'a mut Redactor),
        response: &'a TokenResponse,
        trace: &'a mut Trace<'r>,
    ) -> Self {
        let kind = response.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let mut body = decoded(&response.body, kind);
        let (trees, mended) = trees(call, &body);
        // A secret is known as it stands in the mended text.
        if let Some(text) = mended {
            body = Cow::Owned(text.into_bytes());
        }
        for (name, tree) in &trees {
            names.add_tree(name, Arc::clone(tree), body.len());
        }
        if call.uses.contains("http") {
            names.add("http", http_value(response));
        }
        if call.uses.contains("body") {
            names.add("body", Value::from(answer::text(&body)));
        }
        let (shown_body, told, was_dead) = (None, OnceCell::new(), false);
        Self {
            call,
            response,
            names,
            redactor,
            trace,
            body,
            trees,
            shown_body,
            tokens,
            told,
            was_dead,
        }
    }

    /// Hides every secret that can be found in the answer.
    fn hide_secrets(&mut self) {
        for (_, tree) in &self.trees {
            hide_members(tree.json(), "", false, self.redactor);
        }
        hide_headers(&self.response.headers, self.redactor);
        let mut secrets = self.hide_tokens();
        secrets.extend(self.hide_given());
        if self.call.uses.contains("body") {
            self.shown_body = without(&answer::text(&self.body), &secrets).map(Value::from);
        }
    }

    /// Evaluates a rule whose value is shown, or decides what is shown. The body that it sees is
    /// without the token and the given values.
    ///
    /// # Errors
    /// As [`Compiled::evaluate`].
    pub fn evaluate(&self, rule: &Compiled) -> Result<Value, Error> {
        match &self.shown_body {
            Some(body) if rule.uses.contains("body") => {
                rule.evaluate(&self.names.with("body", body.clone()).value())
            }
            _ => rule.evaluate(&self.names.value()),
        }
    }

    /// The value of a rule that finds a token or a given value; undefined when the rule cannot be
    /// evaluated.
    pub fn found(&self, rule: &Compiled) -> Value {
        rule.evaluate(&self.names.value()).unwrap_or(Value::UNDEFINED)
    }

    /// The value of a rule for a code or a message. Undefined when the rule takes a part of a value
    /// that repeats a secret, because the redactor could miss that part.
    pub fn shown(&self, rule: &Compiled) -> Value {
        let value = self.value(rule);
        let is_there = !value.is_undefined() && !value.is_none();
        if is_there && !keeps_whole_values(&rule.source) && self.repeats_secret(rule) {
            return Value::UNDEFINED;
        }
        value
    }

    fn repeats_secret(&self, rule: &Compiled) -> bool {
        let in_member = |member: &Member| {
            self.member(member).is_some_and(|json| has_secret(json, self.redactor))
        };
        let in_header = |used: Use| {
            let http = self.names.get("http").filter(|_| used.path[0] == "http");
            // As far as the path leads: an index behind a header takes a character out of it.
            let value = http.map(|http| {
                let steps = used.path[1..].iter().scan(http.clone(), |value, name| {
                    *value = value.get_attr(name).ok().filter(|value| !value.is_undefined())?;
                    Some(value.clone())
                });
                steps.last().unwrap_or_default()
            });
            value.is_some_and(|value| self.redactor.is_secret(&value.to_string()))
        };
        members(&rule.source).iter().any(in_member) || uses(&rule.source).into_iter().any(in_header)
    }

    /// The value of a rule; undefined when the rule cannot be evaluated.
    pub fn value(&self, rule: &Compiled) -> Value {
        self.evaluate(rule).unwrap_or(Value::UNDEFINED)
    }

    /// The value of a member of the answer.
    pub fn member(&self, member: &Member) -> Option<&serde_json::Value> {
        let (_, tree) = self.trees.iter().find(|(name, _)| *name == member.root)?;
        member.find(tree.json())
    }

    /// Hides all that the token rules find. The whole body of a refusal is no token.
    fn hide_tokens(&mut self) -> Vec<String> {
        let is_refusal = !self.has_fine_status() && !(200..400).contains(&self.response.status);
        let mut texts = Vec::new();
        for rule in self.tokens {
            let value = self.found(rule);
            let is_no_token = value.as_str().map(str::trim).is_some_and(|text| {
                (is_refusal || text.contains(char::is_whitespace))
                    && text == answer::text(&self.body).trim().trim_matches('"')
            });
            // An object is no token. Hiding its members would hide the text of a refusal.
            if matches!(value.kind(), ValueKind::String | ValueKind::Number) && !is_no_token {
                hide(&value, self.redactor);
                texts.extend(value.as_str().map(str::to_owned));
            }
        }
        texts
    }

    /// Hides what the answer gives to later calls, whatever the status.
    fn hide_given(&mut self) -> Vec<String> {
        // A body that is no tree, or that a rule uses as text, can hold the same names and values.
        if self.call.uses.contains("body") || self.trees.is_empty() {
            let gives = self.call.gives.iter().map(|(_, rule)| rule);
            let rules = gives.chain(self.tokens).chain(self.replacements());
            let members: Vec<Member> = rules.flat_map(|rule| members(&rule.source)).collect();
            let names: Vec<&str> = members.iter().filter_map(Member::last_name).collect();
            let body = answer::text(&self.body);
            hide_in_text(&body, &names, self.redactor);
            // ASCII in UTF-16 has a zero beside each letter.
            if body.contains('\0') {
                hide_in_text(&body.replace('\0', ""), &names, self.redactor);
            }
        }
        let names = self.names.clone();
        let mut texts = Vec::new();
        for (name, rule) in &self.call.gives {
            let value = self.found(rule);
            hide(&value, self.redactor);
            texts.extend(value.as_str().map(str::to_owned));
            self.names.add(name, value);
        }
        self.names = names;
        for rule in self.replacements() {
            let value = self.found(rule);
            hide(&value, self.redactor);
            texts.extend(value.as_str().map(str::to_owned));
        }
        texts
    }

    /// The values that the answer gives, whether or not a later call needs them.
    pub fn secrets_given(&self) -> Vec<Value> {
        let mut names = self.names.clone();
        let mut values = Vec::new();
        for (name, rule) in &self.call.gives {
            let value = rule.evaluate(&names.value()).unwrap_or(Value::UNDEFINED);
            names.add(name, value.clone());
            values.push(value);
        }
        values
    }

    /// The rules for new values of credentials.
    fn replacements(&self) -> impl Iterator<Item = &'r Compiled> + use<'r> {
        self.call.rules.replaces.iter().map(|(_, rule)| rule)
    }

    /// The values that the answer gives to later calls.
    pub fn given(&mut self) -> GivenValues<'r> {
        let (mut given, mut missing) = (Vec::new(), None);
        let call = self.call;
        for (name, rule) in &call.gives {
            let value = self.found(rule);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String);
            let usable = match value.kind() {
                ValueKind::String => {
                    text.is_some_and(|text| !text.trim().is_empty() && !text.contains(UNREADABLE))
                }
                kind => matches!(kind, ValueKind::Number | ValueKind::Bool | ValueKind::Bytes),
            };
            let found = match (text, value.kind()) {
                _ if rule.secrecy != Secrecy::Whole => {
                    if usable {
                        Given::Computed
                    } else {
                        Given::Absent
                    }
                }
                (Some(_), _) if usable => Given::Text,
                (_, ValueKind::Undefined) => Given::Absent,
                (_, kind) if usable => Given::Value(kind),
                (_, kind) => Given::Useless(kind),
            };
            self.trace.note("gives", &rule.source, Found::Given(name, found));
            if usable {
                self.names.add(name, value.clone());
                given.push((name.as_str(), rule, value));
            } else {
                missing = missing.or(Some(name.as_str()));
            }
        }
        (given, missing)
    }
}

/// The body as JSON, because failures often have that form, and in the forms that the rules use.
/// Also its text, if that had to be mended.
fn trees(call: &Call, body: &[u8]) -> (Vec<(&'static str, Arc<Tree>)>, Option<String>) {
    let format = call.rules.format;
    let (mut trees, mut mended) = (Vec::new(), None);
    let most = if call.rules.lists { MOST_LISTED_VALUES } else { MOST_VALUES };
    if let Some((json, text)) = answer::json_and_text(body, most) {
        trees.push(("json", json));
        mended = text;
    }
    if format == Format::Form || call.uses.contains("form") {
        trees.extend(answer::form(body).map(|tree| ("form", tree)));
    }
    if format == Format::Xml || call.uses.contains("xml") {
        trees.extend(answer::xml(body).map(|tree| ("xml", tree)));
    }
    let trees = trees.into_iter().map(|(name, tree)| (name, Arc::new(Tree::new(tree))));
    (trees.collect(), mended)
}

/// The body without these texts. `None` when one of them is the whole body, so that the rules can
/// still tell a token from a page.
fn without(body: &str, secrets: &[String]) -> Option<String> {
    const SHORTEST: usize = 4;
    let secrets = secrets.iter().map(|text| text.trim()).filter(|text| text.len() >= SHORTEST);
    secrets.into_iter().try_fold(body.to_owned(), |body, secret| {
        let escaped = serde_json::Value::from(secret).to_string();
        let escaped = escaped.trim_matches('"');
        let forms = [secret, escaped, &escaped.replace('/', "\\/")];
        (secret != body.trim())
            .then(|| forms.into_iter().fold(body, |body, form| body.replace(form, HIDDEN)))
    })
}

/// Whether a text or a number of the tree contains a secret.
fn has_secret(json: &serde_json::Value, redactor: &Redactor) -> bool {
    match json {
        serde_json::Value::String(text) => redactor.is_secret(text),
        serde_json::Value::Number(number) => redactor.is_secret(&number.to_string()),
        serde_json::Value::Array(items) => items.iter().any(|item| has_secret(item, redactor)),
        serde_json::Value::Object(members) => members
            .iter()
            .any(|(name, item)| redactor.is_secret(name) || has_secret(item, redactor)),
        _ => false,
    }
}

/// Status and headers. Several headers of one name are one list (RFC 9110, section 5.3).
fn http_value(response: &TokenResponse) -> Value {
    let joined = |name: &HeaderName| {
        let values: Vec<&str> =
            response.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        Value::from(values.join(", "))
    };
    let headers = response.headers.keys().map(|name| (name.as_str(), joined(name)));
    Value::from_pairs([
        ("status", Value::from(response.status)),
        ("headers", Value::from_pairs(headers)),
    ])
}
