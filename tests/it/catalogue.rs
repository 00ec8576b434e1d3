//! `docs/catalogue.md` held against the built-in recipes: one entry each, in the words of the recipe itself.

use credwatch::recipe::Recipe;
use credwatch::recipe::builtin::{self, BUILTINS};
use credwatch::recipe::definition::Tokens;

use super::documentation::section;
use super::support::repository;

/// What an entry may say of how well its API is known; the head of the catalogue explains them.
const KNOWN: [&str; 3] = ["documented", "documented in part", "from samples"];

fn or_nothing(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// The entry of a recipe, without its heading and without how it is known.
fn entry(recipe: &Recipe) -> String {
    let mut text = format!("{}.\n\n", or_nothing(recipe.title.as_ref()));
    let tokens = match recipe.tokens {
        Tokens::Fresh => "a new one at each probe",
        Tokens::Cached => "the same one until it ends, so its time to expiry counts down and jumps back up",
    };
    text += &format!("- Source: {}\n- Tokens: {tokens}\n", or_nothing(recipe.documentation.as_ref()));
    text += &format!("- Side effects: {}\n", recipe.side_effects.as_deref().unwrap_or("none that is known"));
    text += "\n| Input | Kind | Meaning |\n|---|---|---|\n";
    let kind = |kind: &str, optional: bool| if optional { format!("optional {kind}") } else { kind.to_owned() };
    for (name, parameter) in &recipe.parameters {
        let default = parameter.default.as_ref().map(|default| format!(" Default: `{}`.", minijinja::Value::from(default))).unwrap_or_default();
        let values: Vec<String> = parameter.one_of.iter().map(|value| format!("`{value}`")).collect();
        let values = if values.is_empty() { String::new() } else { format!(" One of {}.", values.join(", ")) };
        text += &format!("| `{name}` | {} | {}{values}{default} |\n", kind("parameter", parameter.optional), or_nothing(parameter.description.as_ref()));
    }
    for (name, credential) in &recipe.credentials {
        text += &format!("| `{name}` | {} | {} |\n", kind("credential", credential.optional), or_nothing(credential.description.as_ref()));
    }
    text
}

#[test]
fn every_built_in_recipe_is_in_the_catalogue_in_its_own_words() {
    let catalogue = std::fs::read_to_string(repository("docs/catalogue.md")).expect("readable");
    let headings: Vec<&str> = catalogue.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let names: Vec<&str> = BUILTINS.iter().map(|(name, _)| *name).collect();
    assert_eq!(headings, names, "headings of the catalogue on the left, built-in recipes on the right");
    for name in names {
        let told = section(&catalogue, &format!("## {name}"));
        let (known, others): (Vec<&str>, Vec<&str>) = told.trim().lines().partition(|line| line.starts_with("- Known: "));
        assert!(known.len() == 1 && KNOWN.contains(&&known[0]["- Known: ".len()..]), "{name} is known how? One of {KNOWN:?}");
        let expected = entry(&builtin::recipe(name).expect("in the table"));
        assert_eq!(others.join("\n"), expected.trim(), "{name}: the entry should be, with a line `- Known: …` added:\n\n{expected}");
    }
}

#[test]
fn every_input_of_a_built_in_recipe_says_what_it_is() {
    for (name, _) in BUILTINS {
        let recipe = builtin::recipe(name).expect("in the table");
        let parameters = recipe.parameters.iter().map(|(input, parameter)| (input, &parameter.description));
        let credentials = recipe.credentials.iter().map(|(input, credential)| (input, &credential.description));
        for (input, description) in parameters.chain(credentials) {
            assert!(description.as_ref().is_some_and(|text| text.ends_with('.')), "{name}: `{input}` has no sentence of description");
        }
    }
}

/// Each recipe stands alone in its file, so what they share is repeated there; this holds the copies together.
#[test]
fn the_recipes_of_oauth_authenticate_a_client_in_the_same_words() {
    let texts: Vec<&str> = BUILTINS.iter().filter(|(name, _)| name.starts_with("oauth2-")).map(|(_, text)| *text).collect();
    assert_eq!(texts.len(), 5);
    let shared = |text: &str| {
        let (_, after) = text.split_once("\n[let]\n").expect("it binds values");
        let (bindings, request) = after.split_once("\n[request]").expect("a request follows");
        let end = bindings.find(" if auth_jwt\"\"\"").expect("the last value of the client");
        let form: Vec<&str> = request.lines().filter(|line| line.starts_with("client_")).collect();
        format!("{}\n{}", &bindings[..end], form.join("\n"))
    };
    for text in &texts {
        assert_eq!(shared(text), shared(texts[0]));
    }
}
