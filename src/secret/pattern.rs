//! What is looked for in a text: a secret in each of the forms in which an honest server repeats
//! what it was sent. Escapes are not among them: the text is decoded instead.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::view::views;

/// Shorter values than this, in characters, are looked for as whole words only: a secret "abc"
/// would otherwise blank every "abcess".
const SHORTEST_ANYWHERE: usize = 4;

/// The shortest text inside a Base64 text that counts.
const SHORTEST_BASE64: usize = 6;

/// Of longer values this much is looked for in Base64 and hex. A match goes on to the end of the
/// word.
const MOST_ENCODED: usize = 192;

/// Longer texts are looked for piece by piece, so that no pattern is long.
const PIECE: usize = 64;

/// A shorter rest is joined to the piece before it.
const SHORTEST_PIECE: usize = 16;

/// The most bytes of one pattern.
pub const LONGEST: usize = PIECE + SHORTEST_PIECE;

/// Where in a text a pattern counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Everywhere, and what follows it up to the end of the word belongs to it.
    Begins,
    /// Everywhere.
    Anywhere,
    /// Where no letter or digit is beside it.
    Word,
    /// Where the text has nothing else.
    Alone,
}

/// Adds the patterns for a value, in lower case.
pub fn add(value: &str, patterns: &mut Vec<(Vec<u8>, Place)>) {
    // Decoding a text also decodes what looks like an escape in the secret itself.
    let mut plain: Vec<Vec<u8>> = views(value).into_iter().map(|view| view.bytes).collect();
    if value.contains(' ') {
        plain.extend(views(&value.replace(' ', "+")).into_iter().map(|view| view.bytes));
    }
    if let Some(rest) = behind_scheme(value) {
        plain.push(rest.to_lowercase().into_bytes());
    }
    for text in plain {
        let place = match String::from_utf8_lossy(&text).chars().count() {
            0 => continue,
            1 => Place::Alone,
            2..SHORTEST_ANYWHERE => Place::Word,
            _ => Place::Anywhere,
        };
        pieces(&text, place, patterns);
        // Base64 is often repeated without what fills it up.
        let bare = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"="));
        if let Some(bare) = bare.filter(|bare| bare.len() >= 2 * SHORTEST_ANYWHERE) {
            pieces(bare, place, patterns);
        }
    }
    if value.chars().count() >= SHORTEST_ANYWHERE {
        encoded(value.as_bytes(), patterns);
    }
}

/// `Basic abc` is sent as a header, and servers repeat what follows the scheme.
fn behind_scheme(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    (is_scheme && rest.len() >= 2 * SHORTEST_ANYWHERE).then_some(rest)
}

fn pieces(text: &[u8], last: Place, patterns: &mut Vec<(Vec<u8>, Place)>) {
    let mut rest = text;
    while rest.len() > LONGEST {
        let (piece, behind) = rest.split_at(PIECE);
        patterns.push((piece.to_vec(), Place::Anywhere));
        rest = behind;
    }
    patterns.push((rest.to_vec(), last));
}

/// Hex, Base64 and Base64url.
fn encoded(value: &[u8], patterns: &mut Vec<(Vec<u8>, Place)>) {
    let beginning = &value[..value.len().min(MOST_ENCODED)];
    let last = if beginning.len() < value.len() { Place::Begins } else { Place::Anywhere };
    pieces(hex::encode(beginning).as_bytes(), last, patterns);
    let alone = STANDARD.encode(beginning);
    let mut texts = vec![alone.trim_end_matches('=').to_owned(), alone];
    // Within the Base64 of something longer it begins at any of three places. Characters that are
    // made of bits of the neighbours differ.
    for shift in 0..3 {
        let padded = [&[0; 2][..shift], beginning].concat();
        let (first, end) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
        texts.extend(STANDARD.encode(&padded).get(first..end).map(str::to_owned));
    }
    texts.retain(|text| text.len() >= SHORTEST_BASE64);
    for text in texts {
        let url = text.replace('+', "-").replace('/', "_");
        if url != text {
            pieces(url.to_ascii_lowercase().as_bytes(), last, patterns);
        }
        pieces(text.to_ascii_lowercase().as_bytes(), last, patterns);
    }
}
