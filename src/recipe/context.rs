//! The values that the expressions of one attempt can use.

use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

/// Values by name. A recipe has a handful, so a search from the front is faster than a map, and nothing is copied
/// when the answer's values join those of the request.
#[derive(Clone, Default)]
pub struct Context(Vec<(Arc<str>, Value)>);

impl Context {
    /// Adds a value; the first of a name counts.
    pub fn add(&mut self, name: &str, value: Value) {
        self.0.push((name.into(), value));
    }

    /// The value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }

    /// As expressions take it.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::from_object(self.clone())
    }

    /// Lends itself to an expression as [`Context::value`] would, without copying anything.
    pub fn lend<R>(&mut self, to: impl FnOnce(&Value) -> R) -> R {
        let shared = Arc::new(std::mem::take(self));
        let outcome = to(&Value::from_dyn_object(Arc::clone(&shared)));
        *self = Arc::try_unwrap(shared).unwrap_or_else(|kept| Self::clone(&kept));
        outcome
    }
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_str()?).cloned()
    }
}

/// Names only: the values hold secrets.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
