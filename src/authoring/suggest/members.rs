//! The members of a response with the expressions that read them.

use http::HeaderMap;
use serde_json::Value as Json;

use crate::language::scan::KEYWORDS;

/// The most members; a token response has fewer.
const MOST: usize = 400;

/// The deepest level of a member; tokens are higher.
const DEEPEST: usize = 8;

/// The longest path, in bytes.
const LONGEST_PATH: usize = 160;

/// A string, number, boolean or null in a response.
pub struct Member {
    /// The expression that reads it: `json.data.token`.
    pub path: String,
    /// The path of the object or array that has it.
    pub parent: String,
    /// Its name in lower case, letters and digits only: `accesstoken`.
    pub name: String,
    /// The words of its name in lower case.
    pub words: Vec<String>,
    pub value: Json,
    /// Its level; 1 at the top.
    pub depth: usize,
}

/// All members of the trees and all headers.
pub fn all(trees: &[(&'static str, Json)], headers: &HeaderMap) -> Vec<Member> {
    let mut members = Vec::new();
    for (tree, value) in trees {
        walk(value, tree, "", "", 0, &mut members);
    }
    for (name, value) in headers {
        let Ok(text) = value.to_str() else { continue };
        members.push(member(
            format!("http.headers['{name}']"),
            "http.headers",
            name.as_str(),
            text.into(),
            1,
        ));
    }
    members
}

fn member(path: String, parent: &str, name: &str, value: Json, depth: usize) -> Member {
    let words = words(name);
    Member { path, parent: parent.to_owned(), name: words.concat(), words, value, depth }
}

fn walk(
    value: &Json,
    path: &str,
    parent: &str,
    name: &str,
    depth: usize,
    members: &mut Vec<Member>,
) {
    if members.len() >= MOST || depth > DEEPEST || path.len() > LONGEST_PATH {
        return;
    }
    match value {
        Json::Object(object) => {
            for (name, value) in object {
                walk(value, &format!("{path}{}", step(name)), path, name, depth + 1, members);
            }
        }
        // The first item shows how to read the others.
        Json::Array(items) => {
            if let Some(first) = items.first() {
                walk(first, &format!("{path}[0]"), path, name, depth + 1, members);
            }
        }
        scalar => members.push(member(path.to_owned(), parent, name, scalar.clone(), depth)),
    }
}

/// `.name`, or `['na-me']` for a name with special characters.
fn step(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && !KEYWORDS.contains(&name) {
        format!(".{name}")
    } else {
        format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

/// The words of a name in lower case, the same for `accessToken` and `Access-Token`.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut fresh, mut lower) = (true, false);
    for character in name.chars() {
        if !character.is_alphanumeric() {
            fresh = true;
            continue;
        }
        if fresh || (lower && character.is_uppercase()) {
            words.push(String::new());
        }
        fresh = false;
        lower = character.is_lowercase() || character.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_member_has_the_expression_that_reads_it() {
        let tree = json!({
            "data": [{ "accessToken": "a" }, { "accessToken": "b" }],
            "x-y": 1, "in": true, "it's": "c", "none": null
        });
        let paths: Vec<String> = all(&[("json", tree)], &HeaderMap::new())
            .into_iter()
            .map(|member| member.path)
            .collect();
        assert_eq!(
            paths,
            [
                "json.data[0].accessToken", "json['x-y']", "json['in']", "json['it\\'s']",
                "json['none']"
            ]
        );
    }

    #[test]
    fn each_way_to_write_a_name_gives_the_same_words() {
        for name in ["access_token", "accessToken", "Access-Token", "ACCESS_TOKEN", "access token"]
        {
            assert_eq!(words(name), ["access", "token"], "{name}");
        }
    }
}
