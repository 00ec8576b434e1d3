//! The Grafana dashboards follow rules like those of Grafana's dashboard linter, and agree with the
//! tables in the code.

use std::collections::{BTreeMap, BTreeSet};

use credwatch::outcome::Reason;
use credwatch::state::State;
use serde_json::{Value as Json, json};

use super::support::alerts::{RULES, rules};
use super::support::board::{Board, list, text};
use super::support::{files, repository};

/// The URL of the documents in rules and boards. Operators can replace it by their own.
const DOCS: &str = "https://github.com/credwatch/credwatch/blob/main/docs";

/// All strings in a document.
fn texts<'a>(json: &'a Json, found: &mut Vec<&'a str>) {
    match json {
        Json::String(text) => found.push(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[test]
fn each_dashboard_can_be_provisioned_and_has_all_variables_that_it_uses() {
    let boards = Board::all();
    let uids: BTreeSet<&str> = boards.iter().map(|board| text(&board.json["uid"])).collect();
    for board in &boards {
        let (name, json) = (board.name(), &board.json);
        assert_eq!(json["uid"], name.as_str(), "the uid of a dashboard is the name of its file");
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
        assert_eq!(variables["runbook"]["query"], DOCS, "{name} links to other documents");
        for link in all.iter().filter_map(|text| text.strip_prefix("${runbook}/")) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(repository("docs").join(file).is_file(), "{name} links to docs/{file}");
        }
    }
    let runbooks = std::fs::read_to_string(repository("docs/runbooks.md")).expect("readable");
    for reason in Reason::ALL {
        let heading = format!("### {}", reason.word());
        assert!(runbooks.lines().any(|line| line == heading), "the boards link to {heading}");
    }
}

#[test]
fn the_provisioning_files_and_the_instructions_name_the_same_paths() {
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
fn every_panel_has_a_description_a_unit_and_the_chosen_data_source() {
    let source = json!({ "type": "prometheus", "uid": "${datasource}" });
    for board in Board::all() {
        let mut ids = BTreeSet::new();
        assert!(board.panels().len() >= 25, "{}", board.name());
        let rows = list(&board.json["panels"]).iter().filter(|panel| panel["type"] == "row");
        for panel in rows.chain(board.panels()) {
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
        }
        for panel in board.queried() {
            let title = text(&panel["title"]);
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(
                !text(&defaults["unit"]).is_empty() && !text(&defaults["noValue"]).is_empty(),
                "{title} has no unit or no text for missing values"
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
            assert!(!names.is_empty(), "{title} has no query");
            if panel["type"] == "table" {
                columns_are_known(panel, &names);
            }
        }
        for annotation in board.annotations() {
            assert_eq!(annotation["datasource"], source, "{}", annotation["name"]);
        }
        nothing_overlaps(list(&board.json["panels"]));
        for row in list(&board.json["panels"]) {
            nothing_overlaps(list(&row["panels"]));
        }
    }
}

/// A table can sort, hide, order and format only its own columns.
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

/// These panels are shown at the same time.
fn nothing_overlaps(panels: &[Json]) {
    let mut taken = BTreeSet::new();
    for panel in panels {
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a number"));
        assert!(x + w <= 24, "{} is wider than the page", panel["title"]);
        for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |line| (column, line))) {
            assert!(taken.insert(cell), "{} lies on another panel", panel["title"]);
        }
    }
}

/// The mappings of each column with this name: value or range, and text.
fn mapped(board: &Board, column: &str) -> Vec<BTreeMap<String, String>> {
    let rules =
        board.queried().into_iter().flat_map(|panel| list(&panel["fieldConfig"]["overrides"]));
    let properties = rules
        .filter(|rule| rule["matcher"]["options"] == column)
        .flat_map(|rule| list(&rule["properties"]))
        .filter(|property| property["id"] == "mappings");
    let texts = |property: &Json| {
        let mut map = BTreeMap::new();
        for mapping in list(&property["value"]) {
            let options = &mapping["options"];
            if mapping["type"] == "range" {
                let range = format!("{}..{}", options["from"], options["to"]);
                map.insert(range, text(&options["result"]["text"]).to_owned());
            } else if mapping["type"] == "value" {
                for (value, result) in options.as_object().expect("values") {
                    map.insert(value.clone(), text(&result["text"]).to_owned());
                }
            }
        }
        map
    };
    properties.map(texts).collect()
}

/// The words of the page for the three ways in which a credential is broken.
const BROKEN: [&str; 3] = ["refused", "cannot be tried here", "cannot be reached"];

#[test]
fn reasons_classes_and_states_have_the_texts_of_the_code() {
    let bare = |sentence: &str| sentence.replace('`', "");
    let (mut meanings, mut steps) = (BTreeMap::new(), BTreeMap::new());
    for reason in Reason::ALL {
        let facts = reason.facts();
        let word = facts.word.to_owned();
        meanings.insert(word.clone(), format!("{word}: {}", bare(facts.meaning)));
        steps.insert(word, bare(facts.step));
    }
    for board in Board::all() {
        let name = board.name();
        for (column, expected) in [("What is wrong", &meanings), ("Next step", &steps)] {
            let shown = mapped(&board, column);
            // Only the board of a provider has room for the meaning.
            let room = column == "Next step" || name == "credwatch-provider";
            assert_eq!(shown.is_empty(), !room, "{name} and the column {column}");
            for texts in shown {
                assert_eq!(&texts, expected, "{name}: {column} differs from the code");
            }
        }
        let classes = mapped(&board, "Who acts");
        assert!(!classes.is_empty(), "{name}");
        for reason in Reason::ALL {
            let class = reason.class().word();
            assert!(classes.iter().all(|map| map.contains_key(class)), "{name}: {class}");
        }
        let words: BTreeSet<&str> = State::ALL
            .iter()
            .filter(|state| **state != State::Broken)
            .map(|state| state.word())
            .chain(BROKEN)
            .chain(["paused"])
            .collect();
        let states = mapped(&board, "State");
        let of_providers: Vec<_> = states.iter().filter(|map| map.len() > 2).collect();
        assert!(!of_providers.is_empty(), "{name}");
        for map in of_providers {
            assert_eq!(map.values().map(String::as_str).collect::<BTreeSet<_>>(), words, "{name}");
        }
    }
}

/// The settings of the rules: name and expression.
fn settings() -> BTreeMap<String, String> {
    let all = RULES.iter().flat_map(|file| rules(file));
    all.filter_map(|rule| {
        let expression = rule["expr"].as_str().expect("an expression").to_owned();
        let name = rule["record"].as_str()?.to_owned();
        expression.starts_with("vector(").then_some((name, expression))
    })
    .collect()
}

#[test]
fn colours_and_limits_follow_the_settings_of_the_rules() {
    let settings = settings();
    let mut used = BTreeSet::new();
    for board in Board::all() {
        for panel in board.queried() {
            for target in list(&panel["targets"]) {
                let mut rest = text(&target["expr"]);
                for (name, value) in &settings {
                    let whole = format!("(max({name}) or on () {value})");
                    if rest.contains(&whole) {
                        used.insert(name.clone());
                    }
                }
                // A number beside a setting is the shipped value of this setting.
                while let Some((before, after)) = rest.split_once("vector(") {
                    let name = before.rsplit("(max(").next().and_then(|end| end.split(')').next());
                    let value = format!("vector({})", inside(after));
                    assert_eq!(settings.get(name.unwrap_or_default()), Some(&value), "{before}");
                    rest = after;
                }
            }
        }
    }
    for name in [
        "credwatch:certificate_ticket:seconds",
        "credwatch:client_certificate_ticket:seconds",
        "credwatch:clock_skew:seconds",
        "credwatch:lateness:seconds",
        "credwatch:probe_overdue:seconds",
        "credwatch:runway_page:seconds",
        "credwatch:slo_availability:objective",
        "credwatch:slo_latency:objective",
    ] {
        assert!(used.contains(name), "no board uses {name}");
    }
    // The burn rates have no setting; the alerts have them as numbers.
    let recording = std::fs::read_to_string(repository("dashboards/recording.yml")).expect("text");
    for rate in ["14.4", "3"] {
        let burning = format!("({rate} * (1 - credwatch:slo_availability:objective))");
        let threshold = format!("\"value\":{rate}}}");
        let overview = Board::all().remove(0).json.to_string();
        assert!(recording.contains(&burning) && overview.contains(&threshold), "{rate}");
    }
}

/// The text up to the bracket that ends it.
fn inside(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c: char| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth < 0
    });
    &text[..end.expect("a bracket")]
}

