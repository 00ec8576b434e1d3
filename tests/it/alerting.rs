//! Alert rules, their unit tests, runbooks and documents agree with each other and with the table
//! of reasons in the code. promtool runs the unit tests in `tests/outside`.

mod texts;

use std::collections::{BTreeMap, BTreeSet};

use credwatch::outcome::{Class, Reason};

use super::documentation::exposed;
use super::support::alerts::{RULES, alerts, names, read, rules};
use super::support::documents::{blocks, document, rows, section};
use super::support::yaml::yaml;

/// The URL of the documents in the rules. Operators can replace it by their own.
const DOCS: &str = "https://github.com/credwatch/credwatch/blob/main/docs";

/// A duration as promtool writes it, in minutes.
fn minutes(text: &str) -> u32 {
    text.strip_suffix('m')
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{text:?}: write it in minutes"))
}

#[test]
fn every_alert_has_a_unit_test_in_which_it_is_silent_fires_and_ends() {
    let mut shown = BTreeSet::new();
    for file in RULES {
        let document = yaml(&read(&format!("dashboards/{file}_test.yml")));
        for test in document["tests"].as_array().expect("tests") {
            let mut checks: BTreeMap<&str, BTreeMap<u32, bool>> = BTreeMap::new();
            for check in test["alert_rule_test"].as_array().into_iter().flatten() {
                let name = check["alertname"].as_str().expect("a name");
                let at = minutes(check["eval_time"].as_str().expect("a time"));
                checks.entry(name).or_default().insert(at, check["exp_alerts"].is_array());
            }
            // Silent, then firing, then silent again, within one test.
            shown.extend(checks.into_iter().filter_map(|(name, checks)| {
                let first = *checks.iter().find(|(_, fires)| **fires)?.0;
                let (before, after) = (
                    checks.range(..first).any(|(_, fires)| !fires),
                    checks.range(first..).any(|(_, fires)| !fires),
                );
                (before && after).then(|| name.to_owned())
            }));
        }
    }
    let alerts: BTreeSet<String> = alerts().into_keys().collect();
    assert_eq!(
        alerts.difference(&shown).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "these alerts have no such unit test"
    );
    assert_eq!(
        shown.difference(&alerts).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "there are no such alerts"
    );
}

#[test]
fn rules_use_series_that_exist() {
    let exposed = exposed();
    for file in RULES {
        let rules = rules(file);
        let recorded: BTreeSet<&str> =
            rules.iter().filter_map(|rule| rule["record"].as_str()).collect();
        for rule in &rules {
            let expression = rule["expr"].as_str().expect("an expression");
            for name in names(expression, "credwatch_") {
                let family = ["_bucket", "_count"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(name);
                assert!(
                    exposed.contains_key(name) || exposed.contains_key(family),
                    "{file}: {name}"
                );
            }
            for name in names(expression, "credwatch:") {
                // Users may add this rule themselves.
                assert!(
                    recorded.contains(name) || name == "credwatch:runway_page_of:seconds",
                    "{file} uses {name} but does not record it"
                );
            }
        }
    }
}

#[test]
fn alerts_have_a_severity_a_summary_and_working_links() {
    let runbooks = read("docs/runbooks.md");
    let anchors: BTreeSet<String> = runbooks
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::to_lowercase)
        .collect();
    for (name, rule) in alerts() {
        assert!(matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")), "{name}");
        let annotation = |key: &str| rule["annotations"][key].as_str().unwrap_or_default();
        assert!(
            annotation("summary").ends_with(['.']) && annotation("description").len() > 30,
            "{name}"
        );
        assert_eq!(
            annotation("runbook_url"),
            format!("{DOCS}/runbooks.md#{}", name.to_lowercase())
        );
        assert!(anchors.contains(&name.to_lowercase()), "the runbooks lack {name}");
        if let Some(url) = rule["annotations"]["reason_url"].as_str() {
            let anchor = url
                .strip_prefix(&format!("{DOCS}/runbooks.md#"))
                .unwrap_or_else(|| panic!("{name}: {url}"));
            assert!(
                anchor == "{{ $labels.reason }}" || rule["labels"]["reason"] == anchor,
                "{name}: {url}"
            );
        }
    }
    // The documents show a `sed` command that replaces all links.
    let page = read("docs/alerting.md");
    let command = page.lines().find(|line| line.starts_with("sed -i")).expect("a command");
    assert!(command.contains(&format!("s|{DOCS}|")), "{command}");
    for file in RULES {
        let text = read(&format!("dashboards/{file}.yml"));
        let uncommented =
            text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<String>();
        assert_eq!(
            uncommented.matches("://").count(),
            uncommented.matches(&format!("{DOCS}/runbooks.md#")).count(),
            "{file}"
        );
    }
}

/// The text with each run of white space as one space.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_reason_and_every_alert_has_a_runbook_with_all_its_parts() {
    let runbooks = read("docs/runbooks.md");
    let alerts = alerts();
    let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
    for (part, expected) in
        [("## Reasons", words), ("## Alerts", alerts.keys().map(String::as_str).collect())]
    {
        let of_part = section(&runbooks, part);
        let headings: BTreeSet<&str> =
            of_part.lines().filter_map(|line| line.strip_prefix("### ")).collect();
        assert_eq!(
            headings,
            expected.iter().copied().collect(),
            "{part}: the runbooks on the left, the code on the right"
        );
        for name in expected {
            let text = section(&of_part, &format!("### {name}"));
            let places = [
                "**What it means.**", "**First three checks.**", "**Who to call.**",
                "**How to silence.**",
            ]
            .map(|part| text.find(part));
            assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}: {places:?}");
            let numbered = text.lines().filter(|line| {
                line.len() > 3 && line.as_bytes()[0].is_ascii_digit() && line[1..].starts_with(". ")
            });
            assert_eq!(numbered.count(), 3, "{name} has three checks");
            assert!(
                text.contains('`') && text.contains("\namtool silence add "),
                "{name} has commands"
            );
            let whom = flat(&text[places[2].unwrap_or_default()..places[3].unwrap_or_default()])
                .to_lowercase();
            let people = [
                "owner of the credential", "vendor", "own network", "credwatch operator",
                "author of the last change",
            ];
            assert!(people.iter().any(|who| whom.contains(who)), "{name}: {whom}");
        }
    }
    for reason in Reason::ALL {
        let facts = reason.facts();
        let text = section(&runbooks, &format!("### {}", facts.word));
        assert!(text.contains(&format!("Class `{}`.", facts.class.word())), "{}", facts.word);
        let expected = format!("**What it means.** {} {}", facts.meaning, facts.action);
        assert!(
            flat(&text).contains(&expected),
            "the runbook of {} should say:\n{expected}",
            facts.word
        );
        // The reason of an outage changes while it lasts, and `throttled` has an alert of its own.
        let outage =
            matches!(facts.class, Class::Network | Class::Provider) && reason != Reason::Throttled;
        let silence = if outage {
            "class=~\"network|provider\"\n".to_owned()
        } else {
            format!("reason={}\n", facts.word)
        };
        assert!(text.contains(&silence), "{} silences something else", facts.word);
    }
}

