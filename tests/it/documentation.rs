//! The documents held against the tables in the code: what is in one and not in the other fails.
//!
//! What the tests look for is visible in the documents themselves: rows of tables under known
//! headings, and code blocks marked as `toml config` (a whole configuration) or `toml exchange` (a
//! recorded exchange).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use credwatch::config::{load, load_text, schema};
use credwatch::language::filters::{FILTERS, TESTS};
use credwatch::metrics::families::FAMILIES;
use credwatch::metrics::{Daemon, Exposition, process_started, write_one};
use credwatch::outcome::Reason;
use credwatch::recipe::builtin::{self, BUILTINS};
use credwatch::state::{Ledger, Roster, State};
use credwatch::time::parse_duration;
use serde_json::Value as Json;

use super::support::daemon::credwatch;
use super::support::documents::{blocks, documents, read, readme, rows, section};
use super::support::{files, repository};

/// Every family that `/metrics` serves, with its type.
pub fn exposed() -> BTreeMap<String, String> {
    process_started(jiff::Timestamp::now());
    let ledger = Arc::new(Ledger::new(Vec::new(), &[1.0]));
    let mut out = Vec::new();
    Exposition::new(Arc::clone(&ledger), Daemon::new())
        .write(&mut out, ledger.now())
        .expect("written");
    // What is served at /probe alone.
    write_one(&mut out, Roster::new(Vec::new(), &[1.0]), false, ledger.now()).expect("written");
    let text = String::from_utf8(out).expect("text");
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let exposed: BTreeMap<String, String> =
        types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    assert!(
        FAMILIES.iter().all(|family| exposed.contains_key(family.name)),
        "the exposition has all families about providers"
    );
    exposed
}

#[test]
fn every_metric_is_in_the_reference_with_its_type_and_an_example() {
    let exposed = exposed();
    let rows = rows(&section(&readme(), "## Metric reference"));
    assert!(exposed.len() > FAMILIES.len() + 6, "{exposed:?}");
    assert_eq!(
        rows.keys().collect::<Vec<_>>(),
        exposed.keys().collect::<Vec<_>>(),
        "rows on the left, families on the right"
    );
    for (name, kind) in &exposed {
        assert_eq!(&rows[name][0], kind, "{name}");
        let example =
            rows[name].last().and_then(|cell| cell.split("<br>").nth(1)).unwrap_or_default();
        assert!(
            example.starts_with('`') && example.contains(name),
            "{name} has the example {example:?}"
        );
    }
}

