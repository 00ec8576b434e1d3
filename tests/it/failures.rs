//! Each failure reason, over a real socket.

mod environment;
mod heads;
mod http2;
mod limits;
mod local;
mod meanings;
mod proxies;
mod statuses;
mod tls;

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use credwatch::config::load_text;
use credwatch::outcome::{Detail, Expiry, Failure, Outcome, Phase, Probe};
use credwatch::probe::Prober;
use credwatch::provider::Provider;

use super::support;
use super::support::endpoint::{Endpoint, http, read_request};

const SECRET: &str = "canary-3f9c1b7e5d";

/// A provider with the generic OAuth recipe, this URL and more keys.
fn provider(url: &str, more: &str) -> Arc<Provider> {
    let text = format!(
        "[providers.x]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = {url:?}\n\
         credentials.client_id = \"some-client\"\ncredentials.client_secret = {SECRET:?}\n{more}\n"
    );
    support::provider(&text)
}

async fn probe(url: &str, more: &str) -> Probe {
    Prober::new().probe(&provider(url, more)).await
}

fn failure(probe: &Probe) -> &Failure {
    match &probe.outcome {
        Outcome::Failed(failure) => failure,
        good => panic!("a success: {good:?}"),
    }
}

/// Asserts class, reason and code.
#[track_caller]
fn assert_failure(probe: &Probe, class: &str, reason: &str, code: &str) {
    let failure = failure(probe);
    assert_eq!(
        (failure.reason.class().word(), failure.reason.word(), failure.code.as_str()),
        (class, reason, code),
        "{}",
        failure.message.as_str()
    );
}

