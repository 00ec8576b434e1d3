//! Finds the placeholders in a value of a sample.

use super::field::{Kind, kind};
use crate::authoring::suggest::words;
use crate::secret::{is_api_name, looks_random, may_be_constant, names_a_secret};

/// One part of a value.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// A literal text.
    Text(String),
    /// A variable or placeholder, with its name if it has one. It is `soft` when it may also be a
    /// word of the API.
    Placeholder { name: Option<String>, variable: Option<String>, soft: bool },
    /// A command that a shell would run: `$(…)`.
    Command(String),
}

/// Whether the draft keeps the value of a header: a media type, a null value or one plain word.
pub fn is_constant_header(name: &str, text: &str) -> bool {
    let kind = kind(name);
    if matches!(kind, Kind::Time | Kind::End | Kind::Once | Kind::Signature | Kind::Own)
        || is_notation(text)
        || !matches!(parts(text, true).as_slice(), [Part::Text(_)])
    {
        return false;
    }
    if !may_be_constant(text) {
        return false;
    }
    if matches!(text, "null" | "true" | "false" | "none" | "undefined")
        || ["application/", "text/"].iter().any(|start| text.starts_with(start))
    {
        return true;
    }
    let is_word =
        text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphabetic() || c == '-' || c == '.');
    is_word
        && if kind == Kind::Credential {
            text == "test" && !names_a_secret(name)
        } else {
            text.len() <= 24 || name.to_ascii_lowercase().ends_with("action")
        }
}

/// Whether a text says that a pair is to be encoded: `{base64(client_id:client_secret)}`.
pub fn is_notation(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let inner = text.trim_start_matches(['<', '{', '[', '$', ' ']);
    let inner = ["your ", "the ", "your_"]
        .iter()
        .find_map(|word| inner.strip_prefix(word))
        .unwrap_or(inner);
    ["base64", "base_64", "b64", "btoa", "tobase64", "encodebase64"]
        .iter()
        .any(|start| inner.starts_with(start))
        && text.len() <= 200
        && text.contains(':')
        && !text.contains("$(")
        && !text.contains('`')
}

/// Splits a value into literal texts and placeholders. `angles` says that `<name>` is a
/// placeholder, which is not so in XML.
pub fn parts(value: &str, angles: bool) -> Vec<Part> {
    if let Some(part) = whole(value) {
        return vec![part];
    }
    let mut parts = Vec::new();
    let (mut text, mut at) = (String::new(), 0);
    while at < value.len() {
        let rest = &value[at..];
        let starts_word = !text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if let Some((part, length)) = placeholder(rest, angles, starts_word) {
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(part);
            at += length;
        } else {
            let character = rest.chars().next().unwrap_or_default();
            text.push(character);
            at += character.len_utf8();
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

fn named(text: &str) -> Part {
    Part::Placeholder { name: clean(text), variable: None, soft: false }
}

/// A value that is a placeholder as a whole: `xxxx`, `***`, `CLIENT_ID`, `[API key]`, `Your API
/// key`, `string`.
fn whole(value: &str) -> Option<Part> {
    let text = value.trim();
    let unnamed = |soft| Some(Part::Placeholder { name: None, variable: None, soft });
    let is_one_of = |signs: &str| text.len() >= 3 && text.chars().all(|c| signs.contains(c));
    if is_one_of("xX-")
        || is_one_of("*")
        || is_one_of(".")
        || text.chars().all(|c| c == '…' || c == '•') && !text.is_empty()
    {
        return unnamed(false);
    }
    if text == "string" {
        return unnamed(true);
    }
    // A value that the page shortens or covers: `abc…`, `sk_live_xxxx`, `AKIA****`.
    let is_covered = ["xxxx", "XXXX", "****", "••••"].iter().any(|cover| text.contains(cover))
        || text.ends_with("...") && text.len() > 3
        || text.ends_with('…');
    if is_covered && !text.contains(['<', '{', '$', ' ', '/']) {
        return unnamed(false);
    }
    let marked = [("__", "__"), ("##", "##"), ("#", "#"), ("@@", "@@"), ("@", "@"), ("~", "~")];
    if let Some(inner) = marked.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        let is_name = inner.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        (inner.len() >= 2 && is_name).then_some(inner)
    }) {
        return Some(named(inner));
    }
    if let Some(name) = text.strip_prefix(':')
        && name.len() >= 2
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        return Some(named(name));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || " _-.'’".contains(c))
        && !inner.is_empty()
    {
        return Some(named(inner));
    }
    let lower = text.to_ascii_lowercase();
    if ["your ", "my ", "the ", "enter ", "insert "].iter().any(|start| lower.starts_with(start))
        && text.len() <= 60
    {
        return Some(named(text));
    }
    let capitals = text.contains('_')
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
    let has_digits = text.bytes().filter(u8::is_ascii_digit).count() > 2;
    (capitals && !has_digits && !lower.starts_with("your")).then(|| Part::Placeholder {
        name: clean(text),
        variable: None,
        soft: true,
    })
}

