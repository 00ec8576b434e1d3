//! Recorded exchanges: each is run pure, and again over a real socket at the time that it was
//! recorded for.

use std::path::Path;
use std::sync::{Arc, Mutex};

use credwatch::config::load_text;
use credwatch::credentials::SecretSource;
use credwatch::exchange::{Prepared, RecordedRequest, expected_headers, prepare};
use credwatch::probe::Prober;
use credwatch::provider::Provider;
use credwatch::recipe::builtin::BUILTINS;
use credwatch::recipe::{Attempt, Inputs};

use super::support::endpoint::{Endpoint, http};
use super::support::files;

fn all() -> Vec<std::path::PathBuf> {
    files("tests/exchanges", "toml", 40)
}

#[test]
fn every_recorded_exchange_is_read_as_recorded() {
    let failed: Vec<String> = all()
        .iter()
        .filter_map(|path| {
            credwatch::exchange::run_file(path)
                .err()
                .map(|problem| format!("{}\n{problem}", path.display()))
        })
        .collect();
    assert!(failed.is_empty(), "{} exchanges differ:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_built_in_recipe_has_its_success_its_refusal_and_its_bad_answers_recorded() {
    let all: Vec<Prepared> = all().iter().filter_map(|path| prepare(path).ok()).collect();
    for (name, _) in BUILTINS {
        let outcomes: Vec<String> = all
            .iter()
            .filter(|prepared| prepared.exchange.recipe == name)
            .map(|prepared| {
                match (&prepared.exchange.outcome.reason, &prepared.exchange.outcome.code) {
                    (None, _) => "issued".to_owned(),
                    (Some(reason), Some(code)) if reason == "malformed" => code.clone(),
                    (Some(reason), _) => reason.clone(),
                }
            })
            .collect();
        for needed in ["issued", "rejected", "token_missing", "expiry_unreadable"] {
            assert!(
                outcomes.iter().any(|outcome| outcome == needed),
                "{name} has no exchange with the outcome {needed}"
            );
        }
        let with_request = all.iter().any(|prepared| {
            prepared.exchange.recipe == name && prepared.exchange.request.is_some()
        });
        assert!(with_request, "{name} has no exchange with the exact request");
    }
}

/// The parameter that says where requests go, with the endpoint in its place.
fn redirected(prepared: &Prepared, endpoint: &Endpoint) -> Vec<(String, minijinja::Value)> {
    let here = format!("http://127.0.0.1:{}", endpoint.port());
    let move_host = |url: &str| {
        let Ok(url) = url::Url::parse(url) else { return here.clone() };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{here}{}{query}", url.path().trim_end_matches('/'))
    };
    let moved = |name: &str, value: &minijinja::Value| {
        if name.ends_with("_url") {
            minijinja::Value::from(move_host(&value.to_string()))
        } else {
            value.clone()
        }
    };
    prepared.parameters().iter().map(|(name, value)| (name.clone(), moved(name, value))).collect()
}

/// What is expected at another address. A request that signs its own address has another signature
/// there; then it is the one that the recipe makes for this address, after the recorded one was
/// found right for its own by the test before.
fn moved(
    prepared: &Prepared,
    expected: &RecordedRequest,
    parameters: &[(String, minijinja::Value)],
) -> Result<RecordedRequest, String> {
    let credentials = prepared.credentials();
    let render = |parameters: &[(String, minijinja::Value)]| {
        let inputs = Inputs { parameters, credentials: &credentials };
        let mut values =
            prepared.recipe.begin(&inputs, &prepared.attempt).map_err(|error| error.to_string())?;
        let request =
            prepared.recipe.token.render(&mut values).map_err(|error| error.to_string())?;
        let body = String::from_utf8_lossy(&request.body.unwrap_or_default()).into_owned();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<(String, String)> =
            request.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok::<_, String>((body, headers))
    };
    let (there, here) = (render(&prepared.parameters())?, render(parameters)?);
    let mut moved = RecordedRequest {
        method: expected.method.clone(),
        url: expected.url.clone(),
        ..RecordedRequest::default()
    };
    moved.body = if there.0 == here.0 { expected.body.clone() } else { here.0 };
    moved.headers = expected.headers.clone();
    for (name, value) in &mut moved.headers.0 {
        let find = |headers: &[(String, String)]| {
            headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name.get_ref()))
                .map(|(_, value)| value.clone())
        };
        if let (Some(there), Some(here)) = (find(&there.1), find(&here.1))
            && there != here
        {
            *value = here;
        }
    }
    Ok(moved)
}

