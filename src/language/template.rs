//! Texts with expressions in `{{ … }}`.

use std::ops::Range;

use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::convert::scalar;
use super::expression::{Compiled, Side};
use super::names::{Mistake, Names, Secrecy};
use super::path;
use super::refused::refused;
use crate::diagnostic::Sentence;
use crate::secret::HIDDEN;

/// A text with expressions in it.
pub struct Template {
    parts: Vec<Part>,
}

enum Part {
    Literal(String),
    Expression(Box<Compiled>),
}

/// Sees the value of each expression before it is put into the text, and may replace it.
pub type Insert<'a> = dyn FnMut(&Compiled, Value) -> Value + 'a;

/// A request lacks a value that secrets decide.
const ABSENT_PART: &str = "a value that is made from secrets is absent; no part of a secret can be \
                           taken by its place, as in `(key | split('-'))[1]`, but `first` and \
                           `last` can";

/// Inserts each value unchanged.
#[must_use]
pub fn real(_: &Compiled, value: Value) -> Value {
    value
}

/// Inserts a mark in place of each value that depends on a secret.
pub fn hidden(context: &Value) -> impl FnMut(&Compiled, Value) -> Value {
    |expression, value| {
        if expression.is_open(context) { value } else { Value::from(HIDDEN) }
    }
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    /// A mistake in one of its expressions, its range counted from the start of the text.
    pub fn new(text: &str, names: &Names) -> Result<Self, Mistake> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find("{{") {
            let open = at + open;
            let (inner, end) = expression_at(text, open + 2, names)?;
            if open > at {
                parts.push(literal(text, at..open)?);
            }
            parts.push(Part::Expression(Box::new(inner)));
            at = end;
        }
        if at < text.len() {
            parts.push(literal(text, at..text.len())?);
        }
        Ok(Self { parts })
    }

    /// How many expressions a text has at most.
    #[must_use]
    pub fn count(text: &str) -> usize {
        text.matches("{{").count()
    }

    /// Whether it uses a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.expressions().any(|expression| expression.secret)
    }

    /// The expressions, in order.
    pub fn expressions(&self) -> impl Iterator<Item = &Compiled> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Expression(expression) => Some(&**expression),
        })
    }

    /// The expressions before the path of a URL. They decide its host.
    pub fn origin(&self) -> impl Iterator<Item = &Compiled> {
        let before_the_path = |part: &&Part| match part {
            Part::Literal(text) => !text.replace("://", "").contains(['/', '?']),
            Part::Expression(_) => true,
        };
        self.parts.iter().take_while(before_the_path).filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Expression(expression) => Some(&**expression),
        })
    }

    /// The value: a lone expression keeps its type, anything else is text. `None` when a value that
    /// the template needs is absent.
    ///
    /// # Errors
    /// When an expression cannot be evaluated.
    pub fn value(&self, context: &Value, insert: &mut Insert<'_>) -> Result<Option<Value>, Error> {
        if let [Part::Expression(expression)] = self.parts.as_slice() {
            return evaluate(expression, context, insert);
        }
        self.render(context, insert, |_, _, value| value).map(|text| text.map(Value::from))
    }

    /// The text. `None` when a value that the template needs is absent.
    ///
    /// # Errors
    /// When an expression cannot be evaluated.
    pub fn text(&self, context: &Value, insert: &mut Insert<'_>) -> Result<Option<String>, Error> {
        self.render(context, insert, |_, _, value| value)
    }

    /// The text of a URL: values are percent-encoded, except for one at the very start.
    ///
    /// # Errors
    /// When an expression cannot be evaluated, or its value leads to another path than the one that
    /// the recipe wrote.
    pub fn url(
        &self,
        context: &Value,
        insert: &mut Insert<'_>,
        keep: &'static AsciiSet,
    ) -> Result<Option<String>, Error> {
        let mut values = Vec::new();
        let mut start = 0;
        let text = self.render(context, insert, |at, place, value| {
            if place == 0 {
                start = value.len();
                return value;
            }
            let encoded = utf8_percent_encode(&value, keep).to_string();
            if matches!(self.parts[place - 1], Part::Literal(_)) {
                values.push(at..at + encoded.len());
            }
            encoded
        })?;
        if let Some(text) = &text {
            path::check(text, start, &values)?;
        }
        Ok(text)
    }

    /// `encode` gets the length of the text so far, the place of the part, and the value.
    fn render(
        &self,
        context: &Value,
        insert: &mut Insert<'_>,
        mut encode: impl FnMut(usize, usize, String) -> String,
    ) -> Result<Option<String>, Error> {
        let mut out = String::new();
        for (place, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Expression(expression) => match evaluate(expression, context, insert)? {
                    Some(value) => out.push_str(&encode(out.len(), place, plain(&value)?)),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(out))
    }
}

