//! Decides how much a value reveals of the secrets that it was made from.

use std::ops::Range;

use minijinja::Value;

use super::names::{Names, Secrecy};
use super::scan::{Token, Tokens};
use super::uses::{TREES, Use, is_kind, uses};

/// Filters that return a value of fixed form for each text.
const DIGESTS: [&str; 7] =
    ["hmac_sha1", "hmac_sha256", "hmac_sha512", "md5", "sha1", "sha256", "sha512"];

/// Filters that return a text for each text.
const ENCODINGS: [&str; 7] =
    ["base64", "base64url", "formencode", "hex", "lower", "upper", "urlencode"];

/// Filters that can return nothing, or a member of their value.
const PARTS: [&str; 6] = ["auth_param", "first", "from_json", "last", "max", "min"];

/// What an expression of a request reveals of the secrets that it uses.
#[must_use]
pub fn secrecy(source: &str, names: &Names) -> Secrecy {
    let tokens = Tokens::new(source);
    let uses = uses(source);
    if !uses.iter().any(|used| names.is_secret(&used.path[0])) {
        return Secrecy::Open;
    }
    if !conditions_are_open(&tokens, &uses, names) {
        return Secrecy::Uncertain;
    }
    if is_selection(&tokens, names) {
        return Secrecy::Whole;
    }
    let is_certain = |used: &Use| {
        let secrecy = names.secrecy(&used.path[0]);
        secrecy != Secrecy::Uncertain && (secrecy == Secrecy::Open || used.path.len() == 1)
    };
    let filters = |index: usize| tokens.follows(index, b"|");
    let certain = uses.iter().all(is_certain)
        && !has_value_operators(&tokens)
        && !(0..tokens.count()).any(|index| {
            let is_part = filters(index) && PARTS.contains(&tokens.text(index));
            is_part && !is_challenge(tokens.text(index), &uses, names)
                || filters(index) && replaces_false_values(&tokens, index)
                || is_subscript(&tokens, index)
        });
    if certain { Secrecy::Derived } else { Secrecy::Uncertain }
}

