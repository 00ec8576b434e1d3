//! The reference and the tutorial for recipes: the tests run each example, and each item has one.
//!
//! Examples are `expression` → `value` outside of code blocks, and code blocks marked as `toml
//! recipe`, `toml exchange`, `toml broken` with `text fault`, `sh draft` with `toml draft`, and
//! `toml provider`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use credwatch::config::{load, load_text, schema};
use credwatch::diagnostic::Source;
use credwatch::language::expression::{Compiled, Side};
use credwatch::language::filters::{FILTERS, TESTS};
use credwatch::language::names::Names;
use credwatch::language::scan::KEYWORDS;
use credwatch::recipe::Fingerprints;
use credwatch::recipe::{Attempt, Expectations, Inputs, Recipe, TokenResponse, Trace, builtin};
use minijinja::Value;
use serde_json::Value as Json;

use super::support::daemon::credwatch;
use super::support::documents::{blocks, document, lines, rows, section};

const REFERENCE: &str = "docs/recipes/reference.md";
const TUTORIAL: &str = "docs/recipes/tutorial.md";

fn reference() -> String {
    document(REFERENCE)
}

fn tutorial() -> String {
    document(TUTORIAL)
}

fn block(text: &str, mark: &str) -> String {
    let mut found = blocks(text, mark);
    assert_eq!(found.len(), 1, "blocks marked {mark}");
    found.remove(0).1
}

/// All pairs of `expression` → `value`, each with its line.
fn examples(text: &str) -> Vec<(String, String, String)> {
    let mut examples = Vec::new();
    for (line, _) in lines(text).filter(|(_, fenced)| !fenced) {
        // Between backticks every second piece is code.
        let pieces: Vec<&str> = line.split('`').collect();
        for index in (1..pieces.len())
            .step_by(2)
            .filter(|index| pieces.get(index + 1).is_some_and(|between| between.trim() == "→"))
        {
            let plain = |piece: &str| {
                if line.starts_with('|') { piece.replace("\\|", "|") } else { piece.to_owned() }
            };
            if pieces[index] != "expression" {
                examples.push((plain(pieces[index]), plain(pieces[index + 2]), line.to_owned()));
            }
        }
    }
    examples
}

/// Evaluates an expression with the sample values of the page.
fn evaluate(expression: &str, page: &str) -> String {
    let (mut names, mut values) = (Names::default(), Vec::new());
    let json: Json = serde_json::from_str(&block(page, "json answer")).expect("JSON");
    let form = serde_json::json!({ "access_token": "abc", "expires_in": "60" });
    assert_eq!(block(page, "text form"), "access_token=abc&expires_in=60\n");
    let xml =
        serde_json::json!({ "Response": { "@status": "ok", "Token": "abc", "Item": ["1", "2"] } });
    for (name, tree) in [("json", &json), ("form", &form), ("xml", &xml)] {
        names.add_members(name, &[]);
        values.push((name, Value::from(minijinja::value::Serde(tree))));
    }
    names.add_members("http", &["status", "headers"]);
    values.push((
        "http",
        Value::from(minijinja::value::Serde(
            &serde_json::json!({ "status": 200, "headers": { "x-request-id": "r1" } }),
        )),
    ));
    for (name, value) in [
        ("base_url", Value::from("https://api.example")),
        ("key", "k3y".into()),
        ("secret", "s3cr3t".into()),
        ("private_key", document("tests/keys/rsa8.pem").into()),
        ("now_s", 1_700_000_000.into()),
        ("now_ms", 1_700_000_000_000_i64.into()),
        ("now_iso", "2023-11-14T22:13:20Z".into()),
        ("uuid", "00000000-0000-0000-0000-000000000000".into()),
        ("body", json.to_string().into()),
        ("token", "abc.def".into()),
    ] {
        names.add(name, false);
        values.push((name, value));
    }
    let compiled = Compiled::new(Side::Response, expression, &names)
        .unwrap_or_else(|mistake| panic!("{expression}: {}", mistake.message));
    let value = compiled
        .evaluate(&Value::from_pairs(values))
        .unwrap_or_else(|error| panic!("{expression}: {error}"));
    if value.is_undefined() {
        return "undefined".into();
    }
    value.as_str().map_or_else(|| serde_json::to_string(&value).expect("a value"), str::to_owned)
}

