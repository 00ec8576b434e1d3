//! Which parts of a response may be shown.

use super::redactor::HIDDEN;
use super::shape::{is_address, is_date, looks_random, names_a_secret};

/// Whether a member has the name of an error code and holds an identifier.
fn is_code(name: &str, text: &str) -> bool {
    const NAMES: [&str; 10] = [
        "code", "error", "errorcode", "error_code", "errcode", "errno", "error_type", "type",
        "status", "reason",
    ];
    let worded = text
        .split(['.', '-', '_'])
        .any(|word| word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let plain = text.len() <= 64
        && !text.contains(' ')
        && text.bytes().filter(u8::is_ascii_digit).count() <= 6
        && !looks_random(text);
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
        && plain
        && (worded || text.len() <= 16)
}

/// Capitals and a number, such as `AADSTS7000215`.
fn is_numbered(part: &str) -> bool {
    let name = part.trim_end_matches(|c: char| c.is_ascii_digit());
    name.len() >= 3 && part.len() <= 16 && name.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether a word of a response looks like a word, an identifier or a number and not like a secret:
/// no part between signs is long, and no part with digits is longer than eight characters.
fn is_plain_word(word: &str) -> bool {
    const SIGNS: &str = "_-.,:;!?'\"()/#*`=";
    let part = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        part.chars().count() <= 24
            && part.chars().all(char::is_alphanumeric)
            && (digits == 0 || digits <= 4 && part.len() <= 8 || is_numbered(part))
    };
    word.len() <= 100
        && word.bytes().filter(u8::is_ascii_digit).count() <= 8
        && word.split(|sign| SIGNS.contains(sign)).all(part)
}

/// Whether a member has the name of a time and holds seconds or milliseconds since 1970.
fn is_time(name: &str, text: &str) -> bool {
    const NAMES: [&str; 8] = ["At", "_at", "iat", "exp", "nbf", "Time", "time", "timestamp"];
    matches!(text.len(), 10 | 13)
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (NAMES.iter().any(|end| name.ends_with(end))
            || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("expire")))
}

/// Whether a text is a day and a time without signs between (ISO 8601): `20231114T221320Z`.
fn is_compact_date(text: &str) -> bool {
    text.len() == 16
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

/// Whether a text of a response may be shown: its name does not name a secret, and it is empty, a
/// date, a URL, an identifier, or a sentence of plain words.
#[must_use]
pub fn may_show_in_answer(name: &str, text: &str) -> bool {
    is_code(name, text)
        || !names_a_secret(name)
            && (is_date(text)
                || is_compact_date(text)
                || is_time(name, text)
                || is_address(text)
                || text.split_whitespace().all(is_plain_word))
}

/// A sentence of a response with every word hidden that is not plain; `None` for other texts.
#[must_use]
pub fn sentence(name: &str, text: &str) -> Option<String> {
    let is_shown = |word: &str| is_plain_word(word) || is_date(word) || is_address(word);
    let words: Vec<(&str, bool)> =
        text.split_whitespace().map(|word| (word, is_shown(word))).collect();
    let plain = words.iter().filter(|(_, shown)| *shown).count();
    (!names_a_secret(name) && plain >= 3 && plain * 2 > words.len()).then(|| {
        let shown = words.iter().map(|(word, shown)| if *shown { *word } else { HIDDEN });
        shown.collect::<Vec<_>>().join(" ")
    })
}

/// The target of a redirect without its login, query and fragment, and without parts of the path
/// that look random: each can hold a token.
#[must_use]
pub fn shown_place(place: &str) -> String {
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) =
        place.split_once("://").map_or(("", place), |(scheme, rest)| (scheme, rest));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    let path: Vec<&str> =
        path.split('/').map(|part| if looks_random(part) { HIDDEN } else { part }).collect();
    format!("{scheme}{}{host}{}", if scheme.is_empty() { "" } else { "://" }, path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_shown_without_its_random_words() {
        let trace = "The grant is wrong. Trace: 5f8f8c44-1234-4bcd-9abc-0123456789ab";
        assert_eq!(
            sentence("error_description", trace).as_deref(),
            Some("The grant is wrong. Trace: [hidden]")
        );
        assert_eq!(sentence("access_token", trace), None);
        assert_eq!(sentence("id", "a81bc81bdead 91827364512"), None);
    }

    #[test]
    fn the_target_of_a_redirect_shows_no_login_and_nothing_random() {
        for (place, shown) in [
            ("https://user:pass@login.example/a?b=c#d", "https://login.example/a"),
            (
                "https://login.example/cb/0123456789abcdef0123456789abcdef/x",
                "https://login.example/cb/[hidden]/x",
            ),
            ("/relative/login.html?x", "/relative/login.html"),
            ("nowhere", "nowhere"),
            ("", ""),
        ] {
            assert_eq!(shown_place(place), shown);
        }
    }
}
