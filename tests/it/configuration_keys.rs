//! Each key of the configuration is in the reference and in the example, with its default.

use std::collections::BTreeSet;

use credwatch::config::{load, load_text, schema};
use credwatch::recipe::builtin::BUILTINS;
use credwatch::time::parse_duration;
use serde_json::Value as Json;

use super::support::documents::{document, read, rows, section};
use super::support::repository;

const CONFIGURATION: &str = "docs/configuration.md";
const RECIPES: &str = "docs/recipes/reference.md";

/// The keys of the configuration as dotted paths. NAME is any name and `[]` is an item. `leaves`
/// have a value; `all` has the tables too.
#[derive(Default)]
struct Keys {
    leaves: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl Keys {
    fn of_the_schema() -> Self {
        let mut keys = Self::default();
        keys.walk(schema(), "");
        assert!(keys.leaves.len() > 50, "{:?}", keys.leaves);
        keys
    }

    fn walk(&mut self, node: &Json, path: &str) -> bool {
        if let Some(target) = node["$ref"].as_str() {
            return self.walk(
                schema().pointer(target.trim_start_matches('#')).expect("a definition"),
                path,
            );
        }
        let mut inner = false;
        let alternatives: Vec<&Json> = ["allOf", "anyOf", "oneOf"]
            .iter()
            .filter_map(|word| node[*word].as_array())
            .flatten()
            .collect();
        for alternative in &alternatives {
            // A single table in place of a list has the keys of the list.
            if alternatives.iter().any(|list| list["items"] == **alternative) {
                continue;
            }
            inner |= self.walk(alternative, path);
        }
        for (name, member) in node["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.all.insert(path.clone());
            // These tables have the keys of another table, which documents them.
            let documented_elsewhere =
                ["credentials_next", "cleanup", "verify.call", "steps[].request"]
                    .iter()
                    .any(|key| path.ends_with(key));
            if documented_elsewhere || !self.walk(member, &path) {
                self.leaves.insert(path);
            }
            inner = true;
        }
        for (word, step) in [("additionalProperties", ".NAME"), ("items", "[]")] {
            if node[word].is_object() {
                let path = format!("{path}{step}");
                inner |= self.walk(&node[word], &path);
                self.all.insert(path);
            }
        }
        inner
    }
}

/// The key in the form of the reference: without its outer table.
fn shown(key: &str) -> &str {
    ["providers.NAME.", "recipes.NAME.", "defaults."]
        .iter()
        .find_map(|table| key.strip_prefix(table))
        .unwrap_or(key)
}

#[test]
fn every_configuration_key_is_in_the_reference() {
    let keys = Keys::of_the_schema();
    for (page, is_recipe) in [(CONFIGURATION, false), (RECIPES, true)] {
        let rows: BTreeSet<String> =
            rows(&section(&document(page), "## Keys")).into_keys().collect();
        let of_this = |set: &BTreeSet<String>| -> BTreeSet<String> {
            set.iter()
                .filter(|key| key.starts_with("recipes.") == is_recipe)
                .map(|key| shown(key).to_owned())
                .collect()
        };
        let missing: Vec<_> = of_this(&keys.leaves).difference(&rows).cloned().collect();
        assert!(missing.is_empty(), "{page} lacks {missing:?}");
        let unknown: Vec<_> = rows.difference(&of_this(&keys.all)).cloned().collect();
        assert!(unknown.is_empty(), "{page} has {unknown:?}, which are no keys");
    }
}

#[test]
fn the_defaults_in_the_reference_are_those_of_the_code() {
    let rows = rows(&section(&document(CONFIGURATION), "## Keys"));
    let text = "[providers.x]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
                \"https://x.example\"\ncredentials = { client_id = \"a\", client_secret = \"b\" }";
    let configuration = load_text("x", text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let provider = &configuration.providers[0];
    let documented = |key: &str| rows[key][1].trim_matches('`').to_owned();
    for (key, duration) in [
        ("interval", provider.cadence.interval),
        ("timeout", provider.timeout),
        ("confirm_after", provider.cadence.confirm_after),
        ("max_backoff", provider.cadence.max_backoff),
    ] {
        assert_eq!(parse_duration(&documented(key)), Ok(duration), "{key}");
    }
    assert_eq!(documented("failure_threshold"), provider.cadence.failure_threshold.to_string());
    assert_eq!(documented("limits.probes_in_flight"), configuration.limits.in_flight.to_string());
    assert_eq!(
        documented("limits.probes_in_flight_per_host"),
        configuration.limits.per_host.to_string()
    );
    assert_eq!(
        documented("web.listen_addresses"),
        format!("[\"{}\"]", configuration.listen_addresses[0])
    );
    let buckets: Vec<String> =
        configuration.duration_buckets.iter().map(ToString::to_string).collect();
    assert_eq!(documented("metrics.duration_buckets"), format!("[{}]", buckets.join(", ")));
}

/// The example with all commented keys and tables switched on.
fn example_with_everything() -> String {
    let text = read(&repository("config.example.toml"));
    let on = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['))
            .unwrap_or(line)
            .to_owned()
    };
    text.lines().map(|line| on(line) + "\n").collect()
}

/// Whether a document has a key at this path.
fn holds(value: &toml::Value, path: &[&str]) -> bool {
    let Some((step, rest)) = path.split_first() else { return true };
    match (*step, value) {
        ("NAME", toml::Value::Table(table)) => table.values().any(|member| holds(member, rest)),
        ("[]", toml::Value::Array(items)) => items.iter().any(|item| holds(item, rest)),
        (name, toml::Value::Table(table)) => {
            table.get(name).is_some_and(|member| holds(member, rest))
        }
        _ => false,
    }
}

#[test]
fn every_configuration_key_is_in_the_example() {
    let text = example_with_everything();
    let example =
        toml::Value::Table(text.parse().expect("the example is TOML with everything switched on"));
    let missing: Vec<String> = Keys::of_the_schema()
        .leaves
        .into_iter()
        .filter(|key| {
            let spread = key.replace("[]", ".[]");
            let path: Vec<&str> = spread.split('.').collect();
            // A key that excludes another key is only in a comment: `#   form = …`.
            let last = path[path.len() - 1];
            let in_a_comment = text
                .lines()
                .filter_map(|line| line.strip_prefix("#   ")?.split_once(" = "))
                .any(|(key, _)| key.rsplit('.').next() == Some(last));
            !holds(&example, &path) && !in_a_comment
        })
        .collect();
    assert!(missing.is_empty(), "the example lacks {missing:?}");
}

#[test]
fn the_example_has_no_warning_and_is_valid_with_everything_switched_on() {
    let as_it_stands = load(&repository("config.example.toml"))
        .plan
        .unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert!(as_it_stands.warnings.is_empty(), "{}", as_it_stands.warnings[0]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tls")).expect("created");
    for name in ["ca.pem", "client.pem", "client.key"] {
        std::fs::write(folder.path().join("tls").join(name), "").expect("written");
    }
    let file = folder.path().join("credwatch.toml");
    std::fs::write(&file, example_with_everything()).expect("written");
    let configuration = load(&file).plan.unwrap_or_else(|faults| panic!("{}", faults[0]));
    // The example shows some recipes of each kind; the catalogue has all of them.
    let shown = BUILTINS
        .iter()
        .filter(|(name, _)| {
            configuration.providers.iter().any(|provider| provider.recipe.name == *name)
        })
        .count();
    assert!(shown >= 6, "the example has providers with {shown} of the built-in recipes");
}
