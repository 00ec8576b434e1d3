//! Reads TOML documents against the JSON Schema of their type, so that it reports *every* fault
//! with its place. A deserializer alone would stop at the first.
//!
//! One serde type with doc comments has three uses: it reads the document, `credwatch schema`
//! prints its schema, and the check uses that schema. The check removes faulty parts, so that later
//! checks can judge the rest.

mod check;
mod forms;
mod outline;
mod read;
mod schema;
mod syntax;

pub use forms::{At, Expressions, Node, OneOrSeveral, Ordered, Text};
pub use read::read;
pub use schema::{Schema, schema_for_editors};
