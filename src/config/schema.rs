//! The JSON Schemas of configuration files: what the files are checked against, and what editors
//! get.

use std::sync::LazyLock;

use serde_json::Value as Json;

use super::file::{File, RecipeFile};
use crate::document::{self, Schema};

/// What the files are checked against.
pub static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<File>);

/// Where the project publishes the schemas. The address has no version, because a catalogue of
/// schemas keeps it for years.
macro_rules! published {
    ($name:literal) => {
        concat!(
            "https://raw.githubusercontent.com/credwatch/credwatch/main/docs/schema/",
            $name,
            ".json"
        )
    };
}

static FILE_SCHEMA: LazyLock<Json> =
    LazyLock::new(|| document::schema_for_editors::<File>(published!("credwatch")));

/// The JSON Schema of a configuration file, as editors read it.
#[must_use]
pub fn schema() -> &'static Json {
    &FILE_SCHEMA
}

static RECIPE_SCHEMA: LazyLock<Json> =
    LazyLock::new(|| document::schema_for_editors::<RecipeFile>(published!("recipes")));

/// The JSON Schema of a file with recipes and nothing else, as editors read it.
#[must_use]
pub fn recipe_schema() -> &'static Json {
    &RECIPE_SCHEMA
}
