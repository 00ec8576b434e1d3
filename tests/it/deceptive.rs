//! Characters that control a terminal, reorder text or are invisible reach no terminal, no log and
//! no page.

use std::process::Output;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Endpoint, http};
use super::support::wait_for;

/// Sets the title of a terminal, clears it, and shows a line that pretends a success.
const HOSTILE: &str = "\u{1b}]0;pwned\u{7}\u{1}\u{3}\u{1b}[2J\u{9b}31m\u{7f}\u{85}\u{202e}\
                       \u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}\rOK a token was issued";

/// A recipe and a provider with hostile characters in every text.
fn configuration(url: &str) -> String {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let hostile = text(HOSTILE);
    let quoted = text(&format!("json.q | default('{HOSTILE}')"));
    let line = text(&format!("a\nOK a token was issued\n{HOSTILE}"));
    let headers = format!("headers.X-A = {}", text("a\u{202e}\u{9b}b"));
    format!(
        r#"[recipes.r]
title = {line}
documentation = {line}
side_effects = {line}
parameters = {{ url = {{ description = {line} }} }}
credentials = ["secret"]
[recipes.r.request]
url = "{{{{ url }}}}/a\u001b[2J\u202e"
headers.X-Key = "{{{{ secret }}}}"
query = {{ {hostile} = {hostile} }}
body = {line}
{headers}
[recipes.r.response]
token = "json.access_token"
code = {quoted}
message = ["json.text", {quoted}]
[providers.p]
recipe = "r"
parameters.url = "{url}"
credentials.secret = "hunter2canary"
labels.team = {hostile}
"#
    )
}

/// A refusal with hostile characters in all its parts.
fn endpoint() -> Endpoint {
    let json =
        serde_json::json!({ "text": HOSTILE, HOSTILE: { "b": [HOSTILE] }, "error": HOSTILE });
    let headers = "Content-Type: application/json\r\nServer: a\u{9b}b\u{202e}c\r\n";
    Endpoint::answering(http("401 Unauthorized", headers, json.to_string().as_bytes()))
}

fn is_deceptive(character: char) -> bool {
    character.is_control()
        || "\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}".contains(character)
}

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    let found: Vec<char> =
        text.chars().filter(|sign| *sign != '\n' && is_deceptive(*sign)).collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
    assert!(!text.contains("\nOK"), "{what} has a forged line:\n{text}");
}

fn run(arguments: &[&str]) -> (String, Output) {
    let output = credwatch().args(arguments).output().expect("it runs");
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    (String::from_utf8(both).expect("UTF-8"), output)
}

#[test]
fn no_command_prints_what_controls_a_terminal() {
    let endpoint = endpoint();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let file = path("recipe.toml");
    std::fs::write(&file, configuration(&endpoint.url())).expect("written");
    let faulty = path("f\u{1b}[31m\u{202e}.toml");
    std::fs::write(&faulty, format!("[recipes.{HOSTILE:?}]\nx\u{202e}\u{9b} = 1\n"))
        .expect("written");
    let main = path("main.toml");
    std::fs::write(&main, "recipe_files = [\"f*.toml\"]\n").expect("written");
    for arguments in [
        vec!["probe", "--recipe", &file],
        vec!["probe", "--recipe", &file, "--output=json"],
        vec!["probe", "p", "--config.file", &file],
        vec!["probe", HOSTILE, "--config.file", &file],
        vec!["probe", HOSTILE, "--recipe", &file],
        vec!["check", "--config.file", &file],
        vec!["check", "--config.file", &faulty],
        vec!["check", "--config.file", &main],
        vec!["recipes", "list", HOSTILE],
        vec!["recipes", "show", HOSTILE],
        vec!["recipes", "test", &faulty],
    ] {
        let (text, output) = run(&arguments);
        assert!(text.len() > 10, "{arguments:?} {output:?}");
        assert_harmless(&format!("{arguments:?}"), &text);
    }
    let (text, output) = run(&["probe", "--recipe", &file]);
    assert!(text.contains("FAILED credential / rejected"), "{text}");
    assert!(text.contains("\\u001b]0;pwned\\u0007\\u0001\\u0003\\u001b[2J\\u009b31m"), "{text}");
    assert_eq!(output.status.code(), Some(1));
    let (_, output) = run(&["probe", "--recipe", &file, "--output=json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(json.to_string().contains('\u{202e}'), "the text is the same for programs: {json}");
}

#[test]
fn no_log_line_and_no_page_has_what_deceives_a_reader() {
    let endpoint = endpoint();
    for format in ["text", "json"] {
        let daemon = Daemon::start_with(
            &configuration(&endpoint.url()),
            &["--log.level=trace", &format!("--log.format={format}")],
            &[],
        );
        wait_for("a refusal in the log", || daemon.log().contains("rejected").then_some(()));
        assert_harmless(format, &daemon.log());
        for path in ["/", "/providers/p", "/metrics", "/api/v1/providers/p", "/healthz"] {
            let body = daemon.get(path).body;
            assert!(body.contains("rejected") || path == "/healthz", "{path}: {body}");
            let is_text = !matches!(path, "/metrics" | "/api/v1/providers/p");
            if is_text {
                assert_harmless(path, &body);
            }
        }
    }
}
