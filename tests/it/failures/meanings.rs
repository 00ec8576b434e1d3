//! Codes and conditions of a recipe that give a failure its reason.

use credwatch::outcome::{Outcome, Probe};
use credwatch::probe::Prober;

use super::assert_failure;
use crate::support::{self, endpoint::Endpoint, endpoint::http};

/// Probes a provider of a recipe with these rules against one answer.
async fn probe(rules: &str, status: &str, headers: &str, body: &str) -> Probe {
    let endpoint = Endpoint::answering(http(status, headers, body.as_bytes()));
    let text = format!(
        "[recipes.r]\nparameters = {{ url = {{}} }}\nrequest.url = \"{{{{ url }}}}\"\n\
         [recipes.r.response]\ntoken = \"json.token\"\ncode = [\"json.number\", \"json.error\"]\n\
         {rules}\n[providers.p]\nrecipe = \"r\"\nparameters.url = {:?}\n",
        endpoint.url()
    );
    Prober::new().probe(&support::provider(&text)).await
}

#[tokio::test]
async fn a_list_a_condition_and_a_table_of_both_give_a_failure_its_reason() {
    let list = "suspended = [\"unpaid\"]";
    let when = "suspended = \"json.account.state == 'closed'\"";
    let both = "suspended = { codes = [\"unpaid\"], when = \"json.account.state == 'closed'\" }";
    let (unpaid, closed) = (r#"{"error":"unpaid"}"#, r#"{"account":{"state":"closed"}}"#);
    for (rule, status, body, reason, code) in [
        (list, "403 X", unpaid, "suspended", "unpaid"),
        (list, "403 X", closed, "rejected", "http_403"),
        (when, "403 X", unpaid, "rejected", "unpaid"),
        (when, "403 X", closed, "suspended", "http_403"),
        (both, "403 X", unpaid, "suspended", "unpaid"),
        (both, "402 X", closed, "suspended", "http_402"),
        (both, "200 OK", closed, "suspended", "http_200"),
        (both, "503 X", closed, "suspended", "http_503"),
        (both, "429 X", unpaid, "suspended", "unpaid"),
    ] {
        assert_failure(&probe(rule, status, "", body).await, "credential", reason, code);
    }
    // A success stays one.
    let body = r#"{"token":"a-token-of-the-tests","account":{"state":"closed"}}"#;
    let probe = probe(both, "200 OK", "", body).await;
    assert!(matches!(probe.outcome, Outcome::Issued(_)));
}

#[tokio::test]
async fn each_code_that_the_rules_find_counts_and_the_first_one_is_shown() {
    let rule = "blocked = [\"ip_refused\"]\nlocal = [\"77\"]\nunavailable = [\"78\"]";
    for (body, class, reason, code) in [
        (r#"{"number":5,"error":"ip_refused"}"#, "config", "blocked", "5"),
        (r#"{"number":77,"error":"invalid_client"}"#, "config", "local", "77"),
        (r#"{"number":5,"error":"temporarily_unavailable"}"#, "provider", "unavailable", "5"),
        (r#"{"number":78,"error":"slow_down"}"#, "provider", "unavailable", "78"),
        (r#"{"number":5,"error":"invalid_client"}"#, "credential", "rejected", "5"),
        // A code that means success is none.
        (r#"{"number":0,"error":"slow_down"}"#, "provider", "throttled", "slow_down"),
    ] {
        assert_failure(&probe(rule, "400 X", "", body).await, class, reason, code);
    }
}

#[tokio::test]
async fn some_codes_have_one_meaning_at_every_provider() {
    for (code, reason) in [
        ("slow_down", "throttled"),
        ("RESOURCE_EXHAUSTED", "throttled"),
        ("temporarily_unavailable", "unavailable"),
        ("server_error", "unavailable"),
        ("internal_failure", "unavailable"),
    ] {
        let body = format!(r#"{{"error":"{code}"}}"#);
        assert_failure(&probe("", "400 X", "", &body).await, "provider", reason, code);
        assert_failure(&probe("", "200 OK", "", &body).await, "provider", reason, code);
    }
    // The recipe decides first.
    let body = r#"{"error":"slow_down"}"#;
    let probe = probe("suspended = [\"slow_down\"]", "400 X", "", body).await;
    assert_failure(&probe, "credential", "suspended", "slow_down");
}

#[tokio::test]
async fn a_condition_can_look_at_headers_and_at_a_body_of_another_form() {
    let headers = "X-Reason: ip\r\nRetry-After: 90\r\n";
    let rule = "blocked = \"http.headers['x-reason'] == 'ip'\"";
    let probe_of_header = probe(rule, "403 X", headers, "").await;
    assert_failure(&probe_of_header, "config", "blocked", "http_403");
    let Outcome::Failed(failure) = &probe_of_header.outcome else { panic!("it failed") };
    assert_eq!(failure.retry_after.map(|wait| wait.as_secs()), Some(90));
    let rule = "unavailable = \"'maintenance' in body\"";
    let probe = probe(rule, "200 OK", "", "<html>maintenance</html>").await;
    assert_failure(&probe, "provider", "unavailable", "http_200");
}
