//! What an expression is made of, without its being compiled: its tokens, and a look at every name
//! in it. The engine itself is lenient about names.

use std::ops::Range;

use super::expression::{Mistake, Names};
use super::filters;
use crate::diagnostic::suggestion;

/// A piece of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A name, a filter, a test or a keyword.
    Word,
    /// A text in quotes.
    Text,
    /// A number.
    Number,
    /// Any other sign.
    Sign(u8),
}

/// Cuts an expression into its tokens.
#[must_use]
pub fn tokens(source: &str) -> Vec<(Token, Range<usize>)> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        at += 1;
        let token = match byte {
            _ if byte.is_ascii_whitespace() => continue,
            b'"' | b'\'' => {
                while at < bytes.len() && bytes[at] != byte {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
                Token::Text
            }
            _ if byte.is_ascii_digit() => {
                while at < bytes.len()
                    && (bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'.' | b'_'))
                {
                    at += 1;
                }
                Token::Number
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii() => {
                while at < bytes.len()
                    && (bytes[at].is_ascii_alphanumeric()
                        || bytes[at] == b'_'
                        || !bytes[at].is_ascii())
                {
                    at += 1;
                }
                Token::Word
            }
            _ => Token::Sign(byte),
        };
        tokens.push((token, start..at));
    }
    tokens
}

/// Words of the expression language itself.
pub const KEYWORDS: [&str; 13] = [
    "and", "else", "false", "False", "if", "in", "is", "none", "None", "not", "or", "true", "True",
];

/// Looks up every name, filter and test, and returns each use of a value.
///
/// # Errors
/// A name, filter or test that is not known.
pub fn lint(
    source: &str,
    tokens: &[(Token, Range<usize>)],
    names: &Names,
) -> Result<Vec<String>, Mistake> {
    let sign = |index: usize, wanted: u8| {
        tokens.get(index).is_some_and(|(token, _)| *token == Token::Sign(wanted))
    };
    let word = |index: usize| match tokens.get(index) {
        Some((Token::Word, range)) => Some(&source[range.clone()]),
        _ => None,
    };
    let mut uses = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let (token, range) = &tokens[index];
        let mistake = |message: String, hint: Option<String>| {
            Err(Mistake { range: Some(range.clone()), message, hint })
        };
        if *token == Token::Word {
            let name = &source[range.clone()];
            let before = index.checked_sub(1);
            let after_dot = before.is_some_and(|before| sign(before, b'.'));
            let after_pipe = before.is_some_and(|before| sign(before, b'|'));
            let after_is = before.is_some_and(|before| {
                word(before) == Some("is")
                    || (word(before) == Some("not")
                        && before.checked_sub(1).is_some_and(|is| word(is) == Some("is")))
            });
            let keyword_argument = sign(index + 1, b'=')
                && !sign(index + 2, b'=')
                && before.is_some_and(|before| sign(before, b'(') || sign(before, b','));
            if after_pipe {
                if !filters::FILTERS.contains(&name) {
                    return mistake(
                        format!("unknown filter `{name}`"),
                        Some(suggestion(name, filters::FILTERS.iter().copied())),
                    );
                }
                // Its text becomes part of a message, so it must not be able to hold a secret.
                let quoted = sign(index + 1, b'(')
                    && matches!(tokens.get(index + 2), Some((Token::Text, _)))
                    && sign(index + 3, b')');
                if name == "required" && !quoted {
                    return mistake(
                        "`required` takes one text in quotes".into(),
                        Some("write `value | required('… is needed')`".into()),
                    );
                }
            } else if after_is && name != "not" {
                if !filters::TESTS.contains(&name) {
                    return mistake(
                        format!("unknown test `{name}`"),
                        Some(suggestion(name, filters::TESTS.iter().copied())),
                    );
                }
            } else if !after_dot && !keyword_argument && !KEYWORDS.contains(&name) {
                if sign(index + 1, b'(') {
                    return mistake(
                        format!("`{name}(…)` is not possible: expressions call no functions"),
                        Some("use a filter: `value | name`".into()),
                    );
                }
                if !names.contains(name) {
                    // `json.access-token` is a subtraction.
                    let minus = before.is_some_and(|before| sign(before, b'-'))
                        && index >= 3
                        && tokens[index - 1].1.start == tokens[index - 2].1.end
                        && sign(index - 3, b'.');
                    let hint = if minus {
                        format!("a member with a `-` in its name is written `json['…-{name}']`")
                    } else {
                        suggestion(name, names.all())
                    };
                    return mistake(format!("unknown name `{name}`"), Some(hint));
                }
                uses.push(name.to_owned());
                check_member(source, tokens, index, name, names)?;
            } else if after_dot && sign(index + 1, b'(') {
                return mistake(
                    format!("`.{name}(…)` is not possible: expressions call no methods"),
                    Some("use a filter: `value | name`".into()),
                );
            }
        }
        let called = *token == Token::Sign(b'(')
            && index > 0
            && matches!(tokens[index - 1].0, Token::Sign(b')' | b']') | Token::Text);
        if called {
            return Err(Mistake {
                range: Some(range.clone()),
                message: "expressions call no functions".into(),
                hint: Some("use a filter: `value | name`".into()),
            });
        }
        index += 1;
    }
    Ok(uses)
}

/// The members of an answer that an expression looks at: `json.status` and `json['a'].b`, each as
/// it is written.
#[must_use]
pub fn members(source: &str) -> Vec<&str> {
    let tokens = tokens(source);
    let sign = |index: usize, wanted: u8| {
        tokens.get(index).is_some_and(|(token, _)| *token == Token::Sign(wanted))
    };
    let mut members = Vec::new();
    for (index, (token, range)) in tokens.iter().enumerate() {
        let tree =
            *token == Token::Word && matches!(&source[range.clone()], "json" | "form" | "xml");
        if !tree || index > 0 && (sign(index - 1, b'.') || sign(index - 1, b'|')) {
            continue;
        }
        let mut end = index;
        loop {
            if sign(end + 1, b'.') && matches!(tokens.get(end + 2), Some((Token::Word, _))) {
                end += 2;
            } else if sign(end + 1, b'[')
                && matches!(tokens.get(end + 2), Some((Token::Text | Token::Number, _)))
                && sign(end + 3, b']')
            {
                end += 3;
            } else {
                break;
            }
        }
        members.push(&source[range.start..tokens[end].1.end]);
    }
    members
}

/// For a name with a fixed set of members: that the member named is one of them.
fn check_member(
    source: &str,
    tokens: &[(Token, Range<usize>)],
    index: usize,
    name: &str,
    names: &Names,
) -> Result<(), Mistake> {
    let Some((_, members)) =
        names.members.iter().find(|(known, members)| *known == name && !members.is_empty())
    else {
        return Ok(());
    };
    if let (Some((Token::Sign(b'.'), _)), Some((Token::Word, range))) =
        (tokens.get(index + 1), tokens.get(index + 2))
    {
        let member = &source[range.clone()];
        if !members.contains(&member) {
            return Err(Mistake {
                range: Some(range.clone()),
                message: format!("`{name}` has no member `{member}`"),
                hint: Some(suggestion(member, members.iter().copied())),
            });
        }
    }
    Ok(())
}