#[test]
fn the_table_of_alerts_agrees_with_the_rules() {
    let page = read("docs/alerting.md");
    let rows = rows(&section(&page, "## The alerts"));
    let expected: BTreeMap<String, [String; 2]> = alerts()
        .into_iter()
        .map(|(name, rule)| {
            let expression = rule["expr"].as_str().expect("an expression");
            let inside = expression
                .split("min_over_time(")
                .nth(1)
                .and_then(|rest| rest.split(['[', ']']).nth(1));
            let after = match (rule["for"].as_str(), inside) {
                (Some(time), _) => time.to_owned(),
                (None, Some(time)) => format!("{time} (in the expression)"),
                (None, None) => "at once".to_owned(),
            };
            (name, [rule["labels"]["severity"].as_str().unwrap_or_default().to_owned(), after])
        })
        .collect();
    assert_eq!(
        rows.iter()
            .map(|(name, cells)| (name.clone(), [cells[0].clone(), cells[1].clone()]))
            .collect::<BTreeMap<_, _>>(),
        expected
    );
    for (name, cells) in &rows {
        assert!(
            cells[3].ends_with(&format!("(runbooks.md#{})", name.to_lowercase())),
            "{name}: {cells:?}"
        );
    }
    let settings = section(&page, "## Thresholds");
    for rule in RULES.iter().flat_map(|file| rules(file)).filter(|rule| {
        rule["expr"].as_str().is_some_and(|expression| expression.starts_with("vector("))
    }) {
        let name = rule["record"].as_str().expect("a name");
        assert!(settings.contains(&format!("`{name}`")), "the setting {name}");
    }
}

#[test]
fn the_rule_that_makes_one_alert_of_many_is_the_shipped_one() {
    let shown = blocks(&document("docs/faq.md"), "yaml inhibit");
    assert_eq!(shown.len(), 1);
    let (shown, example) = (yaml(&shown[0].1), read("dashboards/alertmanager.example.yml"));
    let (shown, shipped) = (&shown["inhibit_rules"], &yaml(&example)["inhibit_rules"]);
    let [rule] = &shown.as_array().expect("rules")[..] else { panic!("{shown}") };
    assert_eq!(rule["source_matchers"][0], "alertname=\"CredwatchApiDown\"");
    assert!(shipped.as_array().expect("rules").contains(rule), "{rule}\n{shipped}");
}
