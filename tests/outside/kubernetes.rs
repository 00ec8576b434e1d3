//! The manifests in `deploy/kubernetes`: rendered from one source, and held against published
//! schemas.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

use super::programs::servers::output_of;
use super::support::alerts::{RULES, read};
use super::support::board::Board;
use super::support::documents::blocks;
use super::support::yaml::yaml;
use super::support::{files, repository};

/// A script of `tests/kubernetes`.
fn script(name: &str) -> Command {
    let home = repository("tests/kubernetes");
    assert!(
        home.join("node_modules/.installed").is_file(),
        "the schemas are missing; run `make test`, which installs them"
    );
    let mut command = Command::new("node");
    command.arg(name).current_dir(home).env_remove("NODE_OPTIONS");
    command
}

/// Checks manifests with the schemas of Kubernetes and of the Prometheus operator.
fn check(manifests: &[PathBuf]) -> Output {
    script("check.mjs").args(manifests).output().expect("node")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes the manifests that the source has to a folder.
fn render(folder: &Path) {
    let mut jsonnet = Command::new("jsonnet")
        .arg("render.jsonnet")
        .current_dir(repository("deploy/kubernetes"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("jsonnet; `make test` installs it");
    let objects = jsonnet.stdout.take().expect("a pipe");
    output_of(script("render.mjs").arg(folder).stdin(objects));
    assert!(jsonnet.wait().expect("its status").success());
}

#[test]
fn the_manifests_are_what_their_source_says() {
    let kept = repository("deploy/kubernetes");
    if std::env::var_os("WRITE_MANIFESTS").is_some() {
        render(&kept);
    }
    let folder = tempfile::tempdir().expect("a folder");
    render(folder.path());
    let manifests = files("deploy/kubernetes", "yaml", 6);
    for manifest in &manifests {
        let name = manifest.strip_prefix(&kept).expect("inside");
        let rendered = std::fs::read_to_string(folder.path().join(name))
            .unwrap_or_else(|_| panic!("{} is not rendered any more", name.display()));
        assert!(
            rendered == std::fs::read_to_string(manifest).expect("readable"),
            "{} differs; WRITE_MANIFESTS=1 cargo test --test outside kubernetes writes it",
            name.display()
        );
    }
    let rendered = std::fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(rendered, manifests.len(), "one file in each folder");
}

#[test]
fn the_manifests_match_the_schemas_of_kubernetes_and_the_prometheus_operator() {
    let output = check(&files("deploy/kubernetes", "yaml", 6));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "12 documents\n");
}

#[test]
fn the_check_finds_typing_errors_in_manifests() {
    let mistakes = [
        (
            "one/credwatch.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true",
            "readOnlyRootFileSystem",
        ),
        (
            "one/credwatch.yaml",
            "containerPort: 9797",
            "containerPort: http",
            "/containerPort must be integer",
        ),
        ("one/credwatch.yaml", "port: 9797", "port: yes", "/port must be integer"),
        ("shards/credwatch.yaml", "clusterIP:", "clusterIp:", "clusterIp"),
        ("operator/credwatch.yaml", "interval:", "intervall:", "intervall"),
        ("operator/credwatch.yaml", "keep_firing_for:", "keep_fireing_for:", "keep_fireing_for"),
        ("outside/scrapeconfig.yaml", "staticConfigs:", "staticConfig:", "\"staticConfig\""),
        ("grafana/boards.yaml", "data:\n", "data:\n  big: \"BIG\"\n", "bytes are more than"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let mut manifests = Vec::new();
    for (number, (file, right, wrong, _)) in mistakes.iter().enumerate() {
        let manifest = read(&format!("deploy/kubernetes/{file}"));
        assert!(manifest.contains(right), "{file}: {right}");
        let wrong = wrong.replace("BIG", &"x".repeat(1_100_000));
        let path = folder.path().join(format!("{number}.yaml"));
        std::fs::write(&path, manifest.replacen(right, &wrong, 1)).expect("written");
        manifests.push(path);
    }
    let output = check(&manifests);
    let complaints = text(&output.stderr);
    assert!(!output.status.success());
    for (.., complaint) in mistakes {
        assert!(complaints.contains(complaint), "{complaint}: {complaints}");
    }
}

#[test]
fn the_rules_and_boards_for_kubernetes_are_those_of_the_files() {
    let manifests = read("deploy/kubernetes/operator/credwatch.yaml");
    let documents: Vec<Json> = manifests.split("\n---\n").map(yaml).collect();
    let found = documents.iter().find(|one| one["kind"] == "PrometheusRule").expect("the rules");
    let groups = RULES.map(|file| yaml(&read(&format!("dashboards/{file}.yml")))["groups"].clone());
    let mut expected: Vec<Json> =
        groups.iter().flat_map(|groups| groups.as_array().cloned().expect("groups")).collect();
    let mut groups = found["spec"]["groups"].as_array().cloned().expect("groups");
    for groups in [&mut expected, &mut groups] {
        groups.sort_by_key(|group| group["name"].to_string());
    }
    assert_eq!(groups, expected);

    // Their content is that of the mixin; here only that each board arrives as a file.
    let manifests = read("deploy/kubernetes/grafana/boards.yaml");
    let maps: Vec<Json> = manifests.split("\n---\n").map(yaml).collect();
    let mut shown: Vec<String> = Vec::new();
    for (file, board) in maps.iter().flat_map(|map| map["data"].as_object().expect("files")) {
        let board: Json = serde_json::from_str(board.as_str().expect("text")).expect("JSON");
        assert_eq!(file, &format!("{}.json", board["uid"].as_str().expect("a uid")));
        shown.push(file.trim_end_matches(".json").to_owned());
    }
    let boards: Vec<String> = Board::all().iter().map(Board::name).collect();
    assert_eq!(shown, boards);
}

#[test]
fn the_examples_of_the_documents_render_and_match_the_schemas() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = read("docs/install.md");
    let examples = blocks(&page, "jsonnet");
    assert!(!examples.is_empty());
    for (line, example) in examples {
        // The documents write paths as seen from the repository.
        let rendered =
            output_of(Command::new("jsonnet").current_dir(repository("")).args(["-e", &example]));
        let path = folder.path().join(format!("line-{line}.json"));
        std::fs::write(&path, &rendered).expect("written");
        let output = check(&[path]);
        assert!(output.status.success(), "docs/install.md:{line}: {}", text(&output.stderr));
        assert!(rendered.contains("registry.example.com/credwatch"), "its settings are used");
    }
}
