//! The JSON Schemas of configuration files, which are also what the files are checked against.

use std::sync::LazyLock;

use serde_json::Value as Json;

use super::file::{File, RecipeFile};
use crate::document::{self, Schema};

/// What the files are checked against.
pub static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<File>);

static FILE_SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<File>);

/// The JSON Schema of a configuration file.
#[must_use]
pub fn schema() -> &'static Json {
    &FILE_SCHEMA
}

static RECIPE_SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<RecipeFile>);

/// The JSON Schema of a file with recipes and nothing else.
#[must_use]
pub fn recipe_schema() -> &'static Json {
    &RECIPE_SCHEMA
}
