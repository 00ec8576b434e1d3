//! Hides known secrets in texts from outside.

use std::borrow::Borrow;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use secrecy::{ExposeSecret, SecretString};

use super::pattern::LONGEST;
use super::search::Search;

/// The most bytes of a text that are shown.
const MOST_SHOWN: usize = 4 * 1024;

/// Bytes that are searched beyond the shown ones, so that the cut splits no secret: the longest
/// pattern with each byte escaped twice.
const MARGIN: usize = 9 * LONGEST;

/// With more secrets or bytes than this, the redactor hides every text.
const MOST_SECRETS: usize = 500;
const MOST_BYTES: usize = 64 * 1024;

/// The text that replaces a hidden value.
pub const HIDDEN: &str = "[hidden]";

/// The secrets of one attempt: credentials, values derived from them, and the token. A text from
/// outside passes it before it becomes a code or a message.
///
/// It finds a secret in any letter case, with JSON or XML escapes, percent-encoded once or twice,
/// form-encoded, in hex, and in Base64 or Base64url, also inside a longer text. With too many
/// secrets it hides every text.
#[derive(Default)]
pub struct Redactor {
    secrets: HashSet<Secret>,
    bytes: usize,
    overflowing: bool,
    /// Built when the first text is shown, because a healthy probe shows none. `None` inside when
    /// there are too many patterns.
    search: OnceCell<Option<Search>>,
}

#[derive(Clone)]
struct Secret(SecretString);

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose_secret().hash(state);
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Secret {}

impl Borrow<str> for Secret {
    fn borrow(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Redactor {
    /// A redactor that knows the same secrets.
    #[must_use]
    pub fn again(&self) -> Self {
        let (secrets, bytes) = (self.secrets.clone(), self.bytes);
        Self { secrets, bytes, overflowing: self.overflowing, search: OnceCell::new() }
    }

    /// Hides `value` from now on.
    pub fn hide(&mut self, value: &str) {
        let value = value.trim();
        if value.is_empty() || self.overflowing || self.secrets.contains(value) {
            return;
        }
        self.bytes += value.len();
        self.overflowing = self.bytes > MOST_BYTES || self.secrets.len() >= MOST_SECRETS;
        if !self.overflowing {
            self.secrets.insert(Secret(SecretString::from(value)));
        }
        self.search = OnceCell::new();
    }

    /// Whether every text is hidden, so that the caller needs to add no more secrets.
    #[must_use]
    pub fn hides_all(&self) -> bool {
        self.overflowing
    }

    /// Whether `text` is or contains a secret.
    #[must_use]
    pub fn is_secret(&self, text: &str) -> bool {
        let text = text.trim();
        !text.is_empty() && self.found(cut(text, MOST_SHOWN + MARGIN)).is_none_or(|f| !f.is_empty())
    }

    /// Whether `text` is a whole secret.
    #[must_use]
    pub fn knows(&self, text: &str) -> bool {
        self.overflowing || self.secrets.contains(text.trim())
    }

    /// Whether `text` is a part of a secret, of more than three bytes.
    #[must_use]
    pub fn has_part(&self, text: &str) -> bool {
        const SHORTEST: usize = 4;
        let is_part = |secret: &Secret| secret.0.expose_secret().contains(text);
        self.overflowing || text.len() >= SHORTEST && self.secrets.iter().any(is_part)
    }

    /// `text` with every secret replaced, cut after 4 KiB.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if text.trim().is_empty() {
            return text.to_owned();
        }
        let text = cut(text, MOST_SHOWN + MARGIN);
        match self.found(text) {
            None => HIDDEN.to_owned(),
            Some(found) => replaced(text, &found),
        }
    }

    /// The parts of a text that are secrets; `None` when there are too many secrets.
    fn found(&self, text: &str) -> Option<Vec<Range<usize>>> {
        if self.overflowing {
            return None;
        }
        if self.secrets.is_empty() {
            return Some(Vec::new());
        }
        let values = || self.secrets.iter().map(Borrow::borrow);
        let search = self.search.get_or_init(|| Search::new(values()));
        search.as_ref().map(|search| search.found(text))
    }
}

/// The beginning of a text, in whole characters.
fn cut(text: &str, length: usize) -> &str {
    &text[..floor(text, length)]
}

/// Where the character with this byte begins.
fn floor(text: &str, place: usize) -> usize {
    let place = place.min(text.len());
    (0..=place).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0)
}

