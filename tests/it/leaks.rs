//! Secrets at every place of an answer, and rules that point at the wrong one: none of it becomes a
//! code, a message, a line of an explanation or a label.
//!
//! The canaries are two credentials, what is made of them (a Basic header, a digest, an assertion),
//! what a step gives, and the token. What stands in an answer is generated: which canary, in which
//! form, at which places. What is held against all that is told is the very text that was put
//! in.

use std::process::Stdio;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use credwatch::config::load_text;
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
use super::support::wait_for;
use super::targets::play::{Played, Script};

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

/// How many answers are made up for each choice of rules.
const ROUNDS: usize = 4;

/// Members of the answers. Under the first the token stands, as the provider means it.
const MEMBERS: [&str; 6] = ["access_token", "error", "error_description", "detail", "id", "state"];

/// A provider whose recipe reads the token here, the code there and the message elsewhere, and
/// scopes and expiry at places of their own; in its steps and its verification too.
fn written(url: &str, token: usize, code: usize) -> String {
    let places = MEMBERS.len() + 3;
    let path = |member: usize| match member % places {
        6 => "body".to_owned(),
        7 => "http.headers['www-authenticate']".to_owned(),
        8 => "http.headers['location']".to_owned(),
        member => format!("json.{}", MEMBERS[member]),
    };
    // A rule that shows what the rule for the token names would be refused.
    let rule = |member: usize| path(if member % places == token { token + 1 } else { member });
    let (token, rules) = (
        path(token),
        format!("code = [\"{}\"]\nmessage = [\"{}\"]", rule(code), rule(code + 1 + code % 5)),
    );
    // Half of them at the right place, so that a probe goes on to what follows.
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
    let configuration = load_text("test", &written(url, token, code))
        .unwrap_or_else(|faults| panic!("{}", faults[0]));
    Arc::clone(&configuration.providers[0])
}

/// In the order in which they come to be known.
fn canaries(token: &str, assertion: &str) -> Vec<String> {
    [KEY, PIN, BASIC, DIGEST, assertion, GIVEN, &SESSION.to_string(), token]
        .map(str::to_owned)
        .to_vec()
}

fn each(pieces: impl Iterator<Item = String>) -> String {
    pieces.collect::<Vec<_>>().concat()
}

/// A canary in a form in which an honest server could repeat it. The text is what is looked for
/// afterwards.
fn repeated(canary: &str, dice: &mut Dice) -> String {
    let hex = |byte: u8| format!("%{byte:02x}");
    match dice.below(16) {
        0 => canary.to_uppercase(),
        1 => canary.to_lowercase(),
        2 => canary.bytes().map(hex).collect(),
        3 => each(canary.bytes().map(|byte| format!("%25{byte:02X}"))),
        4 => url::form_urlencoded::byte_serialize(canary.as_bytes()).collect(),
        5 => each(canary.chars().map(|character| format!("\\u{:04x}", u32::from(character)))),
        6 => canary.replace('/', "\\/").replace('+', "\\u002b"),
        7 => each(canary.chars().map(|character| format!("&#{};", u32::from(character)))),
        8 => canary.replace('+', "&#x2B;").replace('-', "&#45;"),
        9 => STANDARD.encode(canary),
        10 => URL_SAFE_NO_PAD.encode(canary),
        11 => STANDARD.encode(format!("id:{canary}:more")),
        12 => STANDARD.encode(format!("i:{canary}")),
        13 => each(canary.bytes().map(|byte| format!("{byte:02x}"))),
        _ => canary.to_owned(),
    }
}

/// A text with a canary in it.
fn sentence(canary: &str, dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => format!("bad value {canary}."),
        1 => format!("x{canary}y"),
        2 => format!("'{canary}'"),
        3 => format!("{}{canary}", "word ".repeat(dice.below(80))),
        4 => format!("{canary} {canary}"),
        5 => format!("error={canary}&more=1"),
        _ => canary.to_owned(),
    }
}

