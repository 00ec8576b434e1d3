//! The documents agree with the tables in the code: an item in only one of them fails a test.
//!
//! The tests read table rows under known headings, and code blocks marked as `toml config` (a whole
//! configuration) or `toml exchange` (a recorded exchange).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use credwatch::config::load_text;
use credwatch::language::filters::FILTERS;
use credwatch::metrics::families::FAMILIES;
use credwatch::metrics::{Daemon, Exposition, Format, process_started, write_one};
use credwatch::outcome::Reason;
use credwatch::recipe::retry::header_names;
use credwatch::state::{Ledger, Roster, State};

use super::support::daemon::credwatch;
use super::support::documents::{blocks, document, documents, read, rows, section};
use super::support::{files, repository};

/// All metric families with their types.
pub fn exposed() -> BTreeMap<String, String> {
    process_started(jiff::Timestamp::now());
    let ledger = Arc::new(Ledger::new(Vec::new(), &[1.0]));
    let mut out: Vec<u8> = Vec::new();
    let daemon = Daemon::new();
    daemon.reached_at("https://watch.example");
    Exposition::new(Arc::clone(&ledger), daemon).write(&mut out, ledger.now()).expect("written");
    // Only /probe serves these families.
    let only = Roster::new(Vec::new(), &[1.0], ledger.now().wall);
    write_one(Format::Text, &mut out, only, false, ledger.now()).expect("written");
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
    let rows = rows(&document("docs/metrics.md"));
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
            // The end of the name of a sample, and of the family with it.
            let ends = [
                ("_bucket", ""),
                ("_sum", ""),
                ("_count", ""),
                ("_created", ""),
                ("_created", "_total"),
            ];
            let family = ends.iter().find_map(|(end, own)| {
                let family = format!("{}{own}", name.strip_suffix(end)?);
                exposed.contains_key(&family).then_some(family)
            });
            assert!(
                name == "credwatch_" || exposed.contains_key(family.as_ref().unwrap_or(&name)),
                "{file} names {name}"
            );
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn every_reason_is_in_the_table_with_class_meaning_and_action() {
    let section = section(&document("docs/behaviour.md"), "## Failure reasons");
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
fn every_header_that_asks_to_wait_is_in_the_table() {
    let section = section(&document("docs/behaviour.md"), "### How long a provider asks to wait");
    for name in header_names() {
        assert!(section.contains(&format!("`{name}`")), "{name}");
    }
}

/// The lists of reasons in the description of the API, which other programs generate code from.
#[test]
fn the_openapi_file_lists_every_reason() {
    fn lists(value: &serde_json::Value, found: &mut Vec<Vec<String>>) {
        if let Some(list) = value.pointer("/reason/enum").and_then(serde_json::Value::as_array) {
            found.push(list.iter().filter_map(|word| word.as_str()).map(str::to_owned).collect());
        }
        if let Some(object) = value.as_object() {
            object.values().for_each(|member| lists(member, found));
        }
    }
    let file: serde_json::Value =
        serde_json::from_str(&document("docs/openapi.json")).expect("JSON");
    let mut found = Vec::new();
    lists(&file, &mut found);
    let words: Vec<String> =
        Reason::ALL.iter().map(|reason| reason.facts().word.to_owned()).collect();
    assert_eq!(found, [words.clone(), words]);
}

#[test]
fn every_state_is_in_the_table() {
    let rows = rows(&section(&document("docs/behaviour.md"), "## States"));
    for state in State::ALL {
        assert!(rows.contains_key(state.word()), "{}", state.word());
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
fn every_command_and_flag_is_on_its_page() {
    let section = section(&document("docs/commands.md"), "## Commands and flags");
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
    assert_eq!(sorted(told), sorted(flags), "the page on the left, the program on the right");
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

/// The names in the first cells of all tables of a document.
fn told(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(name, _)| name.split(['(', ' ']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_reference_table_is_on_one_page_only() {
    let mut documents = documents();
    documents.retain(|page, _| page.starts_with("docs/") || page == "README.md");
    let mut homes = vec![
        ("docs/metrics.md", exposed().into_keys().collect::<BTreeSet<String>>()),
        ("docs/behaviour.md", Reason::ALL.map(|reason| reason.word().to_owned()).into()),
        ("docs/recipes/reference.md", FILTERS.map(str::to_owned).into()),
    ];
    for page in ["docs/configuration.md", "docs/commands.md", "docs/http.md"] {
        homes.push((page, told(&documents[page])));
    }
    // Inputs of recipes have names of their vendors, and a recipe has keys that a provider has.
    let twice = ["docs/recipes/catalogue.md", "docs/recipes/reference.md"];
    for (home, names) in homes {
        // A reason and a key have the name `timeout`.
        for name in names.into_iter().filter(|name| name != "timeout") {
            assert!(told(&documents[home]).contains(&name), "{home} lacks `{name}`");
            let others = documents
                .iter()
                .filter(|(page, text)| *page != home && told(text).contains(&name))
                .map(|(page, _)| page.as_str())
                .filter(|page| !twice.contains(page));
            assert_eq!(others.collect::<Vec<_>>(), [""; 0], "`{name}` of {home}");
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 250, "{lines} lines");
}
