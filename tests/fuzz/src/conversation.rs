//! The target for whole conversations: steps, token request, verification and cleanup.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use credwatch::config::load_text;
use credwatch::provider::Provider;
use credwatch::recipe::{Attempt, Expectations, Inputs, TokenResponse};
use http::{HeaderMap, HeaderValue};
use minijinja::Value;
use secrecy::SecretString;

use super::replay::Script;

/// The credential. In a body, [`ECHO`] stands for it.
const KEY: &str = "kX9canaryQ7zT2mB4";
const ECHO: &[u8] = b"$KEY";

/// Between the answers to two calls.
const SEPARATOR: u8 = b'\x1e';

/// The most requests: three steps, the token request, two verifications and two calls of cleanup.
const MOST_REQUESTS: usize = 8;

const STATUSES: [u16; 14] = [200, 200, 200, 200, 201, 204, 206, 302, 400, 401, 403, 429, 500, 503];

const CONFIGURATION: &str = r#"
[providers.p]
recipe = "r"
credentials.key = "-"
verify.call.request = { url = "https://host.invalid/check", headers.X = "{{ token }}" }
verify.call.response = { code = "json.code", message = "json.message" }

[recipes.r]
credentials = ["key"]

[[recipes.r.steps]]
name = "challenge"

[recipes.r.steps.request]
url = "https://host.invalid/nonce"
json = { key = "{{ key }}" }

[recipes.r.steps.response]
code = ["json.error", "json.code"]
message = "json.message"
gives = { nonce = "json.nonce", place = "http.headers['x-place']" }

[[recipes.r.steps]]
name = "session"

[recipes.r.steps.request]
url = "https://host.invalid/{{ nonce }}?place={{ place }}"
headers.X = "{{ (key ~ nonce) | sha256 | hex }}"

[recipes.r.steps.response]
ok = "json.ok == true"
code = "json.code"
message = "json.message"
gives.session = "json.session"

[recipes.r.request]
url = "https://host.invalid/token"
form = { session = "{{ session }}", key = "{{ key }}" }

[recipes.r.response]
token = ["json.token", "json.data.token"]
scopes = "json.scope"
code = ["json.error.type", "json.error", "json.code"]
message = ["json.message", "json.error_description"]
throttled = ["slow"]
unavailable = ["down"]

[[recipes.r.response.expiry]]
value = "json.expires_in"
unit = "seconds"

[[recipes.r.response.expiry]]
value = "json.end"
unit = "rfc3339"

[[recipes.r.response.expiry]]
value = "token"
unit = "jwt"

[[recipes.r.cleanup]]
name = "logout"

[recipes.r.cleanup.request]
method = "DELETE"
url = "https://host.invalid/session/{{ session }}"
headers.X = "{{ token }}"

[recipes.r.cleanup.response]
message = "json.message"
"#;

static PROVIDER: LazyLock<Arc<Provider>> = LazyLock::new(|| {
    let plan = load_text("conversation", CONFIGURATION)
        .unwrap_or_else(|faults| panic!("the configuration of the target: {}", faults[0]));
    Arc::clone(&plan.providers[0])
});

/// Runs a conversation and checks its output.
pub fn conversation(data: &[u8]) {
    requests(data);
}

/// The number of requests in a conversation. The data holds the answers in their order: a byte for
/// the status, a byte for a header, and the body.
pub fn requests(data: &[u8]) -> usize {
    let credentials = [("key".to_owned(), SecretString::from(KEY))];
    let parameters: [(String, Value); 0] = [];
    let script = Script {
        recipe: &PROVIDER.recipe,
        verification: PROVIDER.verification.as_deref(),
        inputs: Inputs { parameters: &parameters, credentials: &credentials },
        attempt: Attempt { now: jiff::Timestamp::UNIX_EPOCH, uuid: uuid::Uuid::nil() },
        expectations: Expectations { required_scopes: vec!["read".into()], min_lifetime: None },
    };
    let mut answers = data.split(|byte| *byte == SEPARATOR);
    let mut requests = 0;
    let replayed = script.replay(&mut |_, _, _| {
        requests += 1;
        assert!(requests <= MOST_REQUESTS, "the conversation has more than {MOST_REQUESTS} calls");
        Some(response(answers.next().unwrap_or_default()))
    });
    let replayed = replayed.expect("each call has an answer");
    for text in replayed.output {
        assert!(!text.contains(KEY), "the credential is in the output: {text}");
    }
    requests
}

fn response(part: &[u8]) -> TokenResponse {
    let (first, second, body) = match part {
        [first, second, body @ ..] => (usize::from(*first), usize::from(*second), body),
        _ => (0, 0, part),
    };
    let mut headers = HeaderMap::new();
    let name = ["x-place", "retry-after", "location", "www-authenticate"][second % 4];
    if let Ok(value) = HeaderValue::from_bytes(&echoed(&body[..body.len().min(100)])) {
        headers.insert(name, value);
    }
    TokenResponse {
        status: STATUSES[first % STATUSES.len()],
        headers,
        body: Bytes::from(echoed(body)),
        damage: None,
        received: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// The bytes with the credential in each place of [`ECHO`].
fn echoed(bytes: &[u8]) -> Vec<u8> {
    let mut echoed = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(ECHO) {
            echoed.extend_from_slice(KEY.as_bytes());
            rest = after;
        } else {
            echoed.push(first);
            rest = after;
        }
    }
    echoed
}