/// An answer with canaries all over it, and what was put in.
fn answer(
    token: &str,
    assertion: &str,
    call: &str,
    dice: &mut Dice,
) -> (TokenResponse, Vec<String>) {
    let mut put = Vec::new();
    let known = canaries(token, assertion);
    // What a later answer brings cannot be known to a server before that.
    let known = if call == "login" { &known[..5] } else { &known[..] };
    let mut text = |dice: &mut Dice| {
        let canary = repeated(dice.pick(known).as_str(), dice);
        put.push(canary.clone());
        sentence(&canary, dice)
    };
    let mut body = serde_json::Map::new();
    // What is a secret by its place comes first, so that an answer that is cut off has it.
    if call == "login" {
        body.insert("given".into(), GIVEN.into());
        body.insert("session".into(), SESSION.into());
    } else {
        let number = token.parse::<u64>().ok().filter(|_| dice.below(2) == 0);
        body.insert("access_token".into(), number.map_or(json!(token), |number| json!(number)));
        body.insert("expires_in".into(), 60.into());
    }
    let secret = serde_json::Value::from(body.clone()).to_string().len();
    for member in &MEMBERS[1..] {
        let value = match dice.below(6) {
            0 => continue,
            1 => json!([text(dice), { "a": text(dice) }]),
            2 => json!(PIN.parse::<u64>().expect("a number")),
            3 if call != "login" => json!(SESSION),
            _ => text(dice).into(),
        };
        body.insert((*member).to_owned(), value);
    }
    if dice.below(4) == 0 {
        body.insert(text(dice), json!({ "of": text(dice) }));
    }
    let mut headers = HeaderMap::new();
    let (realm, place) = (text(dice), text(dice));
    for (name, value) in [
        ("www-authenticate", format!("Bearer error=\"{realm}\"")),
        ("location", format!("https://host.invalid/{place}/x?{place}")),
        ("x-request-id", text(dice)),
        ("server", text(dice)),
    ] {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    }
    let text = serde_json::Value::from(body).to_string();
    let body = match dice.below(8) {
        0 => text.as_bytes()[..secret + dice.below(text.len() - secret + 1)].to_vec(),
        1 => format!("<html>{text}</html>").into_bytes(),
        2 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => text.into_bytes(),
    };
    let status = match call {
        "login" => *dice.pick(&[200, 200, 200, 200, 401, 302]),
        "token" => *dice.pick(&[200, 200, 200, 200, 401, 400, 302, 500, 429]),
        _ => *dice.pick(&[200, 200, 200, 401, 302, 503]),
    };
    (
        TokenResponse {
            status,
            headers,
            body: Bytes::from(body),
            received: NOW.parse().expect("a time"),
        },
        put,
    )
}

const NOW: &str = "2023-11-14T22:13:20Z";

/// What shows in `told` though it is, or was made of, one of `secrets`.
fn leak<'a>(told: &'a str, secrets: &'a [String]) -> Option<&'a str> {
    let folded = told.to_lowercase();
    secrets.iter().find(|secret| folded.contains(&secret.to_lowercase())).map(String::as_str)
}

/// Plays a probe with these answers; the last are what else must not show.
fn play(
    provider: &Provider,
    token: &str,
    answer: &mut dyn FnMut(&str) -> (TokenResponse, Vec<String>),
) -> (Played, Vec<String>) {
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
    let played = script.play(&mut |call, request, _| {
        if call == "token" {
            let body =
                String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
            assert!(
                body.contains(DIGEST) && body.contains(ASSERTION),
                "the canaries are those that are sent: {body}"
            );
        }
        let (answer, put) = answer(call);
        secrets.extend(put);
        Some(answer)
    });
    (played.expect("every call is answered"), secrets)
}

/// A token that only a wrong rule finds, a session in an answer that refuses: nothing but the rules
/// says what they are.
#[test]
fn what_only_a_rule_knows_to_be_a_secret_does_not_show_either() {
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
            },
            Vec::new(),
        )
    };
    let (none, given) = (json!({}), json!({ "given": GIVEN, "session": SESSION }));
    for (token, code) in (1..4).flat_map(|token| (0..9).map(move |code| (token, code))) {
        let provider = provider("https://host.invalid", token, code);
        for status in [200, 302, 401] {
            let canary = TOKENS[1];
            let (played, secrets) = play(&provider, canary, &mut |call| match call {
                "login" => everywhere(&json!("word"), 200, &given),
                _ => everywhere(&json!(canary), status, &none),
            });
            let shown = played
                .told
                .iter()
                .find_map(|told| leak(told, &secrets).map(|secret| (secret, told)));
            assert_eq!(shown, None, "rules {token} {code}, status {status}");
            for secret in [json!(GIVEN), json!(SESSION)] {
                // Refused, or without one of what it should give.
                let echoed = if secret.is_number() { "" } else { GIVEN };
                let lacking = json!({ "given": echoed, "session": SESSION });
                for (status, more) in [(status.max(302), &given), (200, &lacking)] {
                    let (played, secrets) =
                        play(&provider, canary, &mut |_| everywhere(&secret, status, more));
                    let shown = played
                        .told
                        .iter()
                        .find_map(|told| leak(told, &secrets).map(|secret| (secret, told)));
                    assert_eq!(shown, None, "rules {token} {code}, a step with status {status}");
                }
            }
        }
    }
}