/// How many `}}` are tried as the end of an expression.
const MOST_ENDS: usize = 8;

/// The expression that begins at `start`, and the place after its `}}`.
///
/// A string in the expression can contain `}}`. So the expression ends at the first `}}` with which
/// it compiles. If none fits, the mistake of the first is returned.
fn expression_at(text: &str, start: usize, names: &Names) -> Result<(Compiled, usize), Mistake> {
    let mut first: Option<Mistake> = None;
    let mut from = start;
    for _ in 0..MOST_ENDS {
        let Some(close) = text[from..].find("}}") else { break };
        let close = from + close;
        let inner = &text[start..close];
        let trimmed = inner.trim_start();
        let shift = start + inner.len() - trimmed.len();
        match Compiled::new(Side::Request, trimmed.trim_end(), names) {
            Ok(compiled) => return Ok((compiled, close + 2)),
            Err(mistake) => {
                let range = mistake.range.map(|range| range.start + shift..range.end + shift);
                first.get_or_insert(Mistake { range: range.or(Some(shift..close)), ..mistake });
            }
        }
        from = close + 1;
    }
    Err(first.unwrap_or_else(|| Mistake {
        range: Some(start - 2..text.len()),
        message: "`{{` without `}}`".into(),
        ..Mistake::default()
    }))
}

fn literal(text: &str, range: Range<usize>) -> Result<Part, Mistake> {
    for sign in ["{%", "{#"] {
        if let Some(place) = text[range.clone()].find(sign) {
            let start = range.start + place;
            return Err(Mistake {
                range: Some(start..start + 2),
                message: Sentence::fill(
                    "`{}` is not possible: recipes have expressions, no statements or comments",
                    [sign.into()],
                ),
                hint: Some("a choice is an expression too: `{{ a if condition else b }}`".into()),
                ..Mistake::default()
            });
        }
    }
    Ok(Part::Literal(text[range].to_owned()))
}

fn evaluate(
    expression: &Compiled,
    context: &Value,
    insert: &mut Insert<'_>,
) -> Result<Option<Value>, Error> {
    let value = expression.evaluate(context)?;
    if value.is_undefined() || value.is_none() {
        // What a request lacks can be seen, so no part of a secret decides it.
        return match expression.secrecy {
            Secrecy::Uncertain => Err(refused(ABSENT_PART)),
            _ => Ok(None),
        };
    }
    Ok(Some(insert(expression, value)))
}

