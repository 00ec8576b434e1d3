//! The Grafana dashboards. No Grafana takes part: they are held against its published types,
//! against rules in the spirit of its dashboard linter, against the tables in the code, and (in
//! `live`) against a real Prometheus.

mod live;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use credwatch::outcome::Reason;
use credwatch::state::State;
use serde_json::{Value as Json, json};

use super::support::{files, repository};

/// A dashboard with the name of its file.
struct Board {
    path: PathBuf,
    json: Json,
}

impl Board {
    fn all() -> Vec<Self> {
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).expect("readable");
            Self {
                json: serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
                path,
            }
        };
        files("dashboards", "json", 2).into_iter().map(read).collect()
    }

    fn name(&self) -> String {
        self.path.file_stem().expect("a name").to_string_lossy().into_owned()
    }

    /// Its panels but the headings.
    fn panels(&self) -> Vec<&Json> {
        list(&self.json["panels"]).iter().filter(|panel| panel["type"] != "row").collect()
    }

    fn variables(&self) -> BTreeMap<&str, &Json> {
        list(&self.json["templating"]["list"])
            .iter()
            .map(|variable| (text(&variable["name"]), variable))
            .collect()
    }

    /// The annotations that ask Prometheus.
    fn annotations(&self) -> Vec<&Json> {
        list(&self.json["annotations"]["list"])
            .iter()
            .filter(|annotation| annotation["builtIn"] != 1)
            .collect()
    }
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

#[track_caller]
fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text"))
}

/// Every text in a document, wherever it stands.
fn texts<'a>(json: &'a Json, found: &mut Vec<&'a str>) {
    match json {
        Json::String(text) => found.push(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

/// What `tests/grafana/check.mjs` says of each file.
fn check(paths: &[&Path]) -> Vec<Vec<String>> {
    let home = repository("tests/grafana");
    for package in ["@grafana/schema", "@prometheus-io/lezer-promql", "typescript"] {
        let installed = home.join("node_modules").join(package).join("package.json");
        assert!(
            installed.is_file(),
            "{} is missing; run `make test`, which installs it",
            installed.display()
        );
    }
    let output = Command::new("node")
        .arg("check.mjs")
        .args(paths)
        .current_dir(home)
        .env_remove("NODE_OPTIONS")
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot start node ({error}); run `make test`, which installs it")
        });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Json = serde_json::from_slice(&output.stdout).expect("an answer");
    let said = |path: &&Path| {
        list(&answer[path.to_string_lossy().as_ref()])
            .iter()
            .map(|fault| text(fault).to_owned())
            .collect()
    };
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(paths.len()));
    paths.iter().map(said).collect()
}

#[test]
fn grafanas_own_types_and_prometheus_own_grammar_find_nothing_wrong() {
    let boards = Board::all();
    let paths: Vec<&Path> = boards.iter().map(|board| board.path.as_path()).collect();
    for (board, faults) in boards.iter().zip(check(&paths)) {
        assert!(faults.is_empty(), "{}:\n{}", board.path.display(), faults.join("\n"));
    }
}

/// Where something is spoilt, by what it is replaced, and what must be said of it.
type Spoiler = (&'static str, fn() -> Json, &'static str);

const BROKEN: &str = "/panels/0";
const WRONG: &str = "/panels/6";

/// Each is a mistake that somebody could make.
const SPOILERS: [Spoiler; 17] = [
    ("/graphTooltip", || json!(7), "DashboardCursorSync"),
    ("/schemaVersion", || json!("39"), "not assignable to type 'number'"),
    ("/templating/list/1/includeall", || json!(true), "includeall"),
    ("/annotations/list/1/titelFormat", || json!("x"), "titelFormat"),
    ("/links/0/type", || json!("dashboard"), "DashboardLinkType"),
    ("/panels/0/type", || json!("singlestat"), "not assignable to type 'never'"),
    ("/panels/0/datasource", || json!("Prometheus"), "DataSourceRef"),
    ("/panels/0/fieldConfig/defaults/units", || json!("s"), "units"),
    ("/panels/0/options/colorMode", || json!("colour"), "colorMode"),
    ("/panels/0/targets/0/legendFormt", || json!("x"), "legendFormt"),
    ("/panels/6/options/showHeader", || json!("yes"), "not assignable to type 'boolean'"),
    ("/panels/6/transformations/0/id", || json!("mergee"), "mergee"),
    (
        "/panels/6/fieldConfig/overrides/1/properties/1/id",
        || json!("custom.cellOption"),
        "custom.cellOption",
    ),
    ("/panels/6/fieldConfig/overrides/1/properties/1/value/type", || json!("colour"), "colour"),
    (
        "/panels/6/fieldConfig/overrides/1/properties/2/value",
        || json!("80"),
        "not assignable to type",
    ),
    (
        "/panels/0/targets/0/expr",
        || json!("sum(up{job=~\"$job\",instance=~\"$instance\"}"),
        "no PromQL",
    ),
    (
        "/panels/6/targets/0/expr",
        || json!("rate(credwatch_probes_total{job=~\"$job\",provider=~\"$provider\"}[5m])"),
        "credwatch_probes_total is selected without instance=~\"$instance\"; rate over [5m]",
    ),
];

