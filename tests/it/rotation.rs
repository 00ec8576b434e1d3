//! Secrets that change while the daemon runs.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Authority, Endpoint, http, read_request};
use super::support::wait_for;

/// An endpoint that accepts one secret, sent as `client_secret` in a form.
fn accepting(secret: &'static str) -> Endpoint {
    Endpoint::serving(move |mut stream, requests| {
        let request = read_request(&mut stream);
        let answer = if request.contains(&format!("client_secret={secret}")) {
            http("200 OK", "", br#"{"access_token":"a-token-of-the-tests","expires_in":3600}"#)
        } else {
            http("401 Unauthorized", "", br#"{"error":"invalid_client"}"#)
        };
        requests.lock().expect("not poisoned").push(request);
        let _ = std::io::Write::write_all(&mut stream, &answer);
    })
}

fn provider(endpoint: &Endpoint, interval: &str, secrets: &str) -> String {
    format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"{interval}\"\n\
         confirm_after = \"50ms\"\nparameters = {{ token_url = \"{}\", auth_method = \
         \"client_secret_post\" }}\ncredentials.client_id = \"id\"\n{secrets}\n",
        endpoint.url()
    )
}

fn program(folder: &Path, script: &str) -> String {
    let path = folder.join("vault");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
    path.display().to_string()
}

#[test]
fn a_secret_from_a_command_is_read_for_each_probe_and_never_logged() {
    let endpoint = accepting("new-secret-of-the-vault");
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    std::fs::write(&store, "old-secret-of-the-vault").expect("written");
    let vault =
        program(folder.path(), &format!("echo chatter-of-the-vault >&2; cat {}", store.display()));
    let secrets = format!("credentials.client_secret = {{ command = [\"{vault}\", \"read\"] }}");
    let daemon =
        Daemon::start_with(&provider(&endpoint, "300ms", &secrets), &["--log.level=trace"], &[]);
    daemon.wait_for_state("p", "broken");
    std::fs::write(&store, "new-secret-of-the-vault").expect("written");
    daemon.wait_for_state("p", "healthy");
    std::fs::remove_file(&store).expect("removed");
    let failed = "credwatch_probe_failures_total\
                  {provider=\"p\",class=\"config\",reason=\"secret\",code=\"\"}";
    wait_for("it to fail", || daemon.sample(failed).filter(|count| *count > 0.0));
    daemon.wait_for_log("failed (exit status: 1)");
    let log = daemon.log();
    for hidden in ["old-secret", "new-secret", "chatter"] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
}

#[test]
fn a_command_that_hangs_is_a_secret_failure() {
    let endpoint = accepting("x").that_must_not_be_called();
    let folder = tempfile::tempdir().expect("a folder");
    let vault = program(folder.path(), "exec sleep 600");
    let secrets =
        format!("timeout = \"300ms\"\ncredentials.client_secret = {{ command = [\"{vault}\"] }}");
    let daemon = Daemon::start(&provider(&endpoint, "500ms", &secrets));
    let failed = "credwatch_probe_failures_total\
                  {provider=\"p\",class=\"config\",reason=\"secret\",code=\"\"}";
    wait_for("two failures", || daemon.sample(failed).filter(|count| *count >= 2.0));
    daemon.wait_for_log("did not end within 300ms");
}

#[test]
fn the_next_credential_is_probed_beside_the_current_one() {
    let endpoint = accepting("current-secret");
    let folder = tempfile::tempdir().expect("a folder");
    let next = folder.path().join("next");
    std::fs::write(&next, "not-yet-known-there").expect("written");
    let secrets = format!(
        "credentials.client_secret = \"current-secret\"\ncredentials_next.client_secret = {{ file \
         = {next:?} }}"
    );
    let text = provider(&endpoint, "200ms", &secrets);
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("p", "healthy");
    let state = |state: &str| {
        daemon
            .sample(&format!("credwatch_next_credential_state{{provider=\"p\",state=\"{state}\"}}"))
            == Some(1.0)
    };
    wait_for("the next credential to be broken", || state("broken").then_some(()));
    let info = "credwatch_next_credential_failure_info\
                {provider=\"p\",class=\"credential\",reason=\"rejected\",code=\"invalid_client\",\
                message=\"HTTP status 401\"}";
    assert_eq!(daemon.sample(info), Some(1.0));
    let health = daemon.get("/healthz");
    assert_eq!(health.status, 200, "the next credential does not count here: {}", health.body);
    let json: serde_json::Value = serde_json::from_str(&health.body).expect("JSON");
    assert_eq!(
        (&json["providers"]["p"]["state"], &json["providers"]["p"]["next"]["state"]),
        (&"healthy".into(), &"broken".into())
    );
    daemon.wait_for_log("credentials=next");
    let refused =
        "credwatch_probe_failures_total{provider=\"p\",class=\"credential\",reason=\"rejected\"";
    assert!(
        !daemon
            .get("/metrics")
            .body
            .lines()
            .any(|line| line.starts_with(refused) && !line.ends_with(" 0")),
        "the failures are not counted for the current credential"
    );
    // The provider now accepts the next credential.
    std::fs::write(&next, "current-secret").expect("written");
    wait_for("the next credential to be healthy", || state("healthy").then_some(()));
    assert_eq!(daemon.sample("credwatch_next_credential_probe_success{provider=\"p\"}"), Some(1.0));
    // Without a next credential, its series disappear.
    daemon.configure(&provider(
        &endpoint,
        "200ms",
        "credentials.client_secret = \"current-secret\"",
    ));
    daemon.signal(Signal::HUP);
    wait_for("its series to disappear", || {
        (!daemon.get("/metrics").body.contains("credwatch_next_credential_state{")).then_some(())
    });
}

#[test]
fn the_probe_command_can_probe_the_next_credential() {
    let endpoint = accepting("the-next-secret");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("credwatch.toml");
    std::fs::write(
        &file,
        provider(
            &endpoint,
            "1m",
            "credentials.client_secret = \"spent\"\n\
        credentials_next.client_secret = \"the-next-secret\"",
        ),
    )
    .expect("written");
    let probe = |more: &[&str]| {
        credwatch()
            .args(["probe", "p"])
            .args(more)
            .arg(format!("--config.file={}", file.display()))
            .output()
            .expect("it runs")
    };
    assert_eq!(probe(&[]).status.code(), Some(1));
    assert_eq!(probe(&["--next"]).status.code(), Some(0));
    std::fs::write(&file, provider(&endpoint, "1m", "credentials.client_secret = \"spent\""))
        .expect("written");
    let output = probe(&["--next"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has no `credentials_next`"));
}

#[test]
fn a_renewed_client_certificate_is_used_without_a_reload_and_an_unreadable_one_is_not() {
    let (ours, theirs, folder) =
        (Authority::new("ours"), Authority::new("theirs"), tempfile::tempdir().expect("a folder"));
    let endpoint = Endpoint::tls(&theirs.issue("127.0.0.1", 2020, 2099).demanding(&theirs));
    let (certificate, key) = ours.issue("client.example", 2020, 2099).files(&folder);
    let tls = format!(
        "tls.ca_file = {:?}\ntls.client_certificate_file = {certificate:?}\ntls.client_key_file = \
         {key:?}",
        theirs.file(&folder)
    );
    let text = provider(&endpoint, "200ms", &format!("credentials.client_secret = \"any\"\n{tls}"))
        .replace("http://", "https://");
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("p", "broken");
    theirs.issue("client.example", 2020, 2099).files(&folder);
    daemon.wait_for_state("p", "healthy");

    std::fs::write(&certificate, "half of a certificate").expect("written");
    wait_for("the warning in the log", || {
        daemon.log().contains("changed certificate files cannot be used").then_some(())
    });
    let runs = || daemon.sample("credwatch_probes_total{provider=\"p\"}");
    let then = runs().expect("counted");
    wait_for("two more probes", || runs().filter(|now| *now >= then + 2.0));
    assert_eq!(
        daemon.sample("credwatch_probe_success{provider=\"p\"}"),
        Some(1.0),
        "the previous certificate is still used"
    );
    assert_eq!(daemon.log().matches("changed certificate files").count(), 1, "{}", daemon.log());
}

#[test]
fn a_secret_that_was_rotated_in_a_pause_ends_the_back_off_after_it() {
    let endpoint = accepting("new-secret-of-the-file");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "old-secret-of-the-file").expect("written");
    let secret = format!("credentials.client_secret = {{ file = \"{}\" }}", file.display());
    let text = |more: &str| provider(&endpoint, "1h", &format!("{secret}\n{more}"));
    let flags = ["--web.enable-lifecycle", "--web.enable-admin-api"];
    let daemon = Daemon::start_with(&text(""), &flags, &[]);
    let reload = |more: &str| {
        daemon.configure(&text(more));
        assert_eq!(daemon.post("/-/reload").status, 200);
    };
    daemon.wait_for_state("p", "broken");
    let calls = endpoint.calls();
    reload("enabled = false");
    std::fs::write(&file, "new-secret-of-the-file").expect("written");
    assert_eq!(daemon.post("/api/v1/providers/p/probe").status, 409);
    assert_eq!(endpoint.calls(), calls);
    // The next probe of its back-off would come in an hour.
    reload("");
    daemon.wait_for_state("p", "healthy");
    assert_eq!(endpoint.calls(), calls + 1);
}
