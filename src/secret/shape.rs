//! What a text is by its name and its looks.

/// Whether the name of a member says that its value is secret: `access_token`, `sessionKey`, not
/// `token_type`.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    const TELLING: [&str; 11] = [
        "token",
        "secret",
        "key",
        "password",
        "assertion",
        "credential",
        "session",
        "jwt",
        "ticket",
        "cookie",
        "signature",
    ];
    TELLING.iter().any(|word| contains(name, word)) && !name.to_ascii_lowercase().ends_with("type")
}

/// Whether a value under a telling name is a secret and not a word about one: `"token": "expired"`
/// is none, nor is `"token_expires_in": "3600"`.
#[must_use]
pub fn is_told_secret(name: &str, value: &str) -> bool {
    const REPORTS: [&str; 18] = [
        "err",
        "message",
        "msg",
        "code",
        "reason",
        "status",
        "expir",
        "ttl",
        "life",
        "time",
        "date",
        "count",
        "limit",
        "remaining",
        "version",
        "length",
        "size",
        "_in",
    ];
    let value = value.trim();
    if value.contains(' ') {
        return false;
    }
    if value.len() >= 16 {
        return true;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    // Beside a sentence in the same object, `key` is what a translation is looked up by.
    let ambiguous =
        name.eq_ignore_ascii_case("key") || REPORTS.iter().any(|word| contains(name, word));
    !ambiguous && digits > 0 && (digits >= 6 || value.len() >= 6 && digits < value.len())
}

fn contains(name: &str, word: &str) -> bool {
    name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a text looks like something random rather than like a code that somebody chose.
#[must_use]
pub fn looks_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= 24 && digits >= 5 && text.len() - digits >= 5 && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_under_a_telling_name_is_a_secret_unless_it_is_a_word() {
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
            assert_eq!(is_told_secret(name, value), secret, "{name} {value}");
        }
    }
}
