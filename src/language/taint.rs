//! Finds the secret values that an expression uses, so that no rule for an answer can show them.

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
    partial: bool,
    /// Whether the expression reveals only the kind of the value, or whether it equals another.
    pub harmless: bool,
    /// Whether the expression reveals only the length of the value, whether a fixed text is in it,
    /// or the whole value without the white space around it.
    general: bool,
    /// Whether the expression compares the value with a fixed text.
    equals_text: bool,
}

/// The names of the body of an answer.
const BODY: [&str; 4] = ["json", "form", "xml", "body"];

/// Those of them that have members.
pub const TREES: [&str; 3] = ["json", "form", "xml"];

/// The shortest fixed text that a rule may search in a body, in bytes.
const SHORTEST_TEXT: usize = 4;

/// In place of a member: the rule takes a part of the body that has no fixed name.
const ANY: &str = "*";

/// The place of the first secret in an expression that reveals more than the secret's kind, or
/// whether it equals another value. `secrecy` judges a name. The values at the paths `hidden` of
/// the answer are secret too, and the body holds them. A rule that is the whole body may stay,
/// because the redactor finds the secrets in it. It could miss them in a part of the body.
#[must_use]
pub fn shown_secret(
    source: &str,
    secrecy: impl Fn(&str) -> Secrecy,
    hidden: &[Vec<String>],
) -> Option<Range<usize>> {
    let uses = uses(source);
    let is_shown = |used: &Use| is_shown(used, &secrecy, hidden);
    uses.into_iter().find(is_shown).map(|used| used.range)
}

/// The place of the first secret that decides a condition of the expression.
#[must_use]
pub fn deciding_secret(
    source: &str,
    secrecy: impl Fn(&str) -> Secrecy,
    hidden: &[Vec<String>],
) -> Option<Range<usize>> {
    let conditions = Tokens::new(source).conditions();
    let decides = |used: &Use| {
        conditions.iter().any(|range| range.contains(&used.at)) && is_shown(used, &secrecy, hidden)
    };
    uses(source).into_iter().find(decides).map(|used| used.range)
}

fn is_shown(used: &Use, secrecy: impl Fn(&str) -> Secrecy, hidden: &[Vec<String>]) -> bool {
    let name = used.path[0].as_str();
    let secrecy = secrecy(name);
    let is_whole =
        used.path.len() == 1 || TREES.contains(&name) || name == "http" && !used.has_index();
    if used.harmless && secrecy <= Secrecy::Whole && is_whole {
        return false;
    }
    // Without a path of its own nothing in a body is known.
    let is_body_part = is_body(name) && (used.path.len() == 1 || name == "body");
    if is_body_part && used.partial && !used.general && !(hidden.is_empty() && used.equals_text)
        || name == "body" && used.path.len() > 1
    {
        return true;
    }
    secrecy != Secrecy::Open
        || hidden.iter().any(|hidden| match (hidden.as_slice(), used.path.as_slice()) {
            // Any computation on the body could use that part.
            ([_, any], [name, ..]) if any == ANY && is_body(name) => used.partial && !used.general,
            // The other forms of a body that is secret as a whole, and its characters.
            ([hidden], [name]) if is_body(hidden) && is_body(name) => used.partial && !used.general,
            ([hidden], [name, index, ..]) if is_body(hidden) => {
                hidden == name && index.bytes().all(|byte| byte.is_ascii_digit())
            }
            ([root, ..], [name]) if name != root && is_body(name) && is_body(root) => {
                used.partial && !used.general
            }
            (hidden, path) => path.starts_with(hidden) || hidden.starts_with(path) && used.partial,
        })
}

/// The paths of the body and of all members of the answer that an expression uses.
#[must_use]
pub fn paths(source: &str) -> Vec<Vec<String>> {
    uses(source).into_iter().filter_map(path).collect()
}

/// Those of [`paths`] that an expression takes a value from. A condition takes none.
#[must_use]
pub fn taken_paths(source: &str) -> Vec<Vec<String>> {
    let conditions = Tokens::new(source).conditions();
    let is_taken = |used: &Use| !conditions.iter().any(|range| range.contains(&used.at));
    uses(source).into_iter().filter(is_taken).filter_map(path).collect()
}

fn path(used: Use) -> Option<Vec<String>> {
    let Use { mut path, partial, harmless, general, .. } = used;
    if path.len() == 1 && is_body(&path[0]) && partial && !harmless && !general {
        path.push(ANY.to_owned());
    }
    (path.len() > 1 || is_body(&path[0]) || path[0] == "http").then_some(path)
}

fn is_body(name: &str) -> bool {
    BODY.contains(&name)
}

