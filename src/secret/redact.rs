//! Keeps secrets out of texts that come from outside.

use std::cell::OnceCell;
use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use secrecy::{ExposeSecret, SecretString};

use super::disguise::{disguises, squeezed};
use super::needles::{Needles, forms};

/// Shorter values than this are hidden only where they stand as a word: a secret "abc" would
/// otherwise blank every "abcess". One of a single character is hidden only where a text consists
/// of nothing else.
const SHORTEST_SUBSTRING: usize = 4;

/// The most bytes of a text that are looked at. What is behind them goes: messages keep far less.
const LARGEST_TEXT: usize = 8 * 1024;

/// Cut off behind a text that is too long, so that the beginning of a secret that the cut went
/// through goes too.
const MARGIN: usize = 64;

/// More values than this, or more bytes of them, are no credential and no token answer: nothing is
/// shown at all then.
const MOST_VALUES: usize = 500;
const MOST_BYTES: usize = 1024 * 1024;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
pub const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands in place of a hidden value.
pub const HIDDEN: &str = "[hidden]";

/// The secrets of one attempt: credentials, what was derived from them, the token. A text from
/// outside is held against them before it may become a code or a message.
#[derive(Default)]
pub struct Redactor {
    values: Vec<Hidden>,
    bytes: usize,
    /// There are too many secrets to look for: everything is one.
    overflowing: bool,
}

struct Hidden {
    value: SecretString,
    /// Its forms, and what is left of them without all that is no letter and no digit. Made when
    /// first needed: most answers need none.
    forms: OnceCell<Vec<SecretString>>,
    bare: OnceCell<Vec<SecretString>>,
}

impl Redactor {
    /// Hides `value` from now on: in plain, percent-encoded, form-encoded, JSON, Base64 and
    /// hexadecimal form, and parts of it that are long or look random (the second word of a Basic
    /// header is the one that would be echoed).
    pub fn hide(&mut self, value: &str) {
        let value = value.trim();
        if value.is_empty() || self.values.iter().any(|known| known.value.expose_secret() == value)
        {
            return;
        }
        if self.values.len() >= MOST_VALUES || self.bytes + value.len() > MOST_BYTES {
            self.overflowing = true;
            return;
        }
        self.bytes += value.len();
        self.values.push(Hidden {
            value: SecretString::from(value),
            forms: OnceCell::new(),
            bare: OnceCell::new(),
        });
    }

    /// Whether `text` is or contains a secret, in whatever case and disguise.
    #[must_use]
    pub fn is_secret(&self, text: &str) -> bool {
        let text = text.trim();
        if text.is_empty() || self.values.is_empty() && !self.overflowing {
            return false;
        }
        let text = cut(text);
        self.overflowing || !self.found(&text.to_lowercase()).is_empty() || self.is_disguised(text)
    }

    /// `text` with every secret in it replaced. Where that cannot be done in place (the case of
    /// letters changes the length of the text, or the secret is there in a disguise) the whole text
    /// goes.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if text.trim().is_empty() || self.values.is_empty() && !self.overflowing {
            return text.to_owned();
        }
        if self.overflowing {
            return HIDDEN.to_owned();
        }
        let text = cut(text);
        let folded = text.to_lowercase();
        let found = self.found(&folded);
        let shown = if found.is_empty() {
            text.to_owned()
        } else if folded.len() == text.len() {
            replaced(text, &found)
        } else {
            return HIDDEN.to_owned();
        };
        if self.is_disguised(&shown) { HIDDEN.to_owned() } else { shown }
    }

    /// Where in a text, which is in lower case, a secret stands.
    fn found(&self, folded: &str) -> Vec<Range<usize>> {
        let mut needles = Needles::new(folded);
        for hidden in &self.values {
            for form in hidden.forms() {
                let form = form.expose_secret();
                if folded.trim() == form {
                    return std::iter::once(0..folded.len()).collect();
                }
                match form.len() {
                    0..2 => {}
                    2..SHORTEST_SUBSTRING => needles.words(form),
                    _ => needles.anywhere(form),
                }
            }
        }
        needles.found()
    }

    /// Whether a secret shows once a text is decoded, or once all that is no letter and no digit is
    /// taken out of it.
    fn is_disguised(&self, text: &str) -> bool {
        let decoded = disguises(text);
        if decoded.iter().any(|text| !self.found(&text.to_lowercase()).is_empty()) {
            return true;
        }
        let bare: Vec<String> =
            std::iter::once(text).chain(decoded.iter().map(String::as_str)).map(squeezed).collect();
        let mut forms = self.values.iter().flat_map(Hidden::bare).map(ExposeSecret::expose_secret);
        forms.any(|form| bare.iter().any(|text| text.contains(form)))
    }
}

impl Hidden {
    fn forms(&self) -> &[SecretString] {
        self.forms.get_or_init(|| {
            forms(self.value.expose_secret()).into_iter().map(SecretString::from).collect()
        })
    }

    fn bare(&self) -> &[SecretString] {
        self.bare.get_or_init(|| {
            let mut bare: Vec<String> =
                self.forms().iter().map(|form| squeezed(form.expose_secret())).collect();
            bare.retain(|form| form.len() >= 2 * SHORTEST_SUBSTRING);
            bare.sort_unstable();
            bare.dedup();
            bare.into_iter().map(SecretString::from).collect()
        })
    }
}

/// The beginning of a text that is too long to be searched.
fn cut(text: &str) -> &str {
    if text.len() <= LARGEST_TEXT { text } else { &text[..floor(text, LARGEST_TEXT - MARGIN)] }
}