/// Whether this is the filter `default` with a second argument, which also replaces false values.
fn replaces_false_values(tokens: &Tokens<'_>, index: usize) -> bool {
    let mut depth = 0_usize;
    tokens.is_word(index, "default")
        && (index + 1..tokens.count())
            .take_while(|at| {
                match tokens.get(*at) {
                    Some(Token::Sign(b'(' | b'[' | b'{')) => depth += 1,
                    Some(Token::Sign(b')' | b']' | b'}')) => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth > 0
            })
            .any(|at| tokens.is_sign(at, b','))
}

/// Whether a rule reads one whole value of an answer, or one parameter of a challenge in it.
#[must_use]
pub fn is_whole_or_challenge(source: &str) -> bool {
    let tokens = Tokens::new(source);
    let names = Names::default();
    let Some(end) = whole(&tokens, 0, &names) else { return false };
    let is_argument =
        |at: usize| matches!(tokens.get(at), Some(Token::Text)) || tokens.is_sign(at, b',');
    end == tokens.count()
        || tokens.is_sign(end, b'|')
            && tokens.is_word(end + 1, "auth_param")
            && tokens.is_sign(end + 2, b'(')
            && tokens.is_sign(tokens.count() - 1, b')')
            && (end + 3..tokens.count() - 1).all(is_argument)
}

/// Whether the filter reads a parameter of a challenge that an answer gave. A challenge is no
/// secret, so a request may lack what it lacks.
fn is_challenge(filter: &str, uses: &[Use], names: &Names) -> bool {
    let is_answer = |used: &Use| {
        let name = &used.path[0];
        !names.is_secret(name) || names.is_answer(name)
    };
    filter == "auth_param" && uses.iter().all(is_answer)
}

/// What a value reveals that an answer gives.
///
/// # Errors
/// The place of a secret that could decide whether the value is there.
pub fn given(source: &str, names: &Names) -> Result<Secrecy, Range<usize>> {
    let tokens = Tokens::new(source);
    let uses = uses(source);
    let secret = |used: &&Use| names.is_secret(&used.path[0]);
    if is_selection(&tokens, names) && conditions_are_open(&tokens, &uses, names) {
        return Ok(Secrecy::Whole);
    }
    let is_name = tokens.count() == 1 && names.secrecy(source.trim()) == Secrecy::Derived;
    match uses.iter().find(secret) {
        _ if is_name => Ok(Secrecy::Derived),
        Some(found) if !is_digest(&tokens) => Err(found.range.clone()),
        _ => Ok(Secrecy::Derived),
    }
}

/// Whether an expression is only `P`, or `P if P is startingwith('eyJ')`, as each JSON Web Token
/// begins, where `P` is a whole value.
#[must_use]
pub fn is_web_token(source: &str, names: &Names) -> bool {
    let tokens = Tokens::new(source);
    let text = |range: Range<usize>| range.map(|index| tokens.text(index)).collect::<Vec<_>>();
    let Some(end) = whole(&tokens, 0, names) else { return false };
    let rest = text(end..tokens.count());
    let path = text(0..end);
    let condition =
        |quoted| [&["if"][..], &path, &["is", "startingwith", "(", quoted, ")"]].concat();
    rest.is_empty() || rest == condition("'eyJ'") || rest == condition("\"eyJ\"")
}

/// Whether each value of an answer that the rule uses stays whole, so that the redactor finds a
/// secret in it.
#[must_use]
pub fn keeps_whole_values(source: &str) -> bool {
    let tokens = Tokens::new(source);
    let in_tree = |index: usize| {
        let is_tree = |at: &usize| tokens.is_value(*at) && TREES.contains(&tokens.text(*at));
        (0..index).filter(is_tree).any(|at| tokens.path_end(at) > index)
    };
    (0..tokens.count()).all(|index| match tokens.get(index) {
        Some(Token::Sign(b'|')) => {
            ["default", "required"].iter().any(|filter| tokens.is_word(index + 1, filter))
        }
        Some(Token::Sign(b'.')) => !is_dotted_number(&tokens, index),
        Some(Token::Sign(b'[')) => {
            !is_subscript(&tokens, index)
                || tokens.is_sign(index + 2, b']')
                    // Elsewhere a number can take a character out of a text.
                    && (tokens.get(index + 1) == Some(Token::Text) || in_tree(index))
        }
        Some(Token::Sign(sign)) => b"~(),]=!".contains(&sign),
        Some(Token::Word) if tokens.is_test(index) => is_kind(tokens.text(index)),
        Some(Token::Word) if tokens.is_word(index, "in") => tokens.is_sign(index + 1, b'['),
        _ => true,
    })
}

/// The secrets that an expression uses in more than a test of a whole value.
#[must_use]
pub fn used_secrets(source: &str, names: &Names) -> Vec<Value> {
    uses(source)
        .into_iter()
        .filter(|used| match names.secrecy(&used.path[0]) {
            Secrecy::Open => false,
            Secrecy::Whole => !used.harmless || used.path.len() > 1,
            Secrecy::Derived | Secrecy::Uncertain => true,
        })
        .map(|used| Value::from(used.path[0].as_str()))
        .collect()
}

/// Whether no condition depends on the content of a secret.
#[must_use]
pub fn conditions_are_open(tokens: &Tokens<'_>, uses: &[Use], names: &Names) -> bool {
    let conditions = tokens.conditions();
    uses.iter().filter(|used| conditions.iter().any(|range| range.contains(&used.at))).all(|used| {
        let name = &used.path[0];
        let is_presence = ["defined", "undefined"].contains(&tokens.text(used.end))
            || tokens.is_word(used.end, "is")
                && (1..=2)
                    .any(|more| ["defined", "undefined"].contains(&tokens.text(used.end + more)));
        match names.secrecy(name) {
            Secrecy::Open => true,
            Secrecy::Whole => used.harmless && used.path.len() == 1,
            Secrecy::Derived => used.harmless && used.path.len() == 1 && is_presence,
            Secrecy::Uncertain => false,
        }
    })
}

/// Whether `and` or `or` stands outside of the conditions.
#[must_use]
pub fn has_value_operators(tokens: &Tokens<'_>) -> bool {
    let conditions = tokens.conditions();
    (0..tokens.count()).any(|index| {
        (tokens.is_word(index, "and") || tokens.is_word(index, "or"))
            && !tokens.follows(index, b".|")
            && !conditions.iter().any(|range| range.contains(&index))
    })
}

/// Whether a bracket here takes a part of the value before it.
fn is_subscript(tokens: &Tokens<'_>, index: usize) -> bool {
    let member = tokens.is_sign(index, b'.');
    let part = tokens.is_sign(index, b'[')
        && match tokens.get(index.wrapping_sub(1)) {
            Some(Token::Sign(sign)) => b")]}".contains(&sign),
            Some(Token::Text) => true,
            Some(Token::Word) => !super::scan::KEYWORDS.contains(&tokens.text(index - 1)),
            Some(Token::Number) | None => false,
        };
    member || part
}

/// Whether the expression is a digest of whole values and texts.
fn is_digest(tokens: &Tokens<'_>) -> bool {
    let mut end = tokens.count();
    let is_filter = |index: usize, filters: &[&str]| {
        tokens.follows(index, b"|") && filters.contains(&tokens.text(index))
    };
    while end > 1 && is_filter(end - 1, &["hex", "base64", "base64url", "upper", "lower"]) {
        end -= 2;
    }
    let begins = |index: &usize| is_filter(*index, &DIGESTS);
    let last =
        (0..end).filter(begins).any(|index| index + 1 == end || closes(tokens, index + 1, end));
    last && (0..tokens.count()).all(|index| match tokens.get(index) {
        Some(Token::Sign(sign)) => b"|~().,".contains(&sign) && !is_dotted_number(tokens, index),
        Some(Token::Word) => {
            tokens.is_value(index)
                || is_filter(index, &DIGESTS)
                || is_filter(index, &ENCODINGS)
                || tokens.follows(index, b".")
        }
        Some(Token::Text) => true,
        Some(Token::Number) | None => false,
    })
}

fn is_dotted_number(tokens: &Tokens<'_>, index: usize) -> bool {
    tokens.is_sign(index, b'.') && tokens.get(index + 1) != Some(Token::Word)
}

/// Whether the bracket at `open` closes just before `end`.
fn closes(tokens: &Tokens<'_>, open: usize, end: usize) -> bool {
    let mut depth = 0_usize;
    tokens.is_sign(open, b'(')
        && (open..end).find(|at| {
            depth += usize::from(tokens.is_sign(*at, b'('));
            depth -= usize::from(tokens.is_sign(*at, b')'));
            depth == 0
        }) == Some(end - 1)
}

/// Whether the expression is one of several whole values, chosen by conditions and defaults.
#[must_use]
pub fn is_selection(tokens: &Tokens<'_>, names: &Names) -> bool {
    tokens.count() > 0 && selection(tokens, 0, names) == Some(tokens.count())
}

/// The end of a selection that begins at `start`.
fn selection(tokens: &Tokens<'_>, start: usize, names: &Names) -> Option<usize> {
    let mut end = if tokens.is_sign(start, b'(') {
        let end = selection(tokens, start + 1, names)?;
        tokens.is_sign(end, b')').then_some(end + 1)?
    } else if tokens.get(start) == Some(Token::Text) || tokens.is_word(start, "none") {
        start + 1
    } else {
        whole(tokens, start, names)?
    };
    while tokens.is_sign(end, b'|') && tokens.is_sign(end + 2, b'(') {
        let close = match tokens.text(end + 1) {
            "required" => end + 4,
            "default" => selection(tokens, end + 3, names)?,
            _ => return None,
        };
        end = tokens.is_sign(close, b')').then_some(close + 1)?;
    }
    while tokens.is_word(end, "if") {
        let condition = tokens.conditions().into_iter().find(|range| range.start == end + 1)?;
        end = condition.end;
        if tokens.is_word(end, "else") {
            return selection(tokens, end + 1, names);
        }
    }
    Some(end)
}

/// The end of a whole value that begins at `start`: a name, or a member of an answer.
fn whole(tokens: &Tokens<'_>, start: usize, names: &Names) -> Option<usize> {
    if !tokens.is_value(start) {
        return None;
    }
    let (name, end) = (tokens.text(start), tokens.path_end(start) + 1);
    let numbers = || (start..end).any(|index| tokens.get(index) == Some(Token::Number));
    let is_whole = match name {
        _ if TREES.contains(&name) => true,
        "http" => !numbers(),
        _ => end == start + 1 && names.secrecy(name) <= Secrecy::Whole,
    };
    is_whole.then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reveals_only_what_its_form_lets_it_reveal() {
        for (source, expected) in [
            ("a", Secrecy::Open),
            ("a[0] if a else 'x'", Secrecy::Open),
            ("key", Secrecy::Whole),
            ("key | default(other) | required('a text')", Secrecy::Whole),
            ("key if a == 'x' else other | default(a) if key is defined else none", Secrecy::Whole),
            ("(key if a) | default(other)", Secrecy::Whole),
            ("key ~ other", Secrecy::Derived),
            ("(a ~ key) | base64 if a and key is defined", Secrecy::Derived),
            ("{'iss': key} | jwt(other, alg=a)", Secrecy::Derived),
            ("made", Secrecy::Derived),
            ("made if made is defined", Secrecy::Derived),
            ("maybe", Secrecy::Uncertain),
            ("maybe ~ 'x'", Secrecy::Uncertain),
            ("a if key is startingwith('a')", Secrecy::Uncertain),
            ("a if key == 'x' else a", Secrecy::Uncertain),
            ("a if made is string", Secrecy::Uncertain),
            ("a if (a if key < 'b' else none) is defined", Secrecy::Uncertain),
            ("key[0] ~ 'x'", Secrecy::Uncertain),
            ("(key | split('a'))[1]", Secrecy::Uncertain),
            ("key | split('a') | first", Secrecy::Uncertain),
            ("key and a", Secrecy::Uncertain),
            ("a if key[3] is defined", Secrecy::Uncertain),
            ("key.x", Secrecy::Uncertain),
            ("[a, a][key | length]", Secrecy::Uncertain),
            ("{'a': a}[key]", Secrecy::Uncertain),
            ("'abc'[key | length]", Secrecy::Uncertain),
            ("(a).x ~ key", Secrecy::Uncertain),
        ] {
            assert_eq!(secrecy(source, &Names::sample()), expected, "{source}");
        }
    }

    #[test]
    fn a_given_value_uses_a_secret_only_as_a_whole_or_in_a_digest() {
        for source in [
            "json.a",
            "json.a | default(key)",
            "key",
            "json.a if a is defined",
            "json.a | hmac_sha256(key) | hex",
            "(json.a ~ key) | sha256 | base64 | upper",
        ] {
            assert!(given(source, &Names::sample()).is_ok(), "{source}");
        }
        for source in [
            "key[3]",
            "json.a if key is startingwith('a')",
            "key | upper",
            "key | length",
            "json.a | hmac_sha256(key[0]) | hex",
            "(1 // key | length) | string | sha256",
            "'a' | sha256 if key == 'x'",
            "key | replace('a', '')",
            "maybe",
            "made | sha256 | join",
            "key.a",
            "(key | sha256)[0]",
            "json.a in key",
            "json.a | sha256 | default(key | upper)",
        ] {
            assert!(given(source, &Names::sample()).is_err(), "{source}");
        }
        assert_eq!(given("json.a | split(' ') | first", &Names::sample()), Ok(Secrecy::Derived));
        assert_eq!(given("http.headers.a[0]", &Names::sample()), Ok(Secrecy::Derived));
    }

    #[test]
    fn only_a_whole_value_is_read_as_a_web_token() {
        for source in ["key", "json.a.b", "key if key is startingwith('eyJ')"] {
            assert!(is_web_token(source, &Names::sample()), "{source}");
        }
        for source in [
            "key | upper",
            "made",
            "key if key is startingwith('a')",
            "key if other is startingwith('eyJ')",
            "key[1:]",
            "'a' ~ key",
            "key if key is startingwith('eyJ') else other",
            "key.a",
        ] {
            assert!(!is_web_token(source, &Names::sample()), "{source}");
        }
    }

    #[test]
    fn a_value_stays_whole_unless_the_rule_takes_a_part_of_it() {
        for source in [
            "json.a ~ ': ' ~ json.b",
            "json['a'][0].c | default(json.d)",
            "'x' if json.a is string",
            "'x' if json.a not in ['a', b] and json.b != 'c'",
        ] {
            assert!(keeps_whole_values(source), "{source}");
        }
        for source in [
            "json.a[1:]",
            "json.a | split('x') | first",
            "(json.a ~ 'x')[0:3]",
            "json.a.0",
            "'x' if json.a < 'k'",
            "'x' if 'a' in json.a",
            "'x' if json.a is startingwith('a')",
            "json.a[b]",
            "'x' if json.a | length > 3",
            "json[json.a]",
            "{'a': 'x'}[json.a]",
            "json.a * 2",
        ] {
            assert!(!keeps_whole_values(source), "{source}");
        }
    }
}
