//! Made-up values, with which a recipe is rehearsed before any real value is known.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

/// A made-up value. Filters know it by its type, so a real secret of the same letters is none.
///
/// The engine calculates with texts only, so it is one, with the engine's mark for texts that are
/// not escaped: nothing else in a recipe sets that mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// A word.
    Word,
    /// A number.
    Number,
    /// A URL.
    Url,
}

impl Placeholder {
    /// All of them, the one that most recipes take first.
    pub const ALL: [Self; 3] = [Self::Word, Self::Number, Self::Url];

    /// The value.
    #[must_use]
    pub fn value(self) -> Value {
        let text = match self {
            Self::Word => "placeholder",
            Self::Number => "1",
            Self::Url => "https://placeholder.invalid",
        };
        Value::from_safe_string(text.to_owned())
    }

    /// Whether a value is one.
    #[must_use]
    pub fn is(value: &Value) -> bool {
        value.is_safe()
    }
}

/// A text that a filter made of `value`: a placeholder when that is one.
#[must_use]
pub fn made_of(value: &Value, text: String) -> Value {
    if Placeholder::is(value) { Value::from_safe_string(text) } else { Value::from(text) }
}

/// Stands in a rehearsal for JSON that nobody knows yet: every member is there.
#[derive(Debug)]
pub struct Anything;

impl Object for Anything {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Placeholder::Word.value())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use super::Placeholder;
    use crate::language::expression::{Compiled, Side};
    use crate::language::names::Names;

    fn evaluate(source: &str, key: &Value) -> Result<String, String> {
        let mut names = Names::default();
        names.add("key", true);
        let compiled =
            Compiled::new(Side::Request, source, &names).map_err(|mistake| mistake.message)?;
        let context = Value::from_pairs([("key", key.clone())]);
        let value = compiled.evaluate(&context).map_err(|error| error.to_string())?;
        Ok(value.to_string())
    }

    #[test]
    fn a_real_secret_that_is_the_word_of_a_placeholder_is_like_any_other() {
        for source in [
            "(key | from_json).member",
            "key | pem | hex",
            "{'iss': 'me'} | jwt(key)",
            "{'iss': 'me'} | jwt((key | from_json).private_key)",
            "key | trim | pem | hex",
            "key | replace('\\\\n', '\\n') | pem | hex",
            "key | base64_decode | pem | hex",
            "(key | split(','))[0] | pem | hex",
        ] {
            for placeholder in Placeholder::ALL {
                let value = placeholder.value();
                let made_up = evaluate(source, &value);
                assert!(made_up.is_ok(), "{source} with {placeholder:?}: {made_up:?}");
                let real = Value::from(value.as_str().expect("a text"));
                let is_json = placeholder == Placeholder::Number && source.contains(".member");
                let refused = evaluate(source, &real);
                assert!(is_json || refused.is_err(), "{source} with {placeholder:?}: {refused:?}");
            }
        }
    }

    #[test]
    fn the_engine_calculates_with_placeholders_as_with_texts() {
        for (source, placeholder, expected) in [
            ("key[:5]", Placeholder::Word, "place"),
            ("(key | int) * 2 + 1", Placeholder::Number, "3"),
            ("key ~ '/token'", Placeholder::Url, "https://placeholder.invalid/token"),
            ("1 if key is startingwith 'https' else 2", Placeholder::Url, "1"),
        ] {
            assert_eq!(evaluate(source, &placeholder.value()).as_deref(), Ok(expected), "{source}");
        }
    }
}
