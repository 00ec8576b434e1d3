//! Recorded exchanges: each runs without a network, and again over a real socket with the recorded
//! time.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credwatch::config::load_text;
use credwatch::credentials::{CredentialSources, SecretSource};
use credwatch::exchange::{Prepared, RecordedResponse, prepare};
use credwatch::probe::Prober;
use credwatch::provider::Provider;
use credwatch::recipe::builtin::{self, BUILTINS};
use credwatch::recipe::definition::CredentialKind;
use credwatch::recipe::{
    Attempt, Call, Conversation, Fingerprints, Inputs, ObservedAnswer, Observer, Subject,
    TokenRequest, Values,
};
use credwatch::secret::Redactor;

use super::support::endpoint::{Endpoint, http, read_request};
use super::support::files;

fn all() -> Vec<std::path::PathBuf> {
    files("tests/exchanges", "toml", 40)
}

#[test]
fn every_recorded_exchange_has_its_recorded_outcome() {
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

/// The outcomes that a recipe can have, whatever its API is.
fn needed_outcomes(name: &str) -> Vec<&'static str> {
    if builtin::recipe(name).expect("in the table").kind() == CredentialKind::Static {
        return vec!["accepted", "rejected"];
    }
    let text = builtin::text(name).expect("in the table");
    let mut needed = vec!["issued", "rejected"];
    // A token that the recipe signs itself is never missing.
    if !text.contains("\ntoken = \"assertion\"\n") {
        let is_text = text.contains("\nformat = \"text\"\n");
        needed.push(if is_text { "body_empty" } else { "token_missing" });
        // Some APIs tell no end of a token.
        if text.contains("\nexpiry = ") {
            needed.push("expiry_unreadable");
        }
    }
    needed
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
                    (None, _) if prepared.exchange.outcome.accepted => "accepted".to_owned(),
                    (None, _) => "issued".to_owned(),
                    (Some(reason), Some(code)) if reason == "malformed" => code.clone(),
                    (Some(reason), _) => reason.clone(),
                }
            })
            .collect();
        for needed in needed_outcomes(name) {
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

/// The origins of all URLs in a text.
fn origins(text: &str) -> Vec<String> {
    let starts = text.match_indices("http").map(|(place, _)| &text[place..]);
    let urls = starts.filter_map(|start| {
        let ends = |c: char| c.is_whitespace() || "\"'<>,;)\\".contains(c);
        url::Url::parse(start.split(ends).next().unwrap_or_default()).ok()
    });
    urls.filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.origin().ascii_serialization())
        .collect()
}