/// The text with these parts replaced, cut to the shown length. The parts are in order and do not
/// overlap.
fn replaced(text: &str, found: &[Range<usize>]) -> String {
    let end = floor(text, MOST_SHOWN);
    let mut shown = String::new();
    let mut at = 0;
    for range in found.iter().filter(|range| range.start < end) {
        shown.push_str(&text[at..floor(text, range.start).max(at)]);
        shown.push_str(HIDDEN);
        at = (range.end..text.len())
            .find(|place| text.is_char_boundary(*place))
            .unwrap_or(text.len());
    }
    shown.push_str(&text[at.min(end)..end]);
    shown
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

    /// The forms were made with Python: `base64.b64encode`, `.hex()`, `json.dumps`, `html.escape`,
    /// `quote`, `quote` twice, `quote_plus`.
    #[test]
    fn a_secret_is_hidden_in_each_form_in_which_an_honest_server_repeats_it() {
        let redactor = hiding(&[
            "s3cr/et!x", "a&b<c\"d", "müller-4711", "correct horse+battery", "Ludwigstraße",
        ]);
        for text in [
            "LUDWIGSTRASSE", "ludwigstra%DFe", "M%FCller-4711", "s3cr/et!x", "S3CR/ET!X",
            "s3cr%2Fet%21x", "s3cr%252Fet%2521x", "s3cr\\/et!x", "\\u0073\\u0033cr\\u002fet!x",
            "s3cr&#47;et!x", "s3cr&#x2F;et&#x21;x", "czNjci9ldCF4", "733363722f65742178",
            "733363722F65742178", "a&amp;b&lt;c&quot;d", "a&b<c\\\"d", "M\\u00fcller-4711",
            "m%C3%BCller-4711", "MÜLLER-4711", "bcO8bGxlci00NzEx", "correct+horse%2Bbattery",
            "correct%20horse%2bbattery", "Y29ycmVjdCBob3JzZStiYXR0ZXJ5",
        ] {
            assert_eq!(redactor.scrub(&format!("got {text}!")), "got [hidden]!", "{text}");
            assert!(redactor.is_secret(text), "{text}");
        }
        assert_eq!(redactor.scrub("nothing here"), "nothing here");
    }

    /// printf 'i:%s' … | base64, with one to three bytes before, and more behind.
    #[test]
    fn a_secret_inside_of_base64_is_hidden_at_each_of_the_three_places() {
        let redactor = hiding(&["canary-s3cret/+x?>~"]);
        for (text, shown) in [
            ("OmNhbmFyeS1zM2NyZXQvK3g/Pn46bW9yZQ==", "Om[hidden]46bW9yZQ=="),
            ("aTpjYW5hcnktczNjcmV0Lyt4Pz5+Om1vcmU=", "aTp[hidden]Om1vcmU="),
            ("aWQ6Y2FuYXJ5LXMzY3JldC8reD8-fjptb3Jl", "aWQ6[hidden]jptb3Jl"),
        ] {
            assert_eq!(redactor.scrub(text), shown, "{text}");
        }
    }

    /// printf '{"pin":"kx7q"}' | base64
    #[test]
    fn a_secret_of_four_characters_is_hidden_inside_of_base64() {
        let redactor = hiding(&["kx7q"]);
        assert_eq!(redactor.scrub("eyJwaW4iOiJreDdxIn0="), "eyJwaW4iOiJ[hidden]In0=");
    }

    #[test]
    fn a_short_secret_is_hidden_only_where_it_is_a_word() {
        let redactor = hiding(&["ab", "z", "x/y"]);
        assert_eq!(redactor.scrub("about 'ab'"), "about '[hidden]'");
        assert_eq!(redactor.scrub("AB"), "[hidden]");
        assert_eq!(redactor.scrub("z"), "[hidden]");
        assert_eq!(redactor.scrub("a z here"), "a z here");
        assert_eq!(redactor.scrub("x%2Fy ax/yb"), "[hidden] ax/yb");
    }

    #[test]
    fn what_follows_the_scheme_of_a_header_is_hidden_by_itself() {
        let redactor = hiding(&["Basic czZCaGRSa3F0Mw=="]);
        assert_eq!(redactor.scrub("got czZCaGRSa3F0Mw=="), "got [hidden]");
        assert_eq!(redactor.scrub("got czZCaGRSa3F0Mw."), "got [hidden].");
        assert_eq!(redactor.scrub("Basic is wrong"), "Basic is wrong");
    }

    #[test]
    fn a_long_secret_is_hidden_as_a_whole_in_each_form() {
        let long = "0123456789abcdefghij".repeat(30);
        let redactor = hiding(&[&long]);
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &long);
        for text in [long.clone(), long.to_uppercase(), hex::encode(&long), base64] {
            assert_eq!(redactor.scrub(&format!("got {text}, no")), "got [hidden], no");
        }
    }

    #[test]
    fn a_word_that_is_only_a_part_of_a_secret_is_shown() {
        assert!(!hiding(&["client_credentials_app"]).is_secret("client_credentials_disabled"));
        assert!(!hiding(&["tok_live_9f8e7d6c5b"]).is_secret("live tokens only"));
    }

    #[test]
    fn secrets_that_overlap_are_hidden_from_the_first_to_the_last_character() {
        assert_eq!(hiding(&["abcdef", "defghi", "cd"]).scrub("(abcdefghi)"), "([hidden])");
    }

    #[test]
    fn too_many_secrets_hide_everything() {
        for (count, length) in [(400, 20), (3_000, 6), (2, 40_000), (1, 70_000)] {
            let values: Vec<String> =
                (0..count).map(|n| format!("{n}{}", "x".repeat(length))).collect();
            let redactor = hiding(&values.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(redactor.scrub("nothing here"), HIDDEN, "{count} of {length}");
            assert!(redactor.is_secret("nothing"));
        }
    }

    #[test]
    fn a_long_text_is_cut_and_no_secret_is_cut_with_it() {
        let redactor = hiding(&["canary-0815-canary-0815"]);
        for before in MOST_SHOWN - 40..MOST_SHOWN + 10 {
            let text =
                format!("{}canary-0815-canary-0815{}", "x".repeat(before), "y".repeat(9_000));
            let shown = redactor.scrub(&text);
            assert!(shown.len() <= MOST_SHOWN + HIDDEN.len() && !shown.contains('c'), "{before}");
        }
    }
}
