//! `docs/recipes/catalogue.md` agrees with the built-in recipes: it has one entry for each, with
//! the texts of the recipe and a provider block to copy.

use std::collections::BTreeSet;

use credwatch::config::load_text;
use credwatch::recipe::Recipe;
use credwatch::recipe::builtin::{self, BUILTINS};
use credwatch::recipe::definition::{CredentialKind, Tokens};

use credwatch::time::human_duration;

use super::support::documents::{document, section};
use super::support::repository;

fn or_nothing(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// A value that the reader has to replace.
fn placeholder(input: &str) -> String {
    match input {
        "base_url" => "https://api.example.com".into(),
        "token_url" => "https://login.example.com/oauth2/token".into(),
        _ if input.ends_with("_url") => "https://api.example.com/path".into(),
        _ => input.to_uppercase(),
    }
}

/// A table `[providers.NAME]` with these inputs.
fn block(recipe: &Recipe, inputs: &[&str]) -> String {
    let name = &recipe.name;
    let mut text = format!("[providers.{name}]\nrecipe = \"{name}\"\n");
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

/// The smallest valid block: the required inputs, and as few optional ones as possible.
fn ready(recipe: &Recipe) -> String {
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
        let chosen = optional.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
        let names: Vec<&str> =
            required.iter().copied().chain(chosen.map(|(_, name)| *name)).collect();
        let text = block(recipe, &names);
        // A password without its user name is valid but useless.
        let is_whole = !names.contains(&"password")
            || names.contains(&"username")
            || !optional.contains(&"username");
        if is_whole && has_credential(&names) && load_text("block", &text).is_ok() {
            return text;
        }
    }
    panic!("{}: no block loads", recipe.name)
}

/// The vendor's documentation: a link if the recipe has a URL.
fn source(documentation: &str) -> String {
    match documentation.split_once("; https://") {
        Some((title, address)) => format!("[{title}](https://{address})"),
        None => documentation.to_owned(),
    }
}

/// The entry of a recipe, without its heading.
fn entry(recipe: &Recipe) -> String {
    let mut text = format!("{}.\n\n", or_nothing(recipe.title.as_ref()));
    text += &format!("```toml\n{}```\n\n", ready(recipe));
    let tokens = match (recipe.kind(), recipe.tokens) {
        (CredentialKind::Static, _) => "Kind: static; the key itself is presented",
        (_, Tokens::Fresh) => "Tokens: a new token at each probe",
        (_, Tokens::Cached) => "Tokens: the same token until it ends",
    };
    let source = source(or_nothing(recipe.documentation.as_ref()));
    text += &format!("- Documentation: {source}\n- {tokens}\n");
    text +=
        &format!("- Side effects: {}\n", recipe.side_effects.as_deref().unwrap_or("none known"));
    let interval = recipe
        .interval
        .map_or_else(|| "1m".into(), |interval| human_duration(interval.as_secs_f64()));
    text += &format!(
        "- Interval: {interval}\n- Known: {}\n",
        recipe.known.expect("said of each").words()
    );
    let calls: Vec<&str> = recipe.calls(None).map(|call| &*call.name).collect();
    if calls.len() > 1 {
        text += &format!("- Calls: {}\n", calls.join(", "));
    }
    text += "\n| Input | Kind | Meaning |\n|---|---|---|\n";
    let kind = |kind: &str, optional: bool| {
        if optional { format!("optional {kind}") } else { kind.to_owned() }
    };
    for (name, parameter) in &recipe.parameters {
        let default = parameter
            .default
            .as_ref()
            .map(|default| format!(" Default: `{}`.", minijinja::Value::from(default)))
            .unwrap_or_default();
        let values: Vec<String> =
            parameter.one_of.iter().map(|value| format!("`{value}`")).collect();
        let values = if values.is_empty() {
            String::new()
        } else {
            format!(" One of {}.", values.join(", "))
        };
        text += &format!(
            "| `{name}` | {} | {}{values}{default} |\n",
            kind("parameter", parameter.optional),
            or_nothing(parameter.description.as_ref())
        );
    }
    for (name, credential) in &recipe.credentials {
        text += &format!(
            "| `{name}` | {} | {} |\n",
            kind("credential", credential.optional),
            or_nothing(credential.description.as_ref())
        );
    }
    text
}

const HEADING: &str = "## The recipes\n";

#[test]
fn every_built_in_recipe_is_in_the_catalogue_in_its_own_words() {
    let path = repository("docs/recipes/catalogue.md");
    let catalogue = std::fs::read_to_string(&path).expect("readable");
    let (head, _) = catalogue.split_once(HEADING).expect("the heading of the recipes");
    let entries = BUILTINS.map(|(name, _)| {
        format!("\n### {name}\n\n{}", entry(&builtin::recipe(name).expect("in the table")))
    });
    let expected = format!("{head}{HEADING}{}", entries.concat());
    if std::env::var_os("WRITE_CATALOGUE").is_some() {
        std::fs::write(&path, &expected).expect("written");
        return;
    }
    let differs = catalogue.lines().zip(expected.lines()).find(|(is, should)| is != should);
    assert!(catalogue == expected, "WRITE_CATALOGUE=1 writes it anew; it differs at {differs:?}");
}

#[test]
fn the_catalogue_names_each_recipe_with_a_side_effect_or_with_cached_tokens() {
    let section = section(&document("docs/recipes/catalogue.md"), "## Probes with side effects");
    let named: BTreeSet<&str> = section.split('`').skip(1).step_by(2).collect();
    let named: BTreeSet<&str> =
        named.into_iter().filter(|name| BUILTINS.iter().any(|(known, _)| known == name)).collect();
    let special = |name: &str| {
        let recipe = builtin::recipe(name).expect("in the table");
        recipe.side_effects.is_some() || matches!(recipe.tokens, Tokens::Cached)
    };
    let expected = BUILTINS.iter().map(|(name, _)| *name).filter(|name| special(name));
    assert_eq!(named, expected.collect());
}

#[test]
fn every_input_of_a_built_in_recipe_says_what_it_is() {
    for (name, _) in BUILTINS {
        let recipe = builtin::recipe(name).expect("in the table");
        let parameters =
            recipe.parameters.iter().map(|(input, parameter)| (input, &parameter.description));
        let credentials =
            recipe.credentials.iter().map(|(input, credential)| (input, &credential.description));
        for (input, description) in parameters.chain(credentials) {
            assert!(
                description.as_ref().is_some_and(|text| text.ends_with('.')),
                "{name}: `{input}` has no sentence of description"
            );
        }
    }
}

/// Each recipe is complete in its own file, so common parts are repeated. The copies must be equal.
#[test]
fn the_recipes_of_oauth_authenticate_a_client_in_the_same_words() {
    let texts: Vec<&str> = BUILTINS
        .iter()
        .filter(|(name, _)| name.starts_with("oauth2-"))
        .map(|(_, text)| *text)
        .collect();
    assert_eq!(texts.len(), 5);
    let shared = |text: &str| {
        let (_, after) = text.split_once("\n[let]\n").expect("it binds values");
        let (bindings, request) = after.split_once("\n[request]").expect("a request follows");
        let end = bindings.find(" if auth_jwt\"\"\"").expect("the last value of the client");
        let token_request = request.split("\n[response]").next().unwrap_or_default();
        let form: Vec<&str> =
            token_request.lines().filter(|line| line.starts_with("client_")).collect();
        format!("{}\n{}", &bindings[..end], form.join("\n"))
    };
    for text in &texts {
        assert_eq!(shared(text), shared(texts[0]));
    }
}
