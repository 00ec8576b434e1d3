//! Which parts of an expression a fault may show: the words of the language, and names that the
//! recipe declares.

use std::ops::Range;

use super::filters::{FILTERS, TESTS};
use super::names::Names;
use super::scan::{KEYWORDS, Token, Tokens};
use crate::diagnostic::nearest;
use crate::secret::is_plain_name;

const QUOTES: [char; 2] = ['"', '\''];

/// The places of known words and of signs in an expression, or in the expressions of a template. A
/// text in quotes and a text outside of `{{ }}` can be secrets, so they are not known.
#[must_use]
pub fn known_parts(text: &str, names: &Names) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    if !text.contains("{{") {
        in_expression(text, 0, names, &mut parts);
        return parts;
    }
    let mut at = 0;
    while let Some(open) = text[at..].find("{{") {
        let start = at + open + 2;
        let end = text[start..].find("}}").map_or(text.len(), |length| start + length);
        parts.push(start - 2..start);
        in_expression(&text[start..end], start, names, &mut parts);
        at = (end + 2).min(text.len());
        parts.push(end..at);
    }
    parts
}

/// Whether all of an expression is known.
#[must_use]
pub fn is_all_known(text: &str, names: &Names) -> bool {
    known_parts(text, names).iter().map(|part| part.end - part.start).sum::<usize>() == text.len()
}

fn in_expression(source: &str, shift: usize, names: &Names, parts: &mut Vec<Range<usize>>) {
    let tokens = Tokens::new(source);
    // A text without any known word can be a secret with signs in it.
    let is_word = |index: &usize| {
        let word = tokens.text(*index);
        tokens.get(*index) == Some(Token::Word) && word.len() > 2 && is_known(word, names)
    };
    if !(0..tokens.count()).any(|index| is_word(&index)) {
        return;
    }
    let mut end = 0;
    let mut root_is_known = false;
    for index in 0..tokens.count() {
        let (place, word) = (tokens.range(index), tokens.text(index));
        let is_member = tokens.follows(index, b".");
        let known = match tokens.get(index) {
            Some(Token::Word) if is_member => root_is_known && is_plain_name(word),
            Some(Token::Word) => is_known(word, names),
            Some(Token::Sign(sign)) => b"|.()[]~,=".contains(&sign),
            Some(Token::Number) => word.len() <= 3,
            Some(Token::Text) => {
                tokens.follows(index, b"[") && is_plain_name(word.trim_matches(QUOTES))
            }
            _ => false,
        };
        if tokens.get(index) == Some(Token::Word) {
            root_is_known = known;
        }
        parts.push(shift + end..shift + place.start);
        if known {
            parts.push(shift + place.start..shift + place.end);
        }
        end = place.end;
    }
    parts.push(shift + end..shift + source.len());
}

fn is_known(word: &str, names: &Names) -> bool {
    let own = names.all();
    let own = own.iter().copied().filter(|name| is_plain_name(name));
    let language = FILTERS.iter().chain(&TESTS).chain(&KEYWORDS).copied();
    word.len() <= 40 && nearest(word, own.chain(language)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_language_and_names_of_the_recipe_are_known() {
        let mut names = Names::default();
        names.add("app_key", true);
        names.add("kX9canaryQ7zT2", false);
        names.add_members("json", &[]);
        for (text, shown) in [
            ("json.access_token | lower", "json.access_token | lower"),
            ("s3cret.access_token", ""),
            ("1R4~+},)}(fj7j", ""),
            ("kX9canaryQ7zT2 ~ app_kye", " ~ app_kye"),
            ("'s3cret' ~ 918273 ~ app_key", " ~  ~ app_key"),
            ("json['access_token']['kX9canaryQ7zT2']", "json['access_token'][]"),
            ("https://s3cret/{{ app_key }}/{{ hunter2 }}", "{{ app_key }}{{}}"),
            ("pass{{ app_key", "{{ app_key"),
        ] {
            let parts = known_parts(text, &names);
            let seen: String = parts.into_iter().map(|part| &text[part]).collect();
            assert_eq!(seen, shown, "{text}");
        }
    }
}
