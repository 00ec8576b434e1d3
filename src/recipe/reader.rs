//! What the rules for an answer can look at.

use http::HeaderName;
use minijinja::Value;

use super::call::Call;
use super::definition::Format;
use super::response::TokenResponse;
use super::telling;
use super::trace::Trace;
use super::values::Values;
use crate::language::answer;
use crate::language::context::Context;
use crate::language::expression::Compiled;
use crate::secret::Redactor;

/// Reads one answer.
pub struct Reader<'a, 'r> {
    pub call: &'r Call,
    pub response: &'a TokenResponse,
    pub names: Context,
    pub context: Value,
    pub redactor: &'a mut Redactor,
    pub trace: &'a mut Trace<'r>,
    pub trees: Trees,
    /// Where the token would be, in the answer to the token request.
    pub tokens: &'r [Compiled],
}

impl<'a, 'r> Reader<'a, 'r> {
    pub fn new(
        call: &'r Call,
        values: &'a mut Values,
        response: &'a TokenResponse,
        trace: &'a mut Trace<'r>,
    ) -> Self {
        let Values { context, redactor, .. } = values;
        let mut names = context.clone();
        let trees = trees(call, &response.body);
        for (name, tree) in &trees {
            names.add_sized(name, Value::from(minijinja::value::Serde(tree)), response.body.len());
        }
        if call.uses.contains("http") {
            names.add("http", http_value(response));
        }
        if call.uses.contains("body") {
            names.add("body", Value::from(String::from_utf8_lossy(&response.body)));
        }
        let context = names.value();
        for (_, tree) in &trees {
            telling::hide_members(tree, "", false, redactor);
        }
        telling::hide_headers(&response.headers, redactor);
        Self { call, response, names, context, redactor, trace, trees, tokens: &[] }
    }
}

/// The forms that rules ask for or that a success must have; JSON always, as failures often
/// have it.
fn trees(call: &Call, body: &[u8]) -> Trees {
    let format = call.rules.format;
    let mut trees = Vec::new();
    trees.extend(answer::json(body).map(|tree| ("json", tree)));
    if format == Format::Form || call.uses.contains("form") {
        trees.extend(answer::form(body).map(|tree| ("form", tree)));
    }
    if format == Format::Xml || call.uses.contains("xml") {
        trees.extend(answer::xml(body).map(|tree| ("xml", tree)));
    }
    trees
}

/// The body in each of the forms that it can be read as, by the name that expressions have for it.
pub type Trees = Vec<(&'static str, serde_json::Value)>;

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
