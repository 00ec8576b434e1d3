//! Which texts of recipes a fault may show: those of the built-in recipes.

use crate::diagnostic::{Sentence, Shown};
use crate::recipe::RenderError;
use crate::recipe::builtin::BUILTINS;
use crate::secret::is_plain_name;

/// The text, when it stands in a built-in recipe.
pub fn built_in(text: &str) -> Option<Shown> {
    BUILTINS.iter().any(|(_, recipe)| recipe.contains(text)).then(|| Shown::outside_of_files(text))
}

/// The message of an error of a recipe. `template` has a `{}` for the error.
pub fn render_error(template: &'static str, error: &RenderError) -> Sentence {
    let part = if is_plain_name(&error.part) { &error.part } else { "the recipe" };
    let problem = if error.quotes {
        built_in(&error.problem).unwrap_or_else(|| "a value is absent or has a wrong form".into())
    } else {
        Shown::outside_of_files(&error.problem)
    };
    let shown = Sentence::fill("{}: {}", [Shown::outside_of_files(part), problem]);
    Sentence::fill(template, [Shown::outside_of_files(shown)])
}
