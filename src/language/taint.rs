//! Which values an expression depends on, so that no rule for an answer can show a secret.

use std::ops::Range;

use super::names::Mistake;
use super::scan::{KEYWORDS, Token, path_end, tokens};

/// The only function of the language: whether two whole values are the same.
pub const SAME: &str = "same";

/// Tests that tell the kind of a value and nothing else of it.
const KINDS: [&str; 10] = [
    "boolean",
    "defined",
    "float",
    "integer",
    "mapping",
    "none",
    "number",
    "sequence",
    "string",
    "undefined",
];

/// One use of a value.
struct Use {
    /// The name and the members that follow it: `json`, `data`, `token`.
    path: Vec<String>,
    range: Range<usize>,
    /// Whether members follow that only an evaluation can name.
    open: bool,
    /// Whether the expression is nothing else.
    alone: bool,
    /// Whether nothing leaves but the kind of the value, or that it is the same as another.
    harmless: bool,
}

/// The place of the first value in an expression that is secret, and of which more leaves than its
/// kind or that it is the same as another. `is_secret` is asked about names; `hidden` are paths of
/// the answer whose values are secret too.
#[must_use]
pub fn shown_secret(
    source: &str,
    is_secret: impl Fn(&str) -> bool,
    hidden: &[Vec<String>],
) -> Option<Range<usize>> {
    let depends = |used: &Use| {
        is_secret(&used.path[0])
            || hidden.iter().any(|hidden| {
                used.path.starts_with(hidden)
                    || hidden.starts_with(&used.path) && (used.open || !used.alone)
            })
    };
    let uses = uses(source);
    uses.into_iter().find(|used| !used.harmless && depends(used)).map(|used| used.range)
}

/// The paths of all values that an expression uses, those of whole answers left out.
#[must_use]
pub fn paths(source: &str) -> Vec<Vec<String>> {
    uses(source).into_iter().map(|used| used.path).filter(|path| path.len() > 1).collect()
}

/// That `same` at this token is called with two whole values.
///
/// # Errors
/// What is wrong with the call.
pub fn check_same(
    source: &str,
    tokens: &[(Token, Range<usize>)],
    index: usize,
) -> Result<(), Mistake> {
    if arguments_of_same(source, tokens, index).is_some() {
        return Ok(());
    }
    Err(Mistake {
        range: Some(tokens[index].1.clone()),
        message: format!("`{SAME}` compares two whole values"),
        hint: Some(format!("write `{SAME}(json.refresh_token, refresh_token)`")),
        ..Mistake::default()
    })
}

/// The tokens at which the two arguments begin.
fn arguments_of_same(
    source: &str,
    tokens: &[(Token, Range<usize>)],
    index: usize,
) -> Option<[usize; 2]> {
    let sign = |index: usize, wanted: u8| is_sign(tokens, index, wanted);
    let is_name = |index: usize| matches!(tokens.get(index), Some((Token::Word, _)));
    let called = is_word(source, tokens, index, SAME) && sign(index + 1, b'(');
    let first = index + 2;
    let comma = path_end(tokens, first) + 1;
    let second = comma + 1;
    let whole = called
        && is_name(first)
        && sign(comma, b',')
        && is_name(second)
        && sign(path_end(tokens, second) + 1, b')');
    whole.then_some([first, second])
}

fn uses(source: &str) -> Vec<Use> {
    let tokens = tokens(source);
    let mut uses = Vec::new();
    let mut compared: Vec<usize> = Vec::new();
    for (index, (token, range)) in tokens.iter().enumerate() {
        let word = &source[range.clone()];
        let sign = |index: usize, wanted: u8| is_sign(&tokens, index, wanted);
        let before = |wanted: &[u8]| index > 0 && wanted.iter().any(|byte| sign(index - 1, *byte));
        let is_test = index > 0
            && (is_word(source, &tokens, index - 1, "is")
                || index > 1
                    && is_word(source, &tokens, index - 1, "not")
                    && is_word(source, &tokens, index - 2, "is"));
        let is_argument = sign(index + 1, b'=') && !sign(index + 2, b'=') && before(b"(,");
        if *token != Token::Word
            || KEYWORDS.contains(&word)
            || before(b".|")
            || is_test
            || is_argument
        {
            continue;
        }
        if let Some(arguments) = arguments_of_same(source, &tokens, index) {
            compared.extend(arguments);
            continue;
        }
        let end = path_end(&tokens, index);
        uses.push(Use {
            path: path(source, &tokens[index..=end]),
            range: range.start..tokens[end].1.end,
            open: sign(end + 1, b'['),
            alone: tokens.len() == end + 1 - index,
            harmless: compared.contains(&index) || tells_kind(source, &tokens, end + 1),
        });
    }
    uses
}

/// Whether `is defined` or the like begins at this token.
fn tells_kind(source: &str, tokens: &[(Token, Range<usize>)], index: usize) -> bool {
    let not = usize::from(is_word(source, tokens, index + 1, "not"));
    is_word(source, tokens, index, "is")
        && KINDS.iter().any(|kind| is_word(source, tokens, index + 1 + not, kind))
}

fn path(source: &str, tokens: &[(Token, Range<usize>)]) -> Vec<String> {
    let named = tokens.iter().filter(|(token, _)| !matches!(token, Token::Sign(_)));
    named.map(|(_, range)| source[range.clone()].trim_matches(['"', '\'']).to_owned()).collect()
}

fn is_sign(tokens: &[(Token, Range<usize>)], index: usize, wanted: u8) -> bool {
    tokens.get(index).is_some_and(|(token, _)| *token == Token::Sign(wanted))
}

fn is_word(source: &str, tokens: &[(Token, Range<usize>)], index: usize, wanted: &str) -> bool {
    matches!(tokens.get(index), Some((Token::Word, range)) if source[range.clone()] == *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Option<&str> {
        let hidden = [vec!["json".to_owned(), "data".to_owned(), "token".to_owned()]];
        let names = ["secret", "token"];
        shown_secret(source, |name| names.contains(&name), &hidden).map(|range| &source[range])
    }

    #[test]
    fn a_secret_that_leaves_is_found_with_its_place() {
        for (source, place) in [
            ("secret", "secret"),
            ("json.a ~ secret | md5", "secret"),
            ("'x' if secret is startingwith('a')", "secret"),
            ("json.a == token", "token"),
            ("json.data.token", "json.data.token"),
            ("json['data'].token | sha256", "json['data'].token"),
            ("json.data.token[1:3]", "json.data.token"),
            ("json.data.token.claims", "json.data.token.claims"),
            ("json.data | string", "json.data"),
            ("json['da' ~ 'ta']", "json"),
            ("secret | string is defined", "secret"),
            ("same(json.a, secret) or secret == 'x'", "secret"),
        ] {
            assert_eq!(shown(source), Some(place), "{source}");
        }
    }

    #[test]
    fn kinds_and_whole_comparisons_show_no_secret() {
        for source in [
            "json.error",
            "json.data.code",
            "json",
            "body | trim",
            "json.data.token is string",
            "json.data.token is not defined and json.code == 0",
            "'x' if secret is undefined else json.y",
            "not same(json.refresh_token, secret)",
            "same(secret, json['data'].token)",
            "'secret' ~ json.secret",
            "json.a | default('secret')",
        ] {
            assert_eq!(shown(source), None, "{source}");
        }
        assert_eq!(paths("json.a | default(json['b'].c) if x is defined").len(), 2);
    }
}
