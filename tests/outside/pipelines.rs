//! What runs credwatch before a commit and in CI: the hooks and the workflow, with a good and with
//! a wrong configuration.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

use super::support::documents::{blocks, document};
use super::support::repository;
use super::support::yaml::yaml;

const GOOD: &str = "[providers.p]\nrecipe = \"oauth2-client-credentials\"\n\
    parameters.token_url = \"https://login.example\"\n\
    credentials.client_id = { env = \"HOME\" }\ncredentials.client_secret = { env = \"HOME\" }\n";

/// A folder as a user has it: a configuration and one recorded exchange.
fn project(configuration: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("credwatch.toml"), configuration).expect("written");
    std::fs::create_dir(folder.path().join("exchanges")).expect("created");
    let recorded = repository("tests/exchanges/enos");
    for entry in std::fs::read_dir(recorded).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        std::fs::copy(&path, folder.path().join("exchanges").join(name)).expect("copied");
    }
    folder
}

/// Runs a shell as the workflow does, with the credwatch of this build first in `PATH`.
fn run(folder: &Path, script: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_credwatch")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", program.display()))
        .output()
        .expect("bash runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_workflow_shows_each_fault_at_its_line_and_tests_the_recipes() {
    let workflow = document("deploy/ci/github-actions.yml");
    assert_eq!(blocks(&document("docs/commands.md"), "yaml workflow")[0].1, workflow);
    let steps = yaml(&workflow)["jobs"]["credwatch"]["steps"].clone();
    let scripts: Vec<&str> =
        steps.as_array().expect("steps").iter().filter_map(|step| step["run"].as_str()).collect();
    let [check, recipes] = scripts.as_slice() else { panic!("{scripts:?}") };

    let good = project(GOOD);
    for script in [check, recipes] {
        let output = run(good.path(), script);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!text(&output.stdout).contains("::"), "{}", text(&output.stdout));
    }
    let wrong = project(&GOOD.replace("parameters.token_url", "parameters.token_uri"));
    let output = run(wrong.path(), check);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("::error file=credwatch.toml,line=3,col=12::the recipe"), "{shown}");
    let exchange = wrong.path().join("exchanges/wrong.toml");
    std::fs::write(exchange, "recipe = \"no-such-recipe\"\n").expect("written");
    assert!(!run(wrong.path(), recipes).status.success());
}

#[test]
fn the_hooks_for_pre_commit_pass_a_good_project_and_stop_a_wrong_one() {
    let hooks = yaml(&document(".pre-commit-hooks.yaml"));
    let page = document("docs/commands.md");
    let hooks = hooks.as_array().expect("hooks");
    assert_eq!(hooks.len(), 2);
    for hook in hooks {
        let id = hook["id"].as_str().expect("an id");
        assert!(page.contains(&format!("- id: {id}\n")), "{id} is not in the page");
        let mut line = hook["entry"].as_str().expect("a command").to_owned();
        for argument in hook["args"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            line = line + " " + argument;
        }
        // pre-commit passes the names of the files that match.
        if hook["pass_filenames"] != "false" {
            line += " exchanges/*.toml";
        }
        let output = run(project(GOOD).path(), &line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        let wrong = project("[provider.p]\n");
        let exchange = wrong.path().join("exchanges/wrong.toml");
        std::fs::write(exchange, "recipe = \"no-such-recipe\"\n").expect("written");
        assert!(!run(wrong.path(), &line).status.success(), "{line}");
    }
}
