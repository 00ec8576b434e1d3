//! Verification of issued tokens, over real sockets.

use credwatch::config::load_text;
use credwatch::outcome::{Failure, Outcome, Probe};
use credwatch::probe::Prober;

use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::{repository, wait_for};

const TOKEN: &str = "token-to-be-verified-4711";

fn configuration(endpoint: &Endpoint, verify: &str) -> String {
    let here = format!("http://127.0.0.1:{}", endpoint.port());
    format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
         \"HERE/token\"\ncredentials = {{ client_id = \"some-client\", client_secret = \
         \"secret-4f1d\" }}\ntimeout = \"2s\"\n{verify}\n"
    )
    .replace("HERE", &here)
}

async fn probe(endpoint: &Endpoint, verify: &str) -> Probe {
    let configuration = load_text("test", &configuration(endpoint, verify))
        .unwrap_or_else(|faults| panic!("{}", faults[0]));
    Prober::new().probe(&configuration.providers[0]).await
}

fn failure(probe: &Probe) -> &Failure {
    match &probe.outcome {
        Outcome::Failed(failure) => failure,
        good => panic!("the verification succeeded: {good:?}"),
    }
}

#[track_caller]
fn assert_failure(probe: &Probe, reason: &str, code: &str, message: &str) {
    let failure = failure(probe);
    assert_eq!(
        (failure.reason.word(), failure.code.as_str(), failure.message.as_str()),
        (reason, code, message)
    );
    assert_eq!(
        failure.reason.word() == "unverified",
        failure.reason.class().word() == "credential"
    );
}

