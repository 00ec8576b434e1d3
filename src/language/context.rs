//! The values that the expressions of one attempt can use.

use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

use super::bounds::{Budget, LARGEST_VALUE, size};
use super::tree::Tree;

/// Values by name, with their sizes. A clone shares the values until one of the two adds another.
#[derive(Clone, Default)]
pub struct Context(Arc<Named>);

/// A recipe has a handful of values, so a search from the front is faster than a map.
#[derive(Clone, Default)]
pub(super) struct Named {
    values: Vec<(Arc<str>, Content, usize)>,
    pub(super) budget: Budget,
}

#[derive(Clone)]
enum Content {
    Value(Value),
    /// The time or the UUID of the attempt.
    Moment(Value),
    Tree(Arc<Tree>),
}

impl Context {
    /// Adds a value. If the name is there already, its first value stays in use.
    pub fn add(&mut self, name: &str, value: Value) {
        let size = size(&value).unwrap_or(LARGEST_VALUE);
        self.push(name, Content::Value(value), size);
    }

    /// Adds the time or the UUID of the attempt in one of its forms.
    pub fn add_moment(&mut self, name: &str, value: Value) {
        let size = size(&value).unwrap_or(LARGEST_VALUE);
        self.push(name, Content::Moment(value), size);
    }

    /// Whether an expression has looked at the time or the UUID of the attempt, here or in a clone.
    #[must_use]
    pub fn depends_on_the_moment(&self) -> bool {
        self.0.budget.depends_on_the_moment()
    }

    /// Adds the tree of a body that has `size` bytes.
    pub fn add_tree(&mut self, name: &str, tree: Arc<Tree>, size: usize) {
        self.push(name, Content::Tree(tree), size);
    }

    /// The context with another value of this name.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut context = self.clone();
        Arc::make_mut(&mut context.0).values.retain(|(known, ..)| **known != *name);
        context.add(name, value);
        context
    }

    /// The same values with a budget of their own.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let mut context = self.clone();
        Arc::make_mut(&mut context.0).budget = Budget::default();
        context
    }

    fn push(&mut self, name: &str, content: Content, size: usize) {
        Arc::make_mut(&mut self.0).values.push((name.into(), content, size));
    }

    /// The budget that this context shares with all its clones.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// The value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.value(name)
    }

    /// The context as the engine takes it. Nothing is copied.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::from_dyn_object(Arc::clone(&self.0))
    }
}

impl Named {
    fn get(&self, name: &str) -> Option<&(Arc<str>, Content, usize)> {
        self.values.iter().find(|(known, ..)| **known == *name)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name).map(|(_, content, _)| match content {
            Content::Value(value) => value,
            Content::Moment(value) => {
                self.budget.look_at_the_moment();
                value
            }
            Content::Tree(tree) => tree.value(),
        })
    }

    /// The tree of this name; `None` if the name has no tree.
    pub(super) fn tree(&self, name: &str) -> Option<&Tree> {
        match self.get(name)? {
            (_, Content::Tree(tree), _) => Some(tree),
            (_, Content::Value(_) | Content::Moment(_), _) => None,
        }
    }

    /// The size of the value of this name, in bytes.
    pub(super) fn size(&self, name: &str) -> usize {
        self.get(name).map_or(0, |(_, _, size)| *size)
    }
}

impl Object for Named {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.value(key.as_str()?).cloned()
    }
}

/// Shows only the names, because values can be secret.
impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.iter().map(|(name, ..)| name)).finish()
    }
}
