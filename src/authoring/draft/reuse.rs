//! Values of a customer that occur again in other parts of a request.

use super::field::{Kind, kind};
use super::inputs::Inputs;
use super::names::snake;
use super::parts::{Body, Request};
use super::write::Value;

/// The shortest value that is searched for in other texts. It must stand there as a whole word.
const SHORTEST: usize = 4;

/// Puts the parameters of the draft in place of their values in other parts of the request.
pub fn reuse(request: &mut Request, inputs: &Inputs) {
    let known: Vec<(&str, &str)> = inputs
        .all
        .iter()
        .filter(|input| !input.secret && !input.is_number && !input.has_default)
        .filter_map(|input| Some((input.name.as_str(), input.value.as_deref()?)))
        .filter(|(_, value)| value.len() >= SHORTEST && !value.contains(['{', '}']))
        .collect();
    for (name, value) in known {
        request.path = with(&request.path, name, value);
        for (_, text) in request.headers.iter_mut().chain(&mut request.query) {
            replace(text, name, value);
        }
        match &mut request.body {
            Body::Form(form) | Body::Multipart(form) => {
                for (_, text) in form {
                    replace(text, name, value);
                }
            }
            Body::Json(json) => replace(json, name, value),
            // A text can have a form in which the value needs escapes.
            Body::Text(_) | Body::Empty => {}
        }
    }
}

fn replace(text: &mut Value, name: &str, value: &str) {
    match text {
        Value::Text(text) => *text = with(text, name, value),
        Value::Plain(_) => {}
        Value::Array(items) => {
            for item in items {
                replace(item, name, value);
            }
        }
        Value::Table(members) => {
            for (_, member) in members {
                replace(member, name, value);
            }
        }
    }
}

/// The template with an input in place of each whole word that is its value.
fn with(template: &str, name: &str, value: &str) -> String {
    let (mut out, mut at) = (String::new(), 0);
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    while at < template.len() {
        let rest = &template[at..];
        if let Some(end) = rest.starts_with("{{").then(|| rest.find("}}")).flatten() {
            out.push_str(&rest[..end + 2]);
            at += end + 2;
            continue;
        }
        let is_word = rest
            .strip_prefix(value)
            .is_some_and(|after| !after.starts_with(is_letter) && !out.ends_with(is_letter));
        if is_word {
            out.push_str(&format!("{{{{ {name} }}}}"));
            at += value.len();
            continue;
        }
        let character = rest.chars().next().unwrap_or_default();
        out.push(character);
        at += character.len_utf8();
    }
    out
}

/// Words of APIs that stand before a number, as in `oauth2` and `v1`.
const WORDS: [&str; 50] = [
    "v", "ver", "version", "api", "apis", "rest", "soap", "odata", "oauth", "openid", "oidc",
    "saml", "auth", "login", "logon", "token", "session", "http", "web", "ws", "sha", "hmac", "es",
    "rs", "md", "base", "aes", "rsa", "level", "step", "mfa", "otp", "jwt", "jws", "xml", "json",
    "grant", "client", "server", "service", "services", "svc", "app", "id", "idp", "core", "beta",
    "alpha", "rc", "r",
];

impl Inputs {
    /// The expression for a segment of a path that has the form of the name of a customer, such as
    /// `acme_dpt1`: words with a number behind one that is no word of an API.
    pub fn tenant(&mut self, before: &str, step: &str) -> Option<String> {
        let parts: Vec<&str> = step.split(['_', '-', '.']).collect();
        let is_own = |part: &&str| {
            let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
            word.len() >= 2
                && word.len() < part.len()
                && !WORDS.contains(&word.to_ascii_lowercase().as_str())
        };
        if !parts.iter().any(is_own) {
            return None;
        }
        if let [_] = parts.as_slice() {
            self.todo(format!(
                "does the segment `{step}` of the path belong to one customer? Then make it a \
                 parameter"
            ));
            return None;
        }
        let before = snake(before);
        let before = before.strip_suffix('s').unwrap_or(&before);
        let wanted = if kind(before) == Kind::Own { before } else { "tenant" };
        Some(format!("{{{{ {} }}}}", self.open(wanted, step)))
    }
}