#[test]
fn no_canary_shows_wherever_it_stands_and_wherever_rules_point() {
    let mut leaks = Vec::new();
    let (mut issued, mut reached) = (0, 0);
    for (number, (rule, code)) in
        (0..6).flat_map(|token| (0..9).map(move |code| (token, code))).enumerate()
    {
        let provider = provider("https://host.invalid", if rule > 3 { 0 } else { rule }, code);
        for round in 0..ROUNDS {
            let mut dice = Dice::new(1 + (number * 1_000 + round) as u64);
            let token = dice.pick(&TOKENS);
            let (played, secrets) =
                play(&provider, token, &mut |call| answer(token, ASSERTION, call, &mut dice));
            issued += usize::from(matches!(played.outcome, Outcome::Issued(_)));
            for told in &played.told {
                reached += usize::from(told.contains("[hidden]"));
                if let Some(secret) = leak(told, &secrets) {
                    leaks.push(format!(
                        "rules {rule} {code}, round {round}: {secret:?} in {told:?}"
                    ));
                }
            }
        }
    }
    assert!(
        reached > 250 * ROUNDS && issued > 0,
        "{reached} canaries came as far as to be hidden, {issued} tokens were issued"
    );
    assert!(
        leaks.is_empty(),
        "{} leaks, {issued} issued:\n{}",
        leaks.len(),
        leaks[..leaks.len().min(40)].join("\n")
    );
}

#[test]
fn what_is_held_against_the_canaries_finds_them() {
    let secrets = ["canary-s3cret/+xq".to_owned()];
    assert!(leak("a canary-S3CRET/+xq b", &secrets).is_some());
    assert!(leak("[hidden]", &secrets).is_none());
}

/// An endpoint that answers each request with canaries, wherever `answer` puts them.
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

/// A configuration with some of the providers, each with an endpoint of its own.
fn configuration(endpoints: &[Endpoint]) -> String {
    let each = endpoints.iter().enumerate().map(|(number, endpoint)| {
        let text =
            written(&format!("http://127.0.0.1:{}", endpoint.port()), number % 4, number * 2);
        text.replace("wrong", &format!("wrong{number}"))
            .replace("[providers.p", &format!("[providers.p{number}"))
    });
    each.collect()
}

/// The canaries as they are. Those of the answers are held against in the
/// tests above.
fn plain() -> Vec<String> {
    TOKENS.iter().flat_map(|token| canaries(token, ASSERTION)).collect()
}

#[test]
fn no_canary_shows_in_what_probe_prints() {
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
fn no_canary_shows_in_metrics_pages_and_logs() {
    let endpoints: Vec<Endpoint> =
        (0..4).map(|number| hostile(number * 1_000, TOKENS[(number % 4) as usize])).collect();
    let daemon = Daemon::start_with(
        &configuration(&endpoints),
        &["--log.level=trace"],
        &[("RUST_LOG", "trace")],
    );
    wait_for("every endpoint to be asked several times", || {
        endpoints.iter().all(|endpoint| endpoint.calls() >= 8).then_some(())
    });
    let mut told: Vec<String> =
        ["/", "/metrics", "/healthz"].iter().map(|path| daemon.get(path).body).collect();
    told.extend(
        (0..endpoints.len()).map(|number| daemon.get(&format!("/providers/p{number}")).body),
    );
    told.push(daemon.log());
    assert!(told[1].contains("credwatch_probe_failures_total{"), "{}", told[1]);
    for line in told.iter().flat_map(|text| text.lines()) {
        assert_eq!(leak(line, &plain()), None, "{line}");
    }
}
