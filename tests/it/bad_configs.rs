//! Configurations with a fault, each with its exact message in a file.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::support::daemon::credwatch;
use super::support::{files, repository};

/// Runs `check` in the folder of a file. Returns exit status and standard error.
fn check(file: &Path) -> (Option<i32>, String) {
    let output = credwatch()
        .current_dir(file.parent().expect("a folder"))
        .arg("check")
        .arg(format!("--config.file={}", file.file_name().expect("a name").to_string_lossy()))
        .output()
        .expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn every_bad_configuration_is_refused_with_its_exact_message() {
    let mut wrong = Vec::new();
    for file in files("tests/configs/bad", "toml", 40)
        .into_iter()
        .filter(|file| file.parent().is_some_and(|folder| folder.ends_with("bad")))
    {
        let expected = std::fs::read_to_string(file.with_extension("expected"))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let (status, message) = check(&file);
        if status != Some(78) || message != expected {
            wrong.push(format!(
                "{}: status {status:?}\n--- expected\n{expected}--- got\n{message}",
                file.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bad_configuration_does_not_start_the_daemon() {
    let file = repository("tests/configs/bad/unknown-recipe.toml");
    let output = credwatch()
        .arg("run")
        .arg(format!("--config.file={}", file.display()))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn the_example_configuration_is_valid() {
    let (status, message) = check(&repository("config.example.toml"));
    assert_eq!(status, Some(0), "{message}");
}

#[test]
fn a_missing_file_is_an_error() {
    let output =
        credwatch().args(["check", "--config.file=/nonexistent.toml"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "credwatch: error: cannot read /nonexistent.toml: there is no such file\n\n\
         1 error, 0 warnings\n"
    );
}

#[test]
fn check_reads_a_pipe_and_the_daemon_refuses_one_at_once() {
    let mut child = credwatch()
        .args(["check", "--config.file=/dev/stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let text = "[limits]\nprobes_in_flight = 5\n[providers.p]\nrecipe = \"nonesuch\"\n";
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let message = String::from_utf8_lossy(&output.stderr);
    let expected = "/dev/stdin:4:10: error: there is no recipe \"nonesuch\"";
    assert!(output.status.code() == Some(78) && message.starts_with(expected), "{message}");

    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let output = credwatch().arg("run").arg("--config.file").arg(&pipe).output().expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "credwatch: error: cannot read {}: it is a pipe, not a file\n  hint: only `credwatch \
             check` reads a pipe; the daemon reads its files repeatedly\n\n1 error, 0 \
             warnings\n",
            pipe.display()
        )
    );
}
