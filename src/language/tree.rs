//! The tree of an answer. The engine gets the whole tree only when an expression needs the engine:
//! the conversion costs more than parsing the body.

use std::sync::OnceLock;

use minijinja::value::Serde;
use minijinja::{Error, Value};
use serde_json::Value as Json;

use super::bounds::check_json;

/// The tree of an answer. Can hold a token.
pub struct Tree {
    json: Json,
    value: OnceLock<Value>,
}

impl Tree {
    /// The tree of this JSON.
    #[must_use]
    pub fn new(json: Json) -> Self {
        Self { json, value: OnceLock::new() }
    }

    /// The tree as it was parsed.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// The whole tree for the engine. The first call converts it.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| Value::from(Serde(&self.json)))
    }

    /// The member at a path of names; undefined if there is none.
    ///
    /// # Errors
    /// When the member is larger than a value may be.
    pub fn member(&self, path: &[Value]) -> Result<Value, Error> {
        let member =
            path.iter().try_fold(&self.json, |json, name| json.as_object()?.get(name.as_str()?));
        let Some(member) = member else { return Ok(Value::UNDEFINED) };
        check_json(member)?;
        Ok(if path.is_empty() { self.value().clone() } else { Value::from(Serde(member)) })
    }
}