#[test]
fn no_table_grows_with_the_number_of_providers() {
    let mut tables = 0;
    for panel in Board::all().iter().flat_map(Board::queried) {
        let title = text(&panel["title"]);
        // These have a row for each instance of credwatch.
        let few = [
            "Instances", "Details", "What the reason means", "Who acts, and where to go on",
            "What is wrong with $provider",
        ];
        if panel["type"] != "table" || few.contains(&title) {
            continue;
        }
        let targets = list(&panel["targets"]);
        let first = text(&targets[0]["expr"]);
        assert!(
            first.starts_with("topk(") || first.starts_with("bottomk("),
            "{title} shows all providers"
        );
        let steps = list(&panel["transformations"]);
        let limited = steps.iter().any(|step| step["id"] == "limit");
        // Grafana would append the rows that only other queries have.
        assert!(limited || targets.len() == 1 || title == "Firing alerts", "{title}");
        tables += 1;
    }
    assert!(tables >= 12, "{tables}");
}

#[test]
fn the_boards_show_the_end_of_a_credential_that_the_alerts_use() {
    let alerts = std::fs::read_to_string(repository("dashboards/alerts.yml")).expect("it is there");
    let rule = alerts.split("- record: credwatch:credential_end:seconds").nth(1);
    let rule = rule.and_then(|rest| rest.split("expr: |").nth(1)).expect("the rule");
    let rule: String = rule.lines().take_while(|line| !line.contains("# ")).collect();
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let mut found = 0;
    for board in Board::all() {
        let mut all = Vec::new();
        texts(&board.json, &mut all);
        for text in all.iter().filter(|text| text.contains("credwatch_credential_expiry")) {
            let filters = [
                "job=~\"$job\",", "instance=~\"$instance\",", "provider=~\"$provider\",",
                "provider=\"$provider\",",
            ];
            let shown = filters.iter().fold(plain(text), |text, filter| text.replace(filter, ""));
            assert!(shown.contains(&plain(&rule)), "{shown}\n{}", plain(&rule));
            found += 1;
        }
    }
    assert!(found > 8, "{found}");
}
