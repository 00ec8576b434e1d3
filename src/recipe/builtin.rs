//! The built-in recipes: the files in `builtin/`, each by its name without `.toml`.

use std::sync::{Arc, LazyLock};

use super::call::Recipe;
use super::definition::Definition;
use crate::diagnostic::{Fault, Source};
use crate::document::{self, Schema};

// `build.rs` makes the table `BUILTINS` from the files in `builtin/`.
include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Definition>);

/// The text of a built-in recipe.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The built-in recipe whose name differs from `name` at most in upper and lower case.
#[must_use]
pub fn named_like(name: &str) -> Option<&'static str> {
    BUILTINS.iter().map(|(known, _)| *known).find(|known| known.eq_ignore_ascii_case(name))
}

/// Compiles a file with one recipe.
///
/// # Errors
/// All faults of the file.
pub fn compile_file(name: &str, source: &Arc<Source>) -> Result<Recipe, Vec<Fault>> {
    let (definition, mut faults): (Definition, _) = document::read(source, &SCHEMA, |_| ());
    let recipe = Recipe::compile(name, &definition, source, &(0..0), &mut faults);
    if faults.is_empty() { Ok(recipe) } else { Err(faults) }
}

/// Compiles a built-in recipe; `None` for an unknown name.
///
/// # Panics
/// Never in a released program: a test compiles all of them.
#[must_use]
pub fn recipe(name: &str) -> Option<Recipe> {
    let source = Arc::new(Source::new(format!("<built-in {name}>"), text(name)?));
    match compile_file(name, &source) {
        Ok(recipe) => Some(recipe),
        Err(faults) => panic!("the built-in recipe {name} is broken: {}", faults[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_recipe_compiles_and_says_what_it_is() {
        for (name, _) in BUILTINS {
            let recipe = recipe(name).expect("in the table");
            assert!(recipe.title.is_some() && recipe.documentation.is_some(), "{name}");
        }
    }
}
