//! Mends the spots of JSON that a strict parser refuses although all other members are intact.

use super::charset::UNREADABLE;

/// JSON in which these spots are mended, so that the members beside them can be read; `None` for a
/// text that is no object or list.
///
/// - Half of a surrogate pair (RFC 8259, section 8.2), and a control character inside a string,
///   become [`UNREADABLE`]. So a token with one of them counts as damaged.
/// - A number that no double holds becomes 1e308, with its sign.
/// - `NaN` and `Infinity` become null.
pub fn mended(json: &str) -> Option<String> {
    if !json.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut out = String::with_capacity(json.len() + 16);
    // Outside of strings: before, between and after the quotes.
    let mut rest = json;
    while let Some((before, string)) = rest.split_once('"') {
        numbers(before, &mut out);
        out.push('"');
        let end = end_of_string(string)?;
        characters(&string[..end], &mut out);
        out.push('"');
        rest = &string[end + 1..];
    }
    numbers(rest, &mut out);
    Some(out)
}

/// The place of the quote that ends a string.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Copies what stands between two strings.
fn numbers(text: &str, out: &mut String) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    for word in text.split_inclusive(|c| !is_part(c)) {
        let end = word.trim_end_matches(|c| !is_part(c)).len();
        let (value, after) = word.split_at(end);
        let is_number = value.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let is_too_large = is_number && value.parse().is_ok_and(f64::is_infinite);
        out.push_str(match value {
            "NaN" | "Infinity" | "-Infinity" => "null",
            _ if is_too_large && value.starts_with('-') => "-1e308",
            _ if is_too_large => "1e308",
            _ => value,
        });
        out.push_str(after);
    }
}

/// Copies the inside of a string.
fn characters(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '\\' || c.is_ascii_control() && c != '\u{7f}') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (read, is_whole) = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (12, true),
            (Some(0xd800..0xe000), _) => (6, false),
            (Some(_), _) => (6, true),
            // An escape of one character, which can have several bytes.
            (None, _) if rest.starts_with('\\') => {
                (1 + rest[1..].chars().next().map_or(0, char::len_utf8), true)
            }
            (None, _) => (1, false),
        };
        if is_whole {
            out.push_str(&rest[..read]);
        } else {
            out.push(UNREADABLE);
        }
        rest = &rest[read..];
    }
    out.push_str(rest);
}

/// The code unit of an escape such as `\u00e9` at the start of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(text: &str) -> Option<Json> {
        serde_json::from_str(&mended(text)?).ok()
    }

    #[test]
    fn half_of_a_surrogate_pair_and_a_control_character_are_marked_in_place() {
        for (text, expected) in [
            (r"\ud800", "\u{fffd}"),
            (r"a\uDFFFb", "a\u{fffd}b"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\\ud800", r"\ud800"),
            (r#"\"\ud800\\"#, "\"\u{fffd}\\"),
            ("two\nlines\tand \u{1}", "two\u{fffd}lines\u{fffd}and \u{fffd}"),
            (r"é\u00e9 😀 \/", "éé 😀 /"),
        ] {
            let whole = format!("{{\"a\":\"{text}\",\"token\":\"abc\"}}");
            assert_eq!(read(&whole), Some(json!({ "a": expected, "token": "abc" })), "{text}");
        }
    }

    #[test]
    fn a_number_that_no_double_holds_becomes_a_large_one_and_no_number_becomes_null() {
        for (text, expected) in [
            ("[1e400,-1E+999 ,1e5, -0.5]", json!([1e308, -1e308, 1e5, -0.5])),
            ("{\"a\" :NaN,\"b\":-Infinity\n}", json!({ "a": null, "b": null })),
            (r#"{"1e999":"NaN","":1e999}"#, json!({ "1e999": "NaN", "": 1e308 })),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_damage_stays() {
        for text in [
            "", "<a/>", "a=1", "\"\\ud800\"", "{\"a\":1", "{\"a\":\"b", "{\"a\":\"b\\", "[1,]",
            "{'a':1}", r#"{"a":"\x"}"#, r#"{"a":"\u12"}"#, r#"{"a":"\é"}"#, "{\"a\":01}",
            "{\"a\":+1e400}", "{\"a\":1e400x}", "{\"a\":nan}", "[-inf]", r#"{"a":"\ud8"}"#,
            r#"{"a":"\"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
