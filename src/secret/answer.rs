//! What of an answer may be shown.

use super::redactor::HIDDEN;
use super::shape::{is_address, is_date, looks_random, names_a_secret};

/// Whether a text of an answer is an identifier under the name of an error.
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

/// `AADSTS7000215`: capitals and a number.
fn is_numbered(part: &str) -> bool {
    let name = part.trim_end_matches(|c: char| c.is_ascii_digit());
    name.len() >= 3 && part.len() <= 16 && name.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether one word of an answer is a word, an identifier or a number in a sentence: no part
/// between signs is long, and none with digits is longer than eight characters.
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

/// Whether a text of an answer may be shown: it stands under no telling name, and is a date, the
/// address of something, an identifier or an empty text. Of a sentence each word counts.
#[must_use]
pub fn may_show_in_answer(name: &str, text: &str) -> bool {
    is_code(name, text)
        || !names_a_secret(name)
            && (is_date(text) || is_address(text) || text.split_whitespace().all(is_plain_word))
}

/// A sentence of an answer with all words hidden that are none; `None` when it is no sentence.
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

/// The target of a redirect as it may be shown: without a login, without what follows the path, and
/// without parts of the path that look random, as any of these can be a token of somebody else's
/// making.
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
    fn of_a_sentence_the_words_are_shown() {
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
