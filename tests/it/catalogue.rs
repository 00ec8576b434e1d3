//! `docs/recipes/catalogue.md` agrees with the built-in recipes: it has one entry for each, with
//! the texts of the recipe and a provider block to copy.

use std::collections::BTreeSet;

use credwatch::cli::block_to_copy;
use credwatch::recipe::Recipe;
use credwatch::recipe::builtin::{self, BUILTINS};
use credwatch::recipe::definition::{CredentialKind, Tokens};

use credwatch::time::human_duration;

use super::support::documents::{document, section};
use super::support::repository;

fn or_nothing(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
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
    text += &format!("```toml\n{}```\n\n", block_to_copy(recipe).expect("a block loads"));
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

/// The recipes for a whole standard belong to no vendor.
#[test]
fn every_built_in_recipe_of_an_api_names_its_vendor() {
    for (name, _) in BUILTINS {
        let vendor = builtin::recipe(name).expect("in the table").vendor().map(str::to_owned);
        assert_eq!(vendor.is_none(), name.starts_with("oauth2-"), "{name}: {vendor:?}");
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
