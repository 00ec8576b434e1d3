//! The function of each fuzz target.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use credwatch::diagnostic::{Severity, Source};
use credwatch::document::{self, Schema};
use credwatch::exchange::Prepared;
use credwatch::language::expression::{Compiled, Side, explain};
use credwatch::language::names::Names;
use credwatch::outcome::Expiry;
use credwatch::recipe::claims::JwtCheck;
use credwatch::recipe::definition::{Definition, Ordered, Scalar};
use credwatch::recipe::{
    Attempt, Expectations, Fingerprints, Inputs, Recipe, TokenResponse, Trace, Values,
};
use http::{HeaderMap, HeaderValue};
use minijinja::Value;
use secrecy::SecretString;

use super::replay::{RECORDED, answering, assert_bounded, assert_class};

/// The largest body that a probe reads, in bytes.
const LARGEST_BODY: usize = credwatch::probe::LARGEST_BODY;

const STATUSES: [u16; 12] = [200, 200, 200, 201, 204, 302, 400, 401, 403, 429, 500, 503];

/// A secret text and a secret number. No error of an expression may show them.
const SECRET: &str = "canary-s3cret-4711";
const NUMBER: i64 = 918_273_645_546;

/// Reads an answer to a recorded request. Two bytes select the exchange, the third selects status
/// and header, and the rest is the body.
pub fn answer(data: &[u8]) {
    let Some((&[first, second, third], body)) = data.split_first_chunk::<3>() else { return };
    let exchange: &Prepared =
        &RECORDED[(usize::from(first) << 8 | usize::from(second)) % RECORDED.len()];
    let status = STATUSES[usize::from(third) % STATUSES.len()];
    let mut headers = HeaderMap::new();
    let text = &body[..body.len().min(200)];
    let name = ["retry-after", "location", "www-authenticate", "x-rate-limit-reset", "x-session"]
        [usize::from(third / 16) % 5];
    if let Ok(value) = HeaderValue::from_bytes(text) {
        headers.insert(name, value);
    }
    let body = &body[..body.len().min(LARGEST_BODY)];
    let steps = exchange.exchange.steps.iter().map(|step| step.name.as_str());
    for call in steps.chain(["token"]) {
        let _ = answering(exchange, call, status, &headers, body);
    }
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names::default();
    names.add("secret", true);
    names.add("number", true);
    names.add("text", false);
    names.add("now_s", false);
    names.add("list", false);
    names.add_members("json", &[]);
    names.add_members("http", &["status", "headers"]);
    names
});

/// Compiles an expression or refuses it. The result must be bounded, and no error may show a value.
pub fn expression(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let json = serde_json::json!({
        "a": { "b": [1, 2.5, "x", null, true, { "c": "d" }] },
        "n": 3600,
        "t": "2023-11-14T22:13:20Z",
        "long": "ab".repeat(2_000),
    });
    let context = Value::from_pairs([
        ("secret", Value::from(SECRET)),
        ("number", Value::from(NUMBER)),
        ("text", Value::from("täxt \"&<\\ = 1,2")),
        ("now_s", Value::from(1_700_000_000)),
        ("list", Value::from(vec![3, 1, 2])),
        ("json", Value::from(minijinja::value::Serde(&json))),
    ]);
    for side in [Side::Request, Side::Response] {
        let Ok(compiled) = Compiled::new(side, source.trim(), &NAMES) else { continue };
        match compiled.evaluate(&context) {
            Ok(value) => assert!(value.as_bytes().is_none_or(|bytes| bytes.len() <= 512 * 1024)),
            Err(error) => {
                let message = explain(&error);
                for secret in [SECRET, "918273645"] {
                    assert!(
                        !message.contains(secret) || source.contains(secret),
                        "an error shows {secret}: {message}"
                    );
                }
            }
        }
    }
}

/// A file of recipes.
#[derive(serde::Deserialize, schemars::JsonSchema, Default)]
#[serde(default)]
struct Recipes {
    recipes: Ordered<Definition>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Recipes>);

/// Compiles any recipe or refuses it with its faults. A recipe that compiles is rehearsed and reads
/// an answer.
pub fn recipe(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Arc::new(Source::new("recipe.toml", text));
    let (file, mut faults): (Recipes, _) = document::read(&source, &SCHEMA, |_| ());
    for (name, definition) in file.recipes.0.iter().take(4) {
        let recipe =
            Recipe::compile(name.get_ref(), definition, &source, &name.span(), &mut faults);
        if faults.iter().any(|fault| fault.severity == Severity::Error) {
            break;
        }
        let parameters: Vec<(String, Value)> = recipe
            .parameters
            .iter()
            .map(|(name, parameter)| {
                (
                    name.clone(),
                    parameter.default.as_ref().map_or_else(
                        || Value::from("https://host.invalid"),
                        |default: &Scalar| Value::from(default),
                    ),
                )
            })
            .collect();
        let names: Vec<&str> = recipe.credentials.iter().map(|(name, _)| name.as_str()).collect();
        let rehearsed = recipe.rehearse(&parameters, &names, None, &ATTEMPT);
        let credentials: Vec<(String, SecretString)> =
            names.iter().map(|name| ((*name).to_owned(), SecretString::from(SECRET))).collect();
        if let (Ok(_), Ok(mut values)) = (
            rehearsed,
            recipe.begin(&Inputs { parameters: &parameters, credentials: &credentials }, &ATTEMPT),
        ) {
            for call in recipe.calls(None) {
                let _ = call.render(&mut values);
            }
            let body = br#"{"access_token":"canary-token-0815","error":"e","expires_in":60,
                "data":{"token":"x","list":[1]}}"#;
            read(&recipe, &mut values, 200, body);
        }
    }
    for fault in &faults {
        let _ = fault.to_string();
    }
}

