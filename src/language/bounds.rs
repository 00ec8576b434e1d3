//! What keeps an expression small and short, whoever wrote it and whatever it is fed.
//!
//! The engine bounds the steps of an evaluation. A few steps can do much work, though: multiply a
//! text, join a list of long ones, compare values that hold each other many times over. So texts
//! are measured wherever they are made, values are weighed, what multiplies texts is refused, and
//! all expressions of an attempt share one budget of bytes.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::names::Mistake;
use super::refused::refused;
use super::scan::Token;

/// The longest expression, in bytes, the most tokens, and the most of them that can nest or make
/// texts longer: the engine's parser recurses, and a deep expression would exhaust the stack.
const LONGEST: usize = 64 * 1024;
/// The most tokens of an expression.
pub const MOST_TOKENS: usize = 500;
/// The most nested parts of an expression.
pub const MOST_NESTING: usize = 60;

/// The most bytes of a value: an answer's body fits. A list or map weighs what is in it.
pub const LARGEST_VALUE: usize = 512 * 1024;

/// Lists in lists in lists: JSON is not read any deeper either.
const DEEPEST_VALUE: usize = 128;

/// What all evaluations of one attempt may cost: the bytes that go into them, each time. Recipes
/// use some kilobytes.
const BUDGET: u64 = 64 * 1024 * 1024;

/// The budget of an attempt is used up.
#[derive(Debug, thiserror::Error)]
#[error("the recipe does too much: its expressions have used up what one probe may use")]
struct UsedUp;

/// Whether an error is there because the budget of the attempt is used up.
#[must_use]
pub fn is_used_up(error: &Error) -> bool {
    let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    sources.into_iter().any(<dyn std::error::Error>::is::<UsedUp>)
}

/// What the expressions of one attempt have cost so far. Clones count together.
#[derive(Clone, Default)]
pub struct Budget(Arc<AtomicU64>);

impl Budget {
    /// Takes what an evaluation costs.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn take(&self, cost: u64) -> Result<(), Error> {
        let before = self.0.fetch_add(cost, Ordering::Relaxed);
        if before.saturating_add(cost) > BUDGET {
            let error = Error::new(ErrorKind::InvalidOperation, UsedUp.to_string());
            return Err(error.with_source(UsedUp));
        }
        Ok(())
    }

    /// What was taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A text that a filter made.
///
/// # Errors
/// When it is longer than a value may be.
pub fn fits(text: String) -> Result<String, Error> {
    if text.len() > LARGEST_VALUE { Err(larger()) } else { Ok(text) }
}

/// The error for what is larger than a value may be.
#[must_use]
pub fn larger() -> Error {
    refused(format!("the value is larger than {} KiB", LARGEST_VALUE / 1024))
}

/// The size of a value and of all values inside it, in bytes. A value that stands in several places
/// counts each time.
///
/// # Errors
/// When the value is larger or deeper than a value may be.
pub fn size(value: &Value) -> Result<usize, Error> {
    let mut size = 0;
    add_size(value, DEEPEST_VALUE, &mut size)?;
    Ok(size)
}