#[test]
fn no_document_names_a_metric_that_does_not_exist() {
    let exposed = exposed();
    let mut texts = documents();
    for path in [repository("config.example.toml"), repository("dashboards/alerts.yml")]
        .into_iter()
        .chain(files("dashboards", "json", 2))
    {
        texts.insert(path.to_string_lossy().into_owned(), read(&path));
    }
    let mut seen = 0;
    for (file, text) in texts {
        for (place, _) in text.match_indices("credwatch_") {
            let name: String = text[place..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .filter(|family| exposed.contains_key(*family));
            assert!(
                name == "credwatch_" || exposed.contains_key(family.unwrap_or(&name)),
                "{file} names {name}"
            );
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn every_reason_is_in_the_table_with_class_meaning_and_action() {
    let section = section(&readme(), "## Failure reasons");
    for reason in Reason::ALL {
        let facts = reason.facts();
        let row = format!(
            "| `{}` | {} | {} | {} |\n",
            facts.word,
            facts.class.word(),
            facts.meaning,
            facts.action
        );
        assert!(section.contains(&row), "this row is missing:\n{row}");
    }
}

#[test]
fn every_state_is_in_the_table() {
    let rows = rows(&section(&readme(), "## States and the schedule"));
    for state in State::ALL {
        assert!(rows.contains_key(state.word()), "{}", state.word());
    }
}

/// The keys that a configuration may have, as dotted paths with NAME for a name of the author's own
/// and `[]` for an item: those that hold a value, and all on the way to them.
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
        for alternative in
            ["anyOf", "oneOf"].iter().filter_map(|word| node[*word].as_array()).flatten()
        {
            inner |= self.walk(alternative, path);
        }
        for (name, member) in node["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.all.insert(path.clone());
            // What has the keys of another table is told with that one, once.
            let told_elsewhere = ["credentials_next", "cleanup", "verify.call", "steps[].request"]
                .iter()
                .any(|key| path.ends_with(key));
            if told_elsewhere || !self.walk(member, &path) {
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

/// The key as it stands in the reference: without the table that it is in.
fn shown(key: &str) -> &str {
    ["providers.NAME.", "recipes.NAME.", "defaults."]
        .iter()
        .find_map(|table| key.strip_prefix(table))
        .unwrap_or(key)
}

#[test]
fn every_configuration_key_is_in_the_reference() {
    let (readme, keys) = (readme(), Keys::of_the_schema());
    for (heading, is_recipe) in
        [("## Configuration reference", false), ("### The keys of a recipe", true)]
    {
        let rows: BTreeSet<String> = rows(&section(&readme, heading)).into_keys().collect();
        let of_this = |set: &BTreeSet<String>| -> BTreeSet<String> {
            set.iter()
                .filter(|key| key.starts_with("recipes.") == is_recipe)
                .map(|key| shown(key).to_owned())
                .collect()
        };
        let missing: Vec<_> = of_this(&keys.leaves).difference(&rows).cloned().collect();
        assert!(missing.is_empty(), "{heading} lacks {missing:?}");
        let unknown: Vec<_> = rows.difference(&of_this(&keys.all)).cloned().collect();
        assert!(unknown.is_empty(), "{heading} has {unknown:?}, which are no keys");
    }
}

#[test]
fn defaults_in_the_reference_are_those_of_the_code() {
    let rows = rows(&section(&readme(), "## Configuration reference"));
    let text = "[providers.x]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \"https://x.example\"\ncredentials = { client_id = \"a\", client_secret = \"b\" }";
    let configuration = load_text("x", text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let provider = &configuration.providers[0];
    let told = |key: &str| rows[key][1].trim_matches('`').to_owned();
    for (key, duration) in [
        ("interval", provider.cadence.interval),
        ("timeout", provider.timeout),
        ("confirm_after", provider.cadence.confirm_after),
        ("max_backoff", provider.cadence.max_backoff),
    ] {
        assert_eq!(parse_duration(&told(key)), Ok(duration), "{key}");
    }
    assert_eq!(told("failure_threshold"), provider.cadence.failure_threshold.to_string());
    assert_eq!(told("limits.probes_in_flight"), configuration.probes_in_flight.to_string());
    assert_eq!(
        told("limits.probes_in_flight_per_host"),
        configuration.probes_in_flight_per_host.to_string()
    );
    assert_eq!(
        told("web.listen_addresses"),
        format!("[\"{}\"]", configuration.listen_addresses[0])
    );
    let buckets: Vec<String> =
        configuration.duration_buckets.iter().map(ToString::to_string).collect();
    assert_eq!(told("metrics.duration_buckets"), format!("[{}]", buckets.join(", ")));
}

/// The example with all that is switched off switched on: a line that begins with `#` and a key or
/// a header.
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
            // What excludes another key can only be told: `#   form = …`, `#
            // credentials.app_key.command = …`.
            let last = path[path.len() - 1];
            let told = text
                .lines()
                .filter_map(|line| line.strip_prefix("#   ")?.split_once(" = "))
                .any(|(key, _)| key.rsplit('.').next() == Some(last));
            !holds(&example, &path) && !told
        })
        .collect();
    assert!(missing.is_empty(), "the example lacks {missing:?}");
}

#[test]
fn the_example_is_quiet_as_it_stands_and_valid_with_everything_switched_on() {
    let as_it_stands = load(&repository("config.example.toml"))
        .outcome
        .unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert!(as_it_stands.warnings.is_empty(), "{}", as_it_stands.warnings[0]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tls")).expect("created");
    for name in ["ca.pem", "client.pem", "client.key"] {
        std::fs::write(folder.path().join("tls").join(name), "").expect("written");
    }
    let file = folder.path().join("credwatch.toml");
    std::fs::write(&file, example_with_everything()).expect("written");
    let configuration = load(&file).outcome.unwrap_or_else(|faults| panic!("{}", faults[0]));
    // A few of each form are enough to start from; all of them are in the catalogue.
    let shown = BUILTINS
        .iter()
        .filter(|(name, _)| {
            configuration.providers.iter().any(|provider| provider.recipe.name == *name)
        })
        .count();
    assert!(shown >= 6, "the example has providers with {shown} of the built-in recipes");
}

#[test]
fn every_built_in_recipe_is_in_the_readme_with_its_inputs() {
    let rows = rows(&section(&readme(), "## Built-in recipes"));
    assert_eq!(
        rows.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        BUILTINS.iter().map(|(name, _)| *name).collect()
    );
    for (name, cells) in &rows {
        let recipe = builtin::recipe(name).expect("in the table");
        let input = |name: &str, optional: bool| {
            if optional { format!("optional `{name}`") } else { format!("`{name}`") }
        };
        let parameters: Vec<String> = recipe
            .parameters
            .iter()
            .map(|(name, parameter)| {
                let default = parameter
                    .default
                    .as_ref()
                    .map(|default| format!(" [`{}`]", minijinja::Value::from(default)))
                    .unwrap_or_default();
                format!("{}{default}", input(name, parameter.optional))
            })
            .collect();
        let credentials: Vec<String> = recipe
            .credentials
            .iter()
            .map(|(name, credential)| input(name, credential.optional))
            .collect();
        assert_eq!(cells[..], [parameters.join(", "), credentials.join(", ")], "{name}");
    }
}

#[test]
fn every_filter_test_and_unit_is_in_the_readme() {
    let section_of_expressions = section(&readme(), "### Expressions");
    let filters: BTreeSet<String> = rows(&section_of_expressions)
        .into_keys()
        .map(|row| row.split('(').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(filters, FILTERS.iter().map(|name| (*name).to_owned()).collect());
    let tests = section_of_expressions.split("Tests after").nth(1).expect("a sentence about tests");
    for test in TESTS {
        assert!(
            tests.contains(&format!("`{test}`")) || tests.contains(&format!("`{test}(")),
            "the test {test}"
        );
    }
    let units = section(&readme(), "### Units");
    let words: Vec<&str> = schema()["$defs"]["Unit"]["oneOf"]
        .as_array()
        .expect("units")
        .iter()
        .filter_map(|unit| unit["const"].as_str())
        .collect();
    assert!(words.len() >= 9, "{words:?}");
    for word in words {
        assert!(units.contains(&format!("`{word}`")), "the unit {word}");
    }
}

fn help(arguments: &[&str]) -> String {
    let output = credwatch().args(arguments).arg("-h").output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// The first word of each line below `title` in a help text.
fn listed(help: &str, title: &str) -> Vec<String> {
    let lines =
        help.lines().skip_while(|line| *line != title).skip(1).take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| {
            Some(line.split_whitespace().find(|word| !word.ends_with(','))?.to_owned())
        })
        .collect()
}

#[test]
fn every_command_and_flag_is_in_the_readme() {
    let section = section(&readme(), "## Commands");
    let rows = rows(&section);
    let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for command in listed(&help(&[]), "Commands:").into_iter().filter(|command| command != "help") {
        assert!(section.contains(&format!("| `credwatch {command}")), "the command {command}");
        let help = help(&[&command]);
        for inner in listed(&help, "Commands:").into_iter().filter(|inner| inner != "help") {
            assert!(
                section.contains(&format!("| `credwatch {command} {inner}")),
                "the command {command} {inner}"
            );
        }
        for flag in listed(&help, "Options:").into_iter().filter(|flag| flag != "--help") {
            flags.entry(flag).or_default().push(format!("`{command}`"));
        }
    }
    let told: BTreeMap<String, Vec<String>> = rows
        .iter()
        .filter(|(name, _)| name.starts_with("--"))
        .map(|(name, cells)| {
            (
                name.split(' ').next().unwrap_or_default().to_owned(),
                cells[0].split(", ").map(str::to_owned).collect(),
            )
        })
        .collect();
    let sorted = |map: BTreeMap<String, Vec<String>>| {
        map.into_iter()
            .map(|(flag, of)| (flag, of.into_iter().collect()))
            .collect::<BTreeMap<_, BTreeSet<_>>>()
    };
    assert_eq!(sorted(told), sorted(flags), "the README on the left, the program on the right");
}

#[test]
fn whole_configurations_in_the_documents_are_valid() {
    let mut seen = 0;
    for (file, text) in documents() {
        for (line, block) in blocks(&text, "toml config") {
            let configuration = load_text(&format!("{file}, block at line {line}"), &block)
                .unwrap_or_else(|faults| panic!("{}", faults[0]));
            assert!(configuration.warnings.is_empty(), "{}", configuration.warnings[0]);
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn the_exchange_shown_to_contributors_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let blocks = blocks(&documents()["CONTRIBUTING.md"], "toml exchange");
    assert!(!blocks.is_empty());
    for (line, block) in blocks {
        let path = folder.path().join(format!("line-{line}.toml"));
        std::fs::write(&path, block).expect("written");
        credwatch::exchange::run_file(&path)
            .unwrap_or_else(|problem| panic!("CONTRIBUTING.md, line {line}:\n{problem}"));
    }
}
