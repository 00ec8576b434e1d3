//! Finds secrets in an answer by the names of members and headers, such as `access_token`.

use http::HeaderMap;
use serde_json::Value as Json;

use crate::secret::{Redactor, is_named_secret, names_a_secret};

/// Hides the values of members whose names say that they are secret. `secret` says that the name of
/// the tree itself does.
pub fn hide_members(json: &Json, name: &str, secret: bool, redactor: &mut Redactor) {
    if redactor.hides_all() {
        return;
    }
    let mut hide = |text: &str| {
        if secret && is_named_secret(name, text) {
            redactor.hide(text);
        }
    };
    match json {
        Json::String(text) => hide(text),
        Json::Number(number) if secret => hide(&number.to_string()),
        Json::Array(items) => {
            for item in items {
                hide_members(item, name, secret, redactor);
            }
        }
        Json::Object(members) => members.iter().for_each(|(name, value)| {
            hide_members(value, name, secret || names_a_secret(name), redactor);
        }),
        _ => {}
    }
}

/// Hides the values of headers whose names say that they are secret, such as cookies.
pub fn hide_headers(headers: &HeaderMap, redactor: &mut Redactor) {
    for (name, value) in headers {
        if names_a_secret(name.as_str()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            // The first pair of a cookie is its value, the others are attributes.
            let text = text.split(';').next().unwrap_or_default();
            let bare = text.split_once('=').map_or(text, |(_, value)| value);
            for text in [text, bare] {
                if is_named_secret(name.as_str(), text) {
                    redactor.hide(text);
                }
            }
        }
    }
}

/// Hides the values of secret names, and of `names`, in a text of any form: JSON that is cut off, a
/// form, a page. Rules can show such a text.
pub fn hide_in_text(text: &str, names: &[&str], redactor: &mut Redactor) {
    const LONGEST_NAME: usize = 40;
    const SHORTEST_VALUE: usize = 4;
    const WIDEST_GAP: usize = 12;
    const ASCII: [bool; 128] = {
        let mut ascii = [false; 128];
        let mut byte = 0_u8;
        while byte < 128 {
            ascii[byte as usize] = byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'~' | b'%');
            byte += 1;
        }
        ascii
    };
    let part_of_a_word = |character: char| {
        ASCII.get(character as usize).copied().unwrap_or_else(|| character.is_alphanumeric())
    };
    let mut name = "";
    // The last name that was judged: many answers repeat one.
    let mut judged = ("", false);
    let mut rest = text;
    while let Some(start) = rest.find(part_of_a_word).filter(|_| !redactor.hides_all()) {
        let (gap, from) = rest.split_at(start);
        let end = from.find(|character| !part_of_a_word(character)).unwrap_or(from.len());
        let (word, behind) = from.split_at(end);
        // The names cost most, so they are looked at last.
        if word.len() >= SHORTEST_VALUE
            && gap.len() <= WIDEST_GAP
            && gap.bytes().any(|byte| matches!(byte, b'=' | b':' | b'>' | b'"'))
        {
            if judged.0 != name {
                judged = (name, names_a_secret(name));
            }
            if names.contains(&name) || judged.1 && is_named_secret(name, word) {
                redactor.hide(word);
            }
        }
        name = if word.len() <= LONGEST_NAME { word } else { "" };
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_names_are_found_in_any_text() {
        for text in [
            r#"{"access_token":"abc123def456","expires_"#,
            "access_token=abc123def456&scope=read",
            "<a:SessionToken>abc123def456</a:SessionToken>",
            "<input name='token' value=\"abc123def456\">",
            "var sessionKey = \"abc123def456\";",
            "token: abc123def456",
        ] {
            let mut redactor = Redactor::default();
            hide_in_text(text, &[], &mut redactor);
            assert_eq!(redactor.is_secret("abc123def456"), !text.contains("value="), "{text}");
        }
        let mut redactor = Redactor::default();
        hide_in_text(
            "the token is expired; token: expired, token_type=Bearer, password reset at \
             /reset1234567",
            &[],
            &mut redactor,
        );
        assert!(!redactor.is_secret("expired") && !redactor.is_secret("/reset1234567"));
        hide_in_text("{\"id\":\"a-word\", \"other\":\"stays\"", &["id"], &mut redactor);
        assert!(redactor.is_secret("a-word") && !redactor.is_secret("stays"));
    }
}
