//! The tokens of an expression, and the members that it names.

use std::ops::Range;

use serde_json::Value as Json;

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

/// The keywords that are no values.
const OPERATORS: [&str; 7] = ["and", "else", "if", "in", "is", "not", "or"];

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
                    at = start + number_length(&bytes[start..]);
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

    /// Whether this keyword stands where a value belongs. The engine would take it for a name.
    #[must_use]
    pub fn is_misplaced(&self, index: usize) -> bool {
        let ends_value = |at: usize| match self.get(at) {
            Some(Token::Text | Token::Number) => true,
            Some(Token::Sign(sign)) => b")]}".contains(&sign),
            Some(Token::Word) => {
                !OPERATORS.contains(&self.text(at)) || self.follows(at, b".|") || self.is_test(at)
            }
            None => false,
        };
        let before = index.checked_sub(1);
        let negated = before.filter(|at| self.is_word(*at, "not") && self.is_word(index, "in"));
        let before = negated.map_or(before, |at| at.checked_sub(1));
        let is_operator = OPERATORS.contains(&self.text(index)) && !self.is_word(index, "not");
        is_operator && !before.is_some_and(ends_value)
    }

    /// The conditions of the expression: from each `if` to its `else`, or to the end of its part of
    /// the expression.
    #[must_use]
    pub fn conditions(&self) -> Vec<Range<usize>> {
        let begins = |index: &usize| self.is_word(*index, "if") && !self.follows(*index, b".|");
        let end = |start: usize| {
            let mut depth = 0_usize;
            (start..self.count())
                .find(|at| match self.get(*at) {
                    Some(Token::Sign(b'(' | b'[' | b'{')) => {
                        depth += 1;
                        false
                    }
                    Some(Token::Sign(b')' | b']' | b'}' | b',' | b':')) if depth == 0 => true,
                    Some(Token::Sign(b')' | b']' | b'}')) => {
                        depth -= 1;
                        false
                    }
                    _ => {
                        depth == 0
                            && !self.follows(*at, b".|")
                            && (self.is_word(*at, "else") || self.is_word(*at, "if"))
                    }
                })
                .unwrap_or(self.count())
        };
        (0..self.count()).filter(begins).map(|index| index + 1..end(index + 1)).collect()
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

/// The length of the number at the start, as the engine reads it: `1if` is a number and a word.
fn number_length(bytes: &[u8]) -> usize {
    let run = |from: usize, is_part: &dyn Fn(u8) -> bool| {
        from + bytes[from..].iter().take_while(|byte| is_part(**byte)).count()
    };
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let digit_at = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    if bytes[0] == b'0' && bytes.get(1).is_some_and(|byte| b"xXoObB".contains(byte)) {
        return match bytes[1] | 0x20 {
            b'x' => run(2, &|byte| byte.is_ascii_hexdigit() || byte == b'_'),
            b'o' => run(2, &|byte| matches!(byte, b'0'..=b'7' | b'_')),
            _ => run(2, &|byte| matches!(byte, b'0' | b'1' | b'_')),
        };
    }
    let mut end = run(0, &is_digit);
    // The engine takes the point unless a name follows: `0. else` is a number and a word.
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_' || !byte.is_ascii();
    let is_exponent = matches!(bytes.get(end + 1), Some(b'e' | b'E'))
        && matches!(bytes.get(end + 2), Some(b'+' | b'-' | b'0'..=b'9'));
    let ends = is_exponent || !bytes.get(end + 1).is_some_and(is_name);
    if bytes.get(end) == Some(&b'.') && ends {
        end = run(end + 1, &is_digit);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digit_at(end + 1 + sign) {
            end = run(end + 1 + sign, &is_digit);
        }
    }
    end
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

/// A member of an answer: `json.errors[0].code`.
#[derive(PartialEq, Eq)]
pub struct Member {
    /// The name of the tree: `json`.
    pub root: String,
    parts: Vec<Part>,
}

#[derive(PartialEq, Eq)]
enum Part {
    Name(String),
    Index(usize),
}

impl Member {
    /// The value of the member in the tree.
    #[must_use]
    pub fn find<'j>(&self, tree: &'j Json) -> Option<&'j Json> {
        self.parts.iter().try_fold(tree, |json, part| match part {
            Part::Name(name) => json.as_object()?.get(name),
            Part::Index(index) => json.as_array()?.get(*index),
        })
    }

    /// Whether an index of the path counts items.
    #[must_use]
    pub fn has_index(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Index(_)))
    }

    /// Whether an index of the path would take a character out of a text of the tree.
    #[must_use]
    pub fn takes_character(&self, tree: &Json) -> bool {
        let mut json = Some(tree);
        self.parts.iter().any(|part| match (json, part) {
            (Some(Json::String(text)), Part::Index(_)) => !text.is_empty(),
            (Some(now), Part::Index(index)) => {
                json = now.get(index);
                false
            }
            (now, Part::Name(name)) => {
                json = now.and_then(|now| now.get(name));
                false
            }
            (None, Part::Index(_)) => false,
        })
    }

    /// The name at the end: `code`.
    #[must_use]
    pub fn last_name(&self) -> Option<&str> {
        match self.parts.last() {
            Some(Part::Name(name)) => Some(name),
            Some(Part::Index(_)) => None,
            None => Some(&self.root),
        }
    }
}

/// The members of an answer that an expression uses, each once.
#[must_use]
pub fn members(source: &str) -> Vec<Member> {
    let tokens = Tokens::new(source);
    let mut members = Vec::new();
    for index in (0..tokens.count()).filter(|index| tokens.is_value(*index)) {
        let root = tokens.text(index);
        if !["json", "form", "xml"].contains(&root) {
            continue;
        }
        let parts = (index + 1..=tokens.path_end(index)).filter_map(|at| match tokens.get(at)? {
            Token::Number => tokens.text(at).parse().ok().map(Part::Index),
            Token::Sign(_) => None,
            _ => Some(Part::Name(tokens.text(at).trim_matches(['"', '\'']).to_owned())),
        });
        let member = Member { root: root.to_owned(), parts: parts.collect() };
        if !members.contains(&member) {
            members.push(member);
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_a_name_at_its_end() {
        let found = members("json.a.b ~ xml['a']['b-c'] ~ json ~ json.list[0] ~ json.a.b");
        let names: Vec<_> = found.iter().map(Member::last_name).collect();
        assert_eq!(names, [Some("b"), Some("b-c"), Some("json"), None]);
    }

    /// The engine reads numbers this way, so a word behind a number is counted as a word.
    #[test]
    fn a_number_ends_where_its_last_digit_stands() {
        for (source, words) in [
            ("1if 2else 3", ["if", "else"].as_slice()),
            ("0x1for 2", &["or"]),
            ("1_0and 2.5or 1e5in [1]", &["and", "or", "in"]),
            ("1.e", &["e"]),
            ("0b1is none", &["is", "none"]),
            ("0o7else 1e+", &["else", "e"]),
        ] {
            let tokens = Tokens::new(source);
            let found: Vec<&str> = (0..tokens.count())
                .filter(|index| tokens.get(*index) == Some(Token::Word))
                .map(|index| tokens.text(index))
                .collect();
            assert_eq!(found, words, "{source}");
        }
    }
}
