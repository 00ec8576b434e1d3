//! Judges an unknown text by its name and form.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Parts of names of secret values.
static SECRET_NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    words(&[
        "token", "secret", "key", "password", "assertion", "credential", "session", "jwt",
        "ticket", "cookie", "signature",
    ])
});

/// Parts of names of values that describe a secret.
static DESCRIPTIONS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    words(&[
        "err", "message", "msg", "code", "reason", "status", "expir", "ttl", "life", "time",
        "date", "count", "limit", "remaining", "version", "length", "size", "_in",
    ])
});

/// Finds all words in one pass, because a response can have 20,000 names. Ignores the case.
fn words(words: &[&str]) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(words)
        .expect("a few short words make an automaton")
}

/// Whether a name says that its value is secret: `access_token` and `sessionKey` do, `token_type`
/// does not.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    let tail = name.len().checked_sub(4).and_then(|start| name.get(start..));
    SECRET_NAMES.is_match(name) && !tail.is_some_and(|tail| tail.eq_ignore_ascii_case("type"))
}

/// Whether the value under the name of a secret is really secret. `"token": "expired"` and
/// `"token_expires_in": "3600"` are not.
#[must_use]
pub fn is_named_secret(name: &str, value: &str) -> bool {
    let value = value.trim();
    if value.contains(' ') || is_date(value) {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if value.len() < 6 || value.len() < 16 && digits == 0 {
        return false;
    }
    // `key` often is the name of a message for its translation.
    let ambiguous = name.eq_ignore_ascii_case("key")
        || ["_at", "At", "iat", "exp", "nbf"].iter().any(|end| name.ends_with(end))
        || DESCRIPTIONS.is_match(name);
    if value.len() >= 16 {
        return !ambiguous || digits < value.len();
    }
    !ambiguous && (digits >= 6 || digits < value.len())
}

/// Whether a member in the row of a list is secret. There the id, the name and the kind of a key
/// stand beside it: `keyId` and `token_name` are not secret, `SecretID` is.
#[must_use]
pub fn is_listed_secret(name: &str, value: &str) -> bool {
    const OPEN: [&str; 8] =
        ["name", "algorithm", "origin", "usage", "hint", "prefix", "description", "identifier"];
    let ends = |word: &str| {
        let start = name.len().checked_sub(word.len());
        start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    let is_id =
        ends("id") && ["key", "token", "credential"].iter().any(|word| contains(name, word));
    let is_open = is_id && !contains(name, "secret") && !contains(name, "session")
        || OPEN.iter().any(|word| ends(word));
    names_a_secret(name) && is_named_secret(name, value) && !is_open
}

pub fn contains(name: &str, word: &str) -> bool {
    name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a text looks random and not like a code that a person chose.
#[must_use]
pub fn looks_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= 24 && digits >= 5 && text.len() - digits >= 5 && !text.contains(' ')
}

/// Whether a text is a day, perhaps with a time (RFC 3339).
pub fn is_date(text: &str) -> bool {
    let day = text.len() >= 10
        && text.bytes().take(10).enumerate().all(|(place, byte)| {
            if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
        });
    day && text.len() <= 35 && text.bytes().all(|b| b.is_ascii_digit() || b"-:TZ.+ ".contains(&b))
}

/// Whether a text is a URL without a query and without random parts, such as an endpoint in a
/// metadata document.
#[must_use]
pub fn is_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://"))
        && !text.contains(['?', '#', '@'])
        && !text
            .split(['/', '.'])
            .any(|part| part.len() >= 16 && part.bytes().any(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_under_the_name_of_a_secret_is_secret_unless_it_is_a_word() {
        for (name, value, secret) in [
            ("token", "tok12345", true),
            ("session_id", "8271635", true),
            ("token", "an-opaque-one-of-words", true),
            ("token", "expired", false),
            ("token_expires_in", "1700003600", false),
            ("error_key", "AUTH-401", false),
            ("key", "user42", false),
            ("password", "is not valid anymore", false),
        ] {
            assert_eq!(is_named_secret(name, value), secret, "{name} {value}");
        }
    }

    #[test]
    fn a_date_under_the_name_of_a_secret_is_not_secret() {
        for (name, value, secret) in [
            ("Expiration", "2023-11-14T23:13:20Z", false),
            ("issuedAt", "1420262924658", false),
            ("issued_at", "1420262924658", false),
            ("expirationMicros", "1700000000000000", false),
            ("id", "1420262924658", true),
            ("expiry_key", "an-opaque-one-of-words", true),
        ] {
            assert_eq!(is_named_secret(name, value), secret, "{name} {value}");
        }
    }
}
