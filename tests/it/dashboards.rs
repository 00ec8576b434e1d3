//! The Grafana dashboards follow rules like those of Grafana's dashboard linter, and agree with the
//! tables in the code.

use std::collections::{BTreeMap, BTreeSet};

use credwatch::outcome::Reason;
use credwatch::state::State;
use serde_json::{Value as Json, json};

use super::support::board::{Board, list, text};
use super::support::{files, repository};

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
        nothing_overlaps(&board);
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

/// The value mappings of a column: value and text.
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

/// The queries with the meaning and the action of each reason.
fn worded(board: &Board) -> impl Iterator<Item = &str> {
    let targets = board.panels().into_iter().flat_map(|panel| list(&panel["targets"]));
    targets.map(|target| text(&target["expr"])).filter(|query| query.contains("\"meaning\""))
}

#[test]
fn reasons_classes_and_states_have_the_texts_of_the_code() {
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
            let count = worded(&board)
                .filter(|query| query.contains(&meaning) && query.contains(&action))
                .count();
            assert!(
                count == worded(&board).count() && count == 2,
                "{}: the text of {} differs from the code",
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
fn colours_change_at_the_thresholds_of_the_alerts() {
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
            "credwatch:client_certificate_ticket:seconds\n        expr: vector(30 * 86400)",
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
            "the colour changes at another value than the alert on {query}"
        );
    }
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
    assert_eq!(found, 3);
}
