//! Checks every name in an expression, because the engine accepts unknown names.

use minijinja::{ErrorKind, Expression, Value};

use super::filters::{FILTERS, TESTS};
use super::flow::{conditions_are_open, has_value_operators};
use super::names::{Mistake, Names, Secrecy};
use super::scan::{KEYWORDS, Token, Tokens};
use super::uses::{SAME, check_same, uses};
use crate::diagnostic::{Kind, Sentence, Shown, suggestion, suggestion_of_names};

/// Checks every name, filter and test, and returns each use of a value.
///
/// # Errors
/// A name, filter or test that is not known.
pub fn lint(tokens: &Tokens<'_>, names: &Names) -> Result<Vec<String>, Mistake> {
    let mut uses = Vec::new();
    for index in 0..tokens.count() {
        if tokens.get(index) == Some(Token::Word) {
            check_word(tokens, index, names, &mut uses)?;
        } else if tokens.is_sign(index, b'(')
            && matches!(
                tokens.get(index.wrapping_sub(1)),
                Some(Token::Sign(b')' | b']') | Token::Text)
            )
        {
            return Err(no_call(tokens, index, "expressions call no functions"));
        }
    }
    Ok(uses)
}

fn mistake(
    tokens: &Tokens<'_>,
    index: usize,
    message: impl Into<Sentence>,
    hint: impl Into<Sentence>,
) -> Mistake {
    Mistake {
        range: Some(tokens.range(index)),
        message: message.into(),
        hint: Some(hint.into()),
        ..Mistake::default()
    }
}

fn no_call(tokens: &Tokens<'_>, index: usize, message: impl Into<Sentence>) -> Mistake {
    mistake(tokens, index, message, "use a filter: `value | name`")
}

fn check_word(
    tokens: &Tokens<'_>,
    index: usize,
    names: &Names,
    uses: &mut Vec<String>,
) -> Result<(), Mistake> {
    let name = tokens.text(index);
    let called = tokens.is_sign(index + 1, b'(');
    if tokens.follows(index, b"|") {
        if !FILTERS.contains(&name) {
            let hint = suggestion(name, FILTERS.iter().copied());
            let shown = Shown::near(name, FILTERS.iter().copied());
            let problem = Sentence::naming("unknown filter `{}`", shown, "unknown filter");
            return Err(mistake(tokens, index, problem, hint));
        }
        // The text becomes part of a message, so it must not contain a secret.
        let quoted =
            called && tokens.get(index + 2) == Some(Token::Text) && tokens.is_sign(index + 3, b')');
        if name == "required" && !quoted {
            let hint = "write `value | required('… is needed')`";
            return Err(mistake(tokens, index, "`required` takes one text in quotes", hint));
        }
    } else if tokens.is_test(index) {
        if !TESTS.contains(&name) {
            let hint = suggestion(name, TESTS.iter().copied());
            let shown = Shown::near(name, TESTS.iter().copied());
            let problem = Sentence::naming("unknown test `{}`", shown, "unknown test");
            return Err(mistake(tokens, index, problem, hint));
        }
    } else if tokens.follows(index, b".") {
        if called {
            let message = "`.name(…)` is not possible: expressions call no methods";
            return Err(no_call(tokens, index, message));
        }
    } else if !tokens.is_argument_name(index) && tokens.is_misplaced(index) {
        let problem = Sentence::fill("a value is missing before `{}`", [Shown::name(name)]);
        return Err(Mistake {
            range: Some(tokens.range(index)),
            message: problem,
            ..Mistake::default()
        });
    } else if !tokens.is_argument_name(index) && !KEYWORDS.contains(&name) {
        if called && name == SAME {
            return check_same(tokens, index, names);
        }
        if called {
            let message = Sentence::naming(
                "`{}(…)` is not possible: expressions call no functions",
                Shown::near(name, FILTERS.iter().copied()),
                "expressions call no functions",
            );
            return Err(no_call(tokens, index, message));
        }
        if !names.contains(name) {
            return Err(unknown_name(tokens, index, names));
        }
        uses.push(name.to_owned());
        if names.is_truth(name) && is_compared_with_text(tokens, index) {
            let message = Sentence::fill("`{}` is true or false and no text", [Shown::name(name)]);
            let hint =
                Sentence::fill("write `{}` or `not {}`", [Shown::name(name), Shown::name(name)]);
            return Err(mistake(tokens, index, message, hint));
        }
        return check_member(tokens, index, names);
    }
    Ok(())
}

/// Whether the value at this token is compared with a text in quotes, which never holds.
fn is_compared_with_text(tokens: &Tokens<'_>, index: usize) -> bool {
    let is_text = |at: usize| tokens.get(at) == Some(Token::Text);
    let equals = |at: usize| {
        tokens.is_sign(at + 1, b'=') && (tokens.is_sign(at, b'=') || tokens.is_sign(at, b'!'))
    };
    let before = index.checked_sub(3).is_some_and(|text| is_text(text) && equals(text + 1));
    let list = usize::from(tokens.is_word(index + 1, "not"));
    let in_texts = tokens.is_word(index + 1 + list, "in")
        && tokens.is_sign(index + 2 + list, b'[')
        && is_text(index + 3 + list);
    equals(index + 1) && is_text(index + 3) || before || in_texts
}