static ATTEMPT: LazyLock<Attempt> = LazyLock::new(|| Attempt {
    now: jiff::Timestamp::from_second(1_700_000_000).expect("a time"),
    uuid: uuid::Uuid::nil(),
});

fn read(recipe: &Recipe, values: &mut Values, status: u16, body: &[u8]) {
    let response = TokenResponse {
        status,
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
        received: ATTEMPT.now,
        damage: None,
    };
    let outcome = recipe.read(
        values,
        &response,
        &Expectations::default(),
        &Fingerprints::default(),
        true,
        &mut Trace::default(),
    );
    assert_class("token", &response, &outcome);
    if let credwatch::outcome::Outcome::Failed(failure) = &outcome {
        assert_bounded(failure);
    }
}

/// Reads a parameter of a challenge (the header `WWW-Authenticate`).
pub fn challenge(data: &[u8]) {
    static RULE: LazyLock<Compiled> = LazyLock::new(|| {
        Compiled::new(Side::Request, "text | auth_param('realm')", &NAMES)
            .unwrap_or_else(|mistake| panic!("{}", mistake.message))
    });
    let text = String::from_utf8_lossy(data);
    let value = RULE
        .evaluate(&Value::from_pairs([("text", Value::from(&*text))]))
        .expect("any text is a challenge");
    assert!(value.as_str().is_none_or(|found| found.len() <= text.len()));
}

static READERS: LazyLock<[Recipe; 2]> = LazyLock::new(|| {
    let text = r#"
[recipes.text]
request.url = "https://host.invalid/token"
response = { format = "text", token = "body", expiry = [{ value = "token", unit = "jwt" }] }
[recipes.xml]
request.url = "https://host.invalid/token"
response.format = "xml"
response.token = ["xml.a.Token", "xml.a.b"]
response.code = ["xml.a.Code", "xml.a['@code']"]
response.message = "xml.a['#text']"
response.scopes = "xml.a.Scope"
response.expiry = [{ value = "xml.a.Expires", unit = "seconds" }]
"#;
    let source = Arc::new(Source::new("readers", text));
    let (file, mut faults): (Recipes, _) = document::read(&source, &SCHEMA, |_| ());
    let mut recipes = file.recipes.0.iter().map(|(name, definition)| {
        Recipe::compile(name.get_ref(), definition, &source, &(0..0), &mut faults)
    });
    let recipes = [recipes.next().expect("there"), recipes.next().expect("there")];
    assert!(faults.is_empty(), "{}", faults[0]);
    recipes
});

/// Reads a JSON Web Token and a key set. The token is the text before the first space; the keys are
/// the rest.
pub fn jwt(data: &[u8]) {
    let [reader, _] = &*READERS;
    let text = String::from_utf8_lossy(data);
    let (token, keys) = text.split_once(' ').unwrap_or((&text, "{\"keys\":[]}"));
    let mut values = reader
        .begin(&Inputs { parameters: &[], credentials: &[] }, &ATTEMPT)
        .expect("nothing can fail");
    read(reader, &mut values, 200, token.as_bytes());
    let check = JwtCheck {
        issuer: Some("issuer".into()),
        audience: Some("audience".into()),
        leeway: std::time::Duration::from_secs(60),
        jwks: None,
    };
    let keys = TokenResponse {
        status: 200,
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(keys.as_bytes()),
        received: ATTEMPT.now,
        damage: None,
    };
    for keys in [None, Some(&keys)] {
        if let Err(failure) =
            check.inspect(&values, keys, Expiry::At(ATTEMPT.now), (ATTEMPT.now, Some(30.0)))
        {
            assert_bounded(&failure);
        }
    }
}

/// Reads an answer in XML.
pub fn xml(data: &[u8]) {
    let [_, reader] = &*READERS;
    let body = &data[..data.len().min(LARGEST_BODY)];
    for status in [200, 400] {
        let mut values = reader
            .begin(&Inputs { parameters: &[], credentials: &[] }, &ATTEMPT)
            .expect("nothing can fail");
        read(reader, &mut values, status, body);
    }
}
