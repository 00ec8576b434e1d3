//! Finds the secret values that an expression uses, so that no rule for an answer can show them.

use std::ops::Range;

use super::names::Mistake;
use super::scan::{Token, Tokens};

/// The only function of the language. It says whether two whole values are equal.
pub const SAME: &str = "same";

/// Tests that reveal only the kind of a value.
const KINDS: [&str; 10] = [
    "boolean", "defined", "float", "integer", "mapping", "none", "number", "sequence", "string",
    "undefined",
];

/// One use of a value.
struct Use {
    /// The name and the members after it: `json`, `data`, `token`.
    path: Vec<String>,
    range: Range<usize>,
    /// Whether a member follows whose name only an evaluation can tell.
    open: bool,
    /// Whether the expression is nothing else.
    alone: bool,
    /// Whether the expression reveals only the kind of the value, or whether it equals another.
    harmless: bool,
}

/// The place of the first secret in an expression that reveals more than the secret's kind, or
/// whether it equals another value. `is_secret` judges a name. The values at the paths `hidden` of
/// the answer are secret too.
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

/// The paths of all members of the answer that an expression uses.
#[must_use]
pub fn paths(source: &str) -> Vec<Vec<String>> {
    uses(source).into_iter().map(|used| used.path).filter(|path| path.len() > 1).collect()
}

/// Checks that the call of `same` at this token has two whole values as arguments.
///
/// # Errors
/// What is wrong with the call.
pub fn check_same(tokens: &Tokens<'_>, index: usize) -> Result<(), Mistake> {
    if arguments_of_same(tokens, index).is_some() {
        return Ok(());
    }
    Err(Mistake {
        range: Some(tokens.range(index)),
        message: format!("`{SAME}` compares two whole values"),
        hint: Some(format!("write `{SAME}(json.refresh_token, refresh_token)`")),
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

fn uses(source: &str) -> Vec<Use> {
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
            open: tokens.is_sign(end + 1, b'['),
            alone: tokens.count() == end + 1 - index,
            harmless: compared.contains(&index) || tests_kind(&tokens, end + 1),
        });
    }
    uses
}

/// Whether `is defined` or the like begins at this token.
fn tests_kind(tokens: &Tokens<'_>, index: usize) -> bool {
    let not = usize::from(tokens.is_word(index + 1, "not"));
    tokens.is_word(index, "is") && KINDS.iter().any(|kind| tokens.is_word(index + 1 + not, kind))
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
