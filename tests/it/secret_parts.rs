//! No rule shows a part of a secret that an answer holds, nor a digest of one.

use bytes::Bytes;
use credwatch::recipe::{Attempt, Expectations, Inputs, TokenRequest, TokenResponse};
use http::{HeaderMap, header};
use minijinja::Value;
use secrecy::SecretString;

use super::support;
use super::targets::replay::Script;

const KEY: &str = "canary-s3cret-4711";
const TOKEN: &str = "canary-token-0815-abcdef";
const REFRESH: &str = "canary-refresh-1234-xyz";

/// All output about a probe with these lines in the recipe. `answer` gets each request and returns
/// status and body.
fn output(recipe: &str, answer: impl Fn(&str, &TokenRequest) -> (u16, String)) -> String {
    let provider = support::provider(&format!(
        "[recipes.r]\ncredentials = [\"key\"]\n{recipe}\n\
         [providers.p]\nrecipe = \"r\"\ncredentials.key = \"{KEY}\"\n"
    ));
    let credentials = [("key".to_owned(), SecretString::from(KEY))];
    let parameters: [(String, Value); 0] = [];
    let script = Script {
        recipe: &provider.recipe,
        verification: None,
        inputs: Inputs { parameters: &parameters, credentials: &credentials },
        attempt: Attempt { now: jiff::Timestamp::UNIX_EPOCH, uuid: uuid::Uuid::nil() },
        expectations: Expectations::default(),
    };
    let replayed = script.replay(&mut |call, request, _| {
        let (status, body) = answer(call, request);
        Some(TokenResponse {
            status,
            headers: HeaderMap::from_iter([(
                header::HeaderName::from_static("x-echo"),
                header::HeaderValue::from_static(KEY),
            )]),
            body: Bytes::from(body),
            received: jiff::Timestamp::UNIX_EPOCH,
            damage: None,
        })
    });
    replayed.expect("each call has an answer").output.join("\n")
}

const REQUEST: &str =
    "request = { url = \"https://host.invalid/\", form = { key = \"{{ key }}\" } }";

#[test]
fn a_sentence_in_the_place_of_a_code_shows_no_part_of_a_secret() {
    let body = format!(
        "{{\"access_token\":\"{TOKEN}\",\"refresh_token\":\"{REFRESH}\",\"echo\":\"key {KEY}\"}}"
    );
    for (code, part) in [
        ("json.refresh_token[1:] ~ ' x'", &REFRESH[1..]),
        ("json.refresh_token | replace('canary', 'a b')", &REFRESH[6..]),
        ("json.echo[12:] ~ ' x'", &KEY[8..]),
        ("json.echo | replace('canary', 'a b')", &KEY[6..]),
    ] {
        let text = output(
            &format!(
                "{REQUEST}\nresponse.token = \"json.access_token\"\n\
                 response.issued = \"json.nope == 1\"\nresponse.code = \"{code}\""
            ),
            |_, _| (200, body.clone()),
        );
        assert!(text.contains("token") && !text.contains(part), "{code}: {text}");
    }
}

#[test]
fn no_index_takes_a_character_out_of_an_echoed_secret() {
    for rule in [
        "(json.e)[0] ~ '_' ~ (json.e)[1] ~ '_' ~ (json.e)[2] ~ '_' ~ (json.e)[3]",
        "[json.e][0][0] ~ '_' ~ [json.e][0][1] ~ '_' ~ [json.e][0][2] ~ '_' ~ [json.e][0][3]",
        "(json.l[0])[0] ~ '_' ~ (json.l[0])[1] ~ '_' ~ (json.l[0])[2] ~ '_' ~ (json.l[0])[3]",
        "(json.x | default(json.e))[0] ~ '_a_n_' ~ (json.e)[0x3]",
        "'c_a_n_a' if (json.e)[0] == 'c' else 'c_a_n_a'",
        "http.headers['x-echo'][0] ~ '_' ~ http.headers['x-echo'][1] ~ '_n_a'",
    ] {
        let recipe = format!(
            "{REQUEST}\nresponse = {{ token = \"json.access_token\", code = \"{rule}\", \
             message = \"{rule}\" }}"
        );
        let text = output(&recipe, |_, _| (401, format!("{{\"e\":\"{KEY}\",\"l\":[\"{KEY}\"]}}")));
        assert!(text.contains("http_401") && !text.contains("c_a_n_a"), "{rule}: {text}");
    }
}

#[test]
fn a_computed_address_does_not_show_a_part_of_a_session() {
    let text = output(
        &format!(
            "{REQUEST}\nresponse.token = \"json.access_token\"\n[[recipes.r.steps]]\n\
             name = \"login\"\nrequest.url = \"https://host.invalid/login\"\n\
             response.gives = {{ session = \"json.session\", \
             place = \"'https://' ~ json.session[0:14] ~ '.x.example/t'\" }}\n\
             [[recipes.r.cleanup]]\nname = \"logout\"\n\
             request = {{ method = \"DELETE\", url = \"{{{{ place }}}}\" }}"
        ),
        |_, _| {
            (200, format!("{{\"access_token\":\"{TOKEN}\",\"session\":\"sess47canary0815more\"}}"))
        },
    );
    assert!(text.contains("DELETE [hidden]"), "{text}");
    assert!(!text.contains("sess47canary08"), "{text}");
}

#[test]
fn a_token_with_a_broken_spot_is_hidden_in_the_body() {
    for broken in ["canary-\ttoken-0815-abcdef", "canary-\\ud800token-0815-abcdef"] {
        let text = output(
            &format!("{REQUEST}\nresponse = {{ token = \"json.t\", message = \"body\" }}"),
            |_, _| (401, format!("{{\"t\":\"{broken}\"}}")),
        );
        assert!(text.contains("[hidden]") && !text.contains("0815"), "{broken:?}: {text}");
    }
}

#[test]
fn a_token_by_itself_is_hidden_when_its_status_is_not_expected() {
    for (format, token, body) in
        [("text", "body", TOKEN.to_owned()), ("json", "json", format!("\"{TOKEN}\""))]
    {
        let text = output(
            &format!(
                "{REQUEST}\nresponse = {{ format = \"{format}\", token = \"{token}\", \
                 statuses = [201], throttled = \"http.status == 200\", message = \"body\" }}"
            ),
            |_, _| (200, body.clone()),
        );
        assert!(!text.contains(TOKEN), "{format}: {text}");
    }
}

#[test]
fn an_echoed_boundary_is_hidden_because_it_is_a_digest_of_the_parts() {
    let text = output(
        "request = { url = \"https://host.invalid/\", multipart = { key = \"{{ key }}\" } }\n\
         response = { token = \"json.access_token\", message = \"json.message\" }",
        |_, request| {
            let kind = request.headers.get(&header::CONTENT_TYPE).expect("a type");
            let kind = kind.to_str().expect("text");
            (400, serde_json::json!({ "message": format!("cannot read {kind}") }).to_string())
        },
    );
    assert!(text.contains("cannot read multipart/form-data; boundary=[hidden]"), "{text}");
}