fn add_size(value: &Value, depth: usize, size: &mut usize) -> Result<(), Error> {
    // The shortest value in JSON is a digit and a comma.
    *size += value.as_bytes().map_or(2, <[u8]>::len);
    if *size > LARGEST_VALUE || depth == 0 {
        return Err(larger());
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            for item in value.try_iter()? {
                add_size(&item, depth - 1, size)?;
            }
        }
        ValueKind::Map => {
            for name in value.try_iter()? {
                add_size(&name, depth - 1, size)?;
                add_size(&value.get_item(&name)?, depth - 1, size)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Refuses what is too long or too deep to be compiled safely, and what could multiply texts.
///
/// # Errors
/// The mistake.
pub fn check(source: &str, tokens: &[(Token, Range<usize>)]) -> Result<(), Mistake> {
    let nests = |token: &(Token, Range<usize>)| match token.0 {
        Token::Sign(sign) => matches!(sign, b'(' | b'[' | b'{' | b'-' | b'+' | b'~'),
        Token::Word => matches!(&source[token.1.clone()], "not" | "if" | "else"),
        Token::Text | Token::Number => false,
    };
    if source.len() > LONGEST
        || tokens.len() > MOST_TOKENS
        || tokens.iter().filter(|token| nests(token)).count() > MOST_NESTING
    {
        return Err(Mistake {
            range: None,
            message: format!(
                "the expression is too long: at most {MOST_TOKENS} words and signs, {MOST_NESTING} of them brackets, signs and conditions"
            ),
            hint: Some("split it with `let`".into()),
            ..Mistake::default()
        });
    }
    let tokens = Tokens { tokens };
    for index in 0..tokens.tokens.len() {
        tokens.check_slice(index)?;
    }
    Ok(())
}

/// An expression as the engine gets it. `*` repeats a text or a list when one of its sides is one,
/// and an answer can have a text where a number is expected; so both sides go through [`FACTOR`],
/// which lets numbers pass.
pub struct Guarded {
    /// The expression.
    pub source: String,
    /// Where something was put in.
    places: Vec<usize>,
}

/// The filter that both sides of a product go through. No recipe can name it.
pub const FACTOR: &str = "_factor";

impl Guarded {
    /// Puts the filter in.
    #[must_use]
    pub fn new(source: &str, tokens: &[(Token, Range<usize>)]) -> Self {
        let pieces = Tokens { tokens };
        let mut places = Vec::new();
        for index in 0..tokens.len() {
            // `**` takes nothing but numbers anyway.
            let product = pieces.sign(index, b'*')
                && !pieces.sign(index + 1, b'*')
                && !(index > 0 && pieces.sign(index - 1, b'*'));
            let ends = [index.checked_sub(1), pieces.operand_end(index + 1)];
            if product {
                places.extend(
                    ends.into_iter()
                        .flatten()
                        .filter(|end| pieces.token(*end) != Some(Token::Number))
                        .map(|end| tokens[end].1.end),
                );
            }
        }
        places.sort_unstable();
        places.dedup();
        let mut guarded = source.to_owned();
        for place in places.iter().rev() {
            guarded.insert_str(*place, &format!("|{FACTOR}"));
        }
        Self { source: guarded, places }
    }

    /// Where in the expression as it is written a range of this one is.
    #[must_use]
    pub fn written(&self, range: &Range<usize>) -> Range<usize> {
        let length = FACTOR.len() + 1;
        let back = |place: usize| {
            let before = self
                .places
                .iter()
                .enumerate()
                .take_while(|(count, at)| **at + count * length < place)
                .count();
            place.saturating_sub(before * length)
        };
        let start = back(range.start);
        start..back(range.end).max(start)
    }
}

/// A side of a product.
///
/// # Errors
/// When it is a text, a list or anything else that is no number.
pub fn factor(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Number | ValueKind::Undefined | ValueKind::None => Ok(value.clone()),
        kind => Err(refused(format!("a {kind} cannot be multiplied, only a number can"))),
    }
}

struct Tokens<'a> {
    tokens: &'a [(Token, Range<usize>)],
}

impl Tokens<'_> {
    fn token(&self, index: usize) -> Option<Token> {
        self.tokens.get(index).map(|(token, _)| *token)
    }

    fn sign(&self, index: usize, sign: u8) -> bool {
        self.token(index) == Some(Token::Sign(sign))
    }

    /// The engine does not take every slice with a step, and nobody needs one.
    fn check_slice(&self, index: usize) -> Result<(), Mistake> {
        if !self.sign(index, b'[') {
            return Ok(());
        }
        let (mut depth, mut colons) = (0, 0);
        for at in index + 1..self.tokens.len() {
            match self.token(at) {
                Some(Token::Sign(b'[' | b'(' | b'{')) => depth += 1,
                Some(Token::Sign(b']' | b')' | b'}')) if depth == 0 => break,
                Some(Token::Sign(b']' | b')' | b'}')) => depth -= 1,
                Some(Token::Sign(b':')) if depth == 0 => colons += 1,
                _ => {}
            }
            if colons == 2 {
                return Err(Mistake {
                    range: Some(self.tokens[at].1.clone()),
                    message: "a slice has no step: `text[from:to]`".into(),
                    ..Mistake::default()
                });
            }
        }
        Ok(())
    }

    /// Where the operand ends that begins at `start`.
    fn operand_end(&self, start: usize) -> Option<usize> {
        let mut at = start;
        while self.sign(at, b'-') || self.sign(at, b'+') {
            at += 1;
        }
        let mut end = self.closing(at)?;
        loop {
            let next = end + 1;
            if self.sign(next, b'.') || self.sign(next, b'|') {
                end = next + 1;
                self.token(end)?;
            } else if self.sign(next, b'(') || self.sign(next, b'[') {
                end = self.closing(next)?;
            } else {
                return Some(end);
            }
        }
    }

    /// Where what begins here ends: itself, or the bracket that closes it.
    fn closing(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for at in start..self.tokens.len() {
            match self.token(at) {
                Some(Token::Sign(b'[' | b'(' | b'{')) => depth += 1,
                Some(Token::Sign(b']' | b')' | b'}')) => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return Some(at);
            }
        }
        None
    }
}
