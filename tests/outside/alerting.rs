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
