//! A text and its decoded forms. Each byte of a form knows its place in the original text.

/// How often a text is decoded: two programs can escape it one after the other.
const ROUNDS: usize = 2;

/// The longest name of an entity, as in `&#x10ffff;`.
const LONGEST_ENTITY: usize = 8;

/// Bytes with the place of each in the original text.
#[derive(Clone)]
pub struct View {
    pub bytes: Vec<u8>,
    /// One for each byte, then the end of the text.
    starts: Vec<usize>,
}

impl View {
    fn plain(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), starts: (0..=text.len()).collect() }
    }

    fn with_room(length: usize) -> Self {
        Self { bytes: Vec::with_capacity(length), starts: Vec::with_capacity(length + 1) }
    }

    fn push(&mut self, bytes: &[u8], start: usize) {
        self.bytes.extend_from_slice(bytes);
        self.starts.extend(std::iter::repeat_n(start, bytes.len()));
    }

    /// The view with one layer of escapes decoded; `None` when it has none.
    fn decoded(&self) -> Option<Self> {
        let mut decoded = Self::with_room(self.bytes.len());
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            let rest = &self.bytes[at..];
            let escape = match byte {
                b'%' => percent(rest),
                b'\\' => backslash(rest),
                b'&' => entity(rest),
                _ => None,
            };
            let start = self.starts[at];
            match escape {
                Some((Decoded::Byte(byte), length)) => {
                    decoded.push(&[byte], start);
                    at += length;
                }
                Some((Decoded::Character(character), length)) => {
                    decoded.push(character.encode_utf8(&mut [0; 4]).as_bytes(), start);
                    at += length;
                }
                None => {
                    decoded.push(&[byte], start);
                    at += 1;
                }
            }
        }
        decoded.starts.push(self.starts[self.bytes.len()]);
        (decoded.bytes.len() != self.bytes.len()).then_some(decoded)
    }

    /// The view in lower case, without the zero bytes of UTF-16 that was read as UTF-8.
    fn folded(&self) -> Self {
        let mut folded = Self::with_room(self.bytes.len());
        let mut at = 0;
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                let start = self.starts[at];
                for lower in character.to_lowercase().filter(|lower| *lower != '\0') {
                    folded.push(lower.encode_utf8(&mut [0; 4]).as_bytes(), start);
                }
                at += character.len_utf8();
            }
            for byte in chunk.invalid() {
                folded.push(&[*byte], self.starts[at]);
                at += 1;
            }
        }
        folded.starts.push(self.starts[self.bytes.len()]);
        folded
    }

    /// The part of the original text that gives these bytes of the view.
    pub fn original(&self, start: usize, end: usize) -> std::ops::Range<usize> {
        let last = self.starts[end - 1];
        let behind = self.starts[end..].iter().find(|start| **start > last);
        self.starts[start]..behind.copied().unwrap_or(last + 1)
    }
}

/// The text in lower case, then with one and with two layers of escapes decoded if it has them.
pub fn views(text: &str) -> Vec<View> {
    let mut current = View::plain(text);
    let mut views = vec![current.folded()];
    for _ in 0..ROUNDS {
        let Some(decoded) = current.decoded() else { break };
        views.push(decoded.folded());
        current = decoded;
    }
    views
}

enum Decoded {
    Byte(u8),
    Character(char),
}

type Escape = Option<(Decoded, usize)>;

/// `%2F`.
fn percent(rest: &[u8]) -> Escape {
    let byte = u8::try_from(number(rest.get(1..3)?, 16)?).ok()?;
    Some((Decoded::Byte(byte), 3))
}

/// Escapes of JSON and JavaScript: `\/`, `\n`, `\u002f`, `\x2f`.
fn backslash(rest: &[u8]) -> Escape {
    let character = match rest.get(1)? {
        b'u' => return unicode(rest),
        b'x' => {
            let byte = number(rest.get(2..4)?, 16).and_then(char::from_u32)?;
            return Some((Decoded::Character(byte), 4));
        }
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        sign if sign.is_ascii_punctuation() => char::from(*sign),
        _ => return None,
    };
    Some((Decoded::Character(character), 2))
}

/// `\u002f`, or two of them for a character beyond the first 65,536.
fn unicode(rest: &[u8]) -> Escape {
    let unit = |from: usize| number(rest.get(from..from + 4)?, 16);
    let first = unit(2)?;
    if let Some(character) = char::from_u32(first) {
        return Some((Decoded::Character(character), 6));
    }
    let second = unit(8).filter(|_| rest.get(6..8) == Some(b"\\u"))?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((Decoded::Character(character), 12))
}

/// The entities of XML and HTML.
fn entity(rest: &[u8]) -> Escape {
    let end = rest.iter().take(LONGEST_ENTITY + 2).position(|byte| *byte == b';')?;
    let character = match &rest[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => return None,
    };
    Some((Decoded::Character(character), end + 1))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    u32::from_str_radix(text, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The escapes were made with Python: `json.dumps`, `html.escape`, `quote`, and `quote` twice.
    #[test]
    fn each_escape_is_decoded_and_knows_its_place() {
        for (text, plain) in [
            (r"a\/b", "a/b"),
            (r"a\u002Fb", "a/b"),
            (r"a\x2fb", "a/b"),
            (r"a\nb", "a\nb"),
            (r"a\ud83d\ude00b", "a\u{1f600}b"),
            ("a%2fb", "a/b"),
            ("a%252fb", "a/b"),
            ("m%C3%9Cller", "müller"),
            (r"a\\\/b", "a/b"),
            ("a&amp;#47;b", "a/b"),
            ("a&#x2f;b", "a/b"),
            ("a&lt;b", "a<b"),
            ("A\0/\0b\0", "a/b"),
            ("&;&&nothing;&#xffffffff;%+f%2", "&;&&nothing;&#xffffffff;%+f%2"),
        ] {
            let views = views(text);
            let last = views.last().expect("the text as it stands is one");
            assert_eq!(String::from_utf8_lossy(&last.bytes), plain, "{text}");
            assert_eq!(last.original(0, last.bytes.len()).start, 0, "{text}");
        }
        let views = views("x a%252Fb y");
        let place = views[2].original(2, 5);
        assert_eq!(&"x a%252Fb y"[place], "a%252Fb");
        assert_eq!(super::views("plain text, 100 percent").len(), 1);
    }
}
