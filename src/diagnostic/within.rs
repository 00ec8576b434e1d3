//! Finds a part of a string's value in the file, where the string is written with TOML escapes.

use std::ops::Range;

/// The bytes of `file` that hold the bytes `part` of `value`. The string with this value is written
/// at `span`. Returns `span` when the place cannot be found.
#[must_use]
pub fn within(file: &str, span: Range<usize>, value: &str, part: Range<usize>) -> Range<usize> {
    within_all(file, &span, value, &[part]).pop().unwrap_or(span)
}

/// As [`within`] for several parts, without the parts whose place cannot be found.
#[must_use]
pub fn within_all(
    file: &str,
    span: &Range<usize>,
    value: &str,
    parts: &[Range<usize>],
) -> Vec<Range<usize>> {
    let Some(starts) = file.get(span.clone()).and_then(|written| starts(written, value)) else {
        return Vec::new();
    };
    let place = |part: &Range<usize>| {
        let (start, end) = (starts.get(part.start)?, starts.get(part.end)?);
        (!value.is_empty()).then(|| span.start + start..span.start + end)
    };
    parts.iter().filter_map(place).collect()
}

/// For each byte of the value, and for its end, the offset in the written form; `None` when the
/// written form is not this value as a TOML string.
fn starts(written: &str, value: &str) -> Option<Vec<usize>> {
    let (open, escapes) = match written {
        _ if written.starts_with("\"\"\"") => (3, true),
        _ if written.starts_with("'''") => (3, false),
        _ if written.starts_with('"') => (1, true),
        _ if written.starts_with('\'') => (1, false),
        _ => return None,
    };
    let mut at = open;
    // A line break directly after three quotes is not part of the value.
    if open == 3 {
        at += if written[at..].starts_with("\r\n") {
            2
        } else {
            usize::from(written[at..].starts_with('\n'))
        };
    }
    let mut starts = Vec::with_capacity(value.len() + 1);
    for character in value.chars() {
        let mut rest = written.get(at..)?;
        // A backslash at the end of a line removes all white space after it.
        while escapes
            && rest.starts_with('\\')
            && rest[1..].trim_start_matches([' ', '\t', '\r']).starts_with('\n')
        {
            at += rest.len() - rest[1..].trim_start().len();
            rest = written.get(at..)?;
        }
        starts.extend(std::iter::repeat_n(at, character.len_utf8()));
        at += match rest.strip_prefix('\\').filter(|_| escapes) {
            Some(escape) => match escape.chars().next()? {
                'x' => 4,
                'u' => 6,
                'U' => 10,
                other => 1 + other.len_utf8(),
            },
            None if rest.starts_with("\r\n") && character == '\n' => 2,
            None if rest.starts_with(character) => character.len_utf8(),
            None => return None,
        };
    }
    starts.push(at);
    // The closing quotes must follow.
    written.get(at..)?.starts_with(&written[..1]).then_some(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_word_is_exact_in_every_kind_of_string() {
        for (written, value) in [
            (r#""a nope b""#, "a nope b"),
            (r"'a \nope b'", r"a \nope b"),
            (r#""\"key\": \u00e4 \x41 nope b""#, "\"key\": ä A nope b"),
            (r#""é\tnope""#, "é\tnope"),
            ("\"\"\"\na\nnope\"\"\"", "a\nnope"),
            ("\"\"\"a \\\n   nope\"\"\"", "a nope"),
            ("'''\na\r\nnope'''", "a\r\nnope"),
        ] {
            let file = format!("x = {written}\n");
            let parsed: toml::Table = file.parse().expect(written);
            assert_eq!(
                parsed["x"].as_str().expect("a text").replace("\r\n", "\n"),
                value.replace("\r\n", "\n"),
                "{written}"
            );
            let place = value.find("nope").expect("there");
            let found = within(&file, 4..4 + written.len(), value, place..place + 4);
            assert_eq!(&file[found], "nope", "{written}");
        }
    }

    #[test]
    fn a_value_that_is_not_written_as_a_string_gives_the_whole_span() {
        assert_eq!(within("x = 12\n", 4..6, "12", 0..1), 4..6);
        assert_eq!(within("x = \"a\"\n", 4..7, "b", 0..1), 4..7);
    }
}
