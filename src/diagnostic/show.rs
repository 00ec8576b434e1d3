//! Writes a fault for people. The shown part of a file is short and has no secrets and no control
//! characters.

use std::fmt;
use std::ops::Range;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Fault, Severity, Source, floor_char_boundary};
use crate::printable::{is_deceptive, printable};
use crate::secret::shown_of_line;

/// Replaces a blanked value. It is the same for all values, so that it shows no length.
const BLANK: &str = "***";

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
        writeln!(f, "{}: {word}: {}", plain(&self.place()), plain(&self.message))?;
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
            writeln!(f, "  hint: {}", plain(hint))?;
        }
        Ok(())
    }
}

impl Source {
    /// The line of a span with secrets blanked, the indent of the carets, and their number.
    fn show(&self, span: &Range<usize>) -> (String, usize, usize) {
        let (_, start) = self.line(span.start);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        let from = floor_char_boundary(&self.text, span.start).clamp(start, end);
        let to = floor_char_boundary(&self.text, span.end).clamp(from, end);
        let mut hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if self.opaque.load(Ordering::Relaxed) {
            let known = start + shown_of_line(&self.text[start..end], self.harmless);
            hidden.push(known..end.max(known));
        }
        hidden.extend(self.comment(start..end, &hidden));
        // A secret that began on an earlier line is blanked on this line too.
        for span in &mut hidden {
            span.start = span.start.max(start.min(span.end));
        }
        let piece = |range: Range<usize>| shown_line(&self.blank(range, &hidden));
        let (before, within, after) = (piece(start..from), piece(from..to), piece(to..end));
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

    /// A part of the text with the hidden ranges blanked.
    fn blank(&self, range: Range<usize>, hidden: &[Range<usize>]) -> String {
        let mut shown = String::new();
        let mut at = range.start;
        let mut inside: Vec<&Range<usize>> =
            hidden.iter().filter(|span| span.start < range.end && span.end > range.start).collect();
        inside.sort_by_key(|span| span.start);
        inside.dedup();
        for span in inside {
            let from = span.start.clamp(at, range.end);
            shown.push_str(
                &self.text
                    [floor_char_boundary(&self.text, at)..floor_char_boundary(&self.text, from)],
            );
            // A range that began in the previous part is blanked there already.
            if span.start >= range.start {
                shown.push_str(BLANK);
            }
            at = span.end.clamp(at, range.end);
        }
        shown.push_str(
            &self.text
                [floor_char_boundary(&self.text, at)..floor_char_boundary(&self.text, range.end)],
        );
        shown
    }

    /// The comment of a line, which is hidden because people keep old secrets in comments.
    fn comment(&self, line: Range<usize>, hidden: &[Range<usize>]) -> Option<Range<usize>> {
        let mut quote = None;
        for (place, character) in self.text[line.clone()].char_indices() {
            let place = line.start + place;
            if hidden.iter().any(|span| span.contains(&place)) {
                continue;
            }
            match (quote, character) {
                (None, '#') => return Some(place + 1..line.end),
                (None, '"' | '\'') => quote = Some(character),
                (Some(open), _) if open == character => quote = None,
                _ => {}
            }
        }
        None
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

    #[test]
    fn hidden_values_are_blanked_and_the_carets_are_still_in_the_right_place() {
        let source = Arc::new(Source::new("x", "a = \"s3cret\", bb = 5 # old: 0ld\n"));
        source.hide(4..12);
        let shown = Fault::error(&source, 14..16, "m").to_string();
        assert_eq!(shown, "x:1:15: error: m\n  |\n1 | a = ***, bb = 5 #***\n  |          ^^\n");
    }

    #[test]
    fn a_value_over_several_lines_is_blanked_on_each_of_them() {
        let source = Arc::new(Source::new("x", "a = '''one\ntwo three'''\n"));
        source.hide(4..24);
        for place in [5, 12, 16] {
            let shown = Fault::error(&source, place..place + 1, "m").to_string();
            assert!(!["one", "two", "three"].iter().any(|word| shown.contains(word)), "{shown}");
        }
    }

    #[test]
    fn only_keys_are_shown_of_a_text_that_cannot_be_parsed() {
        for (line, shown) in [
            ("credentials.app_secret = s3cret", "credentials.app_secret =***"),
            ("[providers.a", "[providers.a"),
            ("s3cret\"", "***"),
            ("app_secret: s3cret", "***"),
            ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj==", "***"),
        ] {
            let source = Arc::new(Source::new("x", line));
            source.hide_values();
            let text = Fault::error(&source, 0..1, "m").to_string();
            assert_eq!(text.lines().nth(2), Some(format!("1 | {shown}").as_str()), "{text}");
        }
    }

    #[test]
    fn long_lines_and_control_characters_do_not_reach_the_terminal() {
        let source =
            Arc::new(Source::new("x", format!("a = \"\u{1b}[31m{}\" !", "y".repeat(100_000))));
        let text = Fault::error(
            &source,
            source.text.len() - 1..source.text.len(),
            "bad \u{1b}[0m\u{202e}",
        )
        .to_string();
        assert!(
            text.len() < 1_000 && !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
    }
}
