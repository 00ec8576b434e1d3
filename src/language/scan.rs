//! The tokens of an expression, and the members that it names.

use std::ops::Range;

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
        let end = path_end(&tokens, index);
        members.push(&source[range.start..tokens[end].1.end]);
    }
    members
}

/// The last token of the name at `index` with the members that follow it, as far as each is named
/// by a word, a text or a number.
#[must_use]
pub fn path_end(tokens: &[(Token, Range<usize>)], index: usize) -> usize {
    let sign = |index: usize, wanted: u8| {
        tokens.get(index).is_some_and(|(token, _)| *token == Token::Sign(wanted))
    };
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
            return end;
        }
    }
}