/// The placeholder at the start of a text, and its length in bytes.
fn placeholder(text: &str, angles: bool, starts_word: bool) -> Option<(Part, usize)> {
    let ident =
        |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').count();
    if text.starts_with("$(") {
        let end = closing(&text[1..], '(', ')')? + 1;
        return Some((Part::Command(text[2..end].to_owned()), end + 1));
    }
    if let Some(rest) = text.strip_prefix('`') {
        let end = rest.find('`')?;
        return Some((Part::Command(rest[..end].to_owned()), end + 2));
    }
    for (open, close) in [("${", "}"), ("{{", "}}"), ("<", ">"), ("{", "}"), ("%", "%")] {
        let Some(rest) = text.strip_prefix(open).filter(|_| angles || open != "<") else {
            continue;
        };
        let Some(end) = rest.find(close) else { continue };
        let inner = rest[..end].trim();
        let fits = match open {
            "%" => inner.len() >= 3 && inner.chars().all(|c| c.is_ascii_uppercase() || c == '_'),
            // Blanks next to the braces are part of a query language.
            "{" => {
                (1..=60).contains(&inner.len())
                    && inner.len() == end
                    && inner.chars().all(|c| c.is_ascii_alphanumeric() || " _.-".contains(c))
            }
            _ => (1..=120).contains(&inner.len()) && !inner.contains(['<', '\n']),
        };
        if fits {
            let length = open.len() + end + close.len();
            if open == "${" {
                return Some((variable(&inner[..ident(inner)]), length));
            }
            if let Some(command) = made(inner) {
                return Some((Part::Command(command.into()), length));
            }
            return Some((named(inner.trim_start_matches(['.', '$'])), length));
        }
    }
    if let Some(rest) = text.strip_prefix('$')
        && rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    {
        let length = ident(rest);
        return Some((variable(&rest[..length]), length + 1));
    }
    if starts_word {
        let length = text
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-')
            .count();
        let word = &text[..length];
        let upper = word.to_ascii_uppercase();
        let your = upper.strip_prefix("YOUR").is_some_and(|rest| {
            rest.starts_with(['_', '-'])
                || word.starts_with("YOUR") && !rest.is_empty()
                || word[4..].starts_with(|c: char| c.is_ascii_uppercase())
        });
        let instructs =
            ["INSERT_", "ENTER_", "REPLACE_", "MY_"].iter().any(|start| word.starts_with(start))
                || upper.ends_with("_HERE");
        if your || instructs {
            return Some((named(word), length));
        }
    }
    None
}

/// The command that makes the same value as a variable of an API client: `{{$guid}}`.
fn made(name: &str) -> Option<&'static str> {
    match name.trim_start_matches('$').to_ascii_lowercase().as_str() {
        "guid" | "randomuuid" | "uuid" => Some("uuidgen"),
        "timestamp" if name.starts_with('$') => Some("date +%s"),
        "isotimestamp" => Some("date"),
        _ => None,
    }
}

fn variable(name: &str) -> Part {
    Part::Placeholder {
        name: clean(name),
        variable: Some(name.to_owned()).filter(|name| !name.is_empty() && is_api_name(name)),
        soft: false,
    }
}

