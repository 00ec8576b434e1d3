//! Hostile answers: the outcome is always bounded, and nothing panics.

use std::sync::LazyLock;

use bytes::Bytes;
use credwatch::exchange::{Prepared, prepare};
use credwatch::outcome::{Code, Message, Outcome};
use credwatch::recipe::retry::LONGEST_WAIT;
use credwatch::recipe::{Fingerprints, Inputs, TokenResponse, Trace};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::support::daemon::Daemon;
use super::support::endpoint::{Endpoint, http, read_request};
use super::support::{files, wait_for};

static RECORDED: LazyLock<Vec<Prepared>> = LazyLock::new(|| {
    files("tests/exchanges", "toml", 40).iter().map(|path| prepare(path).expect("valid")).collect()
});

/// Reads a body as the answer to a recorded request.
fn read(prepared: &Prepared, status: u16, headers: HeaderMap, body: Vec<u8>) -> Outcome {
    let (parameters, credentials) = (prepared.parameters(), prepared.credentials());
    let mut values = prepared
        .recipe
        .begin(&Inputs { parameters: &parameters, credentials: &credentials }, &prepared.attempt)
        .expect("recorded values hold");
    let response = TokenResponse {
        status,
        headers,
        body: Bytes::from(body),
        received: prepared.attempt.now,
        damage: None,
    };
    prepared.recipe.read(
        &mut values,
        &response,
        &prepared.expectations(),
        &Fingerprints::default(),
        false,
        &mut Trace::default(),
    )
}

fn assert_bounded(outcome: &Outcome) {
    let Outcome::Failed(failure) = outcome else { return };
    let code = failure.code.as_str();
    assert!(
        code.len() <= Code::LONGEST
            && code.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c)),
        "{code:?}"
    );
    let message = failure.message.as_str();
    assert!(
        message.chars().count() <= Message::LONGEST && !message.contains(char::is_control),
        "{message:?}"
    );
    assert!(failure.retry_after.is_none_or(|wait| wait <= LONGEST_WAIT));
}

/// Values of a hostile server.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("true".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("99999999999999999999999999".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"\\u0000\\u001b[31m\\\"\\\\\\n\"".to_owned()),
        Just(format!("\"{}\"", "x".repeat(5_000))),
        Just(format!("{}1{}", "[".repeat(200), "]".repeat(200))),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        "\\PC{0,40}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Recorded bodies with bytes changed, cut or doubled.
    #[test]
    fn mangled_answers_have_a_bounded_outcome(
        which in any::<prop::sample::Index>(),
        status in 200_u16..600,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        double in any::<bool>(),
    ) {
        let prepared = which.get(&RECORDED);
        let response = prepared.exchange.response.as_ref();
        let mut body = response.map_or_else(Vec::new, |response| response.bytes().to_vec());
        for (place, byte) in changes {
            if !body.is_empty() {
                let place = place.index(body.len());
                body[place] = byte;
            }
        }
        if !body.is_empty() && double {
            let copy = body.clone();
            body.extend(copy);
        } else if !body.is_empty() {
            body.truncate(cut.index(body.len()) + 1);
        }
        assert_bounded(&read(prepared, status, HeaderMap::new(), body));
    }

    /// The members that recipes read, with values of each kind.
    #[test]
    fn values_of_every_kind_have_a_bounded_outcome(
        which in any::<prop::sample::Index>(),
        status in prop::sample::select(vec![200_u16, 201, 302, 400, 401, 429, 500, 503]),
        values in prop::collection::vec(value(), 12),
        retry in "\\PC{0,20}",
    ) {
        let members = ["token", "access_token", "expiry", "expires_in", "code", "status",
            "resultCode", "error", "message", "scope", "data", "msg"];
        let body: Vec<String> = members
            .iter()
            .zip(&values)
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::try_from(retry) {
            headers.insert("retry-after", value);
        }
        let body = format!("{{{}}}", body.join(",")).into_bytes();
        assert_bounded(&read(which.get(&RECORDED), status, headers, body));
    }
}

#[test]
fn many_different_codes_do_not_fill_the_metrics() {
    let endpoint = Endpoint::serving(|mut stream, requests| {
        let request = read_request(&mut stream);
        let mut requests = requests.lock().expect("not poisoned");
        requests.push(request);
        let number = requests.len();
        drop(requests);
        let body = format!(
            "{{\"error\":\"code\\u0000\\\"\\\\{number}\",\"error_description\":\"{}\"}}",
            "long ".repeat(10_000)
        );
        let _ = std::io::Write::write_all(&mut stream, &http("401 X", "", body.as_bytes()));
    });
    let daemon = Daemon::start(&format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"100ms\"\n\
         confirm_after = \"100ms\"\nmax_backoff = \"100ms\"\nparameters.token_url = {:?}\n\
         credentials = {{ client_id = \"a-client\", client_secret = \"a-secret\" }}",
        endpoint.url()
    ));
    wait_for("forty answers", || (endpoint.calls() >= 40).then_some(()));
    let metrics = daemon.get("/metrics").body;
    let coded = metrics
        .lines()
        .filter(|line| {
            line.starts_with("credwatch_probe_failures_total{") && !line.contains("code=\"\"")
        })
        .count();
    assert_eq!(coded, 21, "twenty codes and `other`");
    let current = metrics.lines().find(|line| line.starts_with("credwatch_provider_failure_info{"));
    let current = current.expect("a failure");
    let (_, message) = current.split_once("code=\"other\",message=\"").expect("both");
    assert_eq!(message.trim_end_matches("\"} 1").chars().count(), 160, "{message}");
    assert!(
        metrics.contains("code=\"other\"}") && metrics.contains("code=\"code_1\"}"),
        "{metrics}"
    );
}

#[tokio::test]
async fn an_echoed_digest_of_a_secret_is_hidden() {
    let endpoint = Endpoint::serving(|mut stream, requests| {
        let request = read_request(&mut stream);
        let body = request.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned();
        requests.lock().expect("not poisoned").push(request);
        let digest = body.split("signature=").nth(1).unwrap_or_default().to_owned();
        let description = format!("signature {digest} does not match");
        let answer = serde_json::json!({
            "error": "bad_signature",
            "error_description": description,
        });
        let _ = std::io::Write::write_all(
            &mut stream,
            &http("400 Bad Request", "", answer.to_string().as_bytes()),
        );
    });
    let text = format!(
        "[recipes.r]\ncredentials = [\"key\"]\nparameters = {{ url = {{}} }}\nrequest = {{ url = \
         \"{{{{ url }}}}\", form = {{ id = \"a\", signature = \"{{{{ (now_s ~ key) | sha256 | \
         hex }}}}\" }} }}\nresponse = {{ token = \"json.token\", code = \"json.error\", message = \
         \"json.error_description\" }}\n[providers.p]\nrecipe = \"r\"\nparameters.url = \"{}\"\n\
         credentials.key = \"a-key-of-the-tests\"\n",
        endpoint.url()
    );
    let configuration = credwatch::config::load_text("test", &text)
        .unwrap_or_else(|faults| panic!("{}", faults[0]));
    let probe = credwatch::probe::Prober::new().probe(&configuration.providers[0]).await;
    let credwatch::outcome::Outcome::Failed(failure) = probe.outcome else {
        panic!("a token was issued")
    };
    assert_eq!(failure.message.as_str(), "signature [hidden] does not match");
    assert!(
        !format!("{:?}", probe.reading)
            .contains(&endpoint.requests()[0].rsplit('=').next().expect("a digest").to_owned())
    );
}
