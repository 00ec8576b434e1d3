//! Secrets in all places of an answer, and rules that read the wrong place. No secret becomes a
//! code, a message, a line of an explanation or a label.
//!
//! The canaries are two credentials, the values derived from them (a Basic header, a digest, an
//! assertion), the values of a step, and the token. `answers` generates the answers: which canary,
//! in which form, in which places. The tests search all output for the exact texts in the answers.

mod answers;

use std::process::Stdio;
use std::sync::Arc;

use credwatch::outcome::Outcome;
use credwatch::provider::Provider;
use credwatch::recipe::{Attempt, Expectations, Inputs, TokenResponse};
use http::{HeaderMap, HeaderValue};
use minijinja::Value;
use secrecy::SecretString;
use serde_json::json;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Endpoint, read_request};
use super::support::mutate::Dice;
use super::support::{self, wait_for};
use super::targets::replay::{Replayed, Script};
use answers::{answer, canaries};

const KEY: &str = "canary-s3cret/+xq";
const PIN: &str = "918273645";
const GIVEN: &str = "canary-given-5150-xyz";
const SESSION: u64 = 7_719_283_746;
/// {"alg":"none","kid":"canary47"}.{"sub":"canary4711","exp":1700003600}.canary-signature47
const JWT: &str = "eyJhbGciOiJub25lIiwia2lkIjoiY2FuYXJ5NDcifQ.eyJzdWIiOiJjYW5hcnk0NzExIiwiZXhwIjoxN\
                   zAwMDAzNjAwfQ.Y2FuYXJ5LXNpZ25hdHVyZTQ3";
const TOKENS: [&str; 4] = [JWT, "canaryToken0815_abcdef", "tok4711x", "8827364519"];

/// printf %s:%s 918273645 canary-s3cret/+xq | base64; printf %s canary-s3cret/+xq | sha256sum
const BASIC: &str = "OTE4MjczNjQ1OmNhbmFyeS1zM2NyZXQvK3hx";
const DIGEST: &str = "00fe01de8a368a5478bb1edc711e5813f782878756108d8cffe14258fa084850";

/// printf %s eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiI5MTgyNzM2NDUifQ |
/// openssl dgst -sha256 -hmac canary-s3cret/+xq -binary | base64 | tr +/ -_ | tr -d =
const ASSERTION: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiI5MTgyNzM2NDUifQ.iDU1hOM-SW\
                         wh7vBy3tQPbApMs8ACmIu54Qng5EZQ_yA";

/// The number of generated answers for each choice of rules.
const ROUNDS: usize = 4;

/// Members of the answers. The first one is the real token.
const MEMBERS: [&str; 6] = ["access_token", "error", "error_description", "detail", "id", "state"];

/// The configuration of a provider whose rules read the token, the code, the message, the scopes
/// and the expiry from different places, also in its steps and its verification.
fn wrong_rules(url: &str, token: usize, code: usize) -> String {
    let places = MEMBERS.len() + 3;
    let path = |member: usize| match member % places {
        6 => "body".to_owned(),
        7 => "http.headers['www-authenticate']".to_owned(),
        8 => "http.headers['location']".to_owned(),
        member => format!("json.{}", MEMBERS[member]),
    };
    // A rule that shows the token would be a load error.
    let rule = |member: usize| path(if member % places == token { token + 1 } else { member });
    let (token, rules) = (
        path(token),
        format!("code = [\"{}\"]\nmessage = [\"{}\"]", rule(code), rule(code + 1 + code % 5)),
    );
    // Half of the recipes read the right place, so that the probe continues.
    let (scopes, expiry) = if code.is_multiple_of(2) {
        ("json.scope".into(), "json.expires_in".into())
    } else {
        (rule(code + 2), rule(code + 3))
    };
    format!(
        r#"
[recipes.wrong]
parameters = {{ url = {{}} }}
credentials = ["pin", "key"]
[recipes.wrong.let]
basic = "(pin ~ ':' ~ key) | base64"
digest = "key | sha256"
assertion = "{{'iss': pin}} | jwt(key, alg='HS256')"

[[recipes.wrong.steps]]
name = "login"
request.url = "{{{{ url }}}}/login"
request.headers.Authorization = "Basic {{{{ basic }}}}"
[recipes.wrong.steps.response]
gives = {{ given = "json.given", session = "json.session" }}
{rules}

[recipes.wrong.request]
url = "{{{{ url }}}}/token/{{{{ session }}}}"
form.digest = "{{{{ digest | hex }}}}"
form.assertion = "{{{{ assertion }}}}"
form.given = "{{{{ given }}}}"
form.key = "{{{{ key }}}}"

[recipes.wrong.response]
token = ["{token}"]
scopes = "{scopes}"
{rules}
expiry = [{{ value = "{expiry}", unit = "seconds" }}]

[[recipes.wrong.cleanup]]
name = "logout"
request = {{ method = "DELETE", url = "{{{{ url }}}}/sessions/{{{{ session }}}}" }}
[recipes.wrong.cleanup.response]
{rules}

[providers.p]
recipe = "wrong"
parameters.url = "{url}"
credentials = {{ pin = "{PIN}", key = "{KEY}" }}
interval = "200ms"
confirm_after = "100ms"
[providers.p.verify.call]
request.url = "{url}/me"
request.headers.Authorization = "Bearer {{{{ token }}}}"
[providers.p.verify.call.response]
{rules}
"#
    )
}