/// Where the character begins that this byte is part of.
fn floor(text: &str, place: usize) -> usize {
    (0..=place).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0)
}

/// `text` with these parts of it replaced; they are in order and apart from each other.
fn replaced(text: &str, found: &[Range<usize>]) -> String {
    let mut shown = String::new();
    let mut at = 0;
    for range in found {
        // Letters of other scripts have several bytes, which go together.
        let start = floor(text, range.start).max(at);
        let end = (range.end..=text.len())
            .find(|place| text.is_char_boundary(*place))
            .unwrap_or(text.len());
        shown.push_str(&text[at..start]);
        if !shown.ends_with(HIDDEN) || start > at {
            shown.push_str(HIDDEN);
        }
        at = end;
    }
    shown.push_str(&text[at..]);
    shown
}

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

    fn hiding(values: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for value in values {
            redactor.hide(value);
        }
        redactor
    }

    #[test]
    fn a_secret_is_hidden_in_plain_percent_encoded_and_base64_form() {
        let redactor = hiding(&["s3cr/et!x"]);
        for text in [
            "bad key s3cr/et!x.",
            "bad key S3CR/ET!X.",
            "bad key s3cr%2Fet%21x.",
            "bad key czNjci9ldCF4.",
            "bad key 733363722f65742178.",
        ] {
            assert_eq!(redactor.scrub(text), "bad key [hidden].", "{text}");
            assert!(redactor.is_secret(text), "{text}");
        }
        assert_eq!(redactor.scrub("nothing here"), "nothing here");
    }

    #[test]
    fn a_secret_is_hidden_in_the_form_in_which_it_was_sent() {
        let redactor = hiding(&["correct horse-battery", "enkash@enkash.com", "k\\e\"y-0001"]);
        for text in [
            "correct+horse-battery",
            "correct%20horse-battery",
            "enkash%40enkash.com",
            "k\\\\e\\\"y-0001",
        ] {
            assert_eq!(redactor.scrub(&format!("got {text}!")), "got [hidden]!");
        }
    }

    #[test]
    fn a_short_secret_is_hidden_only_where_it_is_a_word() {
        let redactor = hiding(&["ab", "z"]);
        assert_eq!(redactor.scrub("about 'ab'"), "about '[hidden]'");
        assert_eq!(redactor.scrub(" AB "), "[hidden]");
        assert_eq!(redactor.scrub("z"), "[hidden]");
        assert_eq!(redactor.scrub("a z here"), "a z here");
    }

    #[test]
    fn the_words_of_a_header_are_hidden_one_by_one() {
        assert_eq!(
            hiding(&["Basic czZCaGRSa3F0Mw=="]).scrub("got czZCaGRSa3F0Mw=="),
            "got [hidden]"
        );
    }

    /// The disguises were made with Python: html.escape, json.dumps, base64.b64encode of `id:` and
    /// the secret, quote twice.
    #[test]
    fn a_secret_in_disguise_is_hidden_with_all_that_is_around_it() {
        let redactor = hiding(&["canary-s3cret/+x", "a&b<c\"d", "müller-4711"]);
        for text in [
            "canary\u{1}-s3\u{200b}cret/+x",
            "c a n a r y - s 3 c r e t / + x",
            "canary_s3cret_x",
            "canary-s3cret\\/+x",
            "canary-s3cret\\u002f+x",
            "canary-s3cret%252F%252Bx",
            "canary-s3cret&#47;&#x2B;x",
            "a&amp;b&lt;c&quot;d",
            "M\\u00fcller-4711",
            "m%C3%BCller-4711",
            "aWQ6Y2FuYXJ5LXMzY3JldC8reA==",
            "aWQ6Y2FuYXJ5LXMz\r\nY3JldC8reA==",
        ] {
            assert!(redactor.is_secret(text), "{text:?}");
            let shown = redactor.scrub(&format!("it was {text:?} here and {text}"));
            assert!(
                shown.contains(HIDDEN)
                    && !shown.contains("47")
                    && !shown.to_lowercase().contains("s3")
                    && !shown.contains("MzY3"),
                "{text:?}: {shown}"
            );
        }
    }

    #[test]
    fn a_part_of_a_token_is_hidden_too() {
        let redactor = hiding(&[
            "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDM2MDB9.c2lnbmF0dXJl",
            "tok_live_9f8e7d6c5b",
        ]);
        for (text, shown) in [
            ("bad claims eyJleHAiOjE3MDAwMDM2MDB9", "bad claims [hidden]"),
            ("bad claims ...leHAiOjE3MDAwMDM...", "bad claims ...[hidden]..."),
            ("bad token 9f8e7d6c5b", "bad token [hidden]"),
            ("live tokens only", "live tokens only"),
        ] {
            assert_eq!(redactor.scrub(text), shown);
        }
        // Words that happen to stand in a secret stay.
        assert!(
            !hiding(&["client_credentials_application"]).is_secret("client_credentials_disabled")
        );
    }

    #[test]
    fn too_many_secrets_hide_everything_and_long_texts_take_no_longer() {
        let mut redactor = Redactor::default();
        redactor.hide("aaaa");
        let long = redactor.scrub(&format!("{}{}", "x ".repeat(4_000), "a".repeat(1_000_000)));
        assert!(long.len() < LARGEST_TEXT && !long.contains("aaaa"));
        for number in 0..=MOST_VALUES {
            redactor.hide(&format!("value-{number}"));
        }
        assert_eq!(redactor.scrub("nothing here"), HIDDEN);
        assert!(redactor.is_secret("nothing"));
    }

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
