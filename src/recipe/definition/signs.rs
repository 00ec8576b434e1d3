//! Codes and conditions that give a failure its reason.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use crate::document::Text;

/// What tells one reason of a failure: codes, a condition, or both.
#[derive(Default, Clone, PartialEq)]
pub struct Signs {
    /// Codes that have this meaning.
    pub codes: Vec<String>,
    /// A condition that has this meaning.
    pub when: Option<Text>,
}

/// Codes and a condition.
#[derive(serde::Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "CodesAndCondition")]
struct Both {
    /// Codes that have this meaning.
    codes: Vec<String>,
    /// A condition that has this meaning.
    when: Option<Text>,
}

impl<'de> Deserialize<'de> for Signs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Either {
            When(String),
            Both(Both),
        }
        impl<'de> Deserialize<'de> for Either {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Form;
                impl<'de> Visitor<'de> for Form {
                    type Value = Either;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a condition, an array of codes, or a table of both")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Either, E> {
                        Ok(Either::When(text.to_owned()))
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Either, A::Error> {
                        let mut codes = Vec::new();
                        while let Some(code) = seq.next_element()? {
                            codes.push(code);
                        }
                        Ok(Either::Both(Both { codes, when: None }))
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Either, A::Error> {
                        Both::deserialize(MapAccessDeserializer::new(map)).map(Either::Both)
                    }
                }
                deserializer.deserialize_any(Form)
            }
        }
        let either = Spanned::<Either>::deserialize(deserializer)?;
        let span = either.span();
        Ok(match either.into_inner() {
            Either::When(text) => {
                Self { codes: Vec::new(), when: Some(Text(Spanned::new(span, text))) }
            }
            Either::Both(Both { codes, when }) => Self { codes, when },
        })
    }
}

impl JsonSchema for Signs {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Signs".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string" });
        let both = generator.subschema_for::<Both>();
        json_schema!({ "anyOf": [{ "type": "array", "items": text }, text, both] })
    }
}
