//! Each use of a value in an expression, and what the expression reveals of that value.

use std::ops::Range;

use super::names::{Mistake, Names, Secrecy};
use super::scan::{Token, Tokens};
use crate::diagnostic::Sentence;

/// The only function of the language. It says whether two whole values are equal.
pub const SAME: &str = "same";

/// Tests that reveal only the kind of a value.
const KINDS: [&str; 10] = [
    "boolean", "defined", "float", "integer", "mapping", "none", "number", "sequence", "string",
    "undefined",
];

/// One use of a value.
#[expect(clippy::struct_excessive_bools, reason = "each is another property of the use")]
pub struct Use {
    /// The name and the members after it: `json`, `data`, `token`.
    pub path: Vec<String>,
    /// Its place in the source.
    pub range: Range<usize>,
    /// Its first token, and the token after it.
    pub at: usize,
    /// See `at`.
    pub end: usize,
    /// Whether the expression is more than this value.
    pub(super) partial: bool,
    /// Whether the expression reveals only the kind of the value, or whether it equals another.
    pub harmless: bool,
    /// Whether the expression reveals only the length of the value, whether a fixed text is in it,
    /// or the whole value without the white space around it.
    pub(super) general: bool,
    /// Whether the expression compares the value with a fixed text.
    pub(super) equals_text: bool,
}

/// The names of the body of an answer.
const BODY: [&str; 4] = ["json", "form", "xml", "body"];

/// Those of them that have members.
pub const TREES: [&str; 3] = ["json", "form", "xml"];

/// The shortest fixed text that a rule may search in a body, in bytes.
const SHORTEST_TEXT: usize = 4;

/// Whether this is the name of the body of an answer.
#[must_use]
pub fn is_body(name: &str) -> bool {
    BODY.contains(&name)
}

/// Checks that the call of `same` at this token has two whole values as arguments, and that one of
/// them stands in the answer.
///
/// # Errors
/// What is wrong with the call.
pub fn check_same(tokens: &Tokens<'_>, index: usize, names: &Names) -> Result<(), Mistake> {
    // Also the row of a list.
    let has_members = |name: &str| names.members.iter().any(|(known, _)| *known == name);
    let is_answer = |start: &usize| {
        let name = tokens.text(*start);
        is_body(name) || has_members(name)
    };
    let is_whole = |start: &usize| {
        let (name, end) = (tokens.text(*start), tokens.path_end(*start));
        let has_index = (*start..end).any(|at| tokens.get(at) == Some(Token::Number));
        TREES.contains(&name)
            || has_members(name) && !has_index
            || end == *start && names.secrecy(name) <= Secrecy::Whole
    };
    if let Some(arguments) = arguments_of_same(tokens, index)
        && arguments.iter().any(is_answer)
        && arguments.iter().all(is_whole)
    {
        return Ok(());
    }
    Err(Mistake {
        range: Some(tokens.range(index)),
        message: Sentence::fill(
            "`{}` compares two whole values, one of them of the answer",
            [SAME.into()],
        ),
        hint: Some(Sentence::fill("write `{}(json.refresh_token, refresh_token)`", [SAME.into()])),
        ..Mistake::default()
    })
}

/// The tokens at which the two arguments begin.
fn arguments_of_same(tokens: &Tokens<'_>, index: usize) -> Option<[usize; 2]> {
    let is_name = |index: usize| tokens.get(index) == Some(Token::Word);
    let first = index + 2;
    let comma = tokens.path_end(first) + 1;
    let second = comma + 1;
    let whole = tokens.is_word(index, SAME)
        && tokens.is_sign(index + 1, b'(')
        && is_name(first)
        && tokens.is_sign(comma, b',')
        && is_name(second)
        && tokens.is_sign(tokens.path_end(second) + 1, b')');
    whole.then_some([first, second])
}