const ISSUED: (&str, u16, &str) =
    ("POST /token", 200, r#"{"access_token":"token-to-be-verified-4711","expires_in":3600}"#);

const CALL: &str = r#"
[providers.p.verify.call]
request.url = "HERE/me"
request.headers.Authorization = "Bearer {{ token }}"
response.ok = "json.code is undefined or json.code != 1002"
response.code = "json.code"
response.message = "json.desc"
"#;

#[test]
fn a_verification_with_a_missing_value_is_a_load_error() {
    let endpoint = Endpoint::json("200 OK", "{}").that_must_not_be_called();
    let text = configuration(&endpoint, &CALL.replace("HERE/me", "HERE/me/{{ scope }}"));
    let faults = load_text("test", &text).err().expect("there is no scope");
    assert_eq!(
        faults[0].message.as_str(),
        "no request can be made from these parameters: \
         verify.verify.request.url: a value that it needs is not set"
    );
}

#[tokio::test]
async fn status_and_body_of_the_api_decide_whether_the_token_works() {
    for (status, body, expected) in [
        (200, "{}", None),
        (
            200,
            r#"{"code":1002,"desc":"Invalid/Expired Token"}"#,
            Some((
                "unverified",
                "1002",
                "verify: the token was issued, but it is refused: Invalid/Expired Token",
            )),
        ),
        (
            401,
            "",
            Some((
                "unverified",
                "http_401",
                "verify: the token was issued, but it is refused: HTTP status 401",
            )),
        ),
        (
            403,
            r#"{"code":"no_permission"}"#,
            Some((
                "unverified",
                "no_permission",
                "verify: the token was issued, but it is refused: HTTP status 403",
            )),
        ),
        (429, "", Some(("throttled", "http_429", "verify: HTTP status 429"))),
        (503, "", Some(("unavailable", "http_503", "verify: HTTP status 503"))),
        (
            301,
            "",
            Some(("redirect", "http_301", "verify: redirected to nowhere, which is not followed")),
        ),
        (
            0,
            "",
            Some((
                "timeout",
                "",
                "verify: connected, but no answer came within 2s (phase processing)",
            )),
        ),
        (200, r#"{"code":0}"#, None),
        (
            401,
            r#"{"code":"token-to-be-verified-4711"}"#,
            Some((
                "unverified",
                "http_401",
                "verify: the token was issued, but it is refused: HTTP status 401",
            )),
        ),
        (
            401,
            r#"{"code":"c1","desc":"unknown token token-to-be-verified-4711"}"#,
            Some((
                "unverified",
                "c1",
                "verify: the token was issued, but it is refused: unknown token [hidden]",
            )),
        ),
    ] {
        let endpoint = Endpoint::routing(&[ISSUED, ("GET /me", status, body)]);
        let probe = probe(&endpoint, CALL).await;
        assert!(endpoint.requests()[1].contains(&format!("authorization: Bearer {TOKEN}\r\n")));
        let token = probe.steps.iter().find(|step| &*step.name == "token").expect("made");
        assert!(
            (probe.duration - token.duration).abs() < 1e-9,
            "the duration of the probe does not include the verification"
        );
        match expected {
            None => assert!(matches!(&probe.outcome, Outcome::Issued(_)), "{:?}", probe.outcome),
            Some((reason, code, message)) => assert_failure(&probe, reason, code, message),
        }
        assert_eq!(probe.status, Some(200), "the status is that of the token request");
    }
}

#[tokio::test]
async fn without_a_rule_ok_an_error_code_in_a_2xx_answer_is_a_refusal() {
    let silent =
        CALL.replace("response.ok = \"json.code is undefined or json.code != 1002\"\n", "");
    for (body, code) in [
        (r#"{"code":1002,"desc":"Invalid/Expired Token"}"#, Some("1002")),
        (r#"{"code":"200"}"#, None),
        ("{}", None),
    ] {
        let endpoint = Endpoint::routing(&[ISSUED, ("GET /me", 200, body)]);
        let probe = probe(&endpoint, &silent).await;
        match code {
            None => {
                assert!(
                    matches!(&probe.outcome, Outcome::Issued(_)),
                    "{body}: {:?}",
                    probe.outcome
                );
            }
            Some(code) => assert_eq!(
                (failure(&probe).reason.word(), failure(&probe).code.as_str()),
                ("unverified", code)
            ),
        }
    }
}

#[tokio::test]
async fn introspection_follows_rfc_7662() {
    let ask = |method: &str| {
        format!("[providers.p.verify.introspection]\nurl = \"HERE/introspect\"\n{method}")
    };
    // printf %s some-client:secret-4f1d | base64
    let basic = "authorization: Basic c29tZS1jbGllbnQ6c2VjcmV0LTRmMWQ=\r\n";
    for (method, header, body) in [
        ("", basic, "token=token-to-be-verified-4711&token_type_hint=access_token"),
        (
            "auth_method = \"client_secret_basic\"",
            basic,
            "token=token-to-be-verified-4711&token_type_hint=access_token",
        ),
        (
            "auth_method = \"client_secret_post\"",
            "content-type: application/x-www-form-urlencoded\r\n",
            "token=token-to-be-verified-4711&token_type_hint=access_token&client_id=some-client&\
             client_secret=secret-4f1d",
        ),
        (
            "auth_method = \"bearer\"",
            "authorization: Bearer token-to-be-verified-4711\r\n",
            "token=token-to-be-verified-4711&token_type_hint=access_token",
        ),
    ] {
        let endpoint =
            Endpoint::routing(&[ISSUED, ("POST /introspect", 200, r#"{"active":true}"#)]);
        let probe = probe(&endpoint, &ask(method)).await;
        assert!(matches!(&probe.outcome, Outcome::Issued(_)), "{:?}", probe.outcome);
        let request = &endpoint.requests()[1];
        assert!(
            request.contains(header) && request.ends_with(&format!("\r\n\r\n{body}")),
            "{request}"
        );
    }
    let endpoint = Endpoint::routing(&[ISSUED, ("POST /introspect", 200, r#"{"active":"true"}"#)]);
    let probe_of_text = probe(&endpoint, &ask("")).await;
    assert!(matches!(&probe_of_text.outcome, Outcome::Issued(_)));
    for (status, body, reason, code) in [
        (200, r#"{"active":false}"#, "unverified", "token_inactive"),
        (200, r#"{"active":"false"}"#, "unverified", "token_inactive"),
        (200, r#"{"active":"maybe"}"#, "malformed", "not_an_introspection"),
        (200, "<html>", "malformed", "not_an_introspection"),
        (401, r#"{"error":"invalid_client"}"#, "unverified", "invalid_client"),
        (502, "", "unavailable", "http_502"),
    ] {
        let endpoint = Endpoint::routing(&[ISSUED, ("POST /introspect", status, body)]);
        let probe = probe(&endpoint, &ask("")).await;
        assert_eq!(
            (failure(&probe).reason.word(), failure(&probe).code.as_str()),
            (reason, code),
            "{body}"
        );
    }
}

/// Keys and tokens that another tool has created; the file says how.
fn made() -> serde_json::Value {
    serde_json::from_str(
        &std::fs::read_to_string(repository("tests/keys/tokens.json")).expect("readable"),
    )
    .expect("JSON")
}

#[tokio::test]
async fn a_token_with_an_exp_claim_in_the_past_is_unverified() {
    let made = made();
    let body = serde_json::json!({ "access_token": made["tokens"]["ES256"], "expires_in": 3600 })
        .to_string();
    let (token, keys) = (("POST /token", 200, body.as_str()), made["jwks"].to_string());
    let endpoint = Endpoint::routing(&[token]);
    let probe = self::probe(&endpoint, "[providers.p.verify.jwt]").await;
    assert_eq!(
        (failure(&probe).reason.word(), failure(&probe).code.as_str()),
        ("unverified", "jwt_expired")
    );
    let steps: Vec<&str> = probe.steps.iter().map(|step| &*step.name).collect();
    assert_eq!(steps, ["token", "jwt"]);
    // With a leeway of many years the signature decides.
    let verify = "[providers.p.verify.jwt]\njwks_url = \"HERE/keys\"\nleeway = \"20y\"\nissuer = \
                  \"https://login.example\"\naudience = \"https://api.example\"";
    let endpoint = Endpoint::routing(&[token, ("GET /keys", 200, &keys)]);
    let probe = self::probe(&endpoint, verify).await;
    assert!(matches!(&probe.outcome, Outcome::Issued(_)), "{:?}", probe.outcome);
    for (status, keys, reason, code) in [
        (200, r#"{"keys":[]}"#, "unverified", "jwt_key_unknown"),
        (200, "[]", "malformed", "jwks_unreadable"),
        (200, "<html>", "malformed", "jwks_unreadable"),
        (404, "", "malformed", "http_404"),
        (500, "", "unavailable", "http_500"),
    ] {
        let endpoint = Endpoint::routing(&[token, ("GET /keys", status, keys)]);
        let probe = self::probe(&endpoint, verify).await;
        assert_eq!(
            (failure(&probe).reason.word(), failure(&probe).code.as_str()),
            (reason, code),
            "{keys}"
        );
    }
}

#[test]
fn a_refused_token_makes_the_provider_broken_and_each_verification_is_counted() {
    let endpoint = Endpoint::routing(&[
        ISSUED,
        ("GET /me", 401, ""),
        ("POST /introspect", 200, r#"{"active":true}"#),
    ]);
    let verify = format!(
        "interval = \"200ms\"\nconfirm_after = \"50ms\"\n{CALL}\n\
         [providers.p.verify.introspection]\nurl = \"HERE/introspect\"\n[providers.p.verify.jwt]"
    );
    let daemon = Daemon::start(&configuration(&endpoint, &verify));
    daemon.wait_for_state("p", "broken");
    let info = "credwatch_provider_failure_info\
                {provider=\"p\",class=\"credential\",reason=\"unverified\",code=\"http_401\",";
    assert!(daemon.get("/metrics").body.contains(info));
    let sample = |family: &str, step: &str| {
        daemon.sample(&format!("credwatch_probe_step{family}{{provider=\"p\",step=\"{step}\"}}"))
    };
    let failed = wait_for("it to fail", || {
        sample("_failures_total", "verify").filter(|failed| *failed >= 2.0)
    });
    assert!(
        sample("s_total", "verify") >= Some(failed)
            && sample("_failures_total", "token") == Some(0.0)
    );
    assert!(sample("_duration_seconds", "verify").is_some_and(|seconds| seconds > 0.0));
    assert_eq!(
        (sample("s_total", "introspection"), sample("s_total", "jwt")),
        (Some(0.0), Some(0.0)),
        "after a refusal the other verifications are skipped"
    );
    assert_eq!(
        daemon.sample("credwatch_token_time_to_expiry_seconds{provider=\"p\"}"),
        None,
        "an unverified token has no runway"
    );
    assert!(!daemon.log().contains(TOKEN));
}

#[test]
fn mistakes_in_a_verification_are_reported_with_their_place() {
    let endpoint = Endpoint::routing(&[]).that_must_not_be_called();
    for (verify, expected) in [
        (CALL.replace("{{ token }}", "{{ tokn }}"), "unknown name `tokn`"),
        (CALL.replace("json.code is", "jsn.code is"), "unknown name `jsn`"),
        (CALL.replace("request.url = \"HERE/me\"", ""), "a call has no `request.url`"),
        (CALL.replace("HERE/me", "ftp://x"), "the scheme is not supported"),
        ("[providers.p.verify]\njwt = true".into(), "expected a table"),
        ("[providers.p.verify.jwt]\naudiance = \"x\"".into(), "unknown key `audiance`"),
        ("[providers.p.verify.introspection]".into(), "a call has no `request.url`"),
    ] {
        let faults = load_text("test", &configuration(&endpoint, &verify))
            .err()
            .unwrap_or_else(|| panic!("{verify} was accepted"));
        let fault = faults[0].to_string();
        assert!(fault.contains(expected) && fault.starts_with("test:"), "{fault}");
    }
    let text = "[providers.p]\nrecipe = \"enos\"\nparameters.base_url = \"https://x.example\"\n\
                credentials = { app_key = \"a\", app_secret = \"b\" }\nverify.introspection.url = \
                \"https://x.example/introspect\"";
    let fault = load_text("test", text).err().expect("it has no client_id")[0].to_string();
    assert!(
        fault.contains("has no `client_id` and `client_secret`") && fault.contains("verify.call"),
        "{fault}"
    );
}
