//! Turns names and texts of a sample into valid parts of a recipe.

use crate::authoring::suggest::words;
use crate::recipe::is_reserved;

/// A text with its braces escaped, so that a recipe sends it as it is.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(place) = ["{{", "{%", "{#"].iter().filter_map(|sign| rest.find(sign)).min() {
        out.push_str(&rest[..place]);
        out.push_str(&format!("{{{{ '{}' }}}}", &rest[place..place + 2]));
        rest = &rest[place + 2..];
    }
    // An expression may follow, and a brace here would join its braces.
    match rest.strip_suffix('{') {
        Some(before) => out + before + "{{ '{' }}",
        None => out + rest,
    }
}

/// `X-Api-Key` and `apiKey` become `api_key`.
pub fn snake(name: &str) -> String {
    let mut words = words(name);
    if words.len() > 1 && words[0] == "x" {
        words.remove(0);
    }
    let name = words.join("_");
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

/// A valid name for expressions.
pub fn usable(name: &str) -> String {
    let name = match name {
        "" => "credential".to_owned(),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("n{name}"),
        _ => name.to_owned(),
    };
    if is_reserved(&name) { format!("api_{name}") } else { name }
}
