//! Reports about several calls: counters, explanations, and mistakes in recipes.

use credwatch::config::load_text;

use super::{DISCOVERY, ISSUED, LOGOUT, REVOKE, TOKEN, base, configuration};
use crate::support::daemon::Daemon;
use crate::support::endpoint::Endpoint;
use crate::support::wait_for;

#[test]
fn each_call_is_counted_and_a_failed_cleanup_does_not_make_the_provider_fail() {
    let endpoint = Endpoint::routing(&[
        DISCOVERY,
        ISSUED,
        ("DELETE /sessions/session-of-the-tests", 500, r#"{"error":"session-of-the-tests"}"#),
        REVOKE,
    ]);
    let daemon = Daemon::start(&configuration(&base(&endpoint), "interval = \"200ms\""));
    daemon.wait_for_state("p", "healthy");
    let sample = |family: &str, step: &str| {
        daemon.sample(&format!("credwatch_probe_step{family}{{provider=\"p\",step=\"{step}\"}}"))
    };
    wait_for("two probes", || sample("s_total", "revoke").filter(|made| *made >= 2.0));
    assert!(sample("_failures_total", "logout").is_some_and(|failed| failed >= 1.0));
    for step in ["discovery", "token", "revoke"] {
        assert_eq!(sample("_failures_total", step), Some(0.0), "{step}");
        assert!(sample("_duration_seconds", step).is_some_and(|seconds| seconds > 0.0), "{step}");
    }
    assert_eq!(sample("s_total", "tenant"), None, "without its parameter the step is not made");
    assert_eq!(
        daemon.sample("credwatch_provider_state{provider=\"p\",state=\"healthy\"}"),
        Some(1.0)
    );
    let api: serde_json::Value =
        serde_json::from_str(&daemon.get("/api/v1/providers/p").body).expect("JSON");
    let steps: Vec<&str> = api["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|step| step["step"].as_str())
        .collect();
    assert_eq!(steps, ["discovery", "token", "logout", "revoke"]);
    assert!(
        api["steps"][2]["failed"].as_u64() >= Some(1)
            && api["steps"][0]["duration_seconds"].is_number(),
        "{api}"
    );
    let page = daemon.get("/providers/p").body;
    assert!(
        page.contains("<caption>Steps</caption>") && page.contains("<bdi>logout</bdi>"),
        "{page}"
    );
    daemon.wait_for_log("could not clean up");
    let log = daemon.log();
    let line =
        log.lines().find(|line| line.contains("could not clean up")).expect("the log has it");
    assert!(line.contains("step=logout") && line.contains("reason=unavailable"), "{line}");
    assert!(
        !log.contains("session-of-the-tests")
            && !log.contains(TOKEN)
            && !log.contains("password-4f1d"),
        "{log}"
    );
}

#[test]
fn probe_explains_each_call() {
    let endpoint = Endpoint::routing(&[DISCOVERY, ISSUED, LOGOUT, REVOKE]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("credwatch.toml");
    std::fs::write(&file, configuration(&base(&endpoint), "")).expect("written");
    let run = |more: &[&str]| {
        let output = crate::support::daemon::credwatch()
            .args(["probe", "p", &format!("--config.file={}", file.display())])
            .args(more)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let text = run(&[]);
    for expected in [
        "Step discovery\n",
        // A URL that is configured is no secret, though an answer could have given another.
        &format!("  GET {}/discovery\n", base(&endpoint)),
        "identity: a string [hidden]",
        "Request\n  POST [hidden]/token  (at http://127.0.0.1:",
        "  X-Session: [hidden]\n",
        "Step logout\n",
        "Steps\n  discovery ",
        "OK a token was issued",
    ] {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&run(&["--output=json"])).expect("JSON");
    let names: Vec<&str> = json["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|step| step["step"].as_str())
        .collect();
    assert_eq!(names, ["discovery", "logout", "revoke"]);
    assert_eq!(
        (&json["steps"][0]["http_status"], &json["outcome"]["issued"]),
        (&200.into(), &true.into())
    );
    for hidden in ["session-of-the-tests", TOKEN, "password-4f1d"] {
        assert!(
            !text.contains(hidden) && !json.to_string().contains(hidden),
            "{hidden} in:\n{text}"
        );
    }
}

#[test]
fn mistakes_in_steps_are_reported_with_their_place() {
    let wrong = |from: &str, to: &str| {
        let text = configuration("https://archive.example", "").replace(from, to);
        let faults = load_text("test", &text).err().unwrap_or_else(|| panic!("{to} was accepted"));
        faults[0].to_string()
    };
    for (from, to, expected) in [
        ("name = \"discovery\"", "", "a call under `steps` has no `name`"),
        ("name = \"logout\"", "name = \"discovery\"", "the name `discovery` is taken"),
        ("name = \"logout\"", "name = \"token\"", "the name `token` is taken"),
        ("name = \"logout\"", "name = \"log out\"", "this cannot be the name of a call"),
        ("salt = \"json.salt\"", "password = \"json.salt\"", "the name `password` is given twice"),
        ("salt = \"json.salt\"", "salt = \"jsn.salt\"", "unknown name `jsn`"),
        ("{{ found | default(base_url) }}", "{{ session }}", "unknown name"),
        ("username = \"{{ username }}\"", "username = \"{{ token }}\"", "unknown name"),
        ("{{ found | default(base_url) }}/discovery", "{{ found }}/discovery", "request.url"),
    ] {
        let fault = wrong(from, to);
        assert!(fault.contains(expected), "{to}: {fault}");
        assert!(fault.starts_with("test:"), "the fault has a place: {fault}");
    }
}
