//! What of a sample command may stay in the draft of a recipe.

use super::shape::{contains, is_date, looks_random, names_a_secret};

/// Whether a value of a sample may stay in a draft although nothing is known of its field: a plain
/// word, a date, a truth value, a small number. Anything else may be somebody's secret.
#[must_use]
pub fn is_harmless(text: &str) -> bool {
    let word = |word: &str| {
        word.len() <= 18 && word.chars().all(|c| c.is_ascii_lowercase() || "_-.,:/".contains(c))
    };
    let number = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.len() == 10 && is_date(text) || number || text.len() <= 80 && text.split(' ').all(word)
}

/// Whether a value is a small whole number that says nothing of a customer: the number of a call, a
/// version. A secret that is a number has another name.
#[must_use]
pub fn is_small_number(field: &str, text: &str) -> bool {
    let hides = names_a_secret(field)
        || ["pass", "pwd", "pin", "otp", "auth", "cred"].iter().any(|word| contains(field, word));
    !hides && (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a value of a field that is the same for all may stay in a draft: it can be anything but
/// random.
#[must_use]
pub fn may_be_constant(text: &str) -> bool {
    text.len() <= 200 && !looks_random(text) && !text.contains('@')
}

/// Whether a text beside a placeholder may stay in a draft: a scheme, a prefix, signs between two
/// of them.
#[must_use]
pub fn may_stand_beside(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= 40
        && digits <= 2
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-.,:;/=&?+|".contains(c))
}

/// Whether a part of a path belongs to one customer: long and with digits in it, as no name of an
/// API has them.
#[must_use]
pub fn is_random_step(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    looks_random(text) || text.len() >= 12 && digits >= 4 || text.len() >= 6 && digits == text.len()
}
