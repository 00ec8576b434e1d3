//! Readers of the alert rules.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::repository;
use super::yaml::yaml;

/// The names of the files with rules, without `.yml`.
pub const RULES: [&str; 2] = ["alerts", "recording"];

/// The text of a file in the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All rules of a file.
pub fn rules(file: &str) -> Vec<Json> {
    let document = yaml(&read(&format!("dashboards/{file}.yml")));
    let groups = document["groups"].as_array().expect("groups");
    groups.iter().flat_map(|group| group["rules"].as_array().cloned().expect("rules")).collect()
}

/// All alerts, by name.
pub fn alerts() -> BTreeMap<String, Json> {
    let all = RULES
        .iter()
        .flat_map(|file| rules(file))
        .filter_map(|rule| Some((rule["alert"].as_str()?.to_owned(), rule)));
    let mut alerts = BTreeMap::new();
    for (name, rule) in all {
        assert!(alerts.insert(name.clone(), rule).is_none(), "{name} twice");
    }
    assert!(alerts.len() > 20, "{:?}", alerts.keys());
    alerts
}

/// All names in a text that begin with `beginning`.
pub fn names<'a>(text: &'a str, beginning: &'a str) -> BTreeSet<&'a str> {
    let end = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
            .unwrap_or(rest.len())
    };
    text.match_indices(beginning)
        .map(|(place, _)| &text[place..place + end(&text[place..])])
        .collect()
}

/// All alerts that the unit tests of the rules expect: name, labels and annotations. promtool
/// verifies that the rules make exactly these.
pub fn shown_alerts() -> Vec<(String, Json, Json)> {
    let mut shown = Vec::new();
    for file in RULES {
        let document = yaml(&read(&format!("dashboards/{file}_test.yml")));
        let tests = document["tests"].as_array().expect("tests");
        for check in tests.iter().filter_map(|test| test["alert_rule_test"].as_array()).flatten() {
            for alert in check["exp_alerts"].as_array().into_iter().flatten() {
                let name = check["alertname"].as_str().expect("a name").to_owned();
                shown.push((name, alert["exp_labels"].clone(), alert["exp_annotations"].clone()));
            }
        }
    }
    assert!(shown.len() > 60, "{}", shown.len());
    shown
}
