//! A provider block that is ready to copy, for `recipes show --provider` and the catalogue.

use crate::config::load_text;
use crate::recipe::Recipe;

/// A value that the reader has to replace.
fn placeholder(input: &str) -> String {
    match input {
        "base_url" => "https://api.example.com".into(),
        "token_url" => "https://login.example.com/oauth2/token".into(),
        _ if input.ends_with("_url") => "https://api.example.com/path".into(),
        _ => input.to_uppercase(),
    }
}

/// The value of a parameter that is chosen already.
type Chosen<'a> = Option<(&'a str, &'a str)>;

/// A table `[providers.NAME]` with these inputs.
fn block(recipe: &Recipe, inputs: &[&str], chosen: Chosen<'_>) -> String {
    let name = &recipe.name;
    let mut text = format!("[providers.{name}]\nrecipe = \"{name}\"\n");
    if let Some((parameter, value)) = chosen {
        text += &format!("parameters.{parameter} = \"{value}\"\n");
    }
    for input in recipe.parameters.iter().map(|(input, _)| input) {
        if inputs.contains(&&**input) {
            text += &format!("parameters.{input} = \"{}\"\n", placeholder(input));
        }
    }
    for input in recipe.credentials.iter().map(|(input, _)| input) {
        if inputs.contains(&&**input) {
            let file = format!("secrets/{name}-{}", input.replace('_', "-"));
            text += &format!("credentials.{input} = {{ file = \"{file}\" }}\n");
        }
    }
    text
}

/// The smallest valid table `[providers.NAME]`: the required inputs, and as few optional ones as
/// possible. The reader replaces values in capital letters and addresses of `example.com`.
#[must_use]
pub fn block_to_copy(recipe: &Recipe) -> Option<String> {
    smallest(recipe, None).map(|(_, text)| text)
}

/// The names of the other inputs in that table, when one parameter is chosen already.
pub fn inputs_to_copy(recipe: &Recipe, chosen: Chosen<'_>) -> Option<Vec<String>> {
    smallest(recipe, chosen).map(|(inputs, _)| inputs.into_iter().map(str::to_owned).collect())
}

/// The inputs of the smallest valid table, and its text.
fn smallest<'a>(recipe: &'a Recipe, chosen: Chosen<'_>) -> Option<(Vec<&'a str>, String)> {
    let parameters = recipe
        .parameters
        .iter()
        .map(|(name, parameter)| (&**name, parameter.optional, parameter.default.is_some(), false));
    let credentials = recipe
        .credentials
        .iter()
        .map(|(name, credential)| (&**name, credential.optional, false, true));
    let inputs: Vec<_> = parameters.chain(credentials).collect();
    let required: Vec<&str> = inputs
        .iter()
        .filter(|(_, optional, has_default, _)| !optional && !has_default)
        .map(|(name, ..)| *name)
        .filter(|name| chosen.is_none_or(|(known, _)| known != *name))
        .collect();
    let optional: Vec<&str> =
        inputs.iter().filter(|(_, optional, ..)| *optional).map(|(name, ..)| *name).collect();
    // A metadata service asks for no credential.
    let has_credential = |names: &[&str]| {
        recipe.credentials.is_empty()
            || inputs.iter().any(|(name, .., is_credential)| *is_credential && names.contains(name))
    };
    // Sets of optional inputs by size, each as the bits of a number.
    let mut sets: Vec<u32> =
        (0..1_u32 << optional.len()).filter(|set| set.count_ones() <= 3).collect();
    sets.sort_by_key(|set| (set.count_ones(), set.reverse_bits().wrapping_neg()));
    for set in sets {
        let taken = optional.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
        let names: Vec<&str> =
            required.iter().copied().chain(taken.map(|(_, name)| *name)).collect();
        let text = block(recipe, &names, chosen);
        // A password without its user name is valid but useless.
        let is_whole = !names.contains(&"password")
            || names.contains(&"username")
            || !optional.contains(&"username");
        if is_whole && has_credential(&names) && load_text("block", &text).is_ok() {
            return Some((names, text));
        }
    }
    None
}
