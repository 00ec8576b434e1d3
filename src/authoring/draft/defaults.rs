//! Parameters whose default is the value of the sample: what the token is for.

use super::inputs::Inputs;
use super::names::snake;
use super::parts::{Body, Request};
use super::write::Value;
use crate::authoring::suggest::words;

/// Whether a field says what the token is for, which customers choose.
pub fn is_chosen(field: &str) -> bool {
    let words = words(field);
    let last = words.last().map_or("", String::as_str);
    matches!(last, "scope" | "scopes" | "audience" | "audiences")
        || matches!(words.concat().as_str(), "resource" | "resources")
}

/// Whether a template is a plain text that a customer can choose.
pub fn is_plain(template: &str) -> bool {
    let is_of_a_protocol = ["urn:ietf:", "urn:oasis:"].iter().any(|urn| template.starts_with(urn));
    !template.trim().is_empty()
        && !template.contains("{{")
        && template != "openid"
        && !is_of_a_protocol
}

/// Whether a text only says what stands here, as `API_IDENTIFIER` and `SCOPE` do.
fn is_name_of_it(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "scope", "scopes", "audience", "resource", "identifier", "id", "uri", "url", "name",
        "value",
    ];
    let is_in_capitals = text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    is_in_capitals && text.to_ascii_lowercase().split('_').any(|word| WORDS.contains(&word))
}

/// Makes the texts of such fields parameters in the query and the body. The request stays the same.
pub fn defaults(request: &mut Request, inputs: &mut Inputs) {
    let form = match &mut request.body {
        Body::Form(form) | Body::Multipart(form) => form.as_mut_slice(),
        Body::Json(json) => {
            inside("", json, inputs);
            &mut []
        }
        Body::Empty | Body::Text(_) => &mut [],
    };
    for (field, value) in request.query.iter_mut().chain(form) {
        inside(field, value, inputs);
    }
}

fn inside(field: &str, value: &mut Value, inputs: &mut Inputs) {
    let chosen = is_chosen(field);
    match value {
        Value::Table(members) => {
            for (name, member) in members {
                inside(name, member, inputs);
            }
        }
        Value::Array(items) => {
            let text = |item: &Value| match item {
                Value::Text(text) if is_plain(text) && !text.contains(' ') => Some(text.clone()),
                _ => None,
            };
            let texts: Option<Vec<String>> = items.iter().map(text).collect();
            match texts.filter(|texts| chosen && !texts.is_empty()) {
                Some(texts) => {
                    let name = inputs.with_default(&snake(field), &texts.join(" "));
                    *value = Value::Text(format!("{{{{ {name} | split(' ') }}}}"));
                }
                None => {
                    for item in items {
                        inside("", item, inputs);
                    }
                }
            }
        }
        Value::Text(text) if chosen && is_plain(text) => {
            let name = if is_name_of_it(text) {
                inputs.open(&snake(field), text)
            } else {
                inputs.with_default(&snake(field), text)
            };
            *text = format!("{{{{ {name} }}}}");
        }
        Value::Text(_) | Value::Plain(_) => {}
    }
}
