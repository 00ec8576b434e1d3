//! Searching a text for secrets: the forms in which somebody could repeat a value, and where they
//! stand in a text.

use std::collections::HashMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use super::UNRESERVED;

/// A part of a secret this long is as good as the secret, where it looks random.
const PART: usize = 16;

/// The shortest part between separators that counts by itself.
const SHORTEST_PIECE: usize = 8;

/// The most such parts of a value: a key in PEM has hundreds of them, but is long enough to be
/// found otherwise.
const MOST_PIECES: usize = 64;

/// The forms in which a server could repeat a value, in lower case, without doubles.
pub fn forms(value: &str) -> Vec<String> {
    let json = serde_json::Value::from(value).to_string();
    let mut forms = vec![
        value.to_owned(),
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(value, UNRESERVED).to_string(),
        form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        json[1..json.len() - 1].to_owned(),
        value.trim_end_matches('=').to_owned(),
    ];
    if value.len() >= 4 {
        forms.push(hex::encode(value));
        forms.push(STANDARD.encode(value).trim_end_matches('=').to_owned());
        // Within the Base64 of something longer it begins at any of three places.
        forms.extend((0..3).filter_map(|shift| within_base64(value, shift)));
        forms.extend(
            forms[7..]
                .iter()
                .map(|form| form.replace('+', "-").replace('/', "_"))
                .collect::<Vec<_>>(),
        );
    }
    for word in value.split_whitespace().filter(|word| word.len() >= SHORTEST_PIECE) {
        forms.push(word.to_owned());
        forms.push(word.trim_end_matches('=').to_owned());
    }
    let pieces = value
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|piece| (SHORTEST_PIECE..PART).contains(&piece.len()));
    forms.extend(
        pieces.filter(|piece| is_mixed(piece.as_bytes())).take(MOST_PIECES).map(str::to_owned),
    );
    forms.retain(|form| !form.is_empty());
    for form in &mut forms {
        *form = form.to_lowercase();
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// What is the same in every Base64 text that holds `value` behind so many other bytes, counted
/// modulo three.
fn within_base64(value: &str, shift: usize) -> Option<String> {
    let padded = [&[0; 2][..shift], value.as_bytes()].concat();
    let text = STANDARD.encode(&padded);
    // Characters that are made of bits of the neighbours differ.
    let (first, last) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
    text.get(first..last).filter(|text| text.len() >= 6).map(str::to_owned)
}

/// Letters and digits: no word of a language.
fn is_mixed(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic)
}

fn is_part_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=~-".contains(&byte)
}

/// A text in lower case, and what of it is secret. The work grows with the text and with each
/// needle, and not with both.
pub struct Needles<'a> {
    text: &'a str,
    secret: Vec<bool>,
    /// Each run of sixteen bytes with its places, until a needle has it too.
    parts: HashMap<&'a [u8], Vec<usize>>,
}

impl<'a> Needles<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut parts: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, part) in text.as_bytes().windows(PART).enumerate() {
            if is_mixed(part) && part.iter().all(|byte| is_part_of_a_token(*byte)) {
                parts.entry(part).or_default().push(place);
            }
        }
        Self { text, secret: vec![false; text.len()], parts }
    }

    /// Looks for a value wherever it stands, and for long parts of it.
    pub fn anywhere(&mut self, needle: &str) {
        for (place, _) in self.text.match_indices(needle) {
            self.secret[place..place + needle.len()].fill(true);
        }
        if needle.len() <= PART {
            return;
        }
        for part in needle.as_bytes().windows(PART) {
            if self.parts.is_empty() {
                break;
            }
            for place in self.parts.remove(part).unwrap_or_default() {
                self.secret[place..place + PART].fill(true);
            }
        }
    }

    /// Looks for a short value that stands between others as a word.
    pub fn words(&mut self, needle: &str) {
        let ends = |character: Option<char>| {
            character.is_none_or(|character| !character.is_alphanumeric())
        };
        for (place, _) in self.text.match_indices(needle) {
            let behind = place + needle.len();
            if ends(self.text[..place].chars().next_back())
                && ends(self.text[behind..].chars().next())
            {
                self.secret[place..behind].fill(true);
            }
        }
    }

    /// The parts of the text that are secret, in order.
    pub fn found(&self) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (place, _) in self.secret.iter().enumerate().filter(|(_, secret)| **secret) {
            match found.last_mut() {
                Some(last) if last.end == place => last.end += 1,
                _ => found.push(place..place + 1),
            }
        }
        found
    }
}
