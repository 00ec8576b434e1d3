//! Made-up values, with which a recipe is rehearsed before any real value is known.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

/// Made-up secrets with which a recipe is rehearsed: a word, a number, a URL.
pub const PLACEHOLDERS: [&str; 3] = ["placeholder", "1", "https://placeholder.invalid"];

/// Stands in a rehearsal for JSON that nobody knows yet: every member is there.
#[derive(Debug)]
pub struct Anything;

impl Object for Anything {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from(PLACEHOLDERS[0]))
    }
}
