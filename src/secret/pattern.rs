//! The search patterns for a secret: each form in which an honest server repeats it. Escapes need
//! no pattern, because the text is decoded before the search.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::view::views;

/// Values with fewer characters are searched for as whole words only: the secret "abc" would blank
/// every "abcess".
const SHORTEST_ANYWHERE: usize = 4;

/// The shortest Base64 pattern, in characters: the part of the shortest value that has no bits of
/// its neighbours.
const SHORTEST_BASE64: usize = 4;

/// The part of a long value that is searched for in Base64 and hex, in bytes. A match extends to
/// the end of the word.
const MOST_ENCODED: usize = 192;

/// Longer texts are searched for in pieces of this many bytes.
const PIECE: usize = 64;

/// A shorter rest belongs to the piece before it.
const SHORTEST_PIECE: usize = 16;

/// The most bytes of one pattern.
pub const LONGEST: usize = PIECE + SHORTEST_PIECE;

/// Where a pattern matches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Everywhere; the match extends to the end of the word.
    Begins,
    /// Everywhere.
    Anywhere,
    /// Where no letter or digit is next to it.
    Word,
    /// Only if it is the whole text.
    Alone,
}

/// Adds the patterns for a value, in lower case.
pub fn add(value: &str, patterns: &mut Vec<(Vec<u8>, Place)>) {
    // The text is decoded before the search, so a secret that contains escapes is decoded too.
    let mut plain: Vec<Vec<u8>> = views(value).into_iter().map(|view| view.bytes).collect();
    if value.contains(' ') {
        plain.extend(views(&value.replace(' ', "+")).into_iter().map(|view| view.bytes));
    }
    // `ß` in capitals is `SS`.
    let capitals = value.to_uppercase().to_lowercase();
    if capitals != value.to_lowercase() {
        plain.push(capitals.into_bytes());
    }
    plain.extend(latin1(value));
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
        // Servers often repeat Base64 without its padding.
        let bare = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"="));
        if let Some(bare) = bare.filter(|bare| bare.len() >= 2 * SHORTEST_ANYWHERE) {
            pieces(bare, place, patterns);
        }
    }
    if value.chars().count() >= SHORTEST_ANYWHERE {
        encoded(value.as_bytes(), patterns);
    }
}

/// A value with letters beyond ASCII in ISO 8859-1, which is not UTF-8.
fn latin1(value: &str) -> Option<Vec<u8>> {
    let byte = |letter: char| u8::try_from(letter).ok();
    let bytes: Option<Vec<u8>> =
        value.chars().map(|letter| byte(letter.to_ascii_lowercase())).collect();
    bytes.filter(|_| !value.is_ascii())
}

/// The part after the scheme of a header such as `Basic abc`: servers repeat it alone.
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
    // In the Base64 of a longer text it can begin at three offsets. Characters that contain bits of
    // its neighbours are left out.
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
