//! TOML documents read against the schema of the type they become, so that *every* fault is reported
//! with its place, not only the first that a deserializer meets.
//!
//! One definition serves three ends: the serde type with its doc comments is the reader, its JSON
//! Schema is what `credwatch schema` prints, and the same schema drives the check. The check takes
//! faulty parts out of the tree, so that the meaning of the rest can be checked as well.

mod check;
mod forms;
mod read;
mod schema;
mod syntax;

pub use forms::{At, Expressions, Node, Ordered, Text};
pub use read::read;
pub use schema::{MARK, schema_of};