/// An exchange with a loopback server for each of its origins.
struct Moved {
    servers: Vec<(String, Endpoint)>,
    /// Whether an answer can name the address of a later call.
    names_addresses: bool,
    /// The answers that are still to come, in order.
    answers: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Moved {
    /// A server for each origin that a parameter, a recorded request or an answer names.
    fn new(prepared: &Prepared) -> Self {
        let exchange = &prepared.exchange;
        let urls = prepared.parameters().into_iter().filter(|(name, _)| name.ends_with("_url"));
        let mut texts: Vec<String> = urls.map(|(_, value)| value.to_string()).collect();
        let names_addresses = !exchange.steps.is_empty();
        if names_addresses {
            let requests = exchange.steps.iter().filter_map(|step| step.request.as_ref());
            texts.extend(requests.chain(&exchange.request).map(|request| request.url.clone()));
            let answers = exchange.steps.iter().map(|step| &step.response);
            for response in answers.chain(&exchange.response) {
                texts.extend(response.headers.0.iter().map(|(_, value)| value.clone()));
                texts.push(String::from_utf8_lossy(&response.bytes()).into_owned());
            }
        }
        let mut origins: Vec<String> = texts.iter().flat_map(|text| origins(text)).collect();
        // Longer origins are replaced first, because one may be the beginning of another.
        origins.sort_by_key(|origin| (std::cmp::Reverse(origin.len()), origin.clone()));
        origins.dedup();
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let serve = |origin: String| {
            let answers: Arc<Mutex<VecDeque<Vec<u8>>>> = Arc::clone(&answers);
            let endpoint = Endpoint::serving(move |mut stream, requests| {
                requests.lock().expect("not poisoned").push(read_request(&mut stream));
                let answer = answers.lock().expect("not poisoned").pop_front();
                let _ = stream.write_all(&answer.unwrap_or_default());
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            });
            // Some origins get no request, such as that of an audience.
            (origin, endpoint.that_must_not_be_called())
        };
        Self { servers: origins.into_iter().map(serve).collect(), names_addresses, answers }
    }

    fn text(&self, text: &str) -> String {
        self.servers.iter().fold(text.to_owned(), |text, (origin, endpoint)| {
            text.replace(origin, &format!("http://127.0.0.1:{}", endpoint.port()))
        })
    }

    fn parameters(&self, prepared: &Prepared) -> Vec<(String, minijinja::Value)> {
        let moved = |name: &str, value: minijinja::Value| match value.as_str() {
            Some(text) if name.ends_with("_url") => self.text(text).into(),
            _ => value,
        };
        let parameters = prepared.parameters().into_iter();
        parameters.map(|(name, value)| (name.clone(), moved(&name, value))).collect()
    }

    fn response(&self, recorded: &RecordedResponse) -> RecordedResponse {
        let mut headers = recorded.headers.clone();
        if !self.names_addresses {
            let body = Some(String::from_utf8(recorded.bytes().to_vec()).expect("text"));
            return RecordedResponse { status: recorded.status, headers, body, json: None };
        }
        headers.0.iter_mut().for_each(|(_, value)| *value = self.text(value));
        let body = String::from_utf8(recorded.bytes().to_vec()).expect("text");
        let body = Some(self.text(&body));
        RecordedResponse { status: recorded.status, headers, body, json: None }
    }

    /// All requests to the servers, in the order of the calls of a probe.
    fn requests(&self, expected: &[Expected]) -> Vec<String> {
        let mut by_port: HashMap<u16, VecDeque<String>> = self
            .servers
            .iter()
            .map(|(_, endpoint)| (endpoint.port(), endpoint.requests().into()))
            .collect();
        let mut next = |port: u16| by_port.get_mut(&port).and_then(VecDeque::pop_front);
        let mut requests: Vec<String> =
            expected.iter().filter_map(|expected| next(expected.port)).collect();
        requests.extend(by_port.into_values().flatten());
        requests
    }
}

/// An expected request.
struct Expected {
    port: u16,
    /// Whether the exchange records the exact request. Some signatures have a random part.
    exact: bool,
    line: String,
    headers: Vec<String>,
    body: String,
}

impl Expected {
    fn new(request: &TokenRequest, exact: bool) -> Result<Self, String> {
        let port = request.url.port().filter(|_| request.url.host_str() == Some("127.0.0.1"));
        let port = port.ok_or_else(|| format!("a request leads to {}", request.url))?;
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        Ok(Self {
            port,
            exact,
            line: format!("{} {}{query} HTTP/1.1", request.method, request.url.path()),
            headers: request.headers.pairs().map(header).collect(),
            body: String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned(),
        })
    }

