//! Requests that are kept: a probe sends the same request again only where no time, UUID or secret
//! that can change goes into it, and any answer but a plain success is read as a whole.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use credwatch::config::load_text;
use credwatch::outcome::{Outcome, Reason};
use credwatch::probe::Prober;
use credwatch::provider::Provider;
use jiff::Timestamp;
use uuid::Uuid;

use super::support::endpoint::{Endpoint, http, read_request};

const ISSUED: &str = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","expires_in":3600,"scope":"a"}"#;

/// A prober whose clock goes on by a second with each look, and with a new UUID each time.
fn prober() -> Prober {
    let (seconds, numbers) = (AtomicI64::new(1_700_000_000), AtomicUsize::new(1));
    Prober::with(
        move || Timestamp::from_second(seconds.fetch_add(1, Ordering::Relaxed)).expect("in range"),
        move || Uuid::from_u128(numbers.fetch_add(1, Ordering::Relaxed) as u128),
    )
}

fn provider(rest: &str) -> Arc<Provider> {
    let text = format!("[providers.x]\n{rest}");
    let plan = load_text("test", &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    Arc::clone(&plan.providers[0])
}

fn recipe(request: &str, response: &str) -> String {
    format!(
        "recipe = \"own\"\ncredentials.key = \"s3cret-of-the-test\"\n[recipes.own]\n\
         credentials.key = {{}}\nrequest = {{ method = \"POST\", {request} }}\n\
         response = {{ token = \"json.access_token\", {response} }}\n"
    )
}

#[tokio::test]
async fn a_request_is_kept_only_if_nothing_in_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "s3cret-of-the-test\n").expect("written");
    for (form, kept) in [
        ("k = '{{ key }}'", true),
        ("k = '{{ key | sha256 | hex }}'", true),
        ("k = '{{ key }}', t = '{{ now_s if key == \"\" else 1 }}'", true),
        ("k = '{{ key }}', t = '{{ now_s }}'", false),
        ("k = '{{ key }}', t = '{{ now_ms }}'", false),
        ("k = '{{ key }}', t = '{{ now_iso }}'", false),
        ("k = '{{ key ~ uuid }}'", false),
        ("k = '{{ {\"iat\": now_s} | jwt(key, alg=\"HS256\") }}'", false),
    ] {
        for in_file in [false, true] {
            let endpoint = Endpoint::json("200 OK", ISSUED);
            let request = format!("url = {:?}, form = {{ {form} }}", endpoint.url());
            let mut text = recipe(&request, "");
            if in_file {
                let source = format!("{{ file = {:?} }}", file.display().to_string());
                text = text.replace("key = \"s3cret-of-the-test\"", &format!("key = {source}"));
            }
            let (provider, prober) = (provider(&text), prober());
            for _ in 0..3 {
                let outcome = prober.probe(&provider).await.outcome;
                assert!(matches!(outcome, Outcome::Issued(_)), "{form}: {outcome:?}");
            }
            let different: BTreeSet<String> = endpoint.requests().into_iter().collect();
            let is_kept = provider.repeated.request().is_some();
            assert_eq!(is_kept, kept && !in_file, "{form} {in_file}");
            assert_eq!(different.len(), if kept { 1 } else { 3 }, "{form} {in_file}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_a_kept_request_is_read_as_the_first_one() {
    for (answer, reason, code, message) in [
        (
            ("401 Unauthorized", r#"{"error":"invalid_client","why":"s3cret-of-the-test is old"}"#),
            Reason::Rejected,
            "invalid_client",
            "[hidden] is old",
        ),
        (("503 Busy", "{}"), Reason::Unavailable, "http_503", ""),
        (("200 OK", r#"{"error":"s3cret-of-the-test"}"#), Reason::Malformed, "token_missing", ""),
    ] {
        let calls = AtomicUsize::new(0);
        let endpoint = Endpoint::serving(move |mut stream, requests| {
            requests.lock().expect("not poisoned").push(read_request(&mut stream));
            let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
            let (status, body) = if first { ("200 OK", ISSUED) } else { answer };
            let headers = "Content-Type: application/json\r\n";
            let _ = stream.write_all(&http(status, headers, body.as_bytes()));
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let request = format!("url = {:?}, form = {{ k = '{{{{ key }}}}' }}", endpoint.url());
        let provider = provider(&recipe(&request, "code = 'json.error', message = 'json.why'"));
        let prober = prober();
        assert!(matches!(prober.probe(&provider).await.outcome, Outcome::Issued(_)));
        assert!(provider.repeated.request().is_some());
        let probe = prober.probe(&provider).await;
        let Outcome::Failed(failure) = probe.outcome else { panic!("{}: issued", answer.0) };
        assert_eq!((failure.reason, failure.code.as_str()), (reason, code), "{}", answer.0);
        assert!(failure.message.as_str().contains(message), "{}", failure.message.as_str());
        assert!(!failure.message.as_str().contains("s3cret"), "{}", failure.message.as_str());
        assert!(!probe.reading.is_empty() && probe.status.is_some(), "{}", answer.0);
    }
}
