//! Limits for expressions and their values.
//!
//! The engine limits the steps of an evaluation, but a few steps can do much work: multiply a text,
//! join long texts, compare values with many copies of each other. So every filter checks the
//! length of its text, every value has a maximum size, `*` takes only numbers, and all expressions
//! of an attempt share one budget of bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

use super::engine::bracket;
use super::names::Mistake;
use super::refused::refused;
use super::scan::{Token, Tokens};
use crate::diagnostic::Sentence;

/// The longest expression, in bytes. The engine's parser recurses, so a deep expression would
/// exhaust the stack.
const LONGEST: usize = 64 * 1024;
/// The most tokens of an expression.
pub const MOST_TOKENS: usize = 500;
/// The most tokens of an expression that can nest or make texts longer.
pub const MOST_NESTING: usize = 60;

/// The most bytes of a value, with all values inside it. The body of an answer fits.
pub const LARGEST_VALUE: usize = 512 * 1024;

/// The deepest nesting of a value, as for JSON.
const DEEPEST_VALUE: usize = 128;

/// The most that all evaluations of one attempt may cost, in bytes of their inputs. Recipes use a
/// few kilobytes.
const BUDGET: u64 = 64 * 1024 * 1024;

/// The budget of an attempt is used up.
#[derive(Debug, thiserror::Error)]
#[error("the recipe does too much: its expressions have used up what one probe may use")]
struct UsedUp;

/// Whether an evaluation failed because the budget of the attempt is used up.
#[must_use]
pub fn is_used_up(error: &Error) -> bool {
    let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    sources.into_iter().any(<dyn std::error::Error>::is::<UsedUp>)
}

/// What the expressions of one attempt have used so far. Clones share one count.
#[derive(Clone, Default)]
pub struct Budget(Arc<Used>);

#[derive(Default)]
struct Used {
    /// In bytes.
    cost: AtomicU64,
    /// The time or the UUID of the attempt.
    moment: AtomicBool,
}

impl Budget {
    /// Takes the cost of an evaluation.
    ///
    /// # Errors
    /// When the budget is used up.
    pub fn take(&self, cost: u64) -> Result<(), Error> {
        let before = self.0.cost.fetch_add(cost, Ordering::Relaxed);
        if before.saturating_add(cost) > BUDGET {
            let error = Error::new(ErrorKind::InvalidOperation, UsedUp.to_string());
            return Err(error.with_source(UsedUp));
        }
        Ok(())
    }

    /// The cost so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.cost.load(Ordering::Relaxed)
    }

    /// An expression looks at the time or the UUID of the attempt.
    pub fn look_at_the_moment(&self) {
        self.0.moment.store(true, Ordering::Relaxed);
    }

    /// Whether an expression has looked at the time or the UUID of the attempt.
    #[must_use]
    pub fn depends_on_the_moment(&self) -> bool {
        self.0.moment.load(Ordering::Relaxed)
    }
}

/// Checks the length of a text that a filter returns.
///
/// # Errors
/// When it is longer than a value may be.
pub fn fits(text: String) -> Result<String, Error> {
    if text.len() > LARGEST_VALUE { Err(larger()) } else { Ok(text) }
}

/// The error for a value that is too large.
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

/// Checks the size of JSON before it becomes a value.
///
/// # Errors
/// As [`size`].
pub fn check_json(json: &Json) -> Result<(), Error> {
    fn add(json: &Json, depth: usize, size: &mut usize) -> Result<(), Error> {
        *size += json.as_str().map_or(2, str::len);
        if *size > LARGEST_VALUE || depth == 0 {
            return Err(larger());
        }
        match json {
            Json::Array(items) => items.iter().try_for_each(|item| add(item, depth - 1, size)),
            Json::Object(members) => members.iter().try_for_each(|(name, value)| {
                *size += name.len();
                add(value, depth - 1, size)
            }),
            _ => Ok(()),
        }
    }
    add(json, DEEPEST_VALUE, &mut 0)
}

/// Checks that an expression is short and flat enough to be compiled, and has no slice with a step.
///
/// # Errors
/// The mistake.
pub fn check(source: &str, tokens: &Tokens<'_>) -> Result<(), Mistake> {
    let nests = |index: &usize| match tokens.get(*index) {
        Some(Token::Sign(sign)) => matches!(sign, b'(' | b'[' | b'{' | b'-' | b'+' | b'~'),
        Some(Token::Word) => matches!(tokens.text(*index), "not" | "if" | "else"),
        _ => false,
    };
    if source.len() > LONGEST
        || tokens.count() > MOST_TOKENS
        || (0..tokens.count()).filter(nests).count() > MOST_NESTING
    {
        return Err(Mistake {
            message: Sentence::fill(
                "the expression is too long: at most {} words and signs, {} of them brackets, \
                 signs and conditions",
                [MOST_TOKENS.into(), MOST_NESTING.into()],
            ),
            hint: Some("split it with `let`".into()),
            ..Mistake::default()
        });
    }
    (0..tokens.count()).try_for_each(|index| check_slice(tokens, index))
}

/// Returns one side of a product.
///
/// # Errors
/// When it is anything but a number.
pub fn factor(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Number | ValueKind::Undefined | ValueKind::None => Ok(value.clone()),
        kind => Err(refused(format!("a {kind} cannot be multiplied, only a number can"))),
    }
}

/// Refuses a slice with a step, because the engine does not accept every one.
fn check_slice(tokens: &Tokens<'_>, index: usize) -> Result<(), Mistake> {
    if !tokens.is_sign(index, b'[') {
        return Ok(());
    }
    let (mut depth, mut colons) = (1, 0);
    for at in index + 1..tokens.count() {
        depth += bracket(tokens, at);
        if depth == 0 {
            break;
        }
        colons += usize::from(depth == 1 && tokens.is_sign(at, b':'));
        if colons == 2 {
            return Err(Mistake {
                range: Some(tokens.range(at)),
                message: "a slice has no step: `text[from:to]`".into(),
                ..Mistake::default()
            });
        }
    }
    Ok(())
}
