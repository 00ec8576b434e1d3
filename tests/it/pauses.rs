//! Paused providers are not probed, keep their last state, and count nowhere.

use serde_json::Value as Json;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::Endpoint;
use super::support::wait_for;

const FLAGS: [&str; 2] = ["--web.enable-admin-api", "--web.enable-lifecycle"];

/// A window that is always open.
const ALWAYS: &str = "from = \"00:00\"\nto = \"00:00\"\n";

fn refusing() -> Endpoint {
    Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#)
}

fn provider(name: &str, endpoint: &Endpoint, more: &str) -> String {
    format!(
        "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\n\
         confirm_after = \"100ms\"\nparameters.token_url = \"{}\"\ncredentials = {{ client_id = \
         \"id\", client_secret = \"secret\" }}\n{more}\n",
        endpoint.url()
    )
}

fn reload(daemon: &Daemon, configuration: &str) {
    daemon.configure(configuration);
    let answer = daemon.post("/-/reload");
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn paused(daemon: &Daemon, name: &str) -> Option<f64> {
    daemon.sample(&format!("credwatch_provider_paused{{provider=\"{name}\"}}"))
}

fn json(daemon: &Daemon, path: &str) -> Json {
    serde_json::from_str(&daemon.get(path).body).expect("JSON")
}

#[test]
fn a_provider_that_is_switched_off_keeps_its_state_and_counts_nowhere() {
    let endpoint = refusing();
    let daemon = Daemon::start_with(&provider("p", &endpoint, ""), &FLAGS, &[]);
    daemon.wait_for_state("p", "broken");
    assert_eq!((daemon.get("/healthz").status, paused(&daemon, "p")), (503, None));
    let calls = endpoint.calls();
    reload(&daemon, &provider("p", &endpoint, "enabled = false"));
    wait_for("the pause", || (paused(&daemon, "p") == Some(1.0)).then_some(()));
    let state = "credwatch_provider_state{provider=\"p\",state=\"broken\"}";
    assert_eq!((daemon.sample(state), daemon.get("/healthz").status), (Some(1.0), 200));
    let health = json(&daemon, "/healthz");
    assert_eq!(health["providers"]["p"]["paused"]["cause"], "disabled");
    assert_eq!(daemon.post("/api/v1/providers/p/probe").status, 409);
    assert_eq!(daemon.get("/probe?provider=p").status, 200);
    let page = daemon.get("/").body;
    assert!(page.contains("All providers are paused."), "{page}");
    assert!(daemon.get("/?state=paused").body.contains("enabled = false"));
    let own = daemon.get("/providers/p").body;
    for part in [
        "<section class=\"now paused\">",
        "<b>Paused</b> without an end: <code>enabled = false</code>",
        "The last state stays: <b>broken</b> since <time",
        "none planned",
    ] {
        assert!(own.contains(part), "{part:?} in {own}");
    }
    assert!(!daemon.get("/?state=broken").body.contains("data-key=\"p\""));
    assert_eq!(endpoint.calls(), calls, "nothing was sent");
    reload(&daemon, &provider("p", &endpoint, ""));
    assert_eq!(daemon.post("/api/v1/providers/p/probe").status, 200);
    assert!(endpoint.calls() > calls);
    assert_eq!((daemon.get("/healthz").status, paused(&daemon, "p")), (503, None));
}

#[test]
fn a_window_pauses_the_providers_with_its_names_and_labels_from_the_start() {
    let silent = || refusing().that_must_not_be_called();
    let (named, matched, labelled, other) = (silent(), silent(), silent(), refusing());
    let windows = format!(
        "[[maintenance]]\nproviders = [\"named\", \"match*\"]\n{ALWAYS}[[maintenance]]\nlabels = \
         {{ team = \"a\", env = \"b\" }}\n{ALWAYS}"
    );
    let configuration = format!(
        "{windows}[defaults]\nlabels = {{ team = \"a\" }}\n{}{}{}{}",
        provider("named", &named, ""),
        provider("matched", &matched, ""),
        provider("labelled", &labelled, "labels = { env = \"b\" }"),
        provider("other", &other, "labels = { env = \"c\" }"),
    );
    let daemon = Daemon::start_with(&configuration, &FLAGS, &[]);
    daemon.wait_for_state("other", "broken");
    for name in ["named", "matched", "labelled"] {
        assert_eq!(paused(&daemon, name), Some(1.0), "{name}");
        let state = json(&daemon, &format!("/api/v1/providers/{name}"));
        assert_eq!(state["paused"]["cause"], "maintenance");
    }
    assert_eq!(paused(&daemon, "other"), None);
    assert_eq!([&named, &matched, &labelled].map(Endpoint::calls), [0, 0, 0]);
    assert_eq!(daemon.get("/readyz").status, 200, "paused providers need no result");
}

#[test]
fn a_provider_is_probed_once_its_pause_is_over() {
    let endpoint = refusing();
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(4);
    let pause = format!("interval = \"200ms\"\npause_until = {until:.0}");
    let configuration = provider("p", &endpoint, &pause).replace("interval = \"1h\"\n", "");
    let daemon = Daemon::start(&configuration);
    assert_eq!((paused(&daemon, "p"), endpoint.calls()), (Some(1.0), 0));
    daemon.wait_for_state("p", "broken");
    assert!(jiff::Timestamp::now() >= until - jiff::SignedDuration::from_secs(1));
    assert_eq!(paused(&daemon, "p"), Some(0.0));
}

#[test]
fn neither_a_pause_nor_a_request_in_it_ends_the_back_off() {
    let endpoint = refusing();
    let alone = provider("p", &endpoint, "");
    let daemon = Daemon::start_with(&alone, &FLAGS, &[]);
    daemon.wait_for_state("p", "broken");
    let (calls, next) = (endpoint.calls(), next_probe(&daemon));
    reload(&daemon, &format!("[[maintenance]]\nproviders = [\"p\"]\n{ALWAYS}{alone}"));
    assert_eq!(daemon.post("/api/v1/providers/p/probe").status, 409);
    assert_eq!(json(&daemon, "/api/v1/providers/p")["next_probe"], Json::Null);
    assert_eq!(json(&daemon, "/api/v1/providers?state=paused")["total"], 1);
    assert_eq!(json(&daemon, "/api/v1/providers?state=broken")["total"], 0);
    reload(&daemon, &alone);
    wait_for("the end of the pause", || paused(&daemon, "p").is_none().then_some(()));
    assert!((next_probe(&daemon) - next).abs() < 1.0);
    assert_eq!(endpoint.calls(), calls);
}

fn next_probe(daemon: &Daemon) -> f64 {
    let series = "credwatch_probe_next_timestamp_seconds{provider=\"p\"}";
    daemon.sample(series).expect("a next probe")
}

const TOKEN: &str = r#"{"access_token":"t","expires_in":3600}"#;

#[test]
fn a_pause_holds_for_the_next_credential_too() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let next = "credentials_next.client_secret = \"another-secret\"";
    let text = provider("p", &endpoint, &format!("enabled = false\n{next}"));
    let daemon = Daemon::start_with(&text, &FLAGS, &[]);
    let probes = "credwatch_next_credential_probes_total{provider=\"p\"}";
    let states = |daemon: &Daemon| {
        let state = json(daemon, "/api/v1/providers/p");
        [state["state"].clone(), state["next"]["state"].clone()]
    };
    assert_eq!(daemon.post("/api/v1/providers/p/probe").status, 409);
    assert_eq!((daemon.sample(probes), endpoint.calls()), (Some(0.0), 0));
    assert_eq!(states(&daemon), ["unknown", "unknown"]);
    reload(&daemon, &provider("p", &endpoint, next));
    wait_for("both to be probed", || (states(&daemon) == ["healthy", "healthy"]).then_some(()));
    let calls = endpoint.calls();
    reload(&daemon, &text);
    wait_for("the pause", || (paused(&daemon, "p") == Some(1.0)).then_some(()));
    assert_eq!(states(&daemon), ["healthy", "healthy"], "both keep their states");
    assert_eq!((endpoint.calls(), daemon.sample(probes)), (calls, Some(1.0)));
}

