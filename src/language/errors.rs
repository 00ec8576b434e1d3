//! The messages of evaluation errors.

use std::ops::Range;

use minijinja::{Error, ErrorKind};

use super::bounds::is_used_up;
use super::engine::EngineSource;
use super::refused::is_refusal;
use super::scan::{Token, Tokens};

/// The message of an evaluation error, in one line.
#[must_use]
pub fn explain(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// Replaces an error of the engine's arithmetic, because it quotes values and these can be secrets.
/// The signs in the expression show where the engine calculates.
#[must_use]
pub fn without_values(source: &str, operand: &str, error: Error) -> Error {
    if error.kind() != ErrorKind::InvalidOperation || is_refusal(&error) || is_used_up(&error) {
        return error;
    }
    let tokens = Tokens::new(source);
    let range = error.range().map_or(0..source.len(), |range| {
        EngineSource::new(source, &tokens, operand).original(&range)
    });
    if calculates(&tokens, &range) { Error::new(error.kind(), CANNOT_CALCULATE) } else { error }
}

/// The message of a failed calculation.
const CANNOT_CALCULATE: &str = "a number is too large, or something is divided by zero, or is not \
                                a number (texts are joined by `~`)";

/// Whether the outermost operation of this part of an expression is arithmetic. A filter binds more
/// tightly than every arithmetic operator except a leading sign.
fn calculates(tokens: &Tokens<'_>, part: &Range<usize>) -> bool {
    let mut depth = 0_usize;
    let mut outermost = Vec::new();
    for (token, _) in tokens.iter().filter(|(_, at)| part.start <= at.start && at.end <= part.end) {
        match token {
            Token::Sign(b'(' | b'[' | b'{') => depth += 1,
            Token::Sign(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            outermost.push(*token);
        }
    }
    let is_arithmetic =
        |token: &Token| matches!(token, Token::Sign(b'+' | b'-' | b'*' | b'/' | b'%'));
    let leading =
        outermost.first().is_some_and(is_arithmetic) && !outermost.contains(&Token::Sign(b'|'));
    leading || outermost.iter().skip(1).any(is_arithmetic)
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use super::*;
    use crate::language::expression::{Compiled, Side};
    use crate::language::names::Names;

    #[test]
    fn an_error_of_a_calculation_does_not_quote_its_values() {
        let context = Value::from_pairs([
            ("app_key", Value::from("s3cret")),
            ("base_url", Value::from(170_141_183_460_469_231_731_687_303_715_884_105_727_i128)),
        ]);
        let mut names = Names::default();
        names.add("app_key", true);
        names.add("base_url", false);
        let told = |source: &str| {
            let compiled = Compiled::new(Side::Request, source, &names).expect(source);
            explain(&compiled.evaluate(&context).expect_err(source))
        };
        for source in [
            "base_url + 1",
            "base_url // 0",
            "(base_url + 1) * 2",
            "[1, base_url ** 9] | join",
            "'x' if base_url * base_url else 'y'",
            "app_key - 1",
            "-app_key",
            "1 + app_key",
        ] {
            assert_eq!(told(source), CANNOT_CALCULATE, "{source}");
        }
        for (source, problem) in [
            ("(7 - 1) | base64_decode", "`base64_decode`"),
            ("-1 | base64_decode", "`base64_decode`"),
            ("app_key * 2", "a string cannot be multiplied, only a number can"),
        ] {
            assert!(told(source).contains(problem), "{source}: {}", told(source));
        }
    }
}