fn provider(url: &str, token: usize, code: usize) -> Arc<Provider> {
    support::provider(&wrong_rules(url, token, code))
}

const NOW: &str = "2023-11-14T22:13:20Z";

/// The first of `secrets` that is in `text`.
fn leak<'a>(text: &str, secrets: &'a [String]) -> Option<&'a str> {
    let folded = text.to_lowercase();
    secrets.iter().find(|secret| folded.contains(&secret.to_lowercase())).map(String::as_str)
}

/// Runs a probe with these answers. `answer` also returns more texts that no output may have.
fn replay(
    provider: &Provider,
    token: &str,
    answer: &mut dyn FnMut(&str) -> (TokenResponse, Vec<String>),
) -> (Replayed, Vec<String>) {
    let parameters = [("url".to_owned(), Value::from("https://host.invalid"))];
    let credentials =
        [("pin".to_owned(), SecretString::from(PIN)), ("key".to_owned(), SecretString::from(KEY))];
    let script = Script {
        recipe: &provider.recipe,
        verification: provider.verification.as_deref(),
        inputs: Inputs { parameters: &parameters, credentials: &credentials },
        attempt: Attempt { now: NOW.parse().expect("a time"), uuid: uuid::Uuid::nil() },
        expectations: Expectations { required_scopes: vec!["read".into()], min_lifetime: None },
    };
    let mut secrets = canaries(token, ASSERTION);
    let replayed = script.replay(&mut |call, request, _| {
        if call == "token" {
            let body =
                String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
            assert!(
                body.contains(DIGEST) && body.contains(ASSERTION),
                "the request has the derived canaries: {body}"
            );
        }
        let (answer, put) = answer(call);
        secrets.extend(put);
        Some(answer)
    });
    (replayed.expect("every call is answered"), secrets)
}

/// Only the rules say that these values are secret: a token that a wrong rule finds, and a session
/// in a refusal.
#[test]
fn a_value_that_is_secret_only_by_a_rule_is_hidden() {
    let everywhere = |secret: &serde_json::Value, status: u16, more: &serde_json::Value| {
        let mut body: serde_json::Map<String, serde_json::Value> =
            MEMBERS[1..].iter().map(|member| ((*member).to_owned(), secret.clone())).collect();
        body.extend(more.as_object().expect("an object").clone());
        let mut headers = HeaderMap::new();
        let text = secret.as_str().map_or_else(|| secret.to_string(), str::to_owned);
        headers.insert(
            "location",
            HeaderValue::try_from(format!("https://host.invalid/{text}/x")).expect("a value"),
        );
        headers.insert(
            "www-authenticate",
            HeaderValue::try_from(format!("Bearer {text}")).expect("a value"),
        );
        let received = NOW.parse().expect("a time");
        (
            TokenResponse {
                status,
                headers,
                body: serde_json::Value::from(body).to_string().into(),
                received,
                damage: None,
            },
            Vec::new(),
        )
    };
    let (none, given) = (json!({}), json!({ "given": GIVEN, "session": SESSION }));
    for (token, code) in (1..4).flat_map(|token| (0..9).map(move |code| (token, code))) {
        let provider = provider("https://host.invalid", token, code);
        for status in [200, 302, 401] {
            let canary = TOKENS[1];
            let (replayed, secrets) = replay(&provider, canary, &mut |call| match call {
                "login" => everywhere(&json!("word"), 200, &given),
                _ => everywhere(&json!(canary), status, &none),
            });
            let shown = replayed
                .output
                .iter()
                .find_map(|output| leak(output, &secrets).map(|secret| (secret, output)));
            assert_eq!(shown, None, "rules {token} {code}, status {status}");
            for secret in [json!(GIVEN), json!(SESSION)] {
                // The step is refused, or its answer lacks a value.
                let echoed = if secret.is_number() { "" } else { GIVEN };
                let lacking = json!({ "given": echoed, "session": SESSION });
                for (status, more) in [(status.max(302), &given), (200, &lacking)] {
                    let (replayed, secrets) =
                        replay(&provider, canary, &mut |_| everywhere(&secret, status, more));
                    let shown = replayed
                        .output
                        .iter()
                        .find_map(|output| leak(output, &secrets).map(|secret| (secret, output)));
                    assert_eq!(shown, None, "rules {token} {code}, a step with status {status}");
                }
            }
        }
    }
}

