//! Which parts of a sample command a draft may show: words of an API, dates and small numbers.
//!
//! Random texts do not have these forms. A secret that is made of ordinary words has one.

use super::shape::{contains, is_date, names_a_secret};

/// The longest word, in letters. A longer one can be a random text in small letters.
const LONGEST_WORD: usize = 15;

/// The longest part of the name of a host.
const LONGEST_LABEL: usize = 20;

/// Whether a text has the form of a name in an API: `oauth2`, `getToken`, `client_credentials`,
/// `v1.0`, `.default`. It is made of words, and small numbers stand only behind a word.
#[must_use]
pub fn is_api_name(text: &str) -> bool {
    let mut short = 0;
    text.len() <= 60
        && text.split(['-', '_', '.', '~']).all(|part| {
            short += usize::from(is_short_name(part));
            part.is_empty() || is_short_name(part) || is_part(part)
        })
        && short <= 1
}

/// Whether this is a letter, a digit and a letter, as `k8s` and `b1s` are.
fn is_short_name(part: &str) -> bool {
    matches!(part.as_bytes(), [b'a'..=b'z', b'0'..=b'9', b'a'..=b'z'])
}

/// Whether a `User-Agent` is made of names and versions, as that of a browser is.
#[must_use]
pub fn may_be_user_agent(text: &str) -> bool {
    let is_version = |part: &str| {
        part.len() <= 12
            && part
                .split('.')
                .all(|number| number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.len() <= 200
        && text
            .split([' ', '/', ';', ':', ',', '(', ')'])
            .all(|part| is_version(part) || is_api_name(part))
        && !has_loose_joint(text)
}

/// A part of a name: words in camel case or one in capitals, then at most three digits.
fn is_part(part: &str) -> bool {
    let letters = part.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let digits = part.len() - letters.len();
    if letters.is_empty() {
        return digits <= 2;
    }
    let capitals = letters.bytes().all(|byte| byte.is_ascii_uppercase());
    let bytes = letters.as_bytes();
    let is_capital = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
    let is_small = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
    // `SOAPAction` and `HmacSHA` have two words.
    let begins =
        |at: &usize| *at == 0 || is_capital(*at) && (is_small(*at - 1) || is_small(*at + 1));
    let mut starts: Vec<usize> = (0..letters.len()).filter(begins).collect();
    starts.push(letters.len());
    // A random text changes between small letters and capitals more often than words do.
    let lengths = starts.windows(2).all(|pair| (2..=LONGEST_WORD).contains(&(pair[1] - pair[0])));
    let words = lengths
        && match starts.len() - 1 {
            1 => true,
            2 => letters.len() >= 5,
            count => letters.len() >= 3 * count,
        };
    letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && digits <= 3
        && (digits == 0 || letters.len() <= 5)
        && (capitals && letters.len() <= 12 || words || letters.len() == 1 && digits <= 2)
}

/// Whether a draft may show the name of a field: API names with brackets and the like between them.
#[must_use]
pub fn is_field_name(text: &str) -> bool {
    text.split(['[', ']', ':', '$', '@', '/', ' ']).all(is_api_name)
}

/// Whether a text is made of API names with signs between them: a media type, a scope, a URN.
fn is_phrase(text: &str) -> bool {
    const SIGNS: [char; 14] =
        [' ', ',', ';', ':', '/', '=', '+', '|', '*', '(', ')', '?', '&', '\n'];
    text.split(SIGNS).all(is_api_name) && !has_loose_joint(text)
}

/// Whether a sign that joins words stands beside another sign, as in random texts.
fn has_loose_joint(text: &str) -> bool {
    let joins = |byte: u8| b"-_~+".contains(&byte);
    text.as_bytes()
        .windows(2)
        .any(|pair| (joins(pair[0]) || joins(pair[1])) && pair.iter().all(u8::is_ascii_punctuation))
}

/// Whether a draft may show a value of an unknown field: words of an API, a date, or a small
/// number.
#[must_use]
pub fn is_harmless(text: &str) -> bool {
    let number = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.len() == 10 && is_date(text) || number || text.len() <= 80 && is_phrase(text)
}

/// Whether a value is a small whole number, such as a version, in a field that names no secret.
#[must_use]
pub fn is_small_number(field: &str, text: &str) -> bool {
    let hides = names_a_secret(field)
        || ["pass", "pwd", "pin", "otp", "auth", "cred"].iter().any(|word| contains(field, word));
    !hides && (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a draft may show a value that is the same for all customers.
#[must_use]
pub fn may_be_constant(text: &str) -> bool {
    text.len() <= 200 && (is_phrase(text) || is_date(text) && text.len() == 10 || is_time(text))
}

/// Whether a text is a whole number of at most six digits, perhaps with a unit of time, such as
/// `3600` and `15m`.
fn is_time(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_unit = matches!(&text[number.len()..], "" | "s" | "m" | "h" | "d" | "ms" | "min");
    is_unit && (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a draft may show a text next to a placeholder: a scheme, a prefix, a separator.
#[must_use]
pub fn may_stand_beside(text: &str) -> bool {
    text.len() <= 40 && is_phrase(text)
}

/// Whether a segment of a path or the name of a field can belong to one customer: it has not the
/// form of a name in an API.
#[must_use]
pub fn is_random_step(text: &str) -> bool {
    !(is_api_name(text) || text.len() == 10 && is_date(text))
}

/// Whether a draft may show a host: an address, or labels that have the form of names. The last
/// two labels are public.
#[must_use]
pub fn may_show_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let labels: Vec<&str> = name.split('.').collect();
    let own = labels.len().saturating_sub(2);
    let public = |label: &&str| {
        let digits = label.bytes().filter(u8::is_ascii_digit).count();
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && digits <= 3 && !label.is_empty() && label.len() <= LONGEST_LABEL
    };
    let is_name = labels[..own].iter().all(|label| is_api_name(label))
        && (labels.len() > 1 && labels[own..].iter().all(public) || name == "localhost");
    port.len() <= 5
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (is_name || name.parse::<std::net::IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shapes of the first list come from documents of token APIs, those of the second were
    /// made up.
    #[test]
    fn names_of_apis_are_shown_and_random_texts_are_not() {
        for name in [
            "oauth2", "getToken", "client_credentials", "v1.0", ".default", "AssumeRole", "token",
            "RS256", "HMAC-SHA256", "SOAPAction", ".well-known", "x", "2", "authorize",
            "api-token", "GET_TOKEN", "authentication.k8s.io", "b1s", "serviceaccounts",
        ] {
            assert!(is_api_name(name), "{name}");
        }
        for secret in [
            "hunter2canary",
            "kX9canaryQ7zT2",
            "canarysecretword",
            "7f3c9a0b1d2e4f56",
            "AKIAIOSFODNN7CANARY",
            "Canary!pw$1",
            "sk_live_4eC39HqLyjWDcanary",
            "123456789012",
            "canary@corp.example",
            "QxYzAbCd",
            "a1b2c3",
            "5f8f8c44-1234-4bcd-9abc-0123456789ab",
        ] {
            assert!(!is_api_name(secret) && !may_be_constant(secret), "{secret}");
        }
        for agent in ["Weather/2.1", "Mozilla/5.0 (X11; Linux) Gecko/2010 Firefox/115.0"] {
            assert!(may_be_user_agent(agent), "{agent}");
        }
        assert!(!may_be_user_agent("Weather/7f3c9a0b1d2e4f56"));
        assert!(!may_be_constant("A++-+aaaaa9") && !is_harmless("ab+_cd"));
        assert!(may_be_constant("urn:ietf:params:oauth:grant-type:jwt-bearer"));
        for host in ["api.example", "login.vendor.example:8443", "127.0.0.1:80", "localhost"] {
            assert!(may_show_host(host), "{host}");
        }
        for host in ["kX9canaryQ7zT2.a.example", "hunter2canary", "7f3c9a0b1d2e4f56.x.example"] {
            assert!(!may_show_host(host), "{host}");
        }
    }
}
