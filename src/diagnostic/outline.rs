//! Which parts of a text a fault may show. Without an outline it shows nothing.

use std::collections::HashSet;
use std::ops::Range;

use super::sentence::BLANK;

/// The parts of a text that may be shown.
#[derive(Default)]
pub struct Outline {
    /// Names of keys that the format has. They are shown wherever a key can stand.
    pub words: HashSet<String>,
    /// All keys and values of a text that was parsed, in order, and whether each may be shown.
    /// `None` when the text could not be parsed.
    pub tokens: Option<Vec<(Range<usize>, bool)>>,
}

/// A part of a line as it is shown.
pub struct Piece {
    /// The bytes in the text.
    pub place: Range<usize>,
    /// Whether these bytes themselves are shown; otherwise [`BLANK`] is.
    pub verbatim: bool,
}

impl Piece {
    /// The part as it is shown.
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        if self.verbatim { &text[self.place.clone()] } else { BLANK }
    }
}

impl Outline {
    /// The parts of a line, in order. `revealed` are further places that may be shown.
    pub(super) fn pieces(
        &self,
        text: &str,
        line: Range<usize>,
        revealed: &[Range<usize>],
    ) -> Vec<Piece> {
        let mut pieces = Pieces { text, words: &self.words, all: Vec::new() };
        let Some(tokens) = &self.tokens else {
            pieces.unparsed(line);
            return pieces.all;
        };
        let mut at = line.start;
        let first = tokens.partition_point(|(token, _)| token.end <= line.start);
        for (token, shown) in tokens[first..].iter().take_while(|(token, _)| token.start < line.end)
        {
            let token = token.start.clamp(at, line.end)..token.end.clamp(at, line.end);
            pieces.between(at..token.start);
            at = token.end;
            if *shown {
                pieces.add(token, true);
            } else {
                pieces.value(token, revealed);
            }
        }
        pieces.between(at..line.end);
        pieces.all
    }
}

struct Pieces<'a> {
    text: &'a str,
    words: &'a HashSet<String>,
    all: Vec<Piece>,
}

impl Pieces<'_> {
    fn add(&mut self, place: Range<usize>, verbatim: bool) {
        match self.all.last_mut() {
            _ if place.is_empty() => {}
            Some(last) if !verbatim && !last.verbatim && last.place.end == place.start => {
                last.place.end = place.end;
            }
            _ => self.all.push(Piece { place, verbatim }),
        }
    }

    /// A value of which only the revealed places are shown.
    fn value(&mut self, place: Range<usize>, revealed: &[Range<usize>]) {
        let mut inside: Vec<&Range<usize>> = revealed
            .iter()
            .filter(|part| place.start <= part.start && part.end <= place.end)
            .collect();
        inside.sort_by_key(|part| part.start);
        let mut at = place.start;
        for part in inside {
            let start = part.start.max(at);
            self.add(at..start, false);
            self.add(start..part.end.max(start), true);
            at = part.end.max(at);
        }
        self.add(at..place.end, false);
    }

    /// What stands between keys and values: signs, and the repeated keys of headers and dotted
    /// keys. People keep old secrets in comments, so these are not shown.
    fn between(&mut self, place: Range<usize>) {
        let mut at = place.start;
        while let Some(first) = self.text[at..place.end].chars().next() {
            let rest = &self.text[at..place.end];
            let word = rest.len() - rest.trim_start_matches(is_of_key).len();
            let length = if word > 0 { word } else { first.len_utf8() };
            let known = &rest[..length];
            let shown = self.words.contains(known) || "-=.,:[]{} \t#\r".contains(known);
            self.add(at..at + length, shown);
            at += length;
            if first == '#' {
                self.add(at..place.end, false);
                break;
            }
        }
    }

    /// A line of a text that cannot be parsed: its keys, as far as they are known, and the signs
    /// around them.
    fn unparsed(&mut self, line: Range<usize>) {
        let text = &self.text[line.clone()];
        let key_end = text
            .find(|sign: char| !is_of_key(sign) && !"[. \t\u{feff}".contains(sign))
            .unwrap_or(text.len());
        let end = text[key_end..].chars().next();
        let words =
            || text[..key_end].split(|sign| !is_of_key(sign)).filter(|word| !word.is_empty());
        let is_key = matches!(end, None | Some('=' | ':' | ']' | '\r'))
            && words().any(|word| self.words.contains(word));
        if !is_key {
            let start = line.start + (text.len() - text.trim_start().len());
            self.add(line.start..start, true);
            self.add(start..line.end, false);
            return;
        }
        let behind = text.len() - text[key_end..].trim_start_matches(['=', ':', ']']).len();
        self.between(line.start..line.start + behind);
        let value = text[behind..].trim_start();
        self.add(line.start + behind..line.end - value.len(), true);
        self.add(line.end - value.len()..line.end, false);
    }
}

fn is_of_key(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-')
}
