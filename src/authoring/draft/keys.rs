//! The key of a draft that presents one.

use super::inputs::Inputs;
use super::parts::Request;
use super::write::Value;
use crate::authoring::suggest::words;
use crate::secret::names_a_secret;

/// The credential that the request presents, where the recipe has several: the last one in
/// `Authorization`, else in another header, else in the query. `None` where it has only one.
pub fn key_of(request: &Request, inputs: &Inputs) -> Option<String> {
    let secrets: Vec<&str> =
        inputs.all.iter().filter(|input| input.secret).map(|input| input.name.as_str()).collect();
    if secrets.len() < 2 {
        return None;
    }
    // The last one is the password of a pair.
    let used_in = |(_, value): &(String, Value)| -> Option<String> {
        let Value::Text(text) = value else { return None };
        let place = |name: &&&str| {
            text.match_indices(**name).map(|(at, _)| at).last().filter(|at| {
                let after = &text[at + name.len()..];
                let before = &text[..*at];
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                !after.starts_with(is_name) && !before.ends_with(is_name)
            })
        };
        let last = secrets.iter().filter(|name| place(name).is_some()).max_by_key(place);
        last.map(|name| (*name).to_owned())
    };
    let is_login = |(name, _): &&(String, Value)| name.eq_ignore_ascii_case("authorization");
    let names_one = |(name, _): &&(String, Value)| names_a_secret(name);
    let headers = || request.headers.iter();
    headers()
        .filter(is_login)
        .find_map(used_in)
        .or_else(|| headers().filter(names_one).filter_map(used_in).next_back())
        .or_else(|| headers().find_map(used_in))
        .or_else(|| request.query.iter().filter(names_one).filter_map(used_in).next_back())
}

/// Whether one of the last steps of a path names keys, so that the answer is about them.
pub fn names_keys(path: &str) -> bool {
    const NAMES: [&str; 10] = [
        "token", "tokens", "key", "keys", "apikey", "apikeys", "credential", "credentials",
        "secret", "secrets",
    ];
    path.rsplit('/').take(3).any(|step| {
        words(step).iter().any(|word| NAMES.contains(&word.as_str()))
            || NAMES.contains(&words(step).concat().as_str())
    })
}
