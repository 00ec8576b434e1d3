//! `credwatch probe` of several providers, and where the commands find the configuration.

use std::process::Output;

use serde_json::Value;

use super::support::daemon::credwatch;
use super::support::fakes::Fakes;

/// Three providers, of which `crm` is refused. `erp` has a next credential.
fn configuration(fakes: &Fakes) -> String {
    let url = fakes.fake.base_url("sendgrid-key");
    let provider = |name: &str, key: &str, more: &str| {
        format!(
            "[providers.{name}]\nrecipe = \"sendgrid-key\"\nparameters.base_url = {url:?}\n\
             credentials.api_key = {key:?}\n{more}\n"
        )
    };
    let good = &fakes.fake.credentials("sendgrid-key")[0].1;
    provider("mail", good, "labels = { team = \"web\", env = \"live\" }")
        + &provider("crm", "SG.wrong", "labels = { team = \"sales\", env = \"live\" }")
        + &provider("erp", good, "credentials_next.api_key = \"SG.next\"")
}

/// A folder with this `credwatch.toml`, in which commands are run.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("credwatch.toml"), text).expect("written");
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let command = &mut credwatch();
        command.args(arguments).current_dir(self.0.path()).output().expect("it runs")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn several_providers_are_a_table_with_those_that_failed_first() {
    let fakes = Fakes::start();
    let folder = Folder::with(&configuration(&fakes));
    let output = folder.run(&["probe", "--all"]);
    let table = text(&output.stdout);
    let first: Vec<&str> =
        table.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["PROVIDER", "crm", "mail", "erp"], "{table}");
    let of = |name: &str| table.lines().find(|line| line.starts_with(name)).expect("its line");
    assert!(of("crm").contains("FAILED") && of("crm").contains("rejected"), "{table}");
    assert!(of("mail").contains("accepted"), "{table}");
    assert!(text(&output.stderr).contains("3 providers probed, 1 failed"));
    assert_eq!(output.status.code(), Some(1), "that of the worst");
    assert_eq!(fakes.fake.requests("sendgrid-key"), 3, "each once");
}

#[test]
fn providers_are_chosen_by_their_names_or_labels() {
    let fakes = Fakes::start();
    let folder = Folder::with(&configuration(&fakes));
    let names = |arguments: &[&str]| {
        let output = folder.run(&[&["probe", "--output=json"], arguments].concat());
        let mut names: Vec<String> = text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
            .map(|line| line["provider"].as_str().expect("a name").to_owned())
            .collect();
        names.sort();
        (names.join(" "), output.status.code())
    };
    for (arguments, expected, code) in [
        (&["--label", "env=live"][..], "crm mail", 1),
        (&["--label", "env=live", "--label", "team=web"], "mail", 0),
        (&["--all"], "crm erp mail", 1),
        (&["erp", "mail", "erp"], "erp mail", 0),
        (&["--all", "--next"], "erp", 1),
        (&["--label", "team=legal"], "", 2),
        (&["--label", "team"], "", 2),
        (&["erp", "nobody"], "", 2),
        (&["erp", "mail", "--next"], "", 2),
        (&["erp", "mail", "--parameter", "base_url=http://127.0.0.1:1"], "", 2),
        (&["erp", "--all"], "", 2),
        (&[], "", 2),
    ] {
        assert_eq!(names(arguments), (expected.to_owned(), Some(code)), "{arguments:?}");
    }
    let unknown = folder.run(&["probe", "--label", "team=sale"]);
    assert!(text(&unknown.stderr).contains("did you mean `sales`?"));
    // One provider is one object of many lines.
    let one = folder.run(&["probe", "erp", "--output=json"]);
    let one: Value = serde_json::from_slice(&one.stdout).expect("one object");
    assert_eq!(one["provider"], "erp");
}

#[test]
fn a_paused_provider_is_probed_only_when_it_is_named() {
    let fakes = Fakes::start();
    let folder = Folder::with(&(configuration(&fakes) + "enabled = false\n"));
    let output = folder.run(&["probe", "--label", "env=live", "--all"]);
    assert!(!text(&output.stderr).contains("paused"));
    let output = folder.run(&["probe", "--all"]);
    assert!(text(&output.stderr).contains("paused, so not probed: erp"));
    assert!(!text(&output.stdout).contains("erp"));
    assert_eq!(folder.run(&["probe", "mail", "erp"]).status.code(), Some(0));
}

#[test]
fn without_a_configuration_each_command_says_what_to_do_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = std::path::Path::new("/etc/credwatch/credwatch.toml");
    if service.exists() {
        return;
    }
    for command in [&["probe", "x"][..], &["check"], &["run"], &["probe", "--all"]] {
        let output =
            credwatch().args(command).current_dir(folder.path()).output().expect("it runs");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{told}");
        for part in ["credwatch init", "credwatch demo", "--config.file=FILE", "example"] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}

#[test]
fn check_tells_programs_every_fault_and_strictly_takes_warnings_for_errors() {
    let secret = "[providers.a]\nrecipe = \"sendgrid-key\"\ncredentials.api_key = \"SG.x\"\n";
    let folder = Folder::with(secret);
    let json = |arguments: &[&str]| {
        let output = folder.run(&[&["check", "--output=json"], arguments].concat());
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        (value, output.status.code())
    };
    // Everybody can read the file with the secret.
    let (warned, code) = json(&[]);
    assert_eq!((&warned["fine"], &warned["providers"], code), (&true.into(), &1.into(), Some(0)));
    let fault = &warned["faults"][0];
    assert_eq!(
        (&fault["severity"], &fault["line"], &fault["file"]),
        (&"warning".into(), &3.into(), &"credwatch.toml".into())
    );
    let (strict, code) = json(&["--strict"]);
    assert_eq!((&strict["fine"], code), (&false.into(), Some(78)));
    assert_eq!(strict["faults"][0]["severity"], "error");
    assert!(text(&folder.run(&["check", "--strict"]).stderr).contains("1 error"));
    std::fs::write(folder.0.path().join("credwatch.toml"), "intervall = 1\n").expect("written");
    let (wrong, code) = json(&[]);
    assert_eq!(code, Some(78));
    assert!(wrong["faults"][0]["hint"].is_string() || wrong["faults"][0]["message"].is_string());
}

#[test]
fn init_needs_a_terminal_and_overwrites_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let init = || {
        let output = credwatch().arg("init").current_dir(folder.path()).output().expect("it runs");
        (output.status.code(), text(&output.stderr))
    };
    let (code, told) = init();
    assert!(code == Some(2) && told.contains("no terminal"), "{told}");
    assert!(told.contains("credwatch recipes show NAME --provider"), "{told}");
    std::fs::write(folder.path().join("credwatch.toml"), "# mine\n").expect("written");
    let (code, told) = init();
    assert!(code == Some(2) && told.contains("overwrites nothing"), "{told}");
    let kept = std::fs::read_to_string(folder.path().join("credwatch.toml")).expect("it is there");
    assert_eq!(kept, "# mine\n");
}

#[test]
fn completions_name_every_command_in_each_shell() {
    let folder = Folder::with("");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&folder.run(&["completions", shell]).stdout);
        for word in ["probe", "status", "completions", "config.file"] {
            assert!(script.contains(word), "{word} in {shell}");
        }
    }
}