/// The place of the first of these characters outside of brackets.
pub fn find_outside_brackets(text: &str, wanted: &[char]) -> Option<usize> {
    let mut depth = 0;
    let found = text.char_indices().find(|(_, character)| {
        match character {
            '<' | '{' | '(' => depth += 1,
            '>' | '}' | ')' => depth -= 1,
            _ => {}
        }
        depth <= 0 && wanted.contains(character)
    });
    found.map(|(place, _)| place)
}

/// The place of the bracket that closes the first one of a text.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    for (place, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
            if depth == 0 {
                return Some(place);
            }
        }
    }
    None
}

/// The name in a placeholder: `client_id` for `YOUR_CLIENT_ID`, `your client id` and `clientId`.
pub fn clean(text: &str) -> Option<String> {
    const FILLERS: [&str; 17] = [
        "your", "my", "the", "insert", "enter", "replace", "with", "here", "value", "string", "a",
        "an", "of", "from", "placeholder", "example", "xxx",
    ];
    let words: Vec<String> = words(text)
        .into_iter()
        .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
        .map(|word: String| {
            word.strip_prefix("your")
                .filter(|rest| !rest.is_empty())
                .map(str::to_owned)
                .unwrap_or(word)
        })
        .filter(|word| !word.is_empty() && !FILLERS.contains(&word.as_str()))
        .collect();
    let name = words.join("_");
    let random = looks_random(&name) || !words.iter().all(|word| is_api_name(word));
    (!name.is_empty() && words.len() <= 5 && name.len() <= 40 && !random).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(value: &str) -> Vec<String> {
        parts(value, true)
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => format!("={text}"),
                Part::Placeholder { name, .. } => name.unwrap_or_else(|| "?".into()),
                Part::Command(command) => format!("!{command}"),
            })
            .collect()
    }

    #[test]
    fn each_form_of_a_placeholder_is_found() {
        for (value, expected) in [
            ("$API_KEY", vec!["api_key"]),
            ("${API_KEY}", vec!["api_key"]),
            ("${API_KEY:-none}", vec!["api_key"]),
            ("{{api_key}}", vec!["api_key"]),
            ("{apiKey}", vec!["api_key"]),
            ("<api-key>", vec!["api_key"]),
            ("<YOUR API KEY>", vec!["api_key"]),
            ("YOUR_API_KEY", vec!["api_key"]),
            ("yourApiKey", vec!["api_key"]),
            ("your-api-key", vec!["api_key"]),
            ("API_KEY_HERE", vec!["api_key"]),
            ("INSERT_API_KEY", vec!["api_key"]),
            ("API_KEY", vec!["api_key"]),
            ("[API key]", vec!["api_key"]),
            ("Your API key", vec!["api_key"]),
            ("%API_KEY%", vec!["api_key"]),
            ("xxxxxxxx", vec!["?"]),
            ("********", vec!["?"]),
            ("...", vec!["?"]),
            ("…", vec!["?"]),
            ("abc123...", vec!["?"]),
            ("sk_live_xxxxxxxx", vec!["?"]),
            ("__API_KEY__", vec!["api_key"]),
            (":api_key", vec!["api_key"]),
            ("[API.key]", vec!["api_key"]),
            ("{{$guid}}", vec!["!uuidgen"]),
            ("{{$timestamp}}", vec!["!date +%s"]),
            ("string", vec!["?"]),
            ("Bearer $T", vec!["=Bearer ", "t"]),
            ("$(date +%s)", vec!["!date +%s"]),
            ("a$(b $(c))d", vec!["=a", "!b $(c)", "=d"]),
            ("yours truly", vec!["=yours truly"]),
            ("client_credentials", vec!["=client_credentials"]),
            ("https://x.example/.default", vec!["=https://x.example/.default"]),
            ("100%", vec!["=100%"]),
            ("a < b", vec!["=a < b"]),
        ] {
            assert_eq!(names(value), expected, "{value}");
        }
    }
}
