//! The alert rules, tested by promtool, and the examples for Prometheus and Alertmanager, checked
//! by promtool and amtool.

use std::process::Command;

use credwatch::outcome::Reason;

use super::programs::servers::{Alertmanager, Version, output_of};
use super::support::alerts::{RULES, alerts, names, read};
use super::support::documents::blocks;
use super::support::repository;

fn the_rules_behave(version: Version) {
    for file in RULES {
        output_of(version.promtool().args(["check", "rules", &format!("dashboards/{file}.yml")]));
        output_of(version.promtool().args([
            "test",
            "rules",
            &format!("dashboards/{file}_test.yml"),
        ]));
    }
}

#[test]
fn the_rules_behave_as_their_tests_say_with_the_prometheus_of_the_distribution() {
    the_rules_behave(Version::Distribution);
}

#[test]
fn the_rules_behave_as_their_tests_say_with_the_current_prometheus() {
    the_rules_behave(Version::Current);
}

/// The tests with the samples of `metrics.compact = true`: a failure that never happened has no
/// series. In the notation of promtool, `0x9` is ten zeros and `_x10` is no sample ten times.
fn without_zeros(tests: &str) -> String {
    let mut is_counter = false;
    let mut out = String::new();
    for line in tests.lines() {
        if let Some(values) = line.strip_prefix("        values: ").filter(|_| is_counter) {
            let zeros = values.split(' ').take_while(|value| value.starts_with("0x")).count();
            let values = values.split(' ').enumerate().map(|(index, value)| {
                let number = value.strip_prefix("0x").filter(|_| index < zeros);
                let number = number.map(|number| number.parse::<usize>().expect("a number") + 1);
                number.map_or_else(|| value.to_owned(), |number| format!("_x{number}"))
            });
            out += &format!("        values: {}\n", values.collect::<Vec<_>>().join(" "));
        } else {
            out = out + line + "\n";
        }
        is_counter = line.starts_with("      - series: credwatch_probe_failures_total{");
    }
    out
}

#[test]
fn the_same_alerts_fire_without_the_failures_that_compact_metrics_leave_out() {
    let folder = tempfile::tempdir().expect("a folder");
    for file in RULES {
        let rules = format!("{file}.yml");
        std::fs::copy(repository(&format!("dashboards/{rules}")), folder.path().join(&rules))
            .expect("copied");
        let tests = read(&format!("dashboards/{file}_test.yml"));
        let compact = without_zeros(&tests);
        assert!(compact != tests, "{file}");
        let path = folder.path().join(format!("{file}_test.yml"));
        std::fs::write(&path, compact).expect("written");
        for version in Version::BOTH {
            output_of(version.promtool().args(["test", "rules"]).arg(&path));
        }
    }
}

#[test]
fn alertmanager_accepts_the_silences_of_the_runbooks() {
    let alertmanager = Alertmanager::start(&read("dashboards/alertmanager.example.yml"));
    let url = format!("--alertmanager.url=http://{}", alertmanager.address());
    let runbooks = read("docs/runbooks.md");
    let commands: Vec<&str> = runbooks.lines().filter(|line| line.starts_with("amtool ")).collect();
    assert_eq!(commands.len(), Reason::ALL.len() + alerts().len());
    for command in commands {
        let arguments = command.split(' ').skip(1).map(|argument| argument.replace('"', ""));
        let id = output_of(Command::new("amtool").arg(&url).args(arguments));
        assert_eq!(id.trim().len(), 36, "{command}: {id}");
    }
}

#[test]
fn promtool_accepts_the_prometheus_configuration_of_the_documents() {
    let page = read("docs/alerting.md");
    let found = blocks(&page, "yaml prometheus");
    assert_eq!(found.len(), 1);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("credwatch")).expect("created");
    for file in RULES {
        std::fs::copy(
            repository(&format!("dashboards/{file}.yml")),
            folder.path().join(format!("credwatch/{file}.yml")),
        )
        .expect("copied");
    }
    let file = folder.path().join("prometheus.yml");
    std::fs::write(&file, &found[0].1).expect("written");
    for version in Version::BOTH {
        let output = output_of(version.promtool().args(["check", "config"]).arg(&file));
        assert!(output.contains("alerts.yml") && output.contains("recording.yml"), "{output}");
    }
}

#[test]
fn the_example_for_alertmanager_routes_each_alert_to_the_right_team() {
    let file = repository("dashboards/alertmanager.example.yml");
    output_of(Command::new("amtool").arg("check-config").arg(&file));
    for (labels, receiver) in [
        ("alertname=CredwatchCredentialBroken severity=page team=messaging", "messaging-pager"),
        (
            "alertname=CredwatchProviderUnavailable severity=ticket team=payments",
            "payments-tickets",
        ),
        (
            "alertname=CredwatchCredentialBroken severity=page team=nobody-has-heard-of",
            "platform-pager",
        ),
        ("alertname=CredwatchDown severity=page", "platform-pager"),
        ("alertname=CredwatchApiDown severity=ticket api_host=a.example", "platform-tickets"),
        ("alertname=CredwatchRunwayShort severity=page team=payments", "payments-pager"),
        ("alertname=CredwatchRunwayShort severity=page", "platform-pager"),
        ("alertname=CredwatchReloadFailed severity=ticket", "platform-tickets"),
        (
            "alertname=CredwatchCredentialUnreadable severity=ticket team=payments",
            "platform-tickets",
        ),
        ("alertname=CredwatchCannotProbe severity=ticket team=payments", "platform-tickets"),
    ] {
        let mut command = Command::new("amtool");
        command
            .args(["config", "routes", "test"])
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--verify.receivers={receiver}"));
        output_of(command.args(labels.split(' ')));
    }
    let alerts = alerts();
    let text = std::fs::read_to_string(file)
        .expect("readable")
        .replace("Credwatch(Availability|Latency)Burn(Fast|Slow)", "CredwatchAvailabilityBurnFast");
    for name in names(&text, "Credwatch") {
        assert!(alerts.contains_key(name), "there is no alert {name}");
    }
}
