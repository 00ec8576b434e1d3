//! A real Prometheus scrapes the daemon and finds the series. promtool checks the exposition.

use std::fmt::Write as _;
use std::process::Command;

use credwatch::fake::Fake;

use super::programs::servers::Prometheus;
use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::wait_for;

#[test]
fn a_real_prometheus_finds_the_series_and_the_broken_credential() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let fake = runtime.block_on(Fake::start()).expect("a port");
    let mut text = "[defaults]\ninterval = \"300ms\"\nconfirm_after = \"100ms\"\nlabels = \
                    { team = \"messaging\" }\n"
        .to_owned();
    for api in fake.token_apis() {
        let _ = writeln!(
            text,
            "[providers.{api}]\nrecipe = {api:?}\nparameters.base_url = {:?}",
            fake.base_url(api)
        );
        for (name, value) in fake.credentials(api) {
            let _ = writeln!(text, "credentials.{name} = {value:?}");
        }
    }
    let daemon = Daemon::start(&text);
    let prometheus = Prometheus::scraping(daemon.address());
    let healthy = wait_for("a query to find all five providers", || {
        Some(prometheus.query("credwatch_provider_state{state=\"healthy\"} == 1"))
            .filter(|found| found.len() == 5)
    });
    assert_eq!(healthy.len(), 5);
    for (labels, seconds) in prometheus.wait_for("credwatch_token_time_to_expiry_seconds") {
        assert!((3_000.0..=86_400.0).contains(&seconds), "{labels}: {seconds}");
    }
    assert_eq!(
        prometheus.query("count(credwatch_probe_failures_total{code=\"\"} == 0)")[0].1.to_string(),
        "90",
        "eighteen reasons at 0 for each of five"
    );
    fake.revoke("enos", true);
    let joined = "credwatch_provider_info * on (provider) group_left (class, reason, code) \
                  credwatch_provider_failure_info and on (provider) \
                  credwatch_provider_state{state=\"broken\"} == 1";
    let (labels, _) = prometheus.wait_for(joined).remove(0);
    let label = |name: &str| labels[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        [label("provider"), label("class"), label("reason"), label("code"), label("team")],
        ["enos", "credential", "rejected", "1003", "messaging"]
    );
    fake.revoke("enos", false);
    wait_for("it to be healthy again", || prometheus.query(joined).is_empty().then_some(()));
}

/// Runs `promtool check metrics`. Returns whether it succeeded, and its output.
fn check_metrics(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("metrics");
    std::fs::write(&file, text).expect("written");
    let output = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&file).expect("readable"))
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot start promtool ({error}); run `make test`, which installs it")
        });
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn promtool_accepts_the_exposition_with_any_names_and_answers() {
    let hostile = Endpoint::json(
        "401 X",
        r#"{"error":"quote\"back\\slash","error_description":"x\u0000\"\n"}"#,
    );
    let fine = Endpoint::json("200 X", r#"{"access_token":"abcdefghijkl","expires_in":3600}"#);
    let credentials = "credentials = { client_id = \"a-client\", client_secret = \"a-secret\" }";
    let text = format!(
        "[defaults]\ninterval = \"100ms\"\nconfirm_after = \"100ms\"\nlabels = {{ note = \
         \"a\\\"b\\\\c\\nd\", other = \"ä{{}}=,\" }}\n\
         [providers.\"quote\\\" back\\\\slash {{x=\\\"y\\\"}} ü\"]\nrecipe = \
         \"oauth2-client-credentials\"\nparameters.token_url = {:?}\n{credentials}\n\
         [providers.fine]\nrecipe = \"oauth2-client-credentials\"\nsecret_expires = 2099-01-01\n\
         tls.insecure = true\nparameters.token_url = {:?}\n{credentials}\n",
        hostile.url(),
        fine.url()
    );
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("fine", "healthy");
    let metrics = wait_for("a refusal", || {
        Some(daemon.get("/metrics").body)
            .filter(|text| text.contains("code=\"quote_back_slash\"} "))
    });
    assert_eq!(check_metrics(&metrics), (true, String::new()));
    assert!(metrics.contains("note=\"a\\\"b\\\\c\\nd\""), "{metrics}");
    let (fine, complaint) = check_metrics("# TYPE x counter\nx 1\n");
    assert!(!fine && !complaint.is_empty(), "promtool reports a bad exposition");
}
