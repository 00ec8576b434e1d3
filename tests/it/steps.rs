//! Probes with several calls: steps before the token request, and cleanup after it.

mod reports;

use std::sync::Arc;

use credwatch::config::load_text;
use credwatch::outcome::{Failure, Outcome, Probe};
use credwatch::probe::Prober;
use credwatch::provider::Provider;

use super::support::endpoint::{Authority, Endpoint};

const RECIPE: &str = r#"
[recipes.archive]
parameters = { base_url = {}, tenant = { optional = true } }
credentials = ["username", "password"]

[[recipes.archive.steps]]
name = "tenant"
request.url = "{{ base_url }}/tenants/{{ tenant }}"
response.gives = { found = "json.url" }

[[recipes.archive.steps]]
name = "discovery"
request.url = "{{ found | default(base_url) }}/discovery"
response.gives.identity = "json.identity"
response.gives.session = "http.headers['x-session']"
response.gives.salt = "json.salt"
response.gives.seasoned = "(salt ~ '!') | sha256 | hex"
response.code = "json.error"
response.throttled = ["slow_down"]
response.retry_after = [{ value = "json.wait", unit = "minutes" }]

[recipes.archive.request]
url = "{{ identity }}/token"
headers.X-Session = "{{ session }}"
form.username = "{{ username }}"
form.password = "{{ (password ~ salt) | sha256 | hex }}"
form.seasoned = "{{ seasoned }}"

[recipes.archive.response]
token = "json.token"
expiry = [{ value = "json.ttl", unit = "seconds" }]
code = "json.error"
message = "json.text"

[[recipes.archive.cleanup]]
name = "logout"
request = { method = "DELETE", url = "{{ base_url }}/sessions/{{ session }}" }
response.code = "json.error"

[[recipes.archive.cleanup]]
name = "revoke"
request = { url = "{{ base_url }}/revoke", form = { token = "{{ token }}" } }
"#;

const TOKEN: &str = "token-of-the-archive-4711";

fn configuration(base_url: &str, more: &str) -> String {
    format!(
        "{RECIPE}\n[providers.p]\nrecipe = \"archive\"\nparameters.base_url = \"{base_url}\"\n\
         credentials = {{ username = \"somebody\", password = \"password-4f1d\" }}\n{more}\n"
    )
}

fn provider(base_url: &str, more: &str) -> Arc<Provider> {
    let configuration = load_text("test", &configuration(base_url, more))
        .unwrap_or_else(|faults| panic!("{}", faults[0]));
    Arc::clone(&configuration.providers[0])
}

fn base(endpoint: &Endpoint) -> String {
    format!("http://127.0.0.1:{}", endpoint.port())
}

async fn probe(endpoint: &Endpoint, more: &str) -> Probe {
    Prober::new().probe(&provider(&base(endpoint), more)).await
}

fn failure(probe: &Probe) -> &Failure {
    match &probe.outcome {
        Outcome::Failed(failure) => failure,
        good => panic!("a success: {good:?}"),
    }
}

#[track_caller]
fn assert_failure(probe: &Probe, reason: &str, code: &str, message: &str) {
    let failure = failure(probe);
    assert_eq!(
        (failure.reason.word(), failure.code.as_str(), failure.message.as_str()),
        (reason, code, message)
    );
}

/// The names of the calls of a probe. A failed call has a `!`.
fn steps(probe: &Probe) -> Vec<String> {
    probe
        .steps
        .iter()
        .map(|step| format!("{}{}", step.name, if step.failure.is_some() { "!" } else { "" }))
        .collect()
}

