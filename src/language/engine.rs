//! An expression as the engine gets it. Filters around operands correct what the engine would do.

use std::ops::Range;

use super::scan::{Token, Tokens};

/// The filter for both sides of a product. No recipe can name it.
pub const FACTOR: &str = "_factor";
/// The filter for both sides of `~`.
pub const OPERAND: &str = "_text";
/// The filter for both sides of `~` in an expiry.
pub const PRESENT: &str = "_present";

/// An expression for the engine. In the engine `*` repeats a text or a list, and an answer can have
/// a text in place of a number. So both sides go through the filter [`FACTOR`]. The engine writes a
/// truth value as `True`, so both sides of `~` go through a filter too.
pub struct EngineSource {
    /// The expression.
    pub text: String,
    /// What is inserted into the original, and where, in order.
    inserted: Vec<(usize, String)>,
}

impl EngineSource {
    /// Inserts the filters. `operand` is the one for both sides of `~`.
    #[must_use]
    pub fn new(source: &str, tokens: &Tokens<'_>, operand: &str) -> Self {
        let mut inserted = factors(tokens);
        for Range { start, end } in operands(tokens) {
            inserted.push((tokens.range(start).start, "(".into()));
            inserted.push((tokens.range(end - 1).end, format!(")|{operand}")));
        }
        // Stable: at one place, a factor ends before the operand that ends with it.
        inserted.sort_by_key(|(place, _)| *place);
        let mut text = source.to_owned();
        for (place, insert) in inserted.iter().rev() {
            text.insert_str(*place, insert);
        }
        Self { text, inserted }
    }

    /// The place in the original of a range of this text.
    #[must_use]
    pub fn original(&self, range: &Range<usize>) -> Range<usize> {
        let back = |place: usize| {
            let mut before = 0;
            for (at, insert) in &self.inserted {
                if at + before >= place {
                    break;
                }
                before += insert.len();
            }
            place.saturating_sub(before)
        };
        let start = back(range.start);
        start..back(range.end).max(start)
    }
}

/// The filter after each side of a product, except after a number.
fn factors(tokens: &Tokens<'_>) -> Vec<(usize, String)> {
    let mut places = Vec::new();
    for index in (0..tokens.count()).filter(|index| tokens.is_sign(*index, b'*')) {
        // The operator `**` accepts only numbers.
        if !tokens.is_sign(index + 1, b'*') && !tokens.follows(index, b"*") {
            let ends = [index.checked_sub(1), operand_end(tokens, index + 1)];
            let ends = ends.into_iter().flatten();
            places.extend(
                ends.filter(|end| tokens.get(*end) != Some(Token::Number))
                    .map(|end| tokens.range(end).end),
            );
        }
    }
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| (place, format!("|{FACTOR}"))).collect()
}

/// The operands of all `~`, as ranges of tokens, except texts in quotes.
fn operands(tokens: &Tokens<'_>) -> Vec<Range<usize>> {
    /// What stands between two operators that bind less than `~`.
    #[derive(Default)]
    struct Run {
        start: usize,
        ended: Vec<Range<usize>>,
    }
    impl Run {
        fn end(&mut self, at: usize, all: &mut Vec<Range<usize>>) {
            if !self.ended.is_empty() {
                self.ended.push(self.start..at);
                all.append(&mut self.ended);
            }
            self.start = at + 1;
        }
    }
    let mut all = Vec::new();
    let mut open = vec![Run::default()];
    for at in 0..tokens.count() {
        match bracket(tokens, at) {
            1 => open.push(Run { start: at + 1, ended: Vec::new() }),
            -1 => {
                if let Some(mut run) = open.pop() {
                    run.end(at, &mut all);
                }
            }
            _ => {
                let Some(run) = open.last_mut() else { return Vec::new() };
                if tokens.is_sign(at, b'~') {
                    run.ended.push(run.start..at);
                    run.start = at + 1;
                } else if ends_operand(tokens, at, run.start) {
                    run.end(at, &mut all);
                }
            }
        }
    }
    if let Some(mut run) = open.pop() {
        run.end(tokens.count(), &mut all);
    }
    let is_text = |operand: &Range<usize>| {
        operand.len() == 1 && tokens.get(operand.start) == Some(Token::Text)
    };
    all.retain(|operand| !operand.is_empty() && !is_text(operand));
    all
}