impl Use {
    /// Whether an index is in its path.
    pub(super) fn has_index(&self) -> bool {
        self.path.iter().any(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// Each use of a value in an expression.
#[must_use]
pub fn uses(source: &str) -> Vec<Use> {
    let tokens = Tokens::new(source);
    let mut uses = Vec::new();
    let mut compared: Vec<usize> = Vec::new();
    for index in (0..tokens.count()).filter(|index| tokens.is_value(*index)) {
        if let Some(arguments) = arguments_of_same(&tokens, index) {
            compared.extend(arguments);
            continue;
        }
        let end = tokens.path_end(index);
        let named = (index..=end).filter(|at| !matches!(tokens.get(*at), Some(Token::Sign(_))));
        uses.push(Use {
            path: named.map(|at| tokens.text(at).trim_matches(['"', '\'']).to_owned()).collect(),
            range: tokens.range(index).start..tokens.range(end).end,
            at: index,
            end: end + 1,
            partial: tokens.count() != end + 1 - index,
            harmless: compared.contains(&index) || tests_kind(&tokens, end + 1),
            general: has_filter(&tokens, end + 1, "length")
                || has_filter(&tokens, end + 1, "trim") && tokens.count() == end + 3 - index
                || is_searched(&tokens, index, end + 1),
            equals_text: equals_text(&tokens, end + 1),
        });
    }
    uses
}

/// Whether this test reveals only the kind of a value.
#[must_use]
pub fn is_kind(test: &str) -> bool {
    KINDS.contains(&test)
}

/// Whether `is defined` or the like begins at this token.
fn tests_kind(tokens: &Tokens<'_>, index: usize) -> bool {
    let not = usize::from(tokens.is_word(index + 1, "not"));
    tokens.is_word(index, "is") && KINDS.iter().any(|kind| tokens.is_word(index + 1 + not, kind))
}

/// Whether `== 'a text'` begins at this token, also behind `| trim`.
fn equals_text(tokens: &Tokens<'_>, index: usize) -> bool {
    let index = if has_filter(tokens, index, "trim") { index + 2 } else { index };
    let ends = |index: usize| {
        let word = |word| tokens.is_word(index, word);
        tokens.get(index).is_none()
            || tokens.is_sign(index, b')')
            || ["if", "else", "and", "or"].into_iter().any(word)
    };
    (tokens.is_sign(index, b'=') || tokens.is_sign(index, b'!'))
        && tokens.is_sign(index + 1, b'=')
        && tokens.get(index + 2) == Some(Token::Text)
        && ends(index + 3)
}

/// Whether this filter begins at this token.
fn has_filter(tokens: &Tokens<'_>, index: usize, filter: &str) -> bool {
    tokens.is_sign(index, b'|') && tokens.is_word(index + 1, filter)
}

/// Whether the value from `start` to before `end` comes after `'a text' in`, with no operator
/// beside it that binds closer.
fn is_searched(tokens: &Tokens<'_>, start: usize, end: usize) -> bool {
    let any = |index: usize, words: &[&str]| words.iter().any(|word| tokens.is_word(index, word));
    let before = |back: usize| start.checked_sub(back);
    let is_in = before(1).is_some_and(|index| tokens.is_word(index, "in"));
    let not = usize::from(before(2).is_some_and(|index| tokens.is_word(index, "not")));
    let text = before(2 + not).and_then(|index| tokens.get(index));
    let begins = before(3 + not).is_none_or(|index| {
        any(index, &["if", "else", "and", "or", "not"]) || tokens.is_sign(index, b'(')
    });
    let ends = tokens.count() == end
        || any(end, &["if", "else", "and", "or"])
        || tokens.is_sign(end, b')');
    // A short text could be tried in all forms.
    let is_long =
        before(2 + not).is_some_and(|index| tokens.text(index).len() >= SHORTEST_TEXT + 2);
    is_in && text == Some(Token::Text) && is_long && begins && ends
}
