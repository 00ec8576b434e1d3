//! Finds the cause of a syntax fault in the text at its place, because the parser returns only a
//! sentence.

use std::ops::Range;

use crate::diagnostic::{Sentence, Shown};

/// The parser's message in one line, with the usual cause.
pub fn explain(text: &str, span: &Range<usize>, message: &str) -> Sentence {
    // The parser does not quote the text.
    let message = || Shown::outside_of_files(message.lines().collect::<Vec<_>>().join(", "));
    match Cause::at(text, span) {
        Cause::Value => "a value is missing here, or a text without quotes".into(),
        Cause::Key => Sentence::fill(
            "{}: it is given above already, also where `a.x = …` stands beside `a = { … }`",
            [message()],
        ),
        Cause::Escape => {
            Sentence::fill("{}; a text in single quotes needs no escapes", [message()])
        }
        Cause::Other => message().into(),
    }
}

/// Why a value that the schema accepts does not become the type. The value is not quoted, because
/// it can be a secret.
pub fn unreadable(text: &str, span: &Range<usize>) -> &'static str {
    let written = text.get(span.clone()).unwrap_or_default().trim_start_matches(['+', '-']);
    if matches!(written, "inf" | "nan") {
        "this value cannot be read: JSON has no such number"
    } else if written.starts_with(|first: char| first.is_ascii_digit()) {
        "this value cannot be read: the number is too large"
    } else {
        "this value cannot be read: it does not have the form that is expected here"
    }
}

/// Whether this is a number or a date, possibly an invalid one.
fn numeric(written: &str) -> bool {
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    written.replace('_', "").parse::<f64>().is_ok()
        || ["0x", "0o", "0b"].iter().any(|start| written.starts_with(start))
        || digits > 0 && written[digits..].starts_with(['-', ':'])
}

/// The usual causes.
#[derive(Debug, PartialEq, Eq)]
enum Cause {
    /// A value is missing here, or TOML does not know it.
    Value,
    /// A key that stands above already.
    Key,
    /// A backslash in a text.
    Escape,
    /// Anything else.
    Other,
}

impl Cause {
    fn at(text: &str, span: &Range<usize>) -> Self {
        let (Some(before), Some(here), Some(after)) =
            (text.get(..span.start), text.get(span.clone()), text.get(span.end..))
        else {
            return Self::Other;
        };
        let line = before.rsplit('\n').next().unwrap_or_default().trim_end_matches([' ', '\t']);
        let bare = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
        let quoted = here.starts_with(['"', '\'']);
        // For `\u12` the parser points after the digits.
        let code = before.trim_end_matches(|digit: char| digit.is_ascii_hexdigit());
        if before.ends_with('\\')
            || here.starts_with('\\')
            || ["\\x", "\\u", "\\U"].iter().any(|start| code.ends_with(start))
        {
            Self::Escape
        } else if line.ends_with('=') && !quoted && !here.starts_with(['[', '{']) && !numeric(here)
        {
            Self::Value
        } else if (quoted || !here.is_empty() && here.chars().all(bare))
            && after.trim_start_matches([' ', '\t']).starts_with(['=', ']', '.'])
        {
            Self::Key
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    #[test]
    fn the_cause_is_found_in_the_text_whatever_the_parser_says() {
        for (text, expected) in [
            ("a =\n", Cause::Value),
            ("a = \nb = 1\n", Cause::Value),
            ("a = 5m\n", Cause::Value),
            ("a = hello\n", Cause::Value),
            ("a = 2027-02-30\n", Cause::Other),
            ("a = 007\n", Cause::Other),
            ("a = 1\na = 2\n", Cause::Key),
            ("a.b = 1\na = { c = 1 }\n", Cause::Key),
            ("[a]\n[a]\n", Cause::Key),
            ("[p.a]\n[p.a]\n", Cause::Key),
            ("\"a b\" = 1\n\"a b\" = 2\n", Cause::Key),
            ("a = \"\\q\"\n", Cause::Escape),
            ("a = \"\\u12\"\n", Cause::Escape),
            ("a 1\n", Cause::Other),
            ("a: 1\n", Cause::Other),
            ("a = [1, 2\n", Cause::Other),
            ("a = \"x\n", Cause::Other),
            ("a = 1 b = 2\n", Cause::Other),
        ] {
            let (_, errors) = DeTable::parse_recoverable(text);
            let error = errors.first().unwrap_or_else(|| panic!("{text:?} is fine"));
            let span = error.span().unwrap_or(text.len()..text.len());
            assert_eq!(Cause::at(text, &span), expected, "{text:?} {span:?} {}", error.message());
        }
    }

    #[test]
    fn a_value_that_does_not_become_its_type_is_explained_without_being_quoted() {
        let text = "a = -inf\nb = 99999999999999999999\nc = 's3cret'\n";
        let at = |part: &str| {
            let start = text.find(part).expect("there");
            unreadable(text, &(start..start + part.len()))
        };
        assert_eq!(at("-inf"), "this value cannot be read: JSON has no such number");
        assert_eq!(
            at("99999999999999999999"),
            "this value cannot be read: the number is too large"
        );
        assert!(!at("'s3cret'").contains("s3cret"));
    }
}
