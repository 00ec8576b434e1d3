//! Characters of a text that can deceive the reader of a terminal, a log or a page.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character is invisible, controls a terminal, or reorders the text around it.
#[must_use]
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text in one line, with deceptive characters as escapes that JSON and TOML can read: `\n`,
/// `\u001b`.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_deceptive)
}

/// The same for a text of several lines: line breaks and tabs stay.
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| !matches!(character, '\n' | '\t') && is_deceptive(character))
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            kept if !is_escaped(kept) => shown.push(kept),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(shown, "\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_deceive_a_reader_become_escapes() {
        for (text, shown) in [
            ("ok\u{1b}]0;x\u{7}\u{1b}[2J", "ok\\u001b]0;x\\u0007\\u001b[2J"),
            ("a\u{9b}31m\u{7f}\u{85}", "a\\u009b31m\\u007f\\u0085"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{2028}e", "a\\u202eb\\u2066c\\u200bd\\u2028e"),
            ("a\u{feff}\u{ad}\u{61c}\u{2060}\u{fffa}", "a\\ufeff\\u00ad\\u061c\\u2060\\ufffa"),
            ("\u{e0041}", "\\udb40\\udc41"),
            ("a\r\tb\nc", "a\\r\\tb\\nc"),
            ("Grüße, 日本語 😀 — plain", "Grüße, 日本語 😀 — plain"),
        ] {
            assert_eq!(printable(text), shown);
        }
        assert_eq!(printable_lines("a\u{1b}\n\tb\r\n"), "a\\u001b\n\tb\\r\n");
    }

    #[test]
    fn an_escape_stands_for_the_same_text_in_json() {
        let text = "a\u{1b}\u{9b}\u{202e}\u{e0041}";
        let json = serde_json::to_string(text).expect("a text");
        let read: String = serde_json::from_str(&printable(&json)).expect("still JSON");
        assert_eq!(read, text);
    }
}
