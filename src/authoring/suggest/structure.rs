//! The structure of a body.

use serde_json::Value as Json;

use crate::language::answer;
use crate::secret::is_api_name;

/// The body with the name of its form; empty when it is neither JSON nor a form nor XML.
pub fn trees(body: &[u8]) -> Vec<(&'static str, Json)> {
    let json = || answer::json(body).map(|tree| ("json", tree));
    let form = || answer::form(body).filter(|_| !is_padded(body)).map(|tree| ("form", tree));
    let xml = || answer::xml(body).map(|tree| ("xml", tree));
    json().or_else(form).or_else(xml).into_iter().collect()
}

/// Whether a body is one Base64 text with its padding. As a form, it has a random name.
fn is_padded(body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    let inner = text.trim_end_matches('=');
    inner.len() < text.len()
        && inner.len() >= 8
        && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
        && (text.ends_with("==") || !is_api_name(inner))
}

/// The structure of JSON, of XML that is not a web page, and of a form. `None` for a form whose
/// name may be a token with `=` after it, because the structure shows names.
#[must_use]
pub fn structure(body: &[u8]) -> Option<Json> {
    let (name, tree) = trees(body).pop()?;
    let plain = |name: &str, value: &Json| {
        let word = name.len() <= 40
            && name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-.".contains(&byte));
        word && value.as_str().is_some_and(|value| !value.is_empty() && !value.starts_with('='))
    };
    let shown = match (name, tree.as_object()) {
        ("form", Some(members)) => members.iter().all(|(name, value)| plain(name, value)),
        ("xml", Some(members)) => !members.keys().any(|root| root.eq_ignore_ascii_case("html")),
        _ => true,
    };
    shown.then_some(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_only_a_token_or_a_web_page_has_no_structure() {
        for body in [
            "YWJjZGVmZ2hpamtsbW5vcA==", "abcdefghijklmnop=", "abc123def=x",
            "<html><body>x</body></html>", "abc",
        ] {
            assert_eq!(structure(body.as_bytes()), None, "{body}");
        }
        for body in ["{}", "<r><t>x</t></r>", "access_token=abc&expires_in=60"] {
            assert!(structure(body.as_bytes()).is_some(), "{body}");
        }
    }
}