#[test]
fn a_paused_provider_is_not_probed_on_demand_and_keeps_its_last_result() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let flags = ["--probe.on-demand", "--web.enable-lifecycle"];
    let daemon = Daemon::start_with(&provider("p", &endpoint, "enabled = false"), &flags, &[]);
    let has = |line: &str| {
        let body = daemon.get("/probe?provider=p").body;
        assert!(body.lines().any(|found| found == line), "{line} in {body}");
    };
    has("credwatch_provider_paused{provider=\"p\"} 1");
    has("credwatch_provider_state{provider=\"p\",state=\"unknown\"} 1");
    has("credwatch_probe_pending{provider=\"p\"} 0");
    assert_eq!(endpoint.calls(), 0);
    reload(&daemon, &provider("p", &endpoint, "pause_until = 2020-01-01T00:00:00Z"));
    has("credwatch_probe_success{provider=\"p\"} 1");
    has("credwatch_provider_paused{provider=\"p\"} 0");
    daemon.wait_for_log("this time is in the past, so it pauses nothing");
    reload(&daemon, &provider("p", &endpoint, "enabled = false"));
    has("credwatch_probe_success{provider=\"p\"} 1");
    has("credwatch_provider_paused{provider=\"p\"} 1");
    assert_eq!(endpoint.calls(), 1);
    let targets = json(&daemon, "/sd/prometheus");
    assert_eq!(targets[0]["labels"]["provider"], "p", "its series stay: {targets}");
}

#[test]
fn paused_providers_alone_are_healthy_and_ready_and_a_removed_one_leaves_no_series() {
    let endpoint = refusing().that_must_not_be_called();
    let text = provider("p", &endpoint, "pause_until = 2099-01-31T08:00:00+01:00")
        + &provider("other", &endpoint, "enabled = false");
    let daemon = Daemon::start_with(&text, &FLAGS, &[]);
    let status = || {
        let flag = format!("--url={}", daemon.address());
        let output = credwatch().args(["status", &flag]).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for path in ["/healthz", "/readyz", "/healthz?provider=p"] {
        assert_eq!(daemon.get(path).status, 200, "{path}");
    }
    let (code, told) = status();
    assert!(code == Some(0) && told.contains("2 paused of 2 providers"), "{told}");
    let state = json(&daemon, "/api/v1/providers/p");
    let expected = serde_json::json!({ "cause": "pause_until", "until": "2099-01-31T07:00:00Z" });
    assert_eq!(state["paused"], expected);
    assert_eq!(state["next_probe"], "2099-01-31T07:00:00Z");
    assert_eq!(json(&daemon, "/api/v1/providers?state=paused")["total"], 2);
    assert_eq!(json(&daemon, "/api/v1/providers?state=unknown")["total"], 0);
    reload(&daemon, &provider("other", &endpoint, "enabled = false"));
    let metrics = daemon.get("/metrics").body;
    assert!(!metrics.contains("provider=\"p\"") && metrics.contains("provider=\"other\""));
    for path in ["/api/v1/providers/p", "/probe?provider=p", "/providers/p", "/healthz?provider=p"]
    {
        assert_eq!(daemon.get(path).status, 404, "{path}");
    }
    let (code, told) = status();
    assert!(code == Some(0) && told.contains("1 paused of 1 provider"), "{told}");
    assert_eq!(endpoint.calls(), 0);
}
