//! Finds the login name beside a password where its field has a general name, such as `name`.

use super::field::{Kind, kind};
use crate::authoring::suggest::words;
use crate::secret::names_a_secret;

/// Names that a login name has beside a password, and other values elsewhere.
const NAMES: [&str; 22] = [
    "name", "identifier", "ident", "identity", "uid", "uname", "principal", "handle", "nick",
    "nickname", "alias", "operator", "subject", "sub", "who", "u", "usr", "agent", "member",
    "employee", "person", "consumer",
];

/// Names of values of the API that have no other sign of it.
const OF_THE_API: [&str; 26] = [
    "platform", "source", "os", "ui", "page", "submit", "command", "cmd", "op", "func", "function",
    "task", "option", "view", "query", "event", "remember", "rememberme", "persistent", "state",
    "prompt", "body", "status", "origin", "browser", "do",
];

/// How the values begin that name a call of the API.
const CALLS: [&str; 7] = ["login", "logon", "auth", "token", "sign", "get", "create"];

/// Whether a name is that of a password. Other secrets often stand alone.
fn is_password(name: &str) -> bool {
    let words = words(name);
    let name = words.concat();
    let last = words.last().map_or("", String::as_str);
    ["pass", "pwd", "secret"].iter().any(|word| name.contains(word)) || matches!(last, "pw" | "pin")
}

/// Of fields that stand beside each other, with their values, those that have a login name: one
/// with a usual name, or else each one without an explanation if nothing else is a login name.
pub fn logins<'a>(fields: &[(&'a str, &str)]) -> Vec<&'a str> {
    let secrets = fields.iter().filter(|(name, _)| kind(name) == Kind::Credential);
    let is_secret = |name: &str| is_password(name) || names_a_secret(name);
    if !secrets.clone().any(|(name, _)| is_secret(name)) {
        return Vec::new();
    }
    let is_usual = |name: &str| match kind(name) {
        Kind::Unknown => NAMES.contains(&words(name).concat().as_str()),
        Kind::Credential => !is_secret(name),
        _ => false,
    };
    let is_call = |value: &str| {
        let value = value.to_ascii_lowercase();
        CALLS.iter().any(|call| value.starts_with(call))
    };
    let usual: Vec<&str> =
        fields.iter().map(|(name, _)| *name).filter(|name| is_usual(name)).collect();
    if !usual.is_empty() || !secrets.clone().any(|(name, _)| is_password(name)) {
        return usual;
    }
    fields
        .iter()
        .filter(|(name, value)| {
            kind(name) == Kind::Unknown
                && !OF_THE_API.contains(&words(name).concat().as_str())
                && !is_call(value)
        })
        .map(|(name, _)| *name)
        .collect()
}

/// The fields of an XML text that have a login name. Only those with a usual name are found,
/// because its fields need not stand beside each other.
pub fn of_xml(text: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    for piece in text.split('<').skip(1) {
        let Some((tag, after)) = piece.split_once('>') else { continue };
        let mut parts = tag.split('"');
        while let (Some(before), Some(value)) = (parts.next(), parts.next()) {
            let name = before.trim_end_matches('=').rsplit([' ', '\n', '\t']).next();
            fields.extend(name.map(|name| (name, value)));
        }
        let name = tag.split_whitespace().next().unwrap_or_default();
        fields.extend((!after.trim().is_empty()).then_some((name, after.trim())));
    }
    for (name, _) in &mut fields {
        *name = name.rsplit(':').next().unwrap_or_default();
    }
    let is_usual = |name: &&str| NAMES.contains(&words(name).concat().as_str());
    logins(&fields).into_iter().filter(is_usual).collect()
}
