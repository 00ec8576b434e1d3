//! The values that the expressions of one attempt can use.

use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

use super::bounds::{Budget, LARGEST_VALUE, weigh};

/// Values by name, with their sizes. A recipe has a handful, so a search from the front is faster
/// than a map, and nothing is copied when the answer's values join those of the request.
#[derive(Clone, Default)]
pub struct Context {
    values: Vec<(Arc<str>, Value, usize)>,
    budget: Budget,
}

impl Context {
    /// Adds a value; the first of a name counts.
    pub fn add(&mut self, name: &str, value: Value) {
        let size = weigh(&value).unwrap_or(LARGEST_VALUE);
        self.add_sized(name, value, size);
    }

    /// Adds a value whose size is known.
    pub fn add_sized(&mut self, name: &str, value: Value, size: usize) {
        self.values.push((name.into(), value, size));
    }

    /// How large the value of this name is.
    #[must_use]
    pub fn size(&self, name: &str) -> usize {
        self.values.iter().find(|(known, ..)| **known == *name).map_or(0, |(_, _, size)| *size)
    }

    /// What evaluations in this context, and in those that were made from it, have cost.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, ..)| **known == *name).map(|(_, value, _)| value)
    }

    /// As expressions take it.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::from_object(self.clone())
    }

    /// Lends itself to an expression as [`Context::value`] would, without copying anything.
    pub fn lend<R>(&mut self, to: impl FnOnce(&Value) -> R) -> R {
        let empty = Self { values: Vec::new(), budget: self.budget.clone() };
        let shared = Arc::new(std::mem::replace(self, empty));
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
        f.debug_set().entries(self.values.iter().map(|(name, ..)| name)).finish()
    }
}