/// A value as text: a string, a number, or a truth value as in JSON.
pub(super) fn plain(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Bool | ValueKind::Number => scalar(value),
        ValueKind::String => Ok(value.to_string()),
        ValueKind::Bytes => value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| refused("bytes cannot stand in text: add `| hex` or `| base64`")),
        kind => Err(refused(format!("a {kind} cannot stand in text"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::json_template::JsonTemplate;

    fn names() -> Names {
        let mut names = Names::default();
        names.add("key", true);
        names.add("tenant", false);
        names.add("now_ms", false);
        names.add("scope", false);
        names
    }

    fn context() -> Value {
        Value::from_pairs([
            ("key", Value::from("k\"1")),
            ("tenant", Value::from("a/b c")),
            ("now_ms", Value::from(1_572_574_909_697_i64)),
        ])
    }

    fn template(text: &str) -> Template {
        Template::new(text, &names())
            .unwrap_or_else(|mistake| panic!("{text}: {}", mistake.message))
    }

    #[test]
    fn a_lone_expression_keeps_its_type() {
        let render = |text: &str| {
            JsonTemplate::Text(template(text)).render(&context(), &mut real).expect("renders")
        };
        assert_eq!(render("{{ now_ms }}"), Some(serde_json::json!(1_572_574_909_697_i64)));
        assert_eq!(render("t{{ now_ms }}"), Some(serde_json::json!("t1572574909697")));
        assert_eq!(render("{{ now_ms ~ '' }}"), Some(serde_json::json!("1572574909697")));
        assert_eq!(render("{{ key }}"), Some(serde_json::json!("k\"1")));
    }

    #[test]
    fn a_text_that_needs_an_absent_value_is_left_out() {
        for text in [
            "{{ scope }}",
            "read {{ scope }}",
            "{{ scope if scope else none }}",
            "{{ key if scope }}",
        ] {
            assert_eq!(template(text).text(&context(), &mut real).expect(text), None, "{text}");
        }
    }

    #[test]
    fn an_absent_value_inside_an_expression_is_an_error_not_a_hash_of_nothing() {
        for text in [
            "{{ scope | sha256 | hex }}",
            "{{ scope | upper }}",
            "{{ scope.x }}",
            "{{ scope ~ 'x' }}",
            "{{ (key ~ scope) | sha256 | hex }}",
            "{{ [scope] | join }}",
        ] {
            assert!(template(text).text(&context(), &mut real).is_err(), "{text}");
        }
    }

    #[test]
    fn values_in_urls_are_encoded_but_for_one_at_the_start() {
        let render = |text: &str| {
            template(text)
                .url(&context(), &mut real, crate::language::convert::UNRESERVED)
                .expect(text)
        };
        assert_eq!(render("{{ tenant }}/x").as_deref(), Some("a/b c/x"));
        assert_eq!(render("https://h/{{ tenant }}/x").as_deref(), Some("https://h/a%2Fb%20c/x"));
    }

    #[test]
    fn the_host_of_a_url_is_decided_before_its_path() {
        for (text, expected) in [
            ("{{ tenant }}/x/{{ key }}", vec!["tenant"]),
            ("{{ tenant }}{{ key }}/x", vec!["tenant", "key"]),
            ("https://{{ tenant }}.example/{{ key }}", vec!["tenant"]),
            ("https://{{ tenant }}.{{ key }}", vec!["tenant", "key"]),
            ("https://api.example/{{ key }}", vec![]),
            ("https://api.example?{{ key }}", vec![]),
        ] {
            assert_eq!(
                template(text)
                    .origin()
                    .map(|expression| expression.source.as_str())
                    .collect::<Vec<_>>(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn secrets_are_hidden_where_they_go_in() {
        assert_eq!(
            template("{{ key }}-{{ tenant }}")
                .text(&context(), &mut hidden(&context()))
                .expect("renders")
                .as_deref(),
            Some("[hidden]-a/b c")
        );
    }

    #[test]
    fn braces_in_texts_of_an_expression_do_not_end_it() {
        assert_eq!(
            template("a{{ '}}' }}b").text(&context(), &mut real).expect("renders").as_deref(),
            Some("a}}b")
        );
    }

    #[test]
    fn mistakes_say_where() {
        for (text, wrong) in [
            ("x {{ nope }}", "nope"),
            ("x {{ key", "{{ key"),
            ("a {% if x %}", "{%"),
            ("{{ key | shout }}", "shout"),
        ] {
            let mistake = Template::new(text, &names()).err().expect(text);
            assert_eq!(
                &text[mistake.range.expect("a range")],
                wrong,
                "{text}: {}",
                mistake.message
            );
        }
    }
}