/// Runs one exchange through `prober`, which takes its attempts from `clock`.
async fn over_a_socket(path: &Path, prober: &Prober, clock: &Mutex<Attempt>) -> Result<(), String> {
    let prepared = prepare(path)?;
    // Answers of several calls name addresses elsewhere: what they do over a socket is in
    // `steps.rs`.
    let Some(response) =
        prepared.exchange.response.as_ref().filter(|_| prepared.exchange.steps.is_empty())
    else {
        return Ok(());
    };
    let mut headers = String::new();
    for (name, value) in &response.headers.0 {
        headers.push_str(&format!("{}: {value}\r\n", name.get_ref()));
    }
    let endpoint =
        Endpoint::answering(http(&format!("{} X", response.status), &headers, &response.bytes()));
    let template = load_text(
        "test",
        "[providers.x]\nrecipe = \"oauth2-client-credentials\"\n\
        parameters.token_url = \"http://127.0.0.1\"\ncredentials = \
        { client_id = \"a\", client_secret = \"b\" }",
    )
    .map_err(|faults| faults[0].to_string())?;
    let template = &template.providers[0];
    let provider = Provider {
        slot: credwatch::provider::Slot::Current,
        name: "x".into(),
        recipe: Arc::clone(&prepared.recipe),
        parameters: redirected(&prepared, &endpoint),
        credentials: prepared
            .credentials()
            .into_iter()
            .map(|(name, secret)| (name, SecretSource::Inline(secret)))
            .collect(),
        labels: Vec::new(),
        cadence: template.cadence,
        timeout: template.timeout,
        expectations: prepared.expectations(),
        verification: prepared.verification.clone(),
        steps: Arc::default(),
        secret_expires: None,
        transport: Arc::clone(&template.transport),
        endpoint: None,
    };
    *clock.lock().expect("not poisoned") = prepared.attempt;
    let probe = prober.probe(&provider).await;
    let mut differences = Vec::new();
    prepared.compare_outcome(&probe.outcome, &mut differences);
    if let Some(expected) = &prepared.exchange.request {
        let sent = endpoint.requests().remove(0);
        let (head, body) = sent.split_once("\r\n\r\n").unwrap_or((&sent, ""));
        let expected = &moved(&prepared, expected, &provider.parameters)?;
        let url = url::Url::parse(&expected.url).map_err(|error| error.to_string())?;
        let target = url
            .query()
            .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let line = format!("{} {target} HTTP/1.1", expected.method);
        if !head.starts_with(&line) {
            differences
                .push(format!("  the request begins with {:?}, not {line:?}", head.lines().next()));
        }
        for wanted in expected_headers(expected).split(" | ").filter(|wanted| !wanted.is_empty()) {
            let found = head.lines().any(|line| {
                line.split_once(": ").is_some_and(|(name, value)| {
                    format!("{}: {value}", name.to_lowercase()) == wanted
                })
            });
            if !found {
                differences.push(format!("  the header {wanted:?} was not sent"));
            }
        }
        if body != expected.body {
            differences.push(format!("  the body sent is {body:?}, not {:?}", expected.body));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

#[tokio::test]
async fn every_recorded_exchange_holds_over_a_socket() {
    let clock =
        Arc::new(Mutex::new(Attempt { now: jiff::Timestamp::UNIX_EPOCH, uuid: uuid::Uuid::nil() }));
    let (time, random) = (Arc::clone(&clock), Arc::clone(&clock));
    let prober = Prober::with(
        move || time.lock().expect("not poisoned").now,
        move || random.lock().expect("not poisoned").uuid,
    );
    let mut failed = Vec::new();
    for path in all() {
        if let Err(problem) = over_a_socket(&path, &prober, &clock).await {
            failed.push(format!("{}\n{problem}", path.display()));
        }
    }
    assert!(
        failed.is_empty(),
        "{} exchanges differ over a socket:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn an_exchange_that_differs_is_told_with_what_was_expected() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.toml");
    let text = r#"
recipe = "sms-cx"
credentials = { application_id = "a", application_secret = "b" }
[response]
status = 200
json = { access_token = "abcdefgh", expires_in = 60 }
[outcome]
expires = "never"
"#;
    std::fs::write(&path, text).expect("written");
    let problem = credwatch::exchange::run_file(&path).expect_err("it differs");
    assert!(problem.contains("expected never\n    got      2023-11-14T22:14:20Z"), "{problem}");
}
