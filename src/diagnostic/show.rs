//! Writes a fault for people. The shown part of a file is short and has no secrets and no control
//! characters.

use std::fmt;
use std::ops::Range;

use super::fault::{Fault, Severity};
use super::source::{Source, floor_char_boundary};
use crate::printable::{is_deceptive, printable};

/// The maximum number of characters of a line that are shown around the fault.
const WIDTH: usize = 140;

/// The maximum number of characters of a message.
const LONGEST_MESSAGE: usize = 600;

/// `file:line:column: error: message`, the line with a caret below it, and the hint.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{}: {word}: {}", plain(&self.place()), plain(self.message.as_str()))?;
        if let Some(source) = &self.source {
            let (line, _) = self.position();
            let (shown, indent, width) = source.show(&self.span);
            let margin = " ".repeat(line.to_string().len());
            writeln!(
                f,
                "{margin} |\n{line} | {shown}\n{margin} | {}{}",
                " ".repeat(indent),
                "^".repeat(width)
            )?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {}", plain(hint.as_str()))?;
        }
        Ok(())
    }
}

impl Source {
    /// The line of a span, the indent of the carets, and their number.
    fn show(&self, span: &Range<usize>) -> (String, usize, usize) {
        let (_, start) = self.line(span.start);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        let from = floor_char_boundary(&self.text, span.start).clamp(start, end);
        let to = floor_char_boundary(&self.text, span.end).clamp(from, end);
        let (mut before, mut within, mut after) = (String::new(), String::new(), String::new());
        for piece in self.pieces(start..end, from) {
            let Range { start, end } = piece.place;
            if !piece.verbatim {
                // A hidden part is shown once, on the side where it begins.
                let side = if end <= from {
                    &mut before
                } else if start < to || start <= from {
                    &mut within
                } else {
                    &mut after
                };
                side.push_str(piece.text(&self.text));
                continue;
            }
            let add = |side: &mut String, part: Range<usize>| {
                if part.start < part.end {
                    side.push_str(&shown_line(&self.text[part]));
                }
            };
            add(&mut before, start..end.min(from));
            add(&mut within, start.max(from)..end.min(to));
            add(&mut after, start.max(to)..end);
        }
        let mut before = before.trim_start_matches('\u{feff}').to_owned();
        let length = before.chars().count();
        if length > WIDTH / 2 {
            before = std::iter::once('…').chain(before.chars().skip(length - WIDTH / 2)).collect();
        }
        let indent = before.chars().count();
        let room = WIDTH.saturating_sub(indent);
        let mut rest: String = within.chars().chain(after.chars()).collect();
        if rest.chars().count() > room {
            rest = rest.chars().take(room.saturating_sub(1)).chain(['…']).collect();
        }
        let width = within.chars().count().clamp(1, rest.chars().count().max(1));
        (format!("{before}{rest}"), indent, width)
    }
}

fn shown_line(text: &str) -> String {
    let shown = |character: char| match character {
        '\t' => ' ',
        hostile if is_deceptive(hostile) => '·',
        plain => plain,
    };
    text.trim_end_matches('\r').chars().map(shown).collect()
}

fn plain(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST_MESSAGE).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", printable(&cut))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::{Outline, Sentence, Shown};

    /// A source with known keys, and with its tokens when it was parsed.
    fn source(text: &str, words: &[&str], tokens: Option<&[(Range<usize>, bool)]>) -> Arc<Source> {
        let source = Source::new("x", text);
        source.set_outline(Outline {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            tokens: tokens.map(<[_]>::to_vec),
        });
        Arc::new(source)
    }

    #[test]
    fn only_allowed_tokens_are_shown_and_the_carets_are_in_the_right_place() {
        let tokens = [(0..1, true), (4..12, false), (14..16, true), (19..20, true)];
        let source = source("a = \"s3cret\", bb = 5 # old: 0ld\n", &[], Some(&tokens));
        let shown = Fault::error(&source, 14..16, "m").to_string();
        assert_eq!(shown, "x:1:15: error: m\n  |\n1 | a = ***, bb = 5 #***\n  |          ^^\n");
        source.reveal(5..7);
        let shown = Fault::error(&source, 6..7, "m").to_string();
        assert_eq!(shown, "x:1:7: error: m\n  |\n1 | a = ***s3***, bb = 5 #***\n  |         ^\n");
    }

    #[test]
    fn a_value_over_several_lines_is_hidden_on_each_of_them() {
        let tokens = [(0..1, true), (4..24, false)];
        let source = source("a = '''one\ntwo three'''\n", &[], Some(&tokens));
        for place in [5, 12, 16] {
            let shown = Fault::error(&source, place..place + 1, "m").to_string();
            assert!(!["one", "two", "three"].iter().any(|word| shown.contains(word)), "{shown}");
        }
    }

    #[test]
    fn only_known_keys_are_shown_of_a_text_that_cannot_be_parsed() {
        for (line, shown) in [
            ("credentials.app_secret = s3cret", "credentials.*** = ***"),
            ("  interval: 5m", "  interval: ***"),
            ("[providers.a", "[providers.***"),
            ("[[providers.a]] # x", "[[providers.***]] ***"),
            ("s3cret\"", "***"),
            ("app_secret: s3cret", "***"),
            ("providers s3cret = 1", "providers *** = ***"),
            ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj==", "***"),
        ] {
            let source = source(line, &["credentials", "providers", "interval"], None);
            let text = Fault::error(&source, 0..1, "m").to_string();
            assert_eq!(text.lines().nth(2), Some(format!("1 | {shown}").as_str()), "{text}");
        }
    }

    #[test]
    fn of_a_line_with_thousands_of_values_the_part_around_the_fault_is_shown() {
        let text = "k=1,".repeat(10_000);
        let tokens: Vec<_> = (0..10_000)
            .flat_map(|n| [(n * 4..n * 4 + 1, true), (n * 4 + 2..n * 4 + 3, false)])
            .collect();
        let source = source(&text, &[], Some(&tokens));
        for place in [0, 4_000, 20_000, 39_996] {
            let shown = Fault::error(&source, place..place + 1, "m").to_string();
            let lines: Vec<&str> = shown.lines().collect();
            let line = lines[2].trim_start_matches("1 | ");
            assert_eq!(line.starts_with('…'), place > 0, "{shown}");
            assert_eq!(line.ends_with('…'), place < 39_000, "{shown}");
            let caret = lines[3].chars().position(|sign| sign == '^').expect("a caret");
            assert_eq!(lines[2].chars().nth(caret), Some('k'), "{shown}");
            let width = line.chars().count();
            assert!((71..=141).contains(&width) && !line.contains('1'), "{width}: {shown}");
        }
    }

    #[test]
    fn a_text_without_an_outline_shows_nothing() {
        let source = Arc::new(Source::new("x", "interval = 5"));
        assert!(Fault::error(&source, 11..12, "m").to_string().contains("1 | ***\n  | ^^^\n"));
    }

    #[test]
    fn long_lines_and_control_characters_do_not_reach_the_terminal() {
        let text = format!("a = \"\u{1b}[31m{}\" !", "y".repeat(100_000));
        let end = text.len();
        let source = source(&text, &[], Some(&[(0..end, true)]));
        let message = Sentence::fill("bad {}", [Shown::outside_of_files("\u{1b}[0m\u{202e}")]);
        let text = Fault::error(&source, end - 1..end, message).to_string();
        assert!(
            text.len() < 1_000 && !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
    }
}
