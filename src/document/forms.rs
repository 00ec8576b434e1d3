//! The kinds of values in a document. Each keeps the place of its text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

/// A value with its place in the file.
#[derive(Clone)]
pub struct At<T>(pub Spanned<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A string with its place in the file.
#[derive(serde::Deserialize, Clone, PartialEq)]
#[serde(transparent)]
pub struct Text(pub Spanned<String>);

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A table that keeps the order and the place of its keys.
#[derive(Clone, PartialEq)]
pub struct Ordered<V>(pub Vec<(Spanned<String>, V)>);

impl<V> Default for Ordered<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = Ordered<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for Ordered<V> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("TableOf{}", V::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<V>() })
    }
}

/// One expression, or several in order.
#[derive(Default, Clone, PartialEq)]
pub struct Expressions(pub Vec<Text>);

impl<'de> Deserialize<'de> for Expressions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Either {
            One(String),
            Several(Vec<Text>),
        }
        impl<'de> Deserialize<'de> for Either {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Form;
                impl<'de> Visitor<'de> for Form {
                    type Value = Either;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string or an array of strings")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Either, E> {
                        Ok(Either::One(text.to_owned()))
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Either, A::Error> {
                        let mut several = Vec::new();
                        while let Some(text) = seq.next_element()? {
                            several.push(text);
                        }
                        Ok(Either::Several(several))
                    }
                }
                deserializer.deserialize_any(Form)
            }
        }
        let either = Spanned::<Either>::deserialize(deserializer)?;
        let span = either.span();
        Ok(Self(match either.into_inner() {
            Either::One(text) => vec![Text(Spanned::new(span, text))],
            Either::Several(several) => several,
        }))
    }
}

impl JsonSchema for Expressions {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Expressions".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string" });
        json_schema!({ "anyOf": [text, { "type": "array", "items": text }] })
    }
}

/// A list of tables, or one table in place of a list of one.
#[derive(Clone, PartialEq)]
pub struct OneOrSeveral<V>(pub Vec<V>);

impl<V> Default for OneOrSeveral<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for OneOrSeveral<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Form<V> {
            type Value = OneOrSeveral<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table or an array of tables")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut several = Vec::new();
                while let Some(one) = seq.next_element()? {
                    several.push(one);
                }
                Ok(OneOrSeveral(several))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                V::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrSeveral(vec![one]))
            }
        }
        deserializer.deserialize_any(Form(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for OneOrSeveral<V> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrSeveral{}", V::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<V>();
        json_schema!({ "anyOf": [{ "type": "array", "items": one }, one] })
    }
}

/// A piece of a JSON body, with the place of each text in the file.
#[derive(Clone, PartialEq)]
pub enum Node {
    /// A text that can have expressions.
    Text(Text),
    /// A number or boolean.
    Plain(serde_json::Value),
    /// An array.
    Array(Vec<Node>),
    /// An object.
    Object(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Inner {
            Text(String),
            Other(Node),
        }
        impl<'de> Deserialize<'de> for Inner {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Form;
                impl<'de> Visitor<'de> for Form {
                    type Value = Inner;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string, number, boolean, array or table")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Inner, E> {
                        Ok(Inner::Text(text.to_owned()))
                    }
                    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Inner, E> {
                        Ok(Inner::Other(Node::Plain(truth.into())))
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Inner, E> {
                        Ok(Inner::Other(Node::Plain(number.into())))
                    }
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Inner, E> {
                        if !number.is_finite() {
                            return Err(E::custom("JSON has no such number"));
                        }
                        Ok(Inner::Other(Node::Plain(number.into())))
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Inner, A::Error> {
                        let mut items = Vec::new();
                        while let Some(item) = seq.next_element()? {
                            items.push(item);
                        }
                        Ok(Inner::Other(Node::Array(items)))
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inner, A::Error> {
                        let mut members = Vec::new();
                        while let Some(member) = map.next_entry()? {
                            members.push(member);
                        }
                        Ok(Inner::Other(Node::Object(members)))
                    }
                }
                deserializer.deserialize_any(Form)
            }
        }
        let inner = Spanned::<Inner>::deserialize(deserializer)?;
        let span = inner.span();
        Ok(match inner.into_inner() {
            Inner::Text(text) => Self::Text(Text(Spanned::new(span, text))),
            Inner::Other(node) => node,
        })
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "JsonBody".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "array", "string", "number", "boolean"] })
    }
}
