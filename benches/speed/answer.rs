//! The CPU time to read the worst answers, with everything that credwatch shows of them.

use std::fmt::Write as _;
use std::time::Duration;

use credwatch::authoring::explain::Explanation;
use credwatch::config::load_text;
use credwatch::outcome::{Message, Outcome};
use credwatch::provider::Provider;
use credwatch::recipe::{
    Attempt, Expectations, Fingerprints, Inputs, Observer, TokenResponse, Trace,
};
use http::{HeaderMap, HeaderValue};
use rustix::time::{ClockId, clock_gettime};
use secrecy::SecretString;

use crate::table::{Reach, Row, Samples};
use crate::{Result, progress};

/// The largest body that the prober reads.
const LARGEST: usize = 256 * 1024;

/// The number of measurements. The fastest one counts.
const ROUNDS: usize = 5;

/// A recipe that reads all formats of a body and shows the whole body.
const GREEDY: &str = r#"
[recipes.greedy]
parameters = { url = {} }
credentials = ["client_id", "client_secret"]
request = { url = "{{ url }}", form = { a = "{{ client_id }}", b = "{{ client_secret }}" } }
[recipes.greedy.response]
token = ["json.access_token", "form.access_token", "xml.a.access_token"]
code = ["json.error", "form.error", "xml.a.error"]
message = ["json.error_description", "form.error_description", "xml.a.error_description", "body"]
scopes = "json.scope"
expiry = [{ value = "json.expires_in", unit = "seconds" }]
"#;

/// Returns two rows: the slowest answer for the daemon, and for `probe`, which explains answers.
pub fn measure() -> Result<Vec<Row>> {
    let recipes = ["oauth2-client-credentials", "greedy"];
    let mut slowest = [(Duration::ZERO, String::new()), (Duration::ZERO, String::new())];
    for recipe in recipes {
        let provider = provider(recipe)?;
        for (name, body) in bodies() {
            for status in [200, 400] {
                for (explained, slowest) in slowest.iter_mut().enumerate() {
                    let cost = cost(&provider, status, &body, explained == 1)?;
                    progress(&format!(
                        "{name}, status {status}, {recipe}, {}: {:.2} ms",
                        if explained == 1 { "explained" } else { "read" },
                        cost.as_secs_f64() * 1e3
                    ));
                    if cost > slowest.0 {
                        *slowest = (cost, name.to_owned());
                    }
                }
            }
        }
    }
    let row = |what: &str, (cost, name): &(Duration, String)| {
        let samples = Samples::one(cost.as_secs_f64() * 1e3);
        Row::new(format!("worst answer of 256 KiB, {what} ({name})"), samples, "ms")
    };
    Ok(vec![
        row("reading it", &slowest[0]).reach(Reach::Value(5.0, 2.0)),
        row("explaining it", &slowest[1]),
    ])
}

fn provider(recipe: &str) -> Result<std::sync::Arc<Provider>> {
    let url = if recipe == "greedy" { "url" } else { "token_url" };
    let text = format!(
        "{GREEDY}\n[providers.p]\nrecipe = \"{recipe}\"\nparameters.{url} = \"https://a.example\"\n\
         credentials = {{ client_id = \"an-identifier\", client_secret = \"x1y2z3-a-secret\" }}"
    );
    let loaded = load_text("answer", &text).map_err(|faults| faults[0].to_string())?;
    Ok(loaded.providers[0].clone())
}

/// The CPU time to read this answer: the fastest of several measurements.
fn cost(provider: &Provider, status: u16, body: &str, explained: bool) -> Result<Duration> {
    let credentials = [
        ("client_id".to_owned(), SecretString::from("an-identifier")),
        ("client_secret".to_owned(), SecretString::from("x1y2z3-a-secret")),
    ];
    let inputs = Inputs { parameters: &provider.parameters, credentials: &credentials };
    let attempt = Attempt { now: "2026-01-01T00:00:00Z".parse()?, uuid: uuid::Uuid::nil() };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let response = TokenResponse {
        status,
        headers,
        body: body.to_owned().into(),
        received: attempt.now,
        damage: None,
    };
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let mut values = provider.recipe.begin(&inputs, &attempt)?;
        let mut trace = Trace::default();
        let mut explanation = Explanation::default();
        explanation.request(&provider.recipe.main, &values);
        let began = cpu_time()?;
        let outcome = provider.recipe.read(
            &mut values,
            &response,
            &Expectations::default(),
            &Fingerprints::default(),
            false,
            &mut trace,
        );
        if explained {
            explanation.calls[0].answer(&response, &trace, &values.redactor, false);
            std::hint::black_box(trace.lines(&values.redactor));
        }
        if let Outcome::Failed(failure) = outcome {
            let message = values.redactor.scrub(failure.message.as_str());
            let shown =
                (values.redactor.is_secret(failure.code.as_str()), Message::clean(&message));
            std::hint::black_box(shown);
        }
        best = best.min(cpu_time()?.saturating_sub(began));
    }
    Ok(best)
}

