//! Which parts of a sample command a draft may show.

use super::shape::{contains, is_date, looks_random, names_a_secret};

/// Whether a draft may show a value of an unknown field: a plain word, a date, a boolean or a small
/// number. Any other value may be a secret.
#[must_use]
pub fn is_harmless(text: &str) -> bool {
    let word = |word: &str| {
        word.len() <= 18 && word.chars().all(|c| c.is_ascii_lowercase() || "_-.,:/".contains(c))
    };
    let number = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.len() == 10 && is_date(text) || number || text.len() <= 80 && text.split(' ').all(word)
}

/// Whether a value is a small whole number, such as a version, in a field that names no secret.
#[must_use]
pub fn is_small_number(field: &str, text: &str) -> bool {
    let hides = names_a_secret(field)
        || ["pass", "pwd", "pin", "otp", "auth", "cred"].iter().any(|word| contains(field, word));
    !hides && (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a draft may show a value that is the same for all customers: it is not random.
#[must_use]
pub fn may_be_constant(text: &str) -> bool {
    text.len() <= 200 && !looks_random(text) && !text.contains('@')
}

/// Whether a draft may show a text next to a placeholder: a scheme, a prefix, a separator.
#[must_use]
pub fn may_stand_beside(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= 40
        && digits <= 2
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-.,:;/=&?+|".contains(c))
}

/// Whether a segment of a path belongs to one customer: it is long and has digits.
#[must_use]
pub fn is_random_step(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    looks_random(text) || text.len() >= 12 && digits >= 4 || text.len() >= 6 && digits == text.len()
}