#[test]
fn the_check_finds_what_is_wrong_in_spoilt_copies() {
    let board = Board::all().remove(0);
    assert_eq!(board.name(), "credwatch-overview");
    for (place, title) in [(BROKEN, "Broken"), (WRONG, "What is wrong now")] {
        assert_eq!(
            board.json.pointer(place).expect("a panel")["title"],
            title,
            "the spoilers below {place} are meant for it"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let spoil = |(index, (place, value, _)): (usize, &Spoiler)| {
        let mut copy = board.json.clone();
        let (parent, member) = place.rsplit_once('/').expect("a path");
        copy.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}"))[member] =
            value();
        let path = folder.path().join(format!("{index}.json"));
        std::fs::write(&path, copy.to_string()).expect("written");
        path
    };
    let paths: Vec<PathBuf> = SPOILERS.iter().enumerate().map(spoil).collect();
    let faults = check(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    for ((place, _, expected), faults) in SPOILERS.iter().zip(faults) {
        for expected in expected.split("; ") {
            assert!(
                faults.iter().any(|fault| fault.contains(expected)),
                "{place} should be told with {expected:?}, but: {faults:?}"
            );
        }
    }
}

#[test]
fn each_dashboard_can_be_provisioned_and_has_the_variables_that_its_links_hand_on() {
    let boards = Board::all();
    let uids: BTreeSet<&str> = boards.iter().map(|board| text(&board.json["uid"])).collect();
    for board in &boards {
        let (name, json) = (board.name(), &board.json);
        assert_eq!(
            json["uid"],
            name.as_str(),
            "the address of a dashboard stays when its file does"
        );
        assert!(
            json.get("id").is_none() && json.get("__inputs").is_none(),
            "{name} would not load as a file"
        );
        assert!(json["schemaVersion"].as_u64().is_some_and(|version| version >= 39), "{name}");
        assert!(
            list(&json["tags"]).contains(&json!("credwatch"))
                && !text(&json["title"]).is_empty()
                && !text(&json["refresh"]).is_empty(),
            "{name}"
        );
        let variables = board.variables();
        for variable in ["datasource", "job", "instance", "provider", "runbook", "scheme"] {
            assert!(variables.contains_key(variable), "{name} has no variable {variable}");
        }
        assert_eq!(variables["datasource"]["query"], "prometheus");
        let mut all = Vec::new();
        texts(json, &mut all);
        for link in all.iter().filter_map(|text| text.strip_prefix("/d/")) {
            let uid = link.split(['?', '/']).next().unwrap_or_default();
            assert!(uids.contains(uid), "{name} links to {uid}");
        }
        for used in all
            .iter()
            .flat_map(|text| text.split("${").skip(1))
            .filter_map(|rest| rest.split([':', '}', '.']).next())
        {
            assert!(
                used.starts_with("__") || variables.contains_key(used),
                "{name} uses ${{{used}}}"
            );
        }
        let runbook = text(&variables["runbook"]["query"]);
        let (file, anchor) = runbook.split_once('#').expect("an anchor");
        let document =
            std::fs::read_to_string(repository(file)).expect("the runbook is in the repository");
        let headings = document
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|heading| heading.to_lowercase().replace(' ', "-"));
        assert!(
            headings.into_iter().any(|heading| heading == anchor),
            "{file} has no heading for #{anchor}"
        );
    }
}

#[test]
fn the_files_for_provisioning_name_the_places_that_the_instructions_name() {
    let instructions =
        std::fs::read_to_string(repository("dashboards/README.md")).expect("readable");
    for file in files("dashboards/provisioning", "yaml", 2) {
        let text = std::fs::read_to_string(&file).expect("readable");
        assert!(text.lines().any(|line| line == "apiVersion: 1"), "{}", file.display());
        let place = file
            .strip_prefix(repository("dashboards/provisioning"))
            .expect("below it")
            .display()
            .to_string();
        let folder = place.split('/').next().unwrap_or_default();
        assert!(
            instructions.contains(&format!(
                "dashboards/provisioning/{place} /etc/grafana/provisioning/{folder}/"
            )),
            "{place}"
        );
        if let Some(path) = text.lines().find_map(|line| line.trim().strip_prefix("path: ")) {
            assert!(instructions.contains(&format!("dashboards/*.json {path}/")), "{path}");
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_from_the_chosen_data_source() {
    let source = json!({ "type": "prometheus", "uid": "${datasource}" });
    for board in Board::all() {
        let mut ids = BTreeSet::new();
        assert!(board.panels().len() >= 15, "{}", board.name());
        for panel in list(&board.json["panels"]) {
            assert!(
                ids.insert(panel["id"].as_u64().expect("an id")),
                "two panels have the id {}",
                panel["id"]
            );
        }
        for panel in board.panels() {
            let title = text(&panel["title"]);
            assert!(
                !title.is_empty() && text(&panel["description"]).ends_with('.'),
                "{title:?} has no description"
            );
            assert_eq!(panel["datasource"], source, "{title}");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(
                !text(&defaults["unit"]).is_empty() && !text(&defaults["noValue"]).is_empty(),
                "{title}: unit, and what to say when there is nothing"
            );
            assert!(!list(&defaults["thresholds"]["steps"]).is_empty(), "{title}");
            let mut names = BTreeSet::new();
            for target in list(&panel["targets"]) {
                assert_eq!(target["datasource"], source, "{title}");
                assert!(
                    names.insert(text(&target["refId"])),
                    "{title} has two queries {}",
                    target["refId"]
                );
                assert_ne!(target["instant"], target["range"], "{title}");
            }
            assert!(!names.is_empty(), "{title} asks nothing");
            if panel["type"] == "table" {
                columns_are_known(panel, &names);
            }
        }
        for annotation in board.annotations() {
            assert_eq!(annotation["datasource"], source, "{}", annotation["name"]);
        }
        nothing_overlaps(&board);
    }
}

/// What a table sorts, hides, orders and formats must be one of its columns.
fn columns_are_known(panel: &Json, queries: &BTreeSet<&str>) {
    let title = text(&panel["title"]);
    let organize = list(&panel["transformations"])
        .iter()
        .find(|step| step["id"] == "organize")
        .unwrap_or_else(|| panic!("{title} is not organised"));
    let renamed = organize["options"]["renameByName"].as_object().expect("names");
    let hidden = organize["options"]["excludeByName"].as_object().expect("names");
    let shown: BTreeSet<&str> = renamed.values().map(text).collect();
    assert_eq!(shown.len(), renamed.len(), "{title} has two columns of one name");
    for query in queries {
        let value = if queries.len() == 1 { "Value".to_owned() } else { format!("Value #{query}") };
        assert!(
            renamed.contains_key(&value) || hidden.contains_key(&value),
            "{title}: {value} has no name"
        );
    }
    for name in organize["options"]["indexByName"].as_object().expect("names").keys() {
        assert!(renamed.contains_key(name), "{title}: {name} is ordered but has no name");
    }
    let sorted = list(&panel["options"]["sortBy"]).iter().map(|sort| text(&sort["displayName"]));
    let rules = list(&panel["fieldConfig"]["overrides"]);
    let formatted = rules
        .iter()
        .filter(|rule| rule["matcher"]["id"] == "byName")
        .map(|rule| text(&rule["matcher"]["options"]));
    for name in sorted.chain(formatted) {
        assert!(shown.contains(name), "{title} has no column {name:?}");
    }
}

fn nothing_overlaps(board: &Board) {
    let mut taken = BTreeSet::new();
    for panel in list(&board.json["panels"]) {
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a number"));
        assert!(x + w <= 24, "{} is wider than the page", panel["title"]);
        for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |line| (column, line))) {
            assert!(taken.insert(cell), "{} lies on another panel", panel["title"]);
        }
    }
}

/// The texts that a dashboard shows for the values of a column, by the values.
fn mapped(board: &Board, column: &str) -> Vec<BTreeMap<String, String>> {
    let rules =
        board.panels().into_iter().flat_map(|panel| list(&panel["fieldConfig"]["overrides"]));
    let properties = rules
        .filter(|rule| rule["matcher"]["options"] == column)
        .flat_map(|rule| list(&rule["properties"]));
    let mappings = properties
        .filter(|property| property["id"] == "mappings")
        .flat_map(|property| list(&property["value"]));
    let options = mappings
        .filter(|mapping| mapping["type"] == "value")
        .filter_map(|mapping| mapping["options"].as_object());
    options
        .map(|options| {
            options
                .iter()
                .map(|(value, result)| (value.clone(), text(&result["text"]).to_owned()))
                .collect()
        })
        .collect()
}

/// The queries that put reasons into words.
fn worded(board: &Board) -> impl Iterator<Item = &str> {
    let targets = board.panels().into_iter().flat_map(|panel| list(&panel["targets"]));
    targets.map(|target| text(&target["expr"])).filter(|query| query.contains("\"meaning\""))
}

#[test]
fn reasons_classes_and_states_are_told_in_the_words_of_the_code() {
    let bare = |sentence: &str| sentence.replace('`', "");
    for board in Board::all() {
        let (classes, states) = (mapped(&board, "Who acts"), mapped(&board, "State"));
        assert!(!classes.is_empty() && !states.is_empty(), "{}", board.name());
        for reason in Reason::ALL {
            let facts = reason.facts();
            let meaning = format!(
                "\"meaning\", \"{word}: {}\", \"reason\", \"{word}\"",
                bare(facts.meaning),
                word = facts.word
            );
            let action =
                format!("\"action\", \"{}\", \"reason\", \"{}\"", bare(facts.action), facts.word);
            assert!(
                classes.iter().all(|map| map.contains_key(facts.class.word())),
                "{}: {}",
                board.name(),
                facts.class.word()
            );
            let told = worded(&board)
                .filter(|query| query.contains(&meaning) && query.contains(&action))
                .count();
            assert!(
                told == worded(&board).count() && told == 2,
                "{}: {} is not told as in the code",
                board.name(),
                facts.word
            );
        }
        let of_providers = states.iter().filter(|map| map.len() == State::ALL.len());
        let words: BTreeSet<&str> = State::ALL.iter().map(|state| state.word()).collect();
        assert!(
            of_providers.into_iter().all(|map| map
                .values()
                .map(String::as_str)
                .collect::<BTreeSet<_>>()
                == words),
            "{states:?}"
        );
    }
}

#[test]
fn colours_change_where_the_alerts_fire() {
    let alerts = std::fs::read_to_string(repository("dashboards/alerts.yml")).expect("readable");
    let turns = |board: &Board, query: &str, value: f64| {
        let panels: Vec<&Json> = board
            .panels()
            .into_iter()
            .filter(|panel| panel["targets"].to_string().contains(query))
            .collect();
        panels.iter().any(|panel| {
            panel["fieldConfig"]
                .to_string()
                .contains(&format!("{{\"color\":\"orange\",\"value\":{value}}}"))
        })
    };
    for (setting, query, value) in [
        (
            "credwatch:runway_page:seconds\n        expr: vector(15 * 60)",
            "credwatch_token_time_to_expiry_seconds",
            900.0,
        ),
        (
            "credwatch:secret_ticket:seconds\n        expr: vector(30 * 86400)",
            "credwatch_credential_expiry_timestamp_seconds",
            30.0,
        ),
        (
            "credwatch:certificate_ticket:seconds\n        expr: vector(7 * 86400)",
            "credwatch_tls_certificate_expiry_timestamp_seconds",
            7.0,
        ),
    ] {
        assert!(alerts.contains(setting), "the alert has changed: {setting}");
        assert!(
            Board::all().iter().all(|board| turns(board, query, value)),
            "red ends elsewhere than the alert on {query}"
        );
    }
}