/// The CPU time of this thread. Other programs on the machine do not add to it.
fn cpu_time() -> Result<Duration> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?))
}

/// The worst answers, with a name each. Each has the largest size that the prober reads.
fn bodies() -> Vec<(&'static str, String)> {
    let quoted = |text: &str| format!(r#"{{"error":"{text}","error_description":"{text}"}}"#);
    let repeated = |unit: &str, behind: usize| unit.repeat((LARGEST - behind) / unit.len());
    let half = (LARGEST - 64) / 2;
    let mut words = String::new();
    for number in 0..26_000_u32 {
        let mixed = number.wrapping_mul(2_654_435_761);
        let _ = write!(words, "{mixed:08x} ");
    }
    let numbers: Vec<String> = (0..40_000).map(|number| (number % 100_000).to_string()).collect();
    let secrets: Vec<String> = (0..500)
        .map(|number| {
            format!(r#""session_token_{number}":"s3cret-{number:05}-{}""#, "x".repeat(20))
        })
        .collect();
    let telling: Vec<String> =
        (0..9_000).map(|number| format!(r#""token{number}":"a1b2c3d4{number}""#)).collect();
    let nested: Vec<String> = (0..100)
        .map(|number| format!(r#""token{number}":"{number:02}{}1""#, "a".repeat(62)))
        .collect();
    let pairs: Vec<String> =
        (0..9_900).map(|number| format!("a{number:06}=b1c2d3e4f5g6h7i8j9")).collect();
    let stall = format!("%61\\u0061&#97;\u{1}{}", "ab".repeat(30)).repeat(93);
    let stall = serde_json::json!({
        "access_token": &words[..words.len().min(240_000)],
        "error": stall,
        "error_description": stall,
    });
    vec![
        ("26,000 words", quoted(&words[..half])),
        ("the words as a token", stall.to_string()),
        ("one string", format!(r#"{{"access_token":"{}"}}"#, "a".repeat(LARGEST - 20))),
        ("one string as a message", quoted(&"a".repeat(half))),
        ("depth 128", format!("{}1{}", r#"{"a":["#.repeat(63), "]}".repeat(63))),
        ("depth 128, repeated", {
            let deep = format!("{}1{}", r#"{"a":["#.repeat(62), "]}".repeat(62));
            format!("[{}]", vec![deep.as_str(); LARGEST / (deep.len() + 1)].join(","))
        }),
        ("40,000 numbers", format!(r#"{{"error":[{}]}}"#, numbers.join(","))),
        ("40,000 numbers under a telling name", format!(r#"{{"token":[{}]}}"#, numbers.join(","))),
        ("escapes only", quoted(&repeated(r"\u0061", 64)[..half / 6 * 6])),
        ("percent escapes only", quoted(&repeated("%2561", 64)[..half / 5 * 5])),
        ("XML entities", format!("<a><error>{}</error></a>", repeated("&#97;", 64))),
        ("XML elements", format!("<a>{}</a>", repeated("<token>a1b2c3d4</token>", 64))),
        ("form pairs", repeated("session_token=a1b2c3d4&", 0)),
        ("different form pairs", pairs.join("&")),
        ("500 secrets", format!(r#"{{"error":"x",{}}}"#, secrets.join(","))),
        ("9,000 telling members", format!("{{{}}}", telling.join(","))),
        ("100 secrets much alike", format!(r#"{{"error":"x",{}}}"#, nested.join(","))),
        ("broken JSON", format!(r#"{{"token":"{}"#, repeated("token:a1b2c3d4 ", 64))),
    ]
}
