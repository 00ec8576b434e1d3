//! JSON bodies with templates in them.

use minijinja::value::ValueKind;
use minijinja::{Error, Value};

use super::errors::explain;
use super::template::{Insert, Template, plain};
use crate::document::{Node, Text};

/// A JSON body made of templates.
pub enum JsonTemplate {
    /// Text, or a lone expression of any type.
    Text(Template),
    /// A value without expressions.
    Plain(serde_json::Value),
    /// An array. Absent items are left out.
    Array(Vec<JsonTemplate>),
    /// An object. Absent members are left out.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// Compiles a body. `compile` compiles each text and reports its mistakes.
    pub fn new(node: &Node, compile: &mut dyn FnMut(&Text) -> Option<Template>) -> Self {
        match node {
            Node::Text(text) => {
                compile(text).map_or(Self::Plain(serde_json::Value::Null), Self::Text)
            }
            Node::Plain(value) => Self::Plain(value.clone()),
            Node::Array(items) => {
                Self::Array(items.iter().map(|item| Self::new(item, compile)).collect())
            }
            Node::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, node)| (name.clone(), Self::new(node, compile)))
                    .collect(),
            ),
        }
    }

    /// The JSON value; `None` when it is a text that needs an absent value.
    ///
    /// # Errors
    /// When an expression cannot be evaluated, or its value has no form in JSON.
    pub fn render(
        &self,
        context: &Value,
        insert: &mut Insert<'_>,
    ) -> Result<Option<serde_json::Value>, Error> {
        Ok(Some(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => match template.value(context, insert)? {
                Some(value) if value.kind() == ValueKind::Bytes => plain(&value)?.into(),
                Some(value) => serde_json::to_value(&value).map_err(|_| {
                    Error::new(
                        minijinja::ErrorKind::BadSerialization,
                        "this value has no form in JSON",
                    )
                })?,
                None => return Ok(None),
            },
            Self::Array(items) => {
                let mut array = Vec::with_capacity(items.len());
                for item in items {
                    array.extend(item.render(context, insert)?);
                }
                array.into()
            }
            Self::Object(members) => {
                let mut object = serde_json::Map::new();
                for (name, node) in members {
                    if let Some(value) =
                        node.render(context, insert).map_err(|error| inside(name, error))?
                    {
                        object.insert(name.clone(), value);
                    }
                }
                object.into()
            }
        }))
    }
}

/// Adds the name of the member to an error.
fn inside(name: &str, error: Error) -> Error {
    let detail = format!("`{name}`: {}", explain(&error));
    Error::new(error.kind(), detail).with_source(error)
}
