//! The tokens of an expression, and the members that it names.

use std::ops::Range;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A name, a filter, a test or a keyword.
    Word,
    /// A text in quotes.
    Text,
    /// A number.
    Number,
    /// Any other character.
    Sign(u8),
}

/// Keywords of the expression language.
pub const KEYWORDS: [&str; 13] = [
    "and", "else", "false", "False", "if", "in", "is", "none", "None", "not", "or", "true", "True",
];

/// The tokens of an expression. A question about an index without a token gets the answer no.
pub struct Tokens<'s> {
    source: &'s str,
    tokens: Vec<(Token, Range<usize>)>,
}

impl<'s> Tokens<'s> {
    /// Splits an expression into its tokens.
    #[must_use]
    pub fn new(source: &'s str) -> Self {
        let bytes = source.as_bytes();
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (start, byte) = (at, bytes[at]);
            at += 1;
            let mut skip = |goes_on: &dyn Fn(u8) -> bool| {
                while at < bytes.len() && goes_on(bytes[at]) {
                    at += 1;
                }
            };
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
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
                    skip(&|byte| is_name(byte) || byte == b'.');
                    Token::Number
                }
                _ if byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii() => {
                    skip(&|byte| is_name(byte) || !byte.is_ascii());
                    Token::Word
                }
                _ => Token::Sign(byte),
            };
            tokens.push((token, start..at));
        }
        Self { source, tokens }
    }

    /// The number of tokens.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tokens.len()
    }

    /// Each token with its place in the source.
    pub fn iter(&self) -> impl Iterator<Item = &(Token, Range<usize>)> {
        self.tokens.iter()
    }

    /// The token at an index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Token> {
        self.tokens.get(index).map(|(token, _)| *token)
    }

    /// The place of a token in the source; empty when there is no such token.
    #[must_use]
    pub fn range(&self, index: usize) -> Range<usize> {
        self.tokens.get(index).map_or(0..0, |(_, range)| range.clone())
    }

    /// The text of a token.
    #[must_use]
    pub fn text(&self, index: usize) -> &'s str {
        &self.source[self.range(index)]
    }

    /// Whether this token is this sign.
    #[must_use]
    pub fn is_sign(&self, index: usize, sign: u8) -> bool {
        self.get(index) == Some(Token::Sign(sign))
    }

    /// Whether the token before this one is one of these signs.
    #[must_use]
    pub fn follows(&self, index: usize, signs: &[u8]) -> bool {
        signs.iter().any(|sign| self.is_sign(index.wrapping_sub(1), *sign))
    }

    /// Whether this token is this word.
    #[must_use]
    pub fn is_word(&self, index: usize, word: &str) -> bool {
        self.get(index) == Some(Token::Word) && self.text(index) == word
    }

    /// Whether this token is the name of a test, after `is` or `is not`.
    #[must_use]
    pub fn is_test(&self, index: usize) -> bool {
        let (before, second) = (index.wrapping_sub(1), index.wrapping_sub(2));
        let after_is =
            self.is_word(before, "is") || self.is_word(before, "not") && self.is_word(second, "is");
        after_is && self.get(index) == Some(Token::Word) && self.text(index) != "not"
    }

    /// Whether this token is the name of an argument, as in `max(attribute='x')`.
    #[must_use]
    pub fn is_argument_name(&self, index: usize) -> bool {
        self.is_sign(index + 1, b'=')
            && !self.is_sign(index + 2, b'=')
            && self.follows(index, b"(,")
    }

    /// Whether this token is the name of a value, and no keyword, member, filter, test or argument.
    #[must_use]
    pub fn is_value(&self, index: usize) -> bool {
        self.get(index) == Some(Token::Word)
            && !KEYWORDS.contains(&self.text(index))
            && !self.follows(index, b".|")
            && !self.is_test(index)
            && !self.is_argument_name(index)
    }

    /// The last token of the name at `index` and of the members after it, as far as a word, a text
    /// without escapes or a plain number names each member. An escape or another form of a number
    /// would be a second name for the same member.
    #[must_use]
    pub fn path_end(&self, index: usize) -> usize {
        let mut end = index;
        loop {
            let named = self.get(end + 2);
            if self.is_sign(end + 1, b'.') && named == Some(Token::Word) {
                end += 2;
            } else if self.is_sign(end + 1, b'[')
                && named.is_some_and(|token| is_plain(token, self.text(end + 2)))
                && self.is_sign(end + 3, b']')
            {
                end += 3;
            } else {
                return end;
            }
        }
    }
}

/// Whether a token is a text or a number that is written in its only form.
fn is_plain(token: Token, text: &str) -> bool {
    match token {
        Token::Text => !text.contains('\\'),
        Token::Number => {
            text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'))
        }
        Token::Word | Token::Sign(_) => false,
    }
}

/// The members of an answer that an expression uses, as the expression writes them: `json.status`,
/// `json['a'].b`.
#[must_use]
pub fn members(source: &str) -> Vec<&str> {
    let tokens = Tokens::new(source);
    (0..tokens.count())
        .filter(|index| {
            ["json", "form", "xml"].iter().any(|tree| tokens.is_word(*index, tree))
                && !tokens.follows(*index, b".|")
        })
        .map(|index| &source[tokens.range(index).start..tokens.range(tokens.path_end(index)).end])
        .collect()
}
