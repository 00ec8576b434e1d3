//! Challenges of the header `WWW-Authenticate`.

use minijinja::{Error, Value};

use crate::language::convert::text;

/// A parameter of a challenge as in `WWW-Authenticate: Bearer realm="…", service="…"` (RFC 9110,
/// section 11.2); undefined when it is not there or empty. With a `scheme`, only the challenges of
/// this scheme count.
pub fn auth_param(value: &Value, name: &str, scheme: Option<&str>) -> Result<Value, Error> {
    let text = text(value, "auth_param")?;
    let mut rest = text.as_str();
    let mut counts = scheme.is_none();
    while let Some((before, after)) = rest.split_once('=') {
        let mut words: Vec<&str> =
            before.split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect();
        let found = words.pop().unwrap_or_default();
        // A word before the name of a parameter is a scheme.
        if let (Some(begun), Some(scheme)) = (words.pop(), scheme) {
            counts = begun.eq_ignore_ascii_case(scheme);
        }
        let after = after.trim_start();
        let (value, next) = after.strip_prefix('"').map_or_else(|| word(after), quoted);
        if counts && found.eq_ignore_ascii_case(name) {
            return Ok(if value.is_empty() { Value::UNDEFINED } else { Value::from(value) });
        }
        rest = next;
    }
    Ok(Value::UNDEFINED)
}

/// The text up to the closing quote, and the rest.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &text[place + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// The text up to a space or a comma, and the rest.
fn word(text: &str) -> (String, &str) {
    let end = text.find([' ', ',', '\t']).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The challenges of the Docker registry documentation, and odd ones as RFC 9110, section 11,
    /// permits them.
    #[test]
    fn a_challenge_is_read_by_parameter() {
        let docker = "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",\
                      scope=\"repository:samalba/my-app:pull,push\"";
        for (challenge, name, expected) in [
            (docker, "realm", "https://auth.docker.io/token"),
            (docker, "Service", "registry.docker.io"),
            (docker, "scope", "repository:samalba/my-app:pull,push"),
            (docker, "error", ""),
            ("Basic realm=simple", "realm", "simple"),
            (r#"Digest qop="auth", nonce = "a\"b=c" , opaque=x"#, "nonce", "a\"b=c"),
            (r#"Digest qop="auth", nonce = "a\"b=c" , opaque=x"#, "opaque", "x"),
            (r#"Bearer realm="open"#, "realm", "open"),
            ("", "realm", ""),
            ("=====\"\"\"\\", "realm", ""),
        ] {
            let found = auth_param(&Value::from(challenge), name, None).expect("a text");
            assert_eq!(found.as_str().unwrap_or_default(), expected, "{name} of {challenge}");
        }
    }

    #[test]
    fn of_several_challenges_the_one_of_the_scheme_counts() {
        let bearer = r#"Bearer realm="https://auth.example/token",service="r, x=y""#;
        let found = |challenge: &str, name: &str| {
            let found = auth_param(&Value::from(challenge), name, Some("Bearer")).expect("a text");
            found.as_str().map(str::to_owned)
        };
        for challenge in [
            bearer.to_owned(),
            format!("Basic realm=\"registry\", {bearer}"),
            format!("{bearer}, Basic realm=\"registry\""),
            format!("Negotiate, {}", bearer.replace("Bearer", "bearer")),
            format!("Negotiate YII=, {bearer}"),
            format!("Basic realm=\"Bearer realm=x\" ,\t{bearer}"),
        ] {
            assert_eq!(
                found(&challenge, "realm").as_deref(),
                Some("https://auth.example/token"),
                "{challenge}"
            );
            assert_eq!(found(&challenge, "service").as_deref(), Some("r, x=y"), "{challenge}");
        }
        assert_eq!(found("Basic realm=\"registry\"", "realm"), None);
        assert_eq!(found("Basic realm=\"registry\", Bearer", "realm"), None);
    }
}
