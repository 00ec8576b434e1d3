//! An upgrade from version 0.1: its configuration, its recipes and its state are read, or a message
//! says what to change. The files are in `tests/version-0.1`.

use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use super::support::daemon::{Daemon, credwatch};
use super::support::documents::document;
use super::support::repository;
use super::support::version_0_1::saved_state;

/// Runs `check` on a file of version 0.1. Returns exit status and standard error.
fn check(file: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = credwatch()
        .current_dir(repository("tests/version-0.1"))
        .env("A_SECRET", "not-a-real-secret")
        .args(["check", &format!("--config.file={file}")])
        .args(more)
        .output()
        .expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_example_of_version_0_1_is_valid_without_a_warning() {
    let (status, message) = check("config.example.toml", &["--strict"]);
    assert_eq!(status, Some(0), "{message}");
}

#[test]
fn every_recipe_of_version_0_1_takes_the_inputs_of_then() {
    let (status, message) = check("every-recipe.toml", &[]);
    assert_eq!(status, Some(0), "{message}");
    assert_eq!(document("tests/version-0.1/every-recipe.toml").matches("\nrecipe = ").count(), 34);
    // A probe of these recipes has side effects, as `check` of version 0.1 said too.
    for warning in message.lines().filter(|line| line.contains(": warning: ")) {
        assert!(warning.contains("a probe has side effects"), "{warning}");
    }
}

#[test]
fn recipes_in_the_language_of_version_0_1_are_read() {
    let (status, message) = check("own-recipes.toml", &[]);
    assert_eq!(status, Some(0), "{message}");
    assert!(document("tests/version-0.1/own-recipes.toml").matches(".request]").count() > 30);
}

#[test]
fn what_is_refused_since_version_0_1_has_a_message_that_says_what_to_change() {
    let (status, message) = check("refused.toml", &[]);
    assert_eq!(status, Some(78));
    assert_eq!(message, document("tests/version-0.1/refused.expected"));
    let faults: Vec<&str> = message.split("\n\n").filter(|part| part.contains("error: ")).collect();
    assert!(faults.len() >= 10, "{faults:?}");
    for fault in faults {
        assert!(fault.contains("\n  hint: "), "this message does not say what to change: {fault}");
    }
}

#[test]
fn the_daemon_knows_the_runway_and_the_failures_that_version_0_1_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = folder.path().join("state");
    std::fs::create_dir(&storage).expect("created");
    let (text, later) = saved_state();
    std::fs::write(storage.join("state.json"), &text).expect("written");
    let configuration = folder.path().join("credwatch.toml");
    std::fs::write(&configuration, document("tests/version-0.1/saved.toml")).expect("written");
    // A configuration that is newer than the state could have other secrets, so it ends a back-off.
    let file = std::fs::File::options().write(true).open(&configuration).expect("opened");
    file.set_modified(SystemTime::now() - Duration::from_secs(48 * 3600)).expect("set");

    let flag = format!("--storage.path={}", storage.display());
    let daemon = Daemon::start_in(folder, &[&flag], &[]);
    let saved: Json =
        serde_json::from_str(&document("tests/version-0.1/state.json")).expect("JSON");
    let saved = |name: &str| {
        let mut all = saved["providers"].as_array().expect("providers").iter();
        all.find(|provider| provider["name"] == name).expect("it was saved").clone()
    };
    let sample = |family: &str, provider: &str| {
        daemon.sample(&format!("{family}{{provider=\"{provider}\"}}"))
    };

    let expires = saved("good")["token"]["expires"].as_f64().expect("a time") + later;
    let shown = sample("credwatch_token_expiry_timestamp_seconds", "good").expect("a runway");
    assert!((shown - expires).abs() < 1.0, "{shown} {expires}");
    assert_eq!(sample("credwatch_token_never_expires", "endless"), Some(1.0));
    // Their next probe may already have failed, as nothing listens there. The last success stays.
    for provider in ["good", "endless"] {
        let success = saved(provider)["last_success"].as_f64().expect("a time") + later;
        let shown = sample("credwatch_probe_last_success_timestamp_seconds", provider);
        assert!(shown.is_some_and(|shown| (shown - success).abs() < 1.0), "{shown:?} {success}");
    }
    let broken = "credwatch_provider_state{provider=\"refused\",state=\"broken\"}";
    assert_eq!(daemon.sample(broken), Some(1.0));
    let failure = "credwatch_provider_failure_info{provider=\"refused\",class=\"credential\",\
                   reason=\"rejected\",code=\"invalid_client\",message=\"\"}";
    assert_eq!(daemon.sample(failure), Some(1.0));
    // The back-off from the refused account is kept.
    let next = saved("refused")["next_due"].as_f64().expect("a time") + later;
    let shown = sample("credwatch_probe_next_timestamp_seconds", "refused").expect("a time");
    assert!((shown - next).abs() < 2.0, "{shown} {next}");

    let folder = daemon.stop();
    assert!(folder.path().join("state/state.redb").is_file());
    let left = std::fs::read_to_string(folder.path().join("state/state.json")).expect("it is left");
    assert_eq!(left, text, "a downgrade finds the state as it was");
}
