//! Which parts of a text a fault may show. Without an outline it shows nothing.

use std::collections::HashSet;
use std::ops::Range;

use super::sentence::BLANK;

/// The parts of a text that may be shown.
#[derive(Default)]
pub struct Outline {
    /// Names of keys that may be shown in any line: those of the format, and those of this file
    /// that look like names.
    pub words: HashSet<String>,
    /// All keys and values of a text that was parsed, in order, and whether each may be shown.
    /// `None` when the text could not be parsed.
    pub tokens: Option<Vec<(Range<usize>, bool)>>,
}

/// The most tokens before a fault, and after it. Each is shown with two characters or more.
const MOST_TOKENS: usize = 150;

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
    /// The parts of a line around the byte `near`, in order: more than are shown. `revealed` are
    /// further places that may be shown.
    pub(super) fn pieces(
        &self,
        text: &str,
        line: Range<usize>,
        near: usize,
        revealed: &[Range<usize>],
    ) -> Vec<Piece> {
        let mut pieces = Pieces { text, words: &self.words, all: Vec::new() };
        let Some(tokens) = &self.tokens else {
            pieces.unparsed(line);
            return pieces.all;
        };
        // A line can have thousands of values, and thousands of places can be revealed.
        let (first, line) = around(tokens, line, near);
        let is_here = |part: &&Range<usize>| part.start < line.end && line.start < part.end;
        let mut revealed: Vec<Range<usize>> = revealed.iter().filter(is_here).cloned().collect();
        revealed.sort_by_key(|part| part.start);
        let mut at = line.start;
        for (token, shown) in tokens[first..].iter().take_while(|(token, _)| token.start < line.end)
        {
            let token = token.start.clamp(at, line.end)..token.end.clamp(at, line.end);
            pieces.between(at..token.start);
            at = token.end;
            if *shown {
                pieces.add(token, true);
            } else {
                pieces.value(token, &revealed);
            }
        }
        pieces.between(at..line.end);
        pieces.all
    }
}

/// The first token of a line around the byte `near`, and the part of the line with these tokens.
/// It begins and ends at a token, so it does not begin inside a comment.
fn around(
    tokens: &[(Range<usize>, bool)],
    mut line: Range<usize>,
    near: usize,
) -> (usize, Range<usize>) {
    let first = tokens.partition_point(|(token, _)| token.end <= line.start);
    let last = tokens.partition_point(|(token, _)| token.start < line.end);
    let here = tokens.partition_point(|(token, _)| token.end <= near);
    let (from, to) = (here.saturating_sub(MOST_TOKENS).max(first), here + MOST_TOKENS);
    if from > first {
        line.start = tokens[from].0.start;
    }
    if to < last {
        line.end = tokens[to].0.start;
    }
    (from, line)
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

    /// A value of which only the revealed places are shown. They are sorted.
    fn value(&mut self, place: Range<usize>, revealed: &[Range<usize>]) {
        let first = revealed.partition_point(|part| part.start < place.start);
        let inside = revealed[first..].iter().take_while(|part| part.start < place.end);
        let mut at = place.start;
        for part in inside.filter(|part| part.end <= place.end) {
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
