//! Reads JSON as pages print it for people: with comments, `…` for what is left out, placeholders
//! without quotes and a comma too many.

use serde_json::Value as Json;

use super::values::{self, Part};

/// The body of a sample response; JSON for people becomes JSON.
pub fn body(text: &str) -> Vec<u8> {
    let plain = text.strip_prefix("```").map_or(text, |rest| {
        rest.split_once('\n').map_or("", |(_, rest)| rest).trim_end_matches('`').trim()
    });
    let is_for_people = plain.starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(plain).is_err();
    match json(plain).filter(|_| is_for_people) {
        Some(json) => json.to_string().into_bytes(),
        None => plain.as_bytes().to_vec(),
    }
}

/// The value that a text means. The members keep their order.
pub fn json(text: &str) -> Option<Json> {
    if let Ok(json) = serde_json::from_str(text) {
        return Some(json);
    }
    // Some pages print the map of another language.
    let single = !text.contains('"') && text.contains('\'');
    let text = if single { text.replace('\'', "\"") } else { text.replace(['“', '”'], "\"") };
    let (mut out, mut rest, mut quoted) = (String::new(), text.as_str(), false);
    while let Some(character) = rest.chars().next() {
        let length = character.len_utf8();
        if quoted {
            let length = match character {
                '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                _ => length,
            };
            out.push_str(&rest[..length]);
            quoted = character != '"';
            rest = &rest[length..];
        } else if let Some(length) = left_out(rest) {
            rest = &rest[length..];
        } else if let Some(length) = placeholder(rest, &out) {
            out.push_str(&Json::from(rest[..length].trim()).to_string());
            rest = &rest[length..];
        } else {
            quoted = character == '"';
            if matches!(character, '}' | ']') {
                while out.ends_with([',', ' ', '\n', '\t', '\r']) {
                    out.pop();
                }
            }
            out.push(character);
            rest = &rest[length..];
        }
    }
    serde_json::from_str(&out).ok()
}

/// The length of a comment, or of the dots for members that the page leaves out.
fn left_out(rest: &str) -> Option<usize> {
    let line = rest.find('\n').unwrap_or(rest.len());
    if rest.starts_with("//") {
        return Some(line);
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map(|end| end + 2);
    }
    let dots = rest.chars().take_while(|c| *c == '.' || *c == '…').map(char::len_utf8).sum();
    (dots >= 3).then_some(dots)
}

/// The length of a placeholder without quotes that stands for a value.
fn placeholder(rest: &str, before: &str) -> Option<usize> {
    if !before.trim_end().ends_with([':', ',', '[']) {
        return None;
    }
    let character = rest.chars().next()?;
    let end = match character {
        '<' => rest.find('>')? + 1,
        '{' => {
            let inner = rest.trim_start_matches('{');
            let name = inner.find(|c: char| !(c.is_ascii_alphanumeric() || "_- .$".contains(c)))?;
            let closed = inner[name..].chars().take_while(|c| *c == '}').count();
            let open = rest.len() - inner.len();
            (name > 0 && closed >= open && open <= 2).then_some(open + name + open)?
        }
        '$' if rest.starts_with("${") => rest.find('}')? + 1,
        '$' | 'A'..='Z' => rest.find([',', '\n', '}', ']'])?,
        _ => return None,
    };
    let text = rest[..end].trim();
    let is_placeholder = character == '<'
        || matches!(
            values::parts(text, true).first(),
            Some(Part::Placeholder { .. } | Part::Command(_))
        );
    is_placeholder.then_some(end)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_for_people_means_the_json_of_the_server() {
        for (text, expected) in [
            ("{\"a\": \"b\", ... }", json!({"a": "b"})),
            ("{\"a\": \"b...\", // the token\n \"c\": 1,\n}", json!({"a": "b...", "c": 1})),
            ("{\"a\": <seconds>, \"b\": {ttl}}", json!({"a": "<seconds>", "b": "{ttl}"})),
            ("{'a': 'b'}", json!({"a": "b"})),
            ("{\"a\": {\"b\": 1}, /* more */ \"c\": [1, …]}", json!({"a": {"b": 1}, "c": [1]})),
            ("{“a”: “b”}", json!({"a": "b"})),
            ("{\"u\": \"https://x.example\"}", json!({"u": "https://x.example"})),
        ] {
            assert_eq!(json(text), Some(expected), "{text}");
        }
        assert_eq!(json("{\"a\": "), None);
        assert_eq!(body("```json\n{\"a\": 1}\n```"), br#"{"a": 1}"#);
    }
}
