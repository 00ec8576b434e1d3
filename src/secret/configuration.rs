//! Which texts of a configuration a fault may show.
//!
//! A text is shown only at a place where such a text belongs, and only when it has the form of such
//! a text. The forms are narrow, because a secret can stand in the wrong place.

/// Whether a text has the form of a name that a person chose: `crm-eu`, `crm_eu2`, `X-Api-Key`. Its
/// words have at most thirteen letters, with at most two digits behind a short word.
#[must_use]
pub fn is_plain_name(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= 40
        && digits <= 6
        && text.split(['-', '_', '.']).all(is_word)
}

fn is_word(word: &str) -> bool {
    let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = word.len() - letters;
    let (word, rest) = word.as_bytes().split_at(letters);
    let small = |letters: &[u8]| letters.iter().all(u8::is_ascii_lowercase);
    let cased = match word {
        [first, rest @ ..] => {
            first.is_ascii_alphabetic() && small(rest)
                || letters <= 4 && word.iter().all(u8::is_ascii_uppercase)
        }
        [] => digits <= 4,
    };
    !(word.is_empty() && rest.is_empty())
        && cased
        && letters <= 13
        && rest.iter().all(u8::is_ascii_digit)
        && (digits == 0 || letters == 0 && digits <= 4 || letters <= 5 && digits <= 2)
}

/// Whether a text has the form of the name of an environment variable: a plain name, or words in
/// capitals with `_` between them and with at most four digits.
#[must_use]
pub fn is_plain_variable(text: &str) -> bool {
    let is_word = |word: &str| {
        (1..=13).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let in_capitals = text.len() <= 80
        && text.contains('_')
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().filter(u8::is_ascii_digit).count() <= 4
        && text.split('_').all(is_word);
    in_capitals || is_plain_name(text)
}

/// Whether a text has the form of the path of a file: plain names with `/` between them, and a
/// suffix that files of a configuration have.
#[must_use]
pub fn is_plain_path(text: &str) -> bool {
    const SUFFIXES: [&str; 10] =
        [".pem", ".crt", ".cer", ".key", ".toml", ".yml", ".yaml", ".json", ".txt", ".conf"];
    has_plain_steps(text) && SUFFIXES.iter().any(|suffix| text.ends_with(suffix))
}

/// Whether all steps of a path are plain names.
#[must_use]
pub fn has_plain_steps(text: &str) -> bool {
    let is_plain = |step: &str| {
        matches!(step, "" | "." | ".." | "**")
            || is_plain_name(&step.trim_start_matches('.').replace('*', "x"))
    };
    text.len() <= 120 && text.split('/').all(is_plain)
}

/// The units of durations, also wrong ones.
const UNITS: [&str; 24] = [
    "", "ns", "us", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute",
    "minutes", "h", "hour", "hours", "d", "day", "days", "w", "week", "weeks", "y",
];

/// Whether a text has the form of a duration, perhaps a wrong one: `5 minutes`, `1h30m`, `-1h`.
#[must_use]
pub fn is_like_a_duration(text: &str) -> bool {
    let parts = text.strip_prefix('-').unwrap_or(text);
    let digits = parts.bytes().filter(u8::is_ascii_digit).count();
    let letters = parts.bytes().filter(u8::is_ascii_alphabetic).count();
    let units = parts.split(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '));
    digits <= 6 && letters <= 12 && units.into_iter().all(|unit| UNITS.contains(&unit))
}

/// Whether a text has the form of an address to listen on: an IP address, `localhost` or a port.
#[must_use]
pub fn is_like_an_address(text: &str) -> bool {
    let text = text.replacen("localhost", "", 1);
    text.len() <= 24
        && text.bytes().all(|byte| byte.is_ascii_digit() || b".:[]".contains(&byte))
        && text.split(['.', ':', '[', ']']).all(|number| number.len() <= 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_short_words() {
        for name in ["sms", "crm-eu", "crm_eu2", "X-Api-Key", "base_url", "a", "oauth2", "p99"] {
            assert!(is_plain_name(name), "{name}");
        }
        for secret in [
            "", "hunter2", "hunter2canary", "kX9canaryQ7zT2", "canarysecretword",
            "7f3c9a0b1d2e4f56", "AKIAIOSFODNN7CANARY", "Canary!pw$1", "sk_live_4eC39HqLyjWDcanary",
            "123456789012", "canary@corp.example", "a b", "BMTrejzABIvPKaqxegNiIw==", "größe",
            "a\nb", "a--b", "1234-5678-9012-3456",
        ] {
            assert!(!is_plain_name(secret), "{secret}");
        }
    }

    #[test]
    fn the_name_of_a_variable_is_a_plain_name_or_has_words_in_capitals() {
        for name in ["CRM_CLIENT_SECRET", "CLIENT1_SECRET", "S3_KEY_2", "crm_secret", "API"] {
            assert!(is_plain_variable(name), "{name}");
        }
        for secret in [
            "", "kX9canaryQ7zT2", "AKIAIOSFODNN7CANARY", "MZXW6YTBOI7Q2ZLT", "A7F_K2D_99871_X",
            "7F_A", "A__B", "A_", "ABCDEFGHIJKLMNOP_Q",
        ] {
            assert!(!is_plain_variable(secret), "{secret}");
        }
    }

    #[test]
    fn a_path_is_made_of_names_and_has_a_suffix() {
        for path in
            ["/etc/credwatch/ca.pem", "conf.d/*.toml", "../own.toml", "files/client-key.pem"]
        {
            assert!(is_plain_path(path), "{path}");
        }
        for secret in ["c2VjcmV0/MTIzNDU2.pem", "hunter2", "/etc/passwd", "a:b@c.pem"] {
            assert!(!is_plain_path(secret), "{secret}");
        }
    }

    #[test]
    fn a_wrong_duration_and_a_wrong_address_are_recognised() {
        for text in ["5 minutes", "1.5s", "90", "-1h", "", "1h30m", "50ms"] {
            assert!(is_like_a_duration(text), "{text}");
        }
        for text in ["hunter2", "9182736455", "1password", "99999999999y"] {
            assert!(!is_like_a_duration(text), "{text}");
        }
        for text in ["127.0.0.1", ":99999", "9797", "[::1]:9797", "localhost:80"] {
            assert!(is_like_an_address(text), "{text}");
        }
        for text in ["monitor.example:9797", "123456789012", "dead:beef"] {
            assert!(!is_like_an_address(text), "{text}");
        }
    }
}