const DISCOVERY: (&str, u16, &str) =
    ("GET /discovery", 200, r#"{"identity":"HERE/identity","salt":7}"#);
const ISSUED: (&str, u16, &str) =
    ("POST /identity/token", 200, r#"{"token":"token-of-the-archive-4711","ttl":3600}"#);
const LOGOUT: (&str, u16, &str) = ("DELETE /sessions/session-of-the-tests", 204, "");
const REVOKE: (&str, u16, &str) = ("POST /revoke", 200, "");

#[tokio::test]
async fn the_values_of_a_step_are_in_the_token_request_and_the_cleanup_closes_the_session() {
    let endpoint = Endpoint::routing(&[DISCOVERY, ISSUED, LOGOUT, REVOKE]);
    let probe = probe(&endpoint, "").await;
    assert!(
        matches!(&probe.outcome, Outcome::Issued(issued) if issued.lifetime == Some(3600.0)),
        "{:?}",
        probe.outcome
    );
    assert_eq!(
        endpoint.routes(),
        [
            "GET /discovery",
            "POST /identity/token",
            "DELETE /sessions/session-of-the-tests",
            "POST /revoke"
        ]
    );
    let requests = endpoint.requests();
    assert!(requests[1].contains("x-session: session-of-the-tests\r\n"), "{}", requests[1]);
    // printf %s password-4f1d7 | sha256sum; printf %s '7!' | sha256sum
    let password = "8e5d5ca444493ce699075a567050130ba4e250bad1c38b65277b11c04e34b072";
    let seasoned = "6a8ad49cc7f2549f3a1a72c637054a042c8153dcca114bc929927436f73db0ed";
    assert!(
        requests[1].ends_with(&format!(
            "\r\n\r\nusername=somebody&password={password}&seasoned={seasoned}"
        )),
        "{}",
        requests[1]
    );
    assert!(requests[3].ends_with(&format!("token={TOKEN}")), "{}", requests[3]);
    assert_eq!(steps(&probe), ["discovery", "token", "logout", "revoke"]);
    let (discovery, token) = (probe.steps[0].duration, probe.steps[1].duration);
    assert!(
        (probe.duration - discovery - token).abs() < 1e-9,
        "the duration of the probe is that of the calls up to the token request"
    );
}

#[tokio::test]
async fn a_step_with_all_parameters_of_its_url_is_made() {
    let endpoint = Endpoint::routing(&[
        ("GET /tenants/a%2Fb", 200, r#"{"url":"HERE"}"#),
        DISCOVERY,
        ISSUED,
        LOGOUT,
        REVOKE,
    ]);
    let probe = probe(&endpoint, "parameters.tenant = \"a/b\"").await;
    assert!(matches!(probe.outcome, Outcome::Issued(_)), "{:?}", probe.outcome);
    assert_eq!(steps(&probe), ["tenant", "discovery", "token", "logout", "revoke"]);
}

#[tokio::test]
async fn a_step_can_ask_to_wait_in_its_body() {
    for (status, body, wait) in [
        (429, r#"{"wait":2.5}"#, Some(150)),
        (403, r#"{"wait":2.5}"#, Some(150)),
        (503, r#"{"wait":"2"}"#, Some(120)),
        (400, r#"{"error":"slow_down","wait":2}"#, Some(120)),
        (429, r#"{"wait":"soon"}"#, None),
        (429, r#"{"wait":-1}"#, None),
        (401, r#"{"wait":2}"#, None),
    ] {
        let endpoint = Endpoint::routing(&[("GET /discovery", status, body)]);
        let Outcome::Failed(failure) = probe(&endpoint, "").await.outcome else {
            panic!("{status} {body}")
        };
        let asked = failure.retry_after.map(|wait| wait.as_secs());
        assert_eq!(asked, wait, "{status} {body}");
        let expected = if status == 503 { "unavailable" } else { "throttled" };
        assert_eq!(failure.reason.word() == expected, status != 401, "{status} {body}");
    }
}

#[tokio::test]
async fn a_failed_step_fails_the_probe_and_an_open_session_is_closed() {
    for (status, body, reason, code, message) in [
        (
            403,
            r#"{"error":"no_such_tenant"}"#,
            "rejected",
            "no_such_tenant",
            "discovery: HTTP status 403",
        ),
        (400, r#"{"error":"slow_down"}"#, "throttled", "slow_down", "discovery: HTTP status 400"),
        (500, "", "unavailable", "http_500", "discovery: HTTP status 500"),
        (
            302,
            "",
            "redirect",
            "http_302",
            "discovery: redirected to nowhere, which is not followed",
        ),
        (
            200,
            "<html></html>",
            "malformed",
            "value_missing",
            "discovery: the answer, an HTML page, does not give `identity`",
        ),
        (
            200,
            r#"{"identity":"","salt":7}"#,
            "malformed",
            "value_missing",
            "discovery: the answer, JSON, does not give `identity`",
        ),
        (
            200,
            r#"{"identity":["x"],"salt":7}"#,
            "malformed",
            "value_missing",
            "discovery: the answer, JSON, does not give `identity`",
        ),
    ] {
        let endpoint = Endpoint::routing(&[("GET /discovery", status, body)]);
        let probe = probe(&endpoint, "").await;
        assert_failure(&probe, reason, code, message);
        assert_eq!(steps(&probe), ["discovery!"]);
        assert_eq!(endpoint.calls(), 1, "without a session there is no cleanup");
    }
    // The step opens a session, but the token request fails.
    let endpoint = Endpoint::routing(&[
        DISCOVERY,
        ("POST /identity/token", 401, r#"{"error":"bad_password","text":"no"}"#),
        LOGOUT,
    ]);
    let probe = probe(&endpoint, "").await;
    assert_failure(&probe, "rejected", "bad_password", "no");
    assert_eq!(steps(&probe), ["discovery", "token!", "logout"]);
    assert!(!probe.reading.is_empty(), "the probe records how the answer was read");
}

#[tokio::test]
async fn a_cleanup_with_a_missing_parameter_in_its_url_is_skipped() {
    let endpoint = Endpoint::routing(&[DISCOVERY, ISSUED, LOGOUT]);
    let text = configuration(&base(&endpoint), "").replace("/revoke\"", "/revoke/{{ tenant }}\"");
    let configuration = load_text("test", &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let probe = Prober::new().probe(&configuration.providers[0]).await;
    assert!(matches!(probe.outcome, Outcome::Issued(_)), "{:?}", probe.outcome);
    assert_eq!(steps(&probe), ["discovery", "token", "logout"]);
}

#[tokio::test]
async fn a_failed_cleanup_does_not_change_the_record_of_how_the_answer_was_read() {
    let endpoint = Endpoint::routing(&[
        DISCOVERY,
        ("POST /identity/token", 401, r#"{"error":"bad_password","text":"no"}"#),
        ("DELETE /sessions/session-of-the-tests", 500, ""),
    ]);
    let probe = probe(&endpoint, "").await;
    assert_failure(&probe, "rejected", "bad_password", "no");
    assert_eq!(steps(&probe), ["discovery", "token!", "logout!"]);
    assert_eq!(probe.reading[0].result, "401");
    // The token request succeeded, so there is no record.
    let endpoint = Endpoint::routing(&[DISCOVERY, ISSUED]);
    let probe = self::probe(&endpoint, "").await;
    assert_eq!(steps(&probe), ["discovery", "token", "logout!", "revoke!"]);
    assert!(matches!(probe.outcome, Outcome::Issued(_)) && probe.reading.is_empty());
}

#[tokio::test]
async fn the_cleanup_is_made_even_after_a_timeout() {
    let endpoint = Endpoint::routing(&[DISCOVERY, ("POST /identity/token", 0, ""), LOGOUT]);
    let probe = probe(&endpoint, "timeout = \"300ms\"").await;
    assert_failure(
        &probe,
        "timeout",
        "",
        "connected, but no answer came within 300ms (phase processing)",
    );
    assert_eq!(
        endpoint.routes().last().map(String::as_str),
        Some("DELETE /sessions/session-of-the-tests")
    );
}

#[tokio::test]
async fn all_calls_up_to_the_token_request_share_one_deadline() {
    let endpoint = Endpoint::routing(&[("GET /discovery", 0, "")]);
    let probe = probe(&endpoint, "timeout = \"300ms\"").await;
    assert_failure(
        &probe,
        "timeout",
        "",
        "discovery: connected, but no answer came within 300ms (phase processing)",
    );
}

#[tokio::test]
async fn a_url_from_an_answer_must_be_valid_and_cannot_change_from_https_to_http() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let plain =
        Endpoint::json("200 OK", r#"{"token":"stolen-token-4711"}"#).that_must_not_be_called();
    let tls = Endpoint::tls_answering(
        &authority.issue("127.0.0.1", 2020, 2099),
        &format!("{{\"identity\":\"{}\",\"salt\":1}}", base(&plain)),
    );
    let more = format!("tls.ca_file = {:?}", authority.file(&folder));
    let probe =
        Prober::new().probe(&provider(&format!("https://127.0.0.1:{}", tls.port()), &more)).await;
    let expected = "no request can be made from what an answer gave: request.url: an answer that \
                    came by https names an http URL, which is not followed";
    // There is no session, because only the endpoint without TLS sends one.
    assert_failure(
        &probe,
        "malformed",
        "value_missing",
        "discovery: the answer, JSON, does not give `session`",
    );
    let recipe = configuration(&format!("https://127.0.0.1:{}", tls.port()), &more)
        .replace("http.headers['x-session']", "'none'");
    let provider = Arc::clone(
        &load_text("test", &recipe).unwrap_or_else(|faults| panic!("{}", faults[0])).providers[0],
    );
    assert_failure(
        &Prober::new().probe(&provider).await,
        "malformed",
        "request_impossible",
        expected,
    );
    assert_eq!(plain.calls(), 0);
    for identity in ["secretly:4711", "not a URL", "https://user:word@127.0.0.1"] {
        let endpoint = Endpoint::routing(&[
            ("GET /discovery", 200, &format!("{{\"identity\":\"{identity}\",\"salt\":1}}")),
            LOGOUT,
        ]);
        let probe = self::probe(&endpoint, "").await;
        let failure = failure(&probe);
        assert_eq!(
            (failure.reason.word(), failure.code.as_str()),
            ("malformed", "request_impossible"),
            "{identity}"
        );
        assert!(
            !failure.message.as_str().contains("secretly")
                && !failure.message.as_str().contains("word@"),
            "{}",
            failure.message.as_str()
        );
    }
}

#[tokio::test]
async fn headers_with_the_same_name_are_joined_as_a_list() {
    let endpoint = Endpoint::answering(
        "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"one\"\r\nWWW-Authenticate: Bearer \
         service=\"two\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let text = format!(
        "[recipes.r]\nparameters = {{ url = {{}} }}\nrequest.url = \"{{{{ url }}}}\"\n\
         response.token = \"json.token\"\n\
         response.code = \"http.headers['www-authenticate'] | auth_param('service')\"\n\
         response.message = \"http.headers['www-authenticate'] | auth_param('realm')\"\n\
         [providers.p]\nrecipe = \"r\"\nparameters.url = {:?}\n",
        endpoint.url()
    );
    let configuration = load_text("test", &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert_failure(
        &Prober::new().probe(&configuration.providers[0]).await,
        "rejected",
        "two",
        "one",
    );
}

#[tokio::test]
async fn a_number_from_a_step_is_hidden_wherever_it_is_repeated() {
    let nonce = ("GET /discovery", 200, r#"{"identity":"HERE/identity","salt":481516234299}"#);
    let refused =
        ("POST /identity/token", 401, r#"{"error":481516234299,"text":"you sent 481516234299"}"#);
    let endpoint = Endpoint::routing(&[nonce, refused, LOGOUT]);
    let probe = probe(&endpoint, "").await;
    assert_failure(&probe, "rejected", "http_401", "you sent [hidden]");
    assert!(!format!("{probe:?}").contains("481516234299"), "{probe:?}");
}
