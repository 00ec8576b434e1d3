//! What an expression is made of, without its being compiled: its tokens, and a look at every name
//! in it. The engine itself is lenient about names.

use std::ops::Range;

use super::filters;
use super::names::{Mistake, Names};
use super::scan::{KEYWORDS, Token};
use super::taint::{SAME, check_same};
use crate::diagnostic::{Kind, suggestion};

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
            Err(Mistake { range: Some(range.clone()), message, hint, ..Mistake::default() })
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
                if sign(index + 1, b'(') && name == SAME {
                    check_same(source, tokens, index)?;
                    index += 1;
                    continue;
                }
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
                    return mistake(format!("unknown name `{name}`"), Some(hint))
                        .map_err(|mistake| Mistake { kind: Kind::UnknownName, ..mistake });
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
                ..Mistake::default()
            });
        }
        index += 1;
    }
    Ok(uses)
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
                ..Mistake::default()
            });
        }
    }
    Ok(())
}
