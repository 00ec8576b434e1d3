//! Searches a text for all patterns in one pass.

use std::ops::Range;

use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::noncontiguous::NFA;

use super::pattern::{self, Place};
use super::view::{View, views};

/// Credentials and token responses give fewer patterns and bytes than this.
const MOST_PATTERNS: usize = 2_000;
const MOST_BYTES: usize = 64 * 1024;

/// An automaton that knows all patterns of all secrets.
pub struct Search {
    automaton: NFA,
    /// Indexed by pattern.
    places: Vec<Place>,
}

impl Search {
    /// `None` when there are too many patterns.
    pub fn new<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut patterns: Vec<(Vec<u8>, Place)> = Vec::new();
        let mut bytes = 0;
        for value in values {
            let known = patterns.len();
            pattern::add(value, &mut patterns);
            bytes += patterns[known..].iter().map(|(text, _)| text.len()).sum::<usize>();
            if bytes > 2 * MOST_BYTES || patterns.len() > 2 * MOST_PATTERNS {
                return None;
            }
        }
        patterns.sort_unstable();
        patterns.dedup_by(|later, first| later.0 == first.0);
        let bytes: usize = patterns.iter().map(|(text, _)| text.len()).sum();
        if patterns.len() > MOST_PATTERNS || bytes > MOST_BYTES {
            return None;
        }
        let (texts, places): (Vec<Vec<u8>>, Vec<Place>) = patterns.into_iter().unzip();
        let automaton = NFA::builder().prefilter(false).build(texts).ok()?;
        Some(Self { automaton, places })
    }

    /// The parts of the text that are secrets, in order and without overlaps.
    pub fn found(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for view in views(text) {
            self.look(&view, &mut found);
        }
        found.sort_unstable_by_key(|range| range.start);
        found.dedup_by(|next, last| {
            let joined = next.start <= last.end;
            if joined {
                last.end = last.end.max(next.end);
            }
            joined
        });
        found
    }

    /// Adds the matches in one view. At each place only the longest pattern that ends there counts,
    /// so the work does not grow with the number of patterns.
    fn look(&self, view: &View, found: &mut Vec<Range<usize>>) {
        let bytes = &view.bytes;
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else { return };
        // Where the longest match that ends after each byte begins.
        let mut begins: Vec<usize> = (1..=bytes.len()).collect();
        for (at, byte) in bytes.iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if !self.automaton.is_match(state) {
                continue;
            }
            for index in 0..self.automaton.match_len(state) {
                let pattern = self.automaton.match_pattern(state, index);
                let start = at + 1 - self.automaton.pattern_len(pattern);
                let place = self.places[pattern.as_usize()];
                let end = match place {
                    Place::Anywhere => at + 1,
                    Place::Begins => end_of_word(bytes, at + 1),
                    Place::Word if is_word(bytes, start, at + 1) => at + 1,
                    Place::Alone if bytes.len() == at + 1 && start == 0 => at + 1,
                    Place::Word | Place::Alone => continue,
                };
                begins[end - 1] = begins[end - 1].min(start);
                // The other patterns that end here are shorter.
                break;
            }
        }
        let mut reach = usize::MAX;
        let mut open: Option<usize> = None;
        for at in (0..bytes.len()).rev() {
            reach = if begins[at] <= at { reach.min(begins[at]) } else { reach };
            match (reach <= at, open) {
                (true, None) => open = Some(at + 1),
                (false, Some(end)) => {
                    found.push(view.original(at + 1, end));
                    open = None;
                }
                _ => {}
            }
        }
        found.extend(open.map(|end| view.original(0, end)));
    }
}

/// Where the characters of Base64 end.
fn end_of_word(bytes: &[u8], from: usize) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    bytes[from..].iter().position(|byte| !part(byte)).map_or(bytes.len(), |length| from + length)
}

/// Whether no letter or digit is on either side.
fn is_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let letter = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
    };
    !letter(bytes[..start].last()) && !letter(bytes.get(end))
}
