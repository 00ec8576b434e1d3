//! Keeps secrets out of texts that come from outside.

use std::cell::OnceCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

/// Shorter values than this are hidden only where a text consists of nothing else: a secret "a" would
/// otherwise blank every text.
const SHORTEST_SUBSTRING: usize = 4;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
pub const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands in place of a hidden value.
pub const HIDDEN: &str = "[hidden]";

/// The secrets of one attempt: credentials, what was derived from them, the token. A text from outside is held
/// against them before it may become a code or a message.
#[derive(Default)]
pub struct Redactor {
    values: Vec<SecretString>,
    /// All forms of the values, in lower case. Made when first needed: most answers need none.
    needles: OnceCell<Vec<SecretString>>,
}

impl Redactor {
    /// Hides `value` from now on: in plain, percent-encoded, form-encoded, JSON and Base64 form, and each of its
    /// longer words (the second word of a Basic header is the one that would be echoed).
    pub fn hide(&mut self, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.values.push(SecretString::from(value));
            self.needles = OnceCell::new();
        }
    }

    /// Longest first, so that a part is not replaced before the whole.
    fn needles(&self) -> &[SecretString] {
        self.needles.get_or_init(|| {
            let mut forms: Vec<String> = self.values.iter().flat_map(|value| forms(value.expose_secret())).map(|form| form.to_lowercase()).collect();
            forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            forms.dedup();
            forms.into_iter().map(SecretString::from).collect()
        })
    }

    /// Whether `text` is or contains a secret, in whatever case.
    #[must_use]
    pub fn is_secret(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        self.needles().iter().map(ExposeSecret::expose_secret).any(|needle| text == needle || (needle.len() >= SHORTEST_SUBSTRING && text.contains(needle)))
    }

    /// `text` with every secret in it replaced. Where the case of letters changes the length of the text, the
    /// whole text goes.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if !self.is_secret(text) {
            return text.to_owned();
        }
        let mut folded = text.to_lowercase();
        let mut text = text.to_owned();
        if folded.len() != text.len() {
            return HIDDEN.to_owned();
        }
        for needle in self.needles().iter().map(ExposeSecret::expose_secret) {
            if folded.trim() == needle {
                return HIDDEN.to_owned();
            }
            while needle.len() >= SHORTEST_SUBSTRING && folded.contains(needle) {
                let start = folded.find(needle).expect("contained");
                let range = start..start + needle.len();
                if !text.is_char_boundary(range.start) || !text.is_char_boundary(range.end) {
                    return HIDDEN.to_owned();
                }
                text.replace_range(range.clone(), "\u{1}");
                folded.replace_range(range, "\u{1}");
            }
        }
        text.replace('\u{1}', HIDDEN)
    }
}

/// Whether the name of a member says that its value is secret: `access_token`, `sessionKey`, not `token_type`.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    const TELLING: [&str; 11] = ["token", "secret", "key", "password", "assertion", "credential", "session", "jwt", "ticket", "cookie", "signature"];
    let name = name.as_bytes();
    let contains = |word: &str| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    TELLING.iter().any(|word| contains(word)) && !name.to_ascii_lowercase().ends_with(b"type")
}

/// Whether a text looks like something random rather than like a code that somebody chose.
#[must_use]
pub fn looks_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= 24 && digits >= 5 && text.len() - digits >= 5 && !text.contains(' ')
}

/// The forms in which a server could repeat a value.
fn forms(value: &str) -> Vec<String> {
    let json = serde_json::Value::from(value).to_string();
    let mut forms = vec![
        value.to_owned(),
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(value, UNRESERVED).to_string(),
        form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        json[1..json.len() - 1].to_owned(),
        STANDARD.encode(value).trim_end_matches('=').to_owned(),
        value.trim_end_matches('=').to_owned(),
    ];
    for word in value.split_whitespace().filter(|word| word.len() >= 8) {
        forms.push(word.to_owned());
        forms.push(word.trim_end_matches('=').to_owned());
    }
    forms.retain(|form| !form.is_empty());
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_plain_percent_encoded_and_base64_form() {
        let mut redactor = Redactor::default();
        redactor.hide("s3cr/et!x");
        for text in ["bad key s3cr/et!x.", "bad key S3CR/ET!X.", "bad key s3cr%2Fet%21x.", "bad key czNjci9ldCF4."] {
            assert_eq!(redactor.scrub(text), "bad key [hidden].", "{text}");
            assert!(redactor.is_secret(text), "{text}");
        }
        assert_eq!(redactor.scrub("nothing here"), "nothing here");
    }

    #[test]
    fn a_secret_is_hidden_in_the_form_in_which_it_was_sent() {
        let mut redactor = Redactor::default();
        redactor.hide("correct horse-battery");
        redactor.hide("enkash@enkash.com");
        redactor.hide("k\\e\"y-0001");
        for text in ["correct+horse-battery", "correct%20horse-battery", "enkash%40enkash.com", "k\\\\e\\\"y-0001"] {
            assert_eq!(redactor.scrub(&format!("got {text}!")), "got [hidden]!");
        }
    }

    #[test]
    fn a_short_secret_is_hidden_only_when_it_is_all_there_is() {
        let mut redactor = Redactor::default();
        redactor.hide("ab");
        assert_eq!(redactor.scrub("about"), "about");
        assert_eq!(redactor.scrub(" AB "), "[hidden]");
    }

    #[test]
    fn the_words_of_a_header_are_hidden_one_by_one() {
        let mut redactor = Redactor::default();
        redactor.hide("Basic czZCaGRSa3F0Mw==");
        assert_eq!(redactor.scrub("got czZCaGRSa3F0Mw=="), "got [hidden]");
    }
}