#[tokio::test]
async fn a_refused_connection_is_connect() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let probe = probe(&format!("http://127.0.0.1:{closed}/token"), "").await;
    assert_failure(&probe, "network", "connect", "");
    assert_eq!(failure(&probe).message.as_str(), "no connection: connection refused");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_dns() {
    // RFC 6761, section 6.4: names below `invalid` never exist.
    let probe = probe("https://no-such-host.invalid/token", "timeout = \"10s\"").await;
    assert_failure(&probe, "network", "dns", "");
    assert!(probe.phases.resolve > 0.0 && probe.phases.connect == 0.0, "{:?}", probe.phases);
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_that_names_the_phase() {
    let endpoint = Endpoint::serving(|mut stream, _| {
        read_request(&mut stream);
        let _ = stream.read(&mut [0]);
    });
    let probe = probe(&endpoint.url(), "timeout = \"300ms\"").await;
    assert_failure(&probe, "network", "timeout", "");
    assert_eq!(
        failure(&probe).message.as_str(),
        "connected, but no answer came within 300ms (phase processing)"
    );
    assert_eq!(failure(&probe).detail, Detail::Late(Phase::Processing));
    assert!(probe.duration < 2.0 && probe.phases.processing > 0.2, "{probe:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_the_handshake_is_a_timeout_in_tls() {
    let endpoint = Endpoint::serving(|mut stream, _| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let probe =
        probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), "timeout = \"300ms\"").await;
    assert_failure(&probe, "network", "timeout", "");
    assert!(failure(&probe).message.as_str().ends_with("(phase tls)"));
    assert_eq!(failure(&probe).detail, Detail::Late(Phase::Tls));
}

#[tokio::test]
async fn a_body_that_stops_in_the_middle_is_a_timeout_in_transfer() {
    let endpoint = Endpoint::serving(|mut stream, _| {
        read_request(&mut stream);
        let _ =
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"access_token\":");
        let _ = stream.read(&mut [0]);
    });
    let probe = probe(&endpoint.url(), "timeout = \"300ms\"").await;
    assert_failure(&probe, "network", "timeout", "");
    assert!(failure(&probe).message.as_str().ends_with("(phase transfer)"));
    assert_eq!(failure(&probe).detail, Detail::Late(Phase::Transfer));
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_transport() {
    let endpoint = Endpoint::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"access_token\":\"x\"",
    );
    assert_failure(&probe(&endpoint.url(), "").await, "network", "transport", "");
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_transport() {
    let endpoint = Endpoint::serving(|mut stream, _| {
        read_request(&mut stream);
    });
    assert_failure(&probe(&endpoint.url(), "").await, "network", "transport", "");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere =
        Endpoint::json("200 OK", r#"{"access_token":"stolen"}"#).that_must_not_be_called();
    for status in [
        "301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let endpoint =
            Endpoint::answering(http(status, &format!("Location: {}\r\n", elsewhere.url()), b""));
        assert_failure(
            &probe(&endpoint.url(), "").await,
            "provider",
            "redirect",
            &format!("http_{}", &status[..3]),
        );
    }
    assert_eq!(elsewhere.calls(), 0, "credentials were sent on");
}

#[tokio::test]
async fn status_and_body_decide_class_reason_and_code() {
    for (status, headers, body, class, reason, code) in [
        (
            "401 Unauthorized",
            "",
            r#"{"error":"invalid_client"}"#,
            "credential",
            "rejected",
            "invalid_client",
        ),
        (
            "400 Bad Request", "", r#"{"error":"invalid_scope"}"#, "credential", "rejected",
            "invalid_scope",
        ),
        ("401 X", "", r#"{"error":104536287654321098765}"#, "credential", "rejected", "http_401"),
        ("401 X", "", r#"{"error":1045362876543}"#, "credential", "rejected", "1045362876543"),
        ("403 Forbidden", "", "<html>blocked</html>", "credential", "rejected", "http_403"),
        ("404 Not Found", "", "", "credential", "rejected", "http_404"),
        ("429 Too Many Requests", "", "", "provider", "throttled", "http_429"),
        ("500 Internal Server Error", "", "oops", "provider", "unavailable", "http_500"),
        (
            "503 Service Unavailable",
            "",
            r#"{"error":"temporarily_unavailable"}"#,
            "provider",
            "unavailable",
            "temporarily_unavailable",
        ),
        ("200 OK", "", "<!doctype html><p>login</p>", "provider", "malformed", "not_json"),
        ("200 OK", "", "", "provider", "malformed", "body_empty"),
        ("200 OK", "", r#"{"token_type":"Bearer"}"#, "provider", "malformed", "token_missing"),
        ("200 OK", "", r#"{"access_token":""}"#, "provider", "malformed", "token_missing"),
        ("200 OK", "", r#"{"access_token":12345}"#, "provider", "malformed", "token_not_a_string"),
        (
            "200 OK",
            "",
            r#"{"access_token":"abcdefgh","expires_in":"soon"}"#,
            "provider",
            "malformed",
            "expiry_unreadable",
        ),
        (
            "200 OK",
            "",
            r#"{"access_token":"abcdefgh","expires_in":0}"#,
            "credential",
            "expired",
            "",
        ),
        ("200 OK", "", r#"{"error":"invalid_client"}"#, "credential", "rejected", "invalid_client"),
        (
            "200 OK", "Content-Encoding: gzip\r\n", "this is not gzip", "provider", "malformed",
            "not_gzip",
        ),
    ] {
        let endpoint = Endpoint::answering(http(status, headers, body.as_bytes()));
        let probe = probe(&endpoint.url(), "").await;
        assert_failure(&probe, class, reason, code);
        assert_eq!(probe.status, status[..3].parse().ok(), "{status} {body}");
    }
}

#[tokio::test]
async fn a_token_that_is_too_short_lived_or_lacks_a_scope_is_a_failure_of_the_credential() {
    let endpoint =
        Endpoint::json("200 OK", r#"{"access_token":"abcdefgh","expires_in":300,"scope":"sms"}"#);
    assert_failure(
        &probe(&endpoint.url(), "min_lifetime = \"10m\"").await,
        "credential",
        "expired",
        "",
    );
    let scopes =
        probe(&endpoint.url(), "required_scopes = [\"sms\", \"groups\", \"numbers\"]").await;
    assert_failure(&scopes, "credential", "scope", "");
    assert_eq!(
        (failure(&scopes).missing_scopes, failure(&scopes).message.as_str()),
        (2, "lacks the scopes groups numbers")
    );
    let fine = probe(&endpoint.url(), "required_scopes = [\"sms\"]\nmin_lifetime = \"299s\"").await;
    assert!(
        matches!(&fine.outcome, Outcome::Issued(issued) if matches!(issued.expiry, Expiry::At(_)))
    );
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_config_and_nothing_is_sent() {
    let endpoint = Endpoint::json("200 OK", "{}").that_must_not_be_called();
    let text = format!(
        "[providers.x]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = {:?}\n\
         credentials.client_id = \"c\"\ncredentials.client_secret = {{ file = \
         \"/nonexistent/secret\" }}",
        endpoint.url()
    );
    let configuration = load_text("test", &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let probe = Prober::new().probe(&configuration.providers[0]).await;
    assert_failure(&probe, "config", "secret", "");
    assert!(failure(&probe).message.as_str().contains("cannot read /nonexistent/secret"));
    assert_eq!(endpoint.calls(), 0);
}

#[tokio::test]
async fn a_throttled_failure_has_the_retry_after_of_the_provider() {
    let endpoint = Endpoint::answering(http("429 Too Many Requests", "Retry-After: 120\r\n", b""));
    assert_eq!(
        failure(&probe(&endpoint.url(), "").await).retry_after,
        Some(Duration::from_secs(120))
    );
}

#[tokio::test]
async fn the_probe_measures_the_clock_skew_of_the_provider() {
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(3600);
    let date = past.strftime("%a, %d %b %Y %H:%M:%S GMT");
    let endpoint = Endpoint::answering(http(
        "200 OK",
        &format!("Date: {date}\r\n"),
        br#"{"access_token":"abcdefgh"}"#,
    ));
    let skew = probe(&endpoint.url(), "").await.clock_skew.expect("a skew");
    assert!((-3602.0..-3598.0).contains(&skew), "{skew}");
}

#[tokio::test]
async fn every_probe_makes_its_own_connection() {
    let endpoint = Endpoint::serving(|mut stream, requests| {
        // Keeps the connection open for more requests, as most servers do.
        loop {
            let request = read_request(&mut stream);
            if request.is_empty() {
                return;
            }
            requests.lock().expect("not poisoned").push(request);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"access_token\":\"abcdefgh\"}",
            );
        }
    });
    let (prober, provider) = (Prober::new(), provider(&endpoint.url(), ""));
    for _ in 0..3 {
        assert!(matches!(prober.probe(&provider).await.outcome, Outcome::Issued(_)));
    }
    assert_eq!((endpoint.calls(), endpoint.requests().len()), (3, 3));
}

#[tokio::test]
async fn a_configured_proxy_is_used() {
    let target = Endpoint::json("200 OK", r#"{"access_token":"abcdefgh"}"#);
    let proxy = Endpoint::json("200 OK", r#"{"access_token":"through-the-proxy"}"#);
    assert!(matches!(
        probe(&target.url(), &format!("proxy = \"http://127.0.0.1:{}\"", proxy.port()))
            .await
            .outcome,
        Outcome::Issued(_)
    ));
    assert_eq!((proxy.calls(), target.calls()), (1, 0));
    assert!(proxy.requests()[0].starts_with(&format!("POST {} HTTP/1.1", target.url())));
    assert!(matches!(probe(&target.url(), "").await.outcome, Outcome::Issued(_)));
    assert_eq!((proxy.calls(), target.calls()), (1, 1));
}

/// `printf 'a-user:a-password' | base64`
#[tokio::test]
async fn a_proxy_gets_its_login_and_the_target_does_not() {
    let login = "proxy-authorization: basic ys11c2vyometcgfzc3dvcmq=";
    let proxy = Endpoint::json("200 OK", r#"{"access_token":"through-the-proxy"}"#);
    let key = format!("proxy = \"http://a-user:a-password@127.0.0.1:{}\"", proxy.port());
    probe("http://target.invalid/token", &key).await;
    let refusing = Endpoint::answering(http("403 Forbidden", "", b""));
    let key = format!("proxy = \"http://a-user:a-password@127.0.0.1:{}\"", refusing.port());
    let refused = probe("https://target.invalid/token", &key).await;
    assert_failure(&refused, "network", "connect", "proxy_403");
    for (request, line) in [
        (proxy.requests().remove(0), "post http://target.invalid/token http/1.1\r\n"),
        (refusing.requests().remove(0), "connect target.invalid:443 http/1.1\r\n"),
    ] {
        let request = request.to_lowercase();
        assert!(request.starts_with(line) && request.contains(login), "{request}");
    }
}

#[tokio::test]
async fn each_request_has_a_user_agent_and_accept_headers() {
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"abcdefgh"}"#);
    probe(&endpoint.url(), "").await;
    let request = endpoint.requests().remove(0).to_lowercase();
    for header in ["user-agent: credwatch/", "accept: application/json", "accept-encoding: gzip"] {
        assert!(request.contains(header), "{header} in {request}");
    }
}