/// Whether this token is an operator that binds less than `~`, or separates expressions. `start` is
/// where the current operand begins.
fn ends_operand(tokens: &Tokens<'_>, at: usize, start: usize) -> bool {
    match tokens.get(at) {
        Some(Token::Sign(b',' | b':' | b'=' | b'!' | b'<' | b'>')) => true,
        // A sign at the start of an operand, or after an operator, belongs to the operand.
        Some(Token::Sign(b'+' | b'-')) => at != start && !tokens.follows(at, b"*/%+-"),
        Some(Token::Word) => match tokens.text(at) {
            "and" | "or" | "if" | "else" => !tokens.follows(at, b"."),
            "in" => !tokens.is_test(at) && !tokens.follows(at, b"."),
            "not" => !at.checked_sub(1).is_some_and(|before| tokens.is_word(before, "is")),
            _ => false,
        },
        _ => false,
    }
}

/// The change of depth at this token: 1 for an opening bracket, -1 for a closing one.
pub fn bracket(tokens: &Tokens<'_>, index: usize) -> isize {
    match tokens.get(index) {
        Some(Token::Sign(b'[' | b'(' | b'{')) => 1,
        Some(Token::Sign(b']' | b')' | b'}')) => -1,
        _ => 0,
    }
}

/// The last token of the operand that begins at `start`.
fn operand_end(tokens: &Tokens<'_>, start: usize) -> Option<usize> {
    let mut at = start;
    while tokens.is_sign(at, b'-') || tokens.is_sign(at, b'+') {
        at += 1;
    }
    let mut end = closing(tokens, at)?;
    loop {
        let next = end + 1;
        if tokens.is_sign(next, b'.') || tokens.is_sign(next, b'|') {
            end = next + 1;
            tokens.get(end)?;
        } else if tokens.is_sign(next, b'(') || tokens.is_sign(next, b'[') {
            end = closing(tokens, next)?;
        } else {
            return Some(end);
        }
    }
}

/// This token, or the bracket that closes it.
fn closing(tokens: &Tokens<'_>, start: usize) -> Option<usize> {
    let mut depth = 0;
    (start..tokens.count())
        .find(|at| {
            depth += bracket(tokens, *at);
            depth <= 0
        })
        .filter(|_| depth == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_of_a_join_are_found_by_precedence() {
        for (source, expected) in [
            ("a ~ b", "(a)|_text ~ (b)|_text"),
            ("a ~ 'x' ~ b.c[0]", "(a)|_text ~ 'x' ~ (b.c[0])|_text"),
            ("a ~ b * c", "(a)|_text ~ (b|_factor * c|_factor)|_text"),
            ("1 + a ~ b - 2", "1 + (a)|_text ~ (b)|_text - 2"),
            ("-a ~ -b", "(-a)|_text ~ (-b)|_text"),
            (
                "a ~ b if c ~ d == e else f ~ g",
                "(a)|_text ~ (b)|_text if (c)|_text ~ (d)|_text \
             == e else (f)|_text ~ (g)|_text",
            ),
            ("(a ~ b) | upper ~ c", "(((a)|_text ~ (b)|_text) | upper)|_text ~ (c)|_text"),
            ("{'k': a ~ b, 'l': c}", "{'k': (a)|_text ~ (b)|_text, 'l': c}"),
            ("x | default(a ~ b)", "x | default((a)|_text ~ (b)|_text)"),
            ("a is not none ~ b", "(a is not none)|_text ~ (b)|_text"),
            ("a is in(b) ~ c", "(a is in(b))|_text ~ (c)|_text"),
            ("not a ~ b in c", "not (a)|_text ~ (b)|_text in c"),
            ("a + b", "a + b"),
        ] {
            let tokens = Tokens::new(source);
            let engine = EngineSource::new(source, &tokens, OPERAND);
            assert_eq!(engine.text, expected, "{source}");
            let end = engine.text.len();
            assert_eq!(engine.original(&(0..end)), 0..source.len(), "{source}");
        }
    }
}
