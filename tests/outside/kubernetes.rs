//! The manifests in `deploy/kubernetes` against published schemas.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::support::{files, repository};

/// Checks manifests with the schemas of Kubernetes and of the Prometheus operator.
fn check(manifests: &[PathBuf]) -> Output {
    let home = repository("tests/kubernetes");
    assert!(
        home.join("node_modules/.installed").is_file(),
        "the schemas are missing; run `make test`, which installs them"
    );
    Command::new("node")
        .arg("check.mjs")
        .args(manifests)
        .current_dir(home)
        .env_remove("NODE_OPTIONS")
        .output()
        .expect("node")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_manifests_match_the_schemas_of_kubernetes_and_the_prometheus_operator() {
    let output = check(&files("deploy/kubernetes", "yaml", 4));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "5 documents\n");
}

#[test]
fn the_check_finds_typing_errors_in_manifests() {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, right, wrong, complaint) in [
        (
            "deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true",
            "readOnlyRootFileSystem",
        ),
        ("deployment.yaml", "containerPort: 9797", "containerPort: http", "must be integer"),
        ("servicemonitor.yaml", "interval:", "intervall:", "intervall"),
        ("service.yaml", "port: 9797", "port: yes", "must be integer"),
    ] {
        let manifest =
            std::fs::read_to_string(repository("deploy/kubernetes").join(file)).expect("readable");
        assert!(manifest.contains(right), "{file}: {right}");
        let path = folder.path().join(file);
        std::fs::write(&path, manifest.replace(right, wrong)).expect("written");
        let output = check(&[path]);
        assert!(
            !output.status.success() && text(&output.stderr).contains(complaint),
            "{wrong}: {}",
            text(&output.stderr)
        );
    }
}
