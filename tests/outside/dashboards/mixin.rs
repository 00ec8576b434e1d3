//! The mixin: its boards are the committed files, and its rules are those of the YAML files with
//! the values of `_config`.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::programs::servers::{Version, output_of};
use crate::support::alerts::{RULES, read};
use crate::support::board::list;
use crate::support::repository;
use crate::support::yaml::yaml;

/// A field of the mixin with another `_config`.
fn rendered(field: &str, config: &str) -> String {
    let mixin = repository("dashboards/mixin/mixin.libsonnet");
    let program =
        format!("((import {:?}) + {{ _config+:: {config} }}).{field}", mixin.display().to_string());
    output_of(Command::new("jsonnet").args(["-e", &program]))
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The groups by name.
fn groups(document: &Json) -> BTreeMap<String, Json> {
    list(&document["groups"])
        .iter()
        .map(|group| (group["name"].as_str().expect("a name").to_owned(), group.clone()))
        .collect()
}

/// The groups of alerts and of recording rules.
fn rules(config: &str) -> BTreeMap<String, Json> {
    let mut all = groups(&parsed(&rendered("prometheusAlerts", config)));
    all.extend(groups(&parsed(&rendered("prometheusRules", config))));
    all
}

#[test]
fn the_committed_boards_are_those_of_the_mixin() {
    let boards = parsed(&rendered("grafanaDashboards", "{}"));
    let boards = boards.as_object().expect("boards by name");
    assert_eq!(boards.len(), 2);
    for (name, board) in boards {
        let path = repository("dashboards").join(name);
        if std::env::var_os("WRITE_DASHBOARDS").is_some() {
            let text = serde_json::to_string_pretty(board).expect("JSON") + "\n";
            std::fs::write(&path, text).expect("written");
        }
        let committed = parsed(&std::fs::read_to_string(&path).expect("the committed board"));
        assert!(committed == *board, "{name} differs; WRITE_DASHBOARDS=1 writes it anew");
    }
}

#[test]
fn the_rules_of_the_mixin_are_those_of_the_yaml_files() {
    let mut expected = BTreeMap::new();
    for file in RULES {
        expected.extend(groups(&yaml(&read(&format!("dashboards/{file}.yml")))));
    }
    assert_eq!(expected.len(), 4);
    for (name, group) in rules("{}") {
        assert_eq!(Some(&group), expected.get(&name), "{name}");
        expected.remove(&name);
    }
    assert!(expected.is_empty(), "{:?}", expected.keys());
}

/// A configuration that changes everything that has an effect on rules.
const CHANGED: &str = "{
    grafanaUrl: 'https://grafana.example',
    docsUrl: 'https://wiki.example/credwatch',
    settings: {
        'credwatch:runway_page:seconds': 3600,
        'credwatch:slo_availability:objective': '0.5',
    },
    runwayPageOf: { 'billing-api': 7200 },
}";

#[test]
fn the_configuration_of_the_mixin_changes_thresholds_and_links() {
    let all = rules(CHANGED);
    let records = |name: &str| {
        let rules = all.values().flat_map(|group| list(&group["rules"]));
        rules.filter(|rule| rule["record"] == name).cloned().collect::<Vec<_>>()
    };
    for (name, labels, expr) in [
        ("credwatch:grafana:url", json!({ "url": "https://grafana.example" }), "vector(1)"),
        ("credwatch:runway_page_of:seconds", json!({ "provider": "billing-api" }), "vector(7200)"),
        ("credwatch:runway_page:seconds", Json::Null, "vector(3600)"),
        ("credwatch:slo_availability:objective", Json::Null, "vector(0.5)"),
        // A setting that is not named stays.
        ("credwatch:clock_skew:seconds", Json::Null, "vector(60)"),
    ] {
        let found = records(name);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!((&found[0]["labels"], &found[0]["expr"]), (&labels, &json!(expr)), "{name}");
    }
    let text = Json::from_iter(all).to_string();
    assert!(!text.contains("https://github.com/credwatch"), "a link is not changed");
    assert!(text.contains("https://wiki.example/credwatch/runbooks.md#credwatchcredentialbroken"));
    let boards = rendered("grafanaDashboards", CHANGED);
    assert!(boards.contains("https://wiki.example/credwatch"), "boards link elsewhere");
}

#[test]
fn promtool_accepts_the_rules_of_the_mixin() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, config) in [("shipped", "{}"), ("changed", CHANGED)] {
        for field in ["prometheusAlerts", "prometheusRules"] {
            let path = folder.path().join(format!("{name}-{field}.json"));
            std::fs::write(&path, rendered(field, config)).expect("written");
            for version in Version::BOTH {
                output_of(version.promtool().args(["check", "rules"]).arg(&path));
            }
        }
    }
}

#[test]
fn an_unknown_setting_of_the_mixin_is_an_error_that_names_the_known_ones() {
    let mixin = repository("dashboards/mixin/mixin.libsonnet");
    let config = "_config+:: { settings: { 'credwatch:runway:seconds': 1 } }";
    let program =
        format!("((import {:?}) + {{ {config} }}).prometheusRules", mixin.display().to_string());
    let output = Command::new("jsonnet").args(["-e", &program]).output().expect("it starts");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success()
            && message.contains("there is no credwatch:runway:seconds; there are")
            && message.contains("credwatch:runway_page:seconds"),
        "{message}"
    );
}
