//! The character set of an answer. Answers in UTF-8, which nearly all are, are not copied.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The mark for bytes that have no meaning in the character set.
pub const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

/// The body in UTF-8, without a byte order mark. A body that is UTF-8 stays as it is, whatever the
/// server declares. Otherwise the byte order mark decides, then the `charset` of the content type,
/// then the XML declaration. Bytes without a meaning become [`UNREADABLE`].
#[must_use]
pub fn decoded<'b>(body: &'b [u8], content_type: Option<&str>) -> Cow<'b, [u8]> {
    // ASCII in UTF-16 is valid UTF-8 with zeros.
    if !body.iter().take(4).any(|byte| *byte == 0) && std::str::from_utf8(body).is_ok() {
        return Cow::Borrowed(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    }
    let declared = || content_type.and_then(charset).or_else(|| xml_encoding(body));
    let named = || Encoding::for_label_no_replacement(declared()?.as_bytes());
    let (encoding, mark) = Encoding::for_bom(body)
        .or_else(|| wide(body).map(|encoding| (encoding, 0)))
        .or_else(|| named().map(|encoding| (encoding, 0)))
        .unwrap_or((UTF_8, 0));
    let (text, _) = encoding.decode_without_bom_handling(&body[mark..]);
    Cow::Owned(text.into_owned().into_bytes())
}

/// UTF-16 without a mark: its first letters, which are ASCII, have zeros beside them.
fn wide(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, first, 0, ..] if *first != 0 => Some(UTF_16BE),
        [first, 0, _, 0, ..] if *first != 0 => Some(UTF_16LE),
        _ => None,
    }
}

/// The `charset` of a content type (RFC 9110, section 8.3.2).
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("charset");
        is_it.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// The `encoding` of an XML declaration.
fn xml_encoding(body: &[u8]) -> Option<&str> {
    let start = body.trim_ascii_start();
    let end = start.iter().take(200).position(|byte| *byte == b'>')?;
    let declaration = std::str::from_utf8(&start[..end]).ok()?.strip_prefix("<?xml")?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8], content_type: Option<&str>) -> String {
        String::from_utf8(decoded(body, content_type).into_owned()).expect("UTF-8")
    }

    /// The bytes are those of Python's codecs.
    #[test]
    fn a_body_is_decoded_as_declared() {
        let latin = b"{\"a\":\"Jos\xe9\"}";
        let text = "{\"a\":\"José\"}";
        for kind in [
            "application/json;charset=ISO-8859-1",
            "application/json; charset=\"iso-8859-1\"",
            "text/html; boundary=x ; CHARSET=windows-1252",
            "a/b;charset=latin1",
        ] {
            assert_eq!(read(latin, Some(kind)), text, "{kind}");
        }
        let latin_xml = b"\n<?xml version='1.0' encoding = 'ISO-8859-15'?><a>Jos\xe9 \xa4</a>";
        assert!(read(latin_xml, Some("text/xml")).ends_with("<a>José €</a>"));
        let japanese = b"{\"a\":\"\x93\xfa\x96{\"}";
        assert_eq!(read(japanese, Some("a/b;charset=Shift_JIS")), "{\"a\":\"日本\"}");
        let chinese = b"{\"a\":\"\xd6\xd0\"}";
        assert_eq!(read(chinese, Some("a/b; charset=GBK")), "{\"a\":\"中\"}");
    }

    #[test]
    fn utf_16_is_decoded_with_and_without_a_mark() {
        let text = "{\"a\":\"José\"}";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for body in [[b"\xff\xfe", &*little].concat(), [b"\xfe\xff", &*big].concat(), little, big] {
            for kind in [None, Some("application/json"), Some("a/b; charset=utf-16")] {
                assert_eq!(read(&body, kind), text);
            }
        }
    }

    #[test]
    fn a_byte_without_a_meaning_is_marked_and_a_wrong_declaration_is_ignored() {
        assert_eq!(read(b"autoris\xe9 \xff", None), "autoris\u{fffd} \u{fffd}");
        assert_eq!(read(b"a\xe9", Some("a/b; charset=utf-8")), "a\u{fffd}");
        assert_eq!(read(b"a\xe9", Some("a/b; charset=no-such")), "a\u{fffd}");
        assert_eq!(read("é".as_bytes(), Some("a/b; charset=iso-8859-1")), "é");
        assert_eq!(read("\u{feff}é".as_bytes(), None), "é");
        for kind in [None, Some(""), Some(";"), Some("a;charset"), Some("a;charset=")] {
            assert_eq!(read(b"", kind), "");
            assert_eq!(read(b"<?xml encoding=\xff?>", kind).chars().next(), Some('<'));
        }
    }

    #[test]
    fn a_body_in_utf_8_is_not_copied() {
        for body in ["{}", "é", "", "<?xml version='1.0' encoding='UTF-16'?><a/>"] {
            assert!(matches!(decoded(body.as_bytes(), Some("a;charset=x")), Cow::Borrowed(_)));
        }
    }
}