#[test]
fn no_output_of_a_probe_has_a_canary_in_any_place_with_any_rules() {
    let mut leaks = Vec::new();
    let (mut issued, mut reached) = (0, 0);
    for (number, (rule, code)) in
        (0..6).flat_map(|token| (0..9).map(move |code| (token, code))).enumerate()
    {
        let provider = provider("https://host.invalid", if rule > 3 { 0 } else { rule }, code);
        for round in 0..ROUNDS {
            let mut dice = Dice::new(1 + (number * 1_000 + round) as u64);
            let token = dice.pick(&TOKENS);
            let (replayed, secrets) =
                replay(&provider, token, &mut |call| answer(token, ASSERTION, call, &mut dice));
            issued += usize::from(matches!(replayed.outcome, Outcome::Issued(_)));
            for output in &replayed.output {
                reached += usize::from(output.contains("[hidden]"));
                if let Some(secret) = leak(output, &secrets) {
                    leaks.push(format!(
                        "rules {rule} {code}, round {round}: {secret:?} in {output:?}"
                    ));
                }
            }
        }
    }
    assert!(
        reached > 250 * ROUNDS && issued > 0,
        "{reached} canaries were hidden, {issued} tokens were issued"
    );
    assert!(
        leaks.is_empty(),
        "{} leaks, {issued} issued:\n{}",
        leaks.len(),
        leaks[..leaks.len().min(40)].join("\n")
    );
}

#[test]
fn the_search_finds_canaries() {
    let secrets = ["canary-s3cret/+xq".to_owned()];
    assert!(leak("a canary-S3CRET/+xq b", &secrets).is_some());
    assert!(leak("[hidden]", &secrets).is_none());
}

/// An endpoint that answers each request with canaries.
fn hostile(seed: u64, token: &'static str) -> Endpoint {
    Endpoint::serving(move |mut stream, requests| {
        let request = read_request(&mut stream);
        let call = ["login", "token", "me"]
            .into_iter()
            .find(|call| request.contains(&format!("/{call}")))
            .unwrap_or("logout");
        let number = {
            let mut requests = requests.lock().expect("not poisoned");
            requests.push(request);
            requests.len() as u64
        };
        let (answer, _) = answer(token, ASSERTION, call, &mut Dice::new(seed + number));
        let headers: Vec<Vec<u8>> = answer
            .headers
            .iter()
            .map(|(name, value)| {
                [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat()
            })
            .collect();
        let head = [
            format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", answer.status, answer.body.len())
                .into_bytes(),
            headers.concat(),
            b"\r\n".to_vec(),
        ]
        .concat();
        let _ = std::io::Write::write_all(&mut stream, &[head, answer.body.to_vec()].concat());
    })
}

/// A configuration with several providers, each with its own endpoint.
fn configuration(endpoints: &[Endpoint]) -> String {
    let each = endpoints.iter().enumerate().map(|(number, endpoint)| {
        let text =
            wrong_rules(&format!("http://127.0.0.1:{}", endpoint.port()), number % 4, number * 2);
        text.replace("wrong", &format!("wrong{number}"))
            .replace("[providers.p", &format!("[providers.p{number}"))
    });
    each.collect()
}

/// The canaries in their plain form. The tests above search for the other forms.
fn plain() -> Vec<String> {
    TOKENS.iter().flat_map(|token| canaries(token, ASSERTION)).collect()
}

#[test]
fn the_output_of_the_probe_command_has_no_canary() {
    let endpoints: Vec<Endpoint> =
        (0..4).map(|number| hostile(number * 100, TOKENS[(number % 4) as usize])).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, configuration(&endpoints)).expect("written");
    for number in 0..endpoints.len() {
        for output in ["text", "json", "text"] {
            let result = credwatch()
                .args([
                    "probe",
                    &format!("p{number}"),
                    &format!("--output={output}"),
                    &format!("--config.file={}", file.display()),
                ])
                .env("RUST_LOG", "trace")
                .stdin(Stdio::null())
                .output()
                .expect("it runs");
            assert!(
                String::from_utf8_lossy(&result.stdout).contains("login"),
                "{}",
                String::from_utf8_lossy(&result.stderr)
            );
            for text in [&result.stdout, &result.stderr] {
                let text = String::from_utf8_lossy(text);
                let shown = text.lines().find_map(|line| {
                    Some((line, leak(line, &plain())?))
                        .map(|(line, secret)| format!("{secret} in {line}"))
                });
                assert!(shown.is_none(), "{shown:?}");
            }
        }
    }
}

#[test]
fn metrics_pages_and_logs_have_no_canary() {
    let endpoints: Vec<Endpoint> =
        (0..4).map(|number| hostile(number * 1_000, TOKENS[(number % 4) as usize])).collect();
    let daemon = Daemon::start_with(
        &configuration(&endpoints),
        &["--log.level=trace"],
        &[("RUST_LOG", "trace")],
    );
    wait_for("several requests to each endpoint", || {
        endpoints.iter().all(|endpoint| endpoint.calls() >= 8).then_some(())
    });
    let mut output: Vec<String> =
        ["/", "/metrics", "/healthz"].iter().map(|path| daemon.get(path).body).collect();
    output.extend(
        (0..endpoints.len()).map(|number| daemon.get(&format!("/providers/p{number}")).body),
    );
    output.push(daemon.log());
    assert!(output[1].contains("credwatch_probe_failures_total{"), "{}", output[1]);
    for line in output.iter().flat_map(|text| text.lines()) {
        assert_eq!(leak(line, &plain()), None, "{line}");
    }
}
