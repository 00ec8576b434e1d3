//! Made-up values for the rehearsal of a recipe.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

/// A made-up value. A real secret with the same text is no placeholder.
///
/// The engine needs texts, so a placeholder is a text with the engine's mark "safe". Nothing else
/// in a recipe sets that mark.
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
    /// All kinds. The first works for most recipes.
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

    /// Whether a value is a placeholder.
    #[must_use]
    pub fn is(value: &Value) -> bool {
        value.is_safe()
    }
}

/// The text that a filter made from `value`. It is a placeholder if `value` is one.
#[must_use]
pub fn made_of(value: &Value, text: String) -> Value {
    if Placeholder::is(value) { Value::from_safe_string(text) } else { Value::from(text) }
}

/// Unknown JSON in a rehearsal. It has every member.
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
        let compiled = Compiled::new(Side::Request, source, &names)
            .map_err(|mistake| mistake.message.to_string())?;
        let context = Value::from_pairs([("key", key.clone())]);
        let value = compiled.evaluate(&context).map_err(|error| error.to_string())?;
        Ok(value.to_string())
    }

    #[test]
    fn a_real_secret_with_the_text_of_a_placeholder_is_no_placeholder() {
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