/// Checks that the call of `same` at this token has two whole values as arguments, and that one of
/// them stands in the answer.
///
/// # Errors
/// What is wrong with the call.
pub fn check_same(tokens: &Tokens<'_>, index: usize, names: &Names) -> Result<(), Mistake> {
    let is_answer = |start: &usize| {
        let name = tokens.text(*start);
        is_body(name) || name == "http"
    };
    let is_whole = |start: &usize| {
        let (name, end) = (tokens.text(*start), tokens.path_end(*start));
        let has_index = (*start..end).any(|at| tokens.get(at) == Some(Token::Number));
        TREES.contains(&name)
            || name == "http" && !has_index
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
    fn has_index(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Option<&str> {
        let hidden = [vec!["json".to_owned(), "data".to_owned(), "token".to_owned()]];
        let secrecy = |name: &str| match name {
            "secret" | "token" => Secrecy::Whole,
            _ => Secrecy::Open,
        };
        shown_secret(source, secrecy, &hidden).map(|range| &source[range])
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
            (r"json['dat\x61'].token | upper", "json"),
            (r"json.data['\u0074oken']", "json.data"),
            ("json.data[url]", "json.data"),
            ("json['data'] ['token'] | upper", "json['data'] ['token']"),
            ("secret | string is defined", "secret"),
            ("same(json.a, secret) or secret == 'x'", "secret"),
        ] {
            assert_eq!(shown(source), Some(place), "{source}");
        }
    }

    #[test]
    fn a_secret_item_of_a_list_has_no_second_name() {
        let hidden = [["json", "list", "10"].map(str::to_owned).to_vec()];
        for index in
            ["10", "1_0", "0xa", "0o12", "0b1010", "010", "10.0", "-1", "5 + 5", "i", "9:11"]
        {
            let source = format!("json.list[{index}]");
            assert!(shown_secret(&source, |_| Secrecy::Open, &hidden).is_some(), "{source}");
            // The same, when the rule for the token is written in the other form.
            let hidden = paths(&source);
            assert!(
                shown_secret("json.list[10] | upper", |_| Secrecy::Open, &hidden).is_some(),
                "{source}"
            );
        }
        assert!(shown_secret("json.list[1]", |_| Secrecy::Open, &hidden).is_none());
    }

    #[test]
    fn a_token_at_a_computed_place_hides_every_computation_on_the_answer() {
        for token in [
            "json['access_' ~ 'token']",
            r"json['access\x5ftoken']",
            "json | first",
            "(body | from_json).access_token",
            "body | split('=') | last",
        ] {
            let hidden = paths(token);
            let shown = |source: &str| shown_secret(source, |_| Secrecy::Open, &hidden).is_some();
            for source in [
                "json.access_token | upper", "body | upper", "json | json", "json.a ~ 'x'",
                "form.t[1:]",
            ] {
                assert!(shown(source), "{token}: {source}");
            }
            for source in ["json.error", "body", "json.error is defined", "'down' in body"] {
                assert!(!shown(source), "{token}: {source}");
            }
        }
        let hidden = paths("http['head' ~ 'ers'].x");
        assert!(shown_secret("http.headers.x | upper", |_| Secrecy::Open, &hidden).is_some());
        let hidden = paths("json.token");
        assert!(shown_secret("form | json | upper", |_| Secrecy::Open, &hidden).is_some());
    }

    #[test]
    fn of_a_body_that_holds_a_secret_no_part_leaves() {
        for hidden in ["json.data.token", "form.token", "body", "json"] {
            let hidden = [hidden.split('.').map(str::to_owned).collect()];
            let shown = |source: &'static str| {
                shown_secret(source, |_| Secrecy::Open, &hidden).map(|range| &source[range])
            };
            for source in [
                "body | replace('', 'q')", "body[:10]", "body | trim | upper", "body | trim('a')",
                "body | trim ~ 'a'", "body ~ ''", "'x' if body == json.a", "body | length_of",
                "('a' ~ 'b') in body", "'a' ~ 'b' in body", "json.a in body", "'a' in body ~ 'b'",
                "'a' in body | upper", "body in 'abc'", "body | trim | length", "'abc' in body",
            ] {
                assert_eq!(shown(source), Some("body"), "{source} {hidden:?}");
            }
            for source in [
                "body",
                "json.error",
                "body is string",
                "body | trim",
                "body | length > 9",
                "'down' if 'Maintenance' in body",
                "'Maintenance' not in body and http.status == 200",
                "'a' if (not 'busy' in body) else json.error",
            ] {
                assert_eq!(shown(source), None, "{source} {hidden:?}");
            }
        }
        let shown = |source: &str, hidden: &str| {
            shown_secret(source, |_| Secrecy::Open, &[vec![hidden.to_owned()]]).is_some()
        };
        assert!(shown("json[0]", "json") && shown("json | upper", "json"));
        assert!(shown("json | upper", "body") && !shown("json", "json"));
        assert!(!shown("json.error", "json"));
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