fn unknown_name(tokens: &Tokens<'_>, index: usize, names: &Names) -> Mistake {
    let name = tokens.text(index);
    // `json.access-token` is a subtraction.
    let is_minus = tokens.follows(index, b"-")
        && index >= 3
        && tokens.range(index - 1).start == tokens.range(index - 2).end
        && tokens.is_sign(index - 3, b'.');
    let hint = if is_minus {
        "a member with a `-` in its name is written `json['…-…']`".into()
    } else {
        suggestion_of_names(name, names.all())
    };
    // Names that have a value elsewhere: in rules for the answer, or in requests.
    let elsewhere = ["json", "form", "xml", "http", "body", "token"];
    let shown = Shown::near_name(name, names.all().into_iter().chain(elsewhere));
    let problem = Sentence::naming("unknown name `{}`", shown, "unknown name");
    let mistake = mistake(tokens, index, problem, hint);
    Mistake { kind: Kind::UnknownName, ..mistake }
}

/// Checks a member of a name whose members are a fixed set.
fn check_member(tokens: &Tokens<'_>, index: usize, names: &Names) -> Result<(), Mistake> {
    let (name, member) = (tokens.text(index), tokens.text(index + 2));
    let is_member = tokens.is_sign(index + 1, b'.') && tokens.get(index + 2) == Some(Token::Word);
    let known = names.members.iter().find(|(known, _)| *known == name);
    match known {
        Some((_, members)) if is_member && !members.is_empty() && !members.contains(&member) => {
            let hint = suggestion(member, members.iter().copied());
            let message = match Shown::near(member, members.iter().copied()) {
                Some(member) => {
                    Sentence::fill("`{}` has no member `{}`", [Shown::name(name), member])
                }
                None => Sentence::fill("`{}` has no member of this name", [Shown::name(name)]),
            };
            Err(mistake(tokens, index + 2, message, hint))
        }
        _ => Ok(()),
    }
}

/// Checks that no secret decides which text of `required` is shown.
///
/// # Errors
/// The first such text.
pub fn check_required(source: &str, names: &Names) -> Result<(), Mistake> {
    let tokens = Tokens::new(source);
    let uses = uses(source);
    let secret = uses.iter().any(|used| names.is_secret(&used.path[0]));
    let wrong = (0..tokens.count()).find(|index| {
        let is_required = tokens.is_word(*index, "required") && tokens.follows(*index, b"|");
        let before = index.wrapping_sub(2);
        let follows_name = tokens.is_value(before)
            && matches!(names.secrecy(tokens.text(before)), Secrecy::Open | Secrecy::Whole);
        is_required && !follows_name
    });
    let has_required = (0..tokens.count())
        .find(|index| tokens.is_word(*index, "required") && tokens.follows(*index, b"|"));
    let decided = has_value_operators(&tokens) || !conditions_are_open(&tokens, &uses, names);
    match wrong.or(has_required.filter(|_| decided)) {
        Some(index) if secret => Err(Mistake {
            range: Some(tokens.range(index)),
            message: "a secret would decide whether this text of `required` is shown".into(),
            hint: Some("write `name | required('…')`, where `name` is a whole input".into()),
            ..Mistake::default()
        }),
        _ => Ok(()),
    }
}

/// Expressions up to this cost are evaluated while they are compiled.
pub const CHEAP: u64 = 4 * 1024 * 1024;

/// Finds filters with too few or too many arguments. It evaluates the expression without values, as
/// far as that goes.
pub fn check_arguments(expression: &Expression<'static, 'static>) -> Result<(), Mistake> {
    match expression.eval(Value::from_pairs(std::iter::empty::<(&str, Value)>())) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::MissingArgument
                    | ErrorKind::TooManyArguments
                    | ErrorKind::UnknownFilter
                    | ErrorKind::UnknownTest
            ) =>
        {
            Err(Mistake {
                range: None,
                message: match error.kind() {
                    ErrorKind::MissingArgument => "a filter or test here lacks an argument".into(),
                    ErrorKind::TooManyArguments => {
                        "a filter or test here has an argument that it does not know".into()
                    }
                    _ => "a filter or test here is not known".into(),
                },
                ..Mistake::default()
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_chooses_the_text_of_a_message() {
        let names = Names::sample();
        for source in [
            "key | required('a')",
            "{'a': key | required('b')} | jwt(other | required('c'))",
            "key | required('a') if a == 'x' else other | required('b')",
            "(a ~ a) | required('a')",
        ] {
            assert!(check_required(source, &names).is_ok(), "{source}");
        }
        for source in [
            "(a if key is startingwith('a')) | required('a')",
            "made | upper | required('a')",
            "maybe | required('a')",
            "made | required('a')",
            "key[3] | required('a')",
            "a | required('a') if key < 'x' else a | required('b')",
            "key is startingwith('a') and a | required('a')",
            "[a | required('a')][key | length]",
            "key.x | required('a')",
        ] {
            let refused = check_required(source, &names).is_err();
            assert_eq!(refused, source != "[a | required('a')][key | length]", "{source}");
        }
    }
}
