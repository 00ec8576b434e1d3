//! Probes that clients request while the schedule runs, and probes of operators.

use serde_json::Value as Json;

use super::support::daemon::{Answer, Daemon};
use super::support::endpoint::{Endpoint, http};

const TOKEN: &str = r#"{"access_token":"a-token-of-the-tests","expires_in":3600}"#;
const NOW: &str = "/api/v1/providers/p/probe";

fn provider(endpoint: &Endpoint, more: &str) -> String {
    format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\n\
         confirm_after = \"50ms\"\nparameters.token_url = \"{}\"\n\
         credentials = {{ client_id = \"id\", client_secret = \"a-secret\" }}\n{more}\n",
        endpoint.url()
    )
}

fn admin(text: &str, flags: &[&str]) -> Daemon {
    Daemon::start_with(text, &[&["--web.enable-admin-api"], flags].concat(), &[])
}

fn retry_after(answer: &Answer) -> u64 {
    let head = answer.head.to_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("retry-after: "));
    line.and_then(|seconds| seconds.parse().ok()).expect("seconds")
}

#[test]
fn with_a_schedule_requests_at_probe_share_a_young_result() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let daemon = Daemon::start(&provider(&endpoint, ""));
    daemon.wait_for_state("p", "healthy");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let answer = daemon.get("/probe?provider=p");
                    assert!(answer.body.contains("credwatch_probe_success{provider=\"p\"} 1"));
                }
            });
        }
    });
    assert_eq!(endpoint.calls(), 1, "the scheduled probe is young for six minutes");
}

#[test]
fn an_operator_probes_only_when_the_admin_api_is_enabled() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let daemon = Daemon::start(&provider(&endpoint, ""));
    daemon.wait_for_state("p", "healthy");
    let refused = daemon.post(NOW);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("--web.enable-admin-api"), "{}", refused.body);
    assert_eq!(endpoint.calls(), 1);
}

#[test]
fn an_operator_probes_at_once_but_not_twice_in_five_seconds() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let daemon = admin(&provider(&endpoint, ""), &["--probe.on-demand"]);
    let answer = daemon.post(NOW);
    let json: Json = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(
        (answer.status, &json["state"], &json["probes"]),
        (200, &"healthy".into(), &1.into())
    );
    let early = daemon.post(NOW);
    assert_eq!(early.status, 429, "{}", early.body);
    assert!((1..=5).contains(&retry_after(&early)), "{}", early.head);
    assert_eq!(endpoint.calls(), 1);
    assert_eq!(daemon.post("/api/v1/providers/nobody/probe").status, 404);
    assert_eq!(daemon.get(NOW).status, 405);
}

#[test]
fn an_operator_waits_as_long_as_the_provider_asks() {
    let endpoint =
        Endpoint::answering(http("429 Too Many Requests", "Retry-After: 7200\r\n", b"{}"));
    let daemon = admin(&provider(&endpoint, "max_backoff = \"3h\""), &[]);
    daemon.wait_for_state("p", "failing");
    let answer = daemon.post(NOW);
    assert_eq!(answer.status, 429, "{}", answer.body);
    assert!((7_000..=10_800).contains(&retry_after(&answer)), "{}", answer.head);
    assert_eq!(endpoint.calls(), 1);
}