    fn compare(&self, sent: &str, differences: &mut Vec<String>) {
        let (head, body) = sent.split_once("\r\n\r\n").unwrap_or((sent, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default();
        if line != self.line {
            differences.push(format!("  the request begins with {line:?}, not {:?}", self.line));
        }
        if !self.exact {
            return;
        }
        let sent: Vec<String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| format!("{}: {value}", name.to_lowercase()))
            .collect();
        for wanted in self.headers.iter().filter(|wanted| !sent.contains(wanted)) {
            differences.push(format!("  the header {wanted:?} was not sent"));
        }
        if body != self.body {
            differences.push(format!("  the body sent is {body:?}, not {:?}", self.body));
        }
    }
}

/// Runs the conversation without a network, with the loopback addresses. Returns its requests, and
/// queues the recorded answers. The first test checks the same with the recorded addresses.
fn expected(
    prepared: &Prepared,
    moved: &Moved,
    parameters: &[(String, minijinja::Value)],
) -> Result<Vec<Expected>, String> {
    let (credentials, expectations) = (prepared.credentials(), prepared.expectations());
    let fingerprints = Fingerprints::default();
    let subject = Subject {
        recipe: &prepared.recipe,
        verification: prepared.verification.as_deref(),
        expectations: &expectations,
        fingerprints: &fingerprints,
        reads_list: true,
    };
    let inputs = Inputs { parameters, credentials: &credentials };
    let mut conversation = Conversation::begin(subject, &inputs, &prepared.attempt, None)
        .map_err(|error| error.to_string())?;
    let mut steps = prepared.exchange.steps.iter();
    let mut all = Vec::new();
    while let Some(asked) = conversation.next_request() {
        let (request, recorded) = if asked.kind.is_main() {
            (&prepared.exchange.request, prepared.exchange.response.as_ref())
        } else {
            let step = steps.next().ok_or("a call is not recorded")?;
            (&step.request, Some(&step.response))
        };
        let response = moved.response(recorded.ok_or("the token request is not recorded")?);
        all.push(Expected::new(&asked.request, request.is_some())?);
        let mut headers = String::new();
        for (name, value) in &response.headers.0 {
            headers.push_str(&format!("{}: {value}\r\n", name.get_ref()));
        }
        let answer = http(&format!("{} X", response.status), &headers, &response.bytes());
        moved.answers.lock().expect("not poisoned").push_back(answer);
        conversation.answered(prepared.response(&response)?, Duration::ZERO);
    }
    Ok(all)
}

/// Sees nothing. With an observer each request is rendered and each answer is read as a whole.
struct Blind;

impl Observer for Blind {
    fn request(&mut self, _: &Call, _: &Values) {}
    fn answer(&mut self, _: &ObservedAnswer<'_>) {}
    fn skipped(&mut self, _: &Call, _: &[&str]) {}
    fn end(&mut self, _: &Redactor) {}
}

/// What ran in an exchange.
#[derive(Default)]
struct Ran {
    /// How many exchanges have more than one call.
    with_steps: usize,
    /// How many exchanges sent a kept request the second time.
    repeated: usize,
}

/// Runs one exchange three times with `prober`, which gets time and uuid from `clock`: as the first
/// probe of a provider, as its next one, and with an observer.
async fn over_a_socket(
    path: &Path,
    prober: &Prober,
    clock: &Mutex<Attempt>,
    ran: &mut Ran,
) -> Result<(), String> {
    let prepared = prepare(path)?;
    let moved = Moved::new(&prepared);
    let template = load_text(
        "test",
        "[providers.x]\nrecipe = \"oauth2-client-credentials\"\n\
        parameters.token_url = \"http://127.0.0.1\"\ncredentials = \
        { client_id = \"a\", client_secret = \"b\" }",
    )
    .map_err(|faults| faults[0].to_string())?;
    let mut provider = Provider::clone(&template.providers[0]);
    provider.recipe = Arc::clone(&prepared.recipe);
    provider.parameters = moved.parameters(&prepared).into();
    let credentials = prepared.credentials().into_iter();
    let sources = credentials.map(|(name, secret)| (name, SecretSource::Inline(secret))).collect();
    provider.credentials = Arc::new(CredentialSources::new(sources));
    provider.expectations = prepared.expectations();
    provider.verification = prepared.verification.clone();
    let expected = expected(&prepared, &moved, &provider.parameters)?;
    *clock.lock().expect("not poisoned") = prepared.attempt;
    let probe = prober.probe(&provider).await;
    let mut differences = Vec::new();
    prepared.compare_outcome(&probe.outcome, &mut differences);
    prepared.compare_ends(&probe.ends, &mut differences);
    prepared.compare_list(probe.list.as_deref(), &mut differences);
    let sent = moved.requests(&expected);
    if sent.len() != expected.len() {
        differences.push(format!("  {} requests came, not {}", sent.len(), expected.len()));
    }
    for (expected, sent) in expected.iter().zip(&sent) {
        expected.compare(sent, &mut differences);
    }
    ran.with_steps += usize::from(expected.len() > 1);
    ran.repeated += usize::from(provider.repeated.request().is_some());
    for observer in [None, Some(&mut Blind)] {
        self::expected(&prepared, &moved, &provider.parameters)?;
        let probe = match observer {
            None => prober.probe(&provider).await,
            Some(observer) => prober.observe(&provider, observer).await,
        };
        prepared.compare_outcome(&probe.outcome, &mut differences);
    }
    let all = moved.servers.iter().flat_map(|(_, endpoint)| endpoint.requests());
    let all: Vec<String> = all.collect();
    if all.len() != 3 * expected.len() {
        differences.push(format!("  {} requests came in three probes", all.len()));
    }
    if provider.repeated.request().is_some() && all.iter().any(|request| *request != sent[0]) {
        differences.push("  the kept request is another one".into());
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
    let mut ran = Ran::default();
    for path in all() {
        if let Err(problem) = over_a_socket(&path, &prober, &clock, &mut ran).await {
            failed.push(format!("{}\n{problem}", path.display()));
        }
    }
    let Ran { with_steps, repeated } = ran;
    assert!(with_steps + failed.len() >= 15, "{with_steps} exchanges with steps were run");
    assert!(repeated + failed.len() >= 40, "{repeated} requests were kept");
    assert!(
        failed.is_empty(),
        "{} exchanges differ over a socket:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn the_message_about_a_wrong_exchange_has_the_expected_and_the_real_outcome() {
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