#[test]
fn every_example_of_an_expression_has_the_value_that_the_page_says() {
    let page = reference();
    let examples = examples(&page);
    assert!(examples.len() > 80, "{}", examples.len());
    for (expression, expected, line) in &examples {
        assert_eq!(&evaluate(expression, &page), expected, "{line}");
    }
}

/// The words of an expression outside of texts.
fn words_of(expression: &str) -> Vec<String> {
    let code: String = expression.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_filter_test_unit_name_and_word_has_an_example() {
    let page = reference();
    let examples = examples(&page);
    let filters = rows(&section(&page, "## Filters"));
    assert_eq!(
        filters
            .keys()
            .map(|row| row.split('(').next().unwrap_or_default())
            .collect::<BTreeSet<_>>(),
        FILTERS.into()
    );
    for (row, name) in filters.keys().map(|row| (row, row.split('(').next().unwrap_or_default())) {
        let own = |line: &str| line.starts_with(&format!("| `{row}` |"));
        let uses = |expression: &str| expression.contains(&format!("| {name}"));
        assert!(
            examples.iter().any(|(expression, _, line)| own(line) && uses(expression)),
            "the filter {name}"
        );
    }
    let tests = rows(&section(&page, "## Tests"));
    assert_eq!(
        tests.keys().map(|row| row.split('(').next().unwrap_or_default()).collect::<BTreeSet<_>>(),
        TESTS.into()
    );
    for (row, name) in tests.keys().map(|row| (row, row.split('(').next().unwrap_or_default())) {
        let own = |line: &str| line.starts_with(&format!("| `{row}` |"));
        let asks = |expression: &str| {
            expression.contains(&format!(" is {name}"))
                || expression.contains(&format!(" is not {name}"))
        };
        assert!(
            examples.iter().any(|(expression, _, line)| own(line) && asks(expression)),
            "the test {name}"
        );
    }
    let used: BTreeSet<String> =
        examples.iter().flat_map(|(expression, ..)| words_of(expression)).collect();
    let names = section(&page, "## Names");
    for name in
        ["json", "form", "xml", "http", "body", "token", "now_s", "now_ms", "now_iso", "uuid"]
    {
        assert!(credwatch::recipe::is_reserved(name), "{name} is a name of the language");
        assert!(names.contains(&format!("`{name}`: ")) && used.contains(name), "the name {name}");
    }
    for word in
        KEYWORDS.iter().filter(|word| !matches!(**word, "True" | "False" | "None" | "false"))
    {
        assert!(used.contains(*word), "the word {word}");
    }
}

#[test]
fn every_unit_reads_its_example_as_the_page_says() {
    let rows = rows(&section(&reference(), "## Units"));
    let words: BTreeSet<&str> = schema()["definitions"]["Unit"]["oneOf"]
        .as_array()
        .expect("units")
        .iter()
        .filter_map(|unit| unit["const"].as_str())
        .collect();
    assert_eq!(rows.keys().map(String::as_str).collect::<BTreeSet<_>>(), words);
    for (unit, cells) in &rows {
        let text = format!(
            "request.url = \"https://x.example\"\nresponse = {{ token = \"json.t\", expiry = [{{ \
             value = \"json.v\", unit = \"{unit}\" }}] }}"
        );
        let recipe = builtin::compile_file("x", &Arc::new(Source::new("x", text)))
            .unwrap_or_else(|faults| panic!("{}", faults[0]));
        let value: Json = serde_json::from_str(cells[1].trim_matches('`')).expect("a value");
        let outcome = answered(&recipe, &serde_json::json!({ "t": "abc", "v": value }));
        assert_eq!(outcome, cells[2], "{unit}");
    }
}

/// The expiry of the token in this answer.
fn answered(recipe: &Recipe, body: &Json) -> String {
    let now = "2023-11-14T22:13:20Z".parse().expect("a date");
    let mut values = recipe
        .begin(
            &Inputs { parameters: &[], credentials: &[] },
            &Attempt { now, uuid: uuid::Uuid::nil() },
        )
        .expect("it begins");
    let response = TokenResponse {
        status: 200,
        headers: http::HeaderMap::new(),
        body: body.to_string().into(),
        received: now,
        damage: None,
    };
    match recipe.read(
        &mut values,
        &response,
        &Expectations::default(),
        &Fingerprints::default(),
        false,
        &mut Trace::default(),
    ) {
        credwatch::outcome::Outcome::Issued(issued) => match issued.expiry {
            credwatch::outcome::Expiry::At(end) => end.to_string(),
            other => format!("{other:?}"),
        },
        credwatch::outcome::Outcome::Accepted => unreachable!("it has a token"),
        credwatch::outcome::Outcome::Failed(failure) => failure.message.as_str().to_owned(),
    }
}

/// All recipes of the blocks of a page, as one file.
fn recipes(page: &str) -> String {
    let blocks = blocks(page, "toml recipe");
    blocks.into_iter().map(|(_, block)| block).collect::<Vec<_>>().join("\n")
}

/// Whether a document has a key at this path, where NAME is any and `[]` an item.
fn holds(value: &toml::Value, path: &[&str]) -> bool {
    let Some((step, rest)) = path.split_first() else { return true };
    match (*step, value) {
        ("NAME", toml::Value::Table(table)) => table.values().any(|member| holds(member, rest)),
        (name, toml::Value::Table(table)) => {
            table.get(name).is_some_and(|member| holds(member, rest))
        }
        (_, toml::Value::Array(items)) => items.iter().any(|item| holds(item, path)),
        _ => false,
    }
}

/// The keys of a definition in the schema, as paths below it.
fn keys(definition: &Json, path: &str, found: &mut BTreeSet<String>) {
    let resolved = definition["$ref"].as_str().map_or(definition, |target| {
        schema().pointer(target.trim_start_matches('#')).expect("a definition")
    });
    for alternative in
        ["allOf", "anyOf", "oneOf"].iter().filter_map(|word| resolved[*word].as_array()).flatten()
    {
        keys(alternative, path, found);
    }
    for (name, member) in resolved["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        keys(member, &path, found);
        found.insert(path);
    }
    if resolved["additionalProperties"].is_object() {
        keys(&resolved["additionalProperties"], &format!("{path}.NAME"), found);
    }
    if resolved["items"].is_object() {
        keys(&resolved["items"], path, found);
    }
}

#[test]
fn every_recipe_of_the_page_compiles_and_every_key_is_in_one() {
    let text = recipes(&reference());
    let configuration =
        load_text(REFERENCE, &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    drop(configuration);
    let document = toml::Value::Table(text.parse().expect("TOML"));
    let mut all = BTreeSet::new();
    keys(&schema()["definitions"]["Recipe"], "recipes.NAME", &mut all);
    assert!(all.len() > 30, "{all:?}");
    // A cleanup has the keys of a step, the request of a step has those of the token request, and
    // all codes and conditions have one form. The page documents them once.
    let is_repeated = |key: &str| {
        let meaning = key.strip_suffix(".codes").or_else(|| key.strip_suffix(".when"));
        key.starts_with("recipes.NAME.cleanup.")
            || key.starts_with("recipes.NAME.steps.request.")
            || key
                .strip_prefix("recipes.NAME.steps.response.")
                .is_some_and(|key| ["suspended", "blocked", "local"].contains(&key))
            || meaning.is_some_and(|key| key != "recipes.NAME.response.blocked")
    };
    all.retain(|key| !is_repeated(key));
    let missing: Vec<&String> =
        all.iter().filter(|key| !holds(&document, &key.split('.').collect::<Vec<_>>())).collect();
    assert!(missing.is_empty(), "no recipe of the page has {missing:?}");
    // Words that a key can have.
    for definition in ["Format", "Tokens", "Known"] {
        for word in schema()["definitions"][definition]["oneOf"]
            .as_array()
            .expect("words")
            .iter()
            .filter_map(|word| word["const"].as_str())
        {
            assert!(
                reference().contains(&format!("\"{word}\""))
                    || reference().contains(&format!(" {word}")),
                "{definition} {word}"
            );
        }
    }
}

#[test]
fn the_exchanges_of_both_pages_have_their_outcomes() {
    for (file, page, name) in
        [(REFERENCE, reference(), "recipes.toml"), (TUTORIAL, tutorial(), "weather.toml")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let recipes = if name == "weather.toml" { finished() } else { recipes(&page) };
        std::fs::write(folder.path().join(name), recipes).expect("written");
        let exchanges = blocks(&page, "toml exchange");
        assert!(!exchanges.is_empty(), "{file}");
        for (line, block) in exchanges {
            let path = folder.path().join(format!("line-{line}.toml"));
            std::fs::write(&path, block).expect("written");
            credwatch::exchange::run_file(&path)
                .unwrap_or_else(|problem| panic!("{file}, line {line}:\n{problem}"));
        }
    }
}

#[test]
fn the_mistake_of_the_page_has_the_message_of_the_page() {
    let page = reference();
    let faults =
        load_text("recipes.toml", &block(&page, "toml broken")).err().expect("it is broken");
    assert_eq!(faults[0].to_string(), block(&page, "text fault"));
}

/// The finished recipe of the tutorial.
fn finished() -> String {
    block(&tutorial(), "toml finished")
}

fn output(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = credwatch().current_dir(folder).args(arguments).output().expect("it runs");
    (
        String::from_utf8(output.stdout).expect("text"),
        String::from_utf8(output.stderr).expect("text"),
    )
}

#[test]
fn the_draft_of_the_tutorial_is_what_its_command_makes() {
    let page = tutorial();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("answer.json"), block(&page, "json sample"))
        .expect("written");
    // Splits the command like a shell: the text between the outer single quotes is one word.
    let command = block(&page, "sh draft");
    let (before, rest) = command.split_once("--from-curl '").expect("a quoted command");
    let (curl, after) = rest.rsplit_once('\'').expect("its end");
    let curl = curl.replace("'\\''", "'");
    assert!(
        before.trim() == "credwatch recipes new"
            && after.trim() == "--answer answer.json > weather.toml",
        "{before:?} {after:?}"
    );
    let (text, problem) =
        output(folder.path(), &["recipes", "new", "--from-curl", &curl, "--answer", "answer.json"]);
    assert_eq!(problem, "");
    assert_eq!(text, block(&page, "toml draft"));
    assert!(
        block(&page, "sh page")
            .replace("\\\n", "")
            .split_whitespace()
            .eq(curl.replace("\\\n", "").split_whitespace()),
        "the command of the page is the one that is drafted from"
    );
}

#[test]
fn the_finished_recipe_of_the_tutorial_is_short_and_runs_in_production() {
    let page = tutorial();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("recipes")).expect("created");
    std::fs::write(folder.path().join("recipes/weather.toml"), finished()).expect("written");
    let main = folder.path().join("credwatch.toml");
    std::fs::write(&main, block(&page, "toml provider")).expect("written");
    let configuration = load(&main).plan.unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert_eq!(configuration.providers[0].recipe.name, "weather");
    assert!(configuration.warnings.is_empty());
    let lines =
        finished().lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
    assert!(lines <= 25, "{lines} lines");
}
