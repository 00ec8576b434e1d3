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
use super::named_secrets::{hide_headers, hide_in_text, hide_members, last_name};
use super::trace::{Found, Given, Trace};
use super::values::{Values, hide};
use crate::language::answer;
use crate::language::charset::{UNREADABLE, decoded};
use crate::language::context::Context;
use crate::language::expression::Compiled;
use crate::language::scan::members;
use crate::language::tree::Tree;
use crate::outcome::{Failure, Reason};
use crate::secret::Redactor;

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
    /// The rules that find the token, for the answer to the token request.
    pub tokens: &'r [Compiled],
    /// What the codes and conditions say, once it is known.
    pub told: OnceCell<Option<Reason>>,
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
        let mut names = context.clone();
        let kind = response.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let body = decoded(&response.body, kind);
        let trees = trees(call, &body);
        for (name, tree) in &trees {
            names.add_tree(name, Arc::clone(tree), body.len());
            hide_members(tree.json(), "", false, redactor);
        }
        if call.uses.contains("http") {
            names.add("http", http_value(response));
        }
        if call.uses.contains("body") {
            names.add("body", Value::from(answer::text(&body)));
        }
        hide_headers(&response.headers, redactor);
        let told = OnceCell::new();
        let mut reader = Self { call, response, names, redactor, trace, body, trees, tokens, told };
        reader.hide_tokens();
        reader.hide_given();
        reader
    }

    /// Evaluates a rule.
    ///
    /// # Errors
    /// As [`Compiled::evaluate`].
    pub fn evaluate(&self, rule: &Compiled) -> Result<Value, Error> {
        rule.evaluate(&self.names.value())
    }

    /// The value of a rule; undefined when the rule cannot be evaluated.
    pub fn value(&self, rule: &Compiled) -> Value {
        self.evaluate(rule).unwrap_or(Value::UNDEFINED)
    }

    /// Hides all that the token rules find. The whole body of a refusal is no token.
    fn hide_tokens(&mut self) {
        let is_refusal = !self.has_fine_status();
        for rule in self.tokens {
            let value = self.value(rule);
            let is_no_token = value.as_str().map(str::trim).is_some_and(|text| {
                (is_refusal || text.contains(char::is_whitespace))
                    && text == answer::text(&self.body).trim().trim_matches('"')
            });
            // An object is no token. Hiding its members would hide the text of a refusal.
            if matches!(value.kind(), ValueKind::String | ValueKind::Number) && !is_no_token {
                hide(&value, self.redactor);
            }
        }
    }

    /// Hides what the answer gives to later calls, whatever the status.
    fn hide_given(&mut self) {
        // A body that is no tree, or that a rule uses as text, can hold the same names and values.
        if self.call.uses.contains("body") || self.trees.is_empty() {
            let rules = self.call.gives.iter().map(|(_, rule)| rule).chain(self.tokens);
            let names: Vec<&str> =
                rules.flat_map(|rule| members(&rule.source)).filter_map(last_name).collect();
            let body = answer::text(&self.body);
            hide_in_text(&body, &names, self.redactor);
            // ASCII in UTF-16 has a zero beside each letter.
            if body.contains('\0') {
                hide_in_text(&body.replace('\0', ""), &names, self.redactor);
            }
        }
        let names = self.names.clone();
        for (name, rule) in &self.call.gives {
            let value = self.value(rule);
            hide(&value, self.redactor);
            self.names.add(name, value);
        }
        self.names = names;
    }

    /// The values that the answer gives to later calls.
    pub fn given(&mut self) -> GivenValues<'r> {
        let (mut given, mut missing) = (Vec::new(), None);
        let call = self.call;
        for (name, rule) in &call.gives {
            let value = self.value(rule);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String);
            let usable = match value.kind() {
                ValueKind::String => {
                    text.is_some_and(|text| !text.trim().is_empty() && !text.contains(UNREADABLE))
                }
                kind => matches!(kind, ValueKind::Number | ValueKind::Bool | ValueKind::Bytes),
            };
            let found = match (text, value.kind()) {
                (Some(text), _) if usable => Given::Text(text.chars().count()),
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
fn trees(call: &Call, body: &[u8]) -> Vec<(&'static str, Arc<Tree>)> {
    let format = call.rules.format;
    let mut trees = Vec::new();
    trees.extend(answer::json(body).map(|tree| ("json", tree)));
    if format == Format::Form || call.uses.contains("form") {
        trees.extend(answer::form(body).map(|tree| ("form", tree)));
    }
    if format == Format::Xml || call.uses.contains("xml") {
        trees.extend(answer::xml(body).map(|tree| ("xml", tree)));
    }
    trees.into_iter().map(|(name, tree)| (name, Arc::new(Tree::new(tree)))).collect()
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
