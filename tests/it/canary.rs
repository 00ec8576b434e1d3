//! No output has a credential, a value derived from it, or a token, even at level trace.

use std::process::Stdio;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Endpoint, http};
use super::support::wait_for;

const ID: &str = "canaryid4711";
const SECRET: &str = "canary-s3cret/+x";
const TOKEN: &str = "canarytoken0815abcdef";

/// The texts that no output may have: the values, their encodings, the digest and the header. Other
/// programs computed them.
fn needles() -> Vec<&'static str> {
    vec![
        ID,
        SECRET,
        TOKEN,
        // printf %s 'canaryid4711:canary-s3cret/+x' | base64
        "Y2FuYXJ5aWQ0NzExOmNhbmFyeS1zM2NyZXQvK3g",
        // printf %s 'canary-s3cret/+x' | base64
        "Y2FuYXJ5LXMzY3JldC8reA",
        // the same, percent-encoded
        "canary-s3cret%2F%2Bx",
        "canary-s3cret%2f%2bx",
    ]
}

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    let folded = text.to_lowercase();
    for needle in needles() {
        assert!(!folded.contains(&needle.to_lowercase()), "{what} shows {needle:?}:\n{text}");
    }
}

/// Answers that repeat the request, like those of hostile or careless servers.
fn echoing() -> Vec<Vec<u8>> {
    let json = |status: &str, body: String| {
        http(status, "Content-Type: application/json\r\n", body.as_bytes())
    };
    vec![
        json(
            "401 X",
            format!(r#"{{"error":"{SECRET}","error_description":"bad secret {SECRET} for {ID}"}}"#),
        ),
        json(
            "400 X",
            format!(
                r#"{{"error":"x_{ID}_y",
                  "error_description":"Basic Y2FuYXJ5aWQ0NzExOmNhbmFyeS1zM2NyZXQvK3g= is wrong"}}"#
            ),
        ),
        json("200 X", format!(r#"{{"access_token":"{TOKEN}","expires_in":"{TOKEN}"}}"#)),
        json(
            "200 X",
            format!(
                r#"{{"access_token":"{TOKEN}","expires_in":60,
                    "scope":"{TOKEN} {SECRET}","refresh_token":"{TOKEN}"}}"#
            ),
        ),
        json(
            "200 X",
            format!(
                r#"{{"token":"{TOKEN}",
                    "error":{{"code":"{SECRET}","message":"canary-s3cret%2F%2Bx"}}}}"#
            ),
        ),
        http(
            "302 X",
            &format!("Location: https://elsewhere.example/{SECRET}?token={TOKEN}\r\n"),
            b"",
        ),
        http("500 X", "", format!("<html>{SECRET} {TOKEN}</html>").as_bytes()),
        http("200 X", "", format!("{SECRET} {TOKEN}").as_bytes()),
        format!("HTTP/1.1 200 OK\r\nX-{SECRET}: \u{1}{TOKEN}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{{\"access_token\":\"{TOKEN}\"")
            .into_bytes(),
    ]
}

fn configuration(endpoints: &[Endpoint]) -> String {
    let mut text =
        "[defaults]\ninterval = \"200ms\"\nconfirm_after = \"100ms\"\ntimeout = \"2s\"\n"
            .to_owned();
    for (number, endpoint) in endpoints.iter().enumerate() {
        let url = endpoint.url();
        let credentials =
            format!("credentials.client_id = {ID:?}\ncredentials.client_secret = {SECRET:?}\n");
        text.push_str(&format!(
            "[providers.p{number}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
             {url:?}\nrequired_scopes = [\"x\"]\n{credentials}"
        ));
        text.push_str(&format!(
            "[providers.q{number}]\nrecipe = \"oauth2-client-credentials\"\nparameters = {{ \
             token_url = {url:?}, auth_method = \"client_secret_post\" }}\n{credentials}"
        ));
        // A recipe that reads the token from the code and the message, and sends secrets in all
        // places.
        text.push_str(&format!(
            "[providers.r{number}]\nrecipe = \"careless\"\nparameters.url = {url:?}\n{credentials}"
        ));
    }
    text.push_str(
        r#"
[recipes.careless]
parameters = { url = {} }
credentials = ["client_id", "client_secret"]
[recipes.careless.let]
digest = "(client_id ~ client_secret) | sha256 | hex"
[recipes.careless.request]
url = "{{ url }}/{{ client_secret }}"
query = { key = "{{ client_secret }}", digest = "{{ digest }}" }
headers = { X-Key = "{{ client_secret }}", X-Both = "{{ client_id }}:{{ client_secret }}" }
json = { a = ["{{ client_secret }}", { b = "{{ client_id }}" }] }
[recipes.careless.response]
token = "json.token_type"
code = ["json.access_token", "json.token", "json.error", "body"]
message = ["json.access_token", "json.error_description"]
"#,
    );
    text
}

#[test]
fn no_output_of_the_daemon_has_a_secret_or_a_token_at_level_trace() {
    let endpoints: Vec<Endpoint> = echoing().into_iter().map(Endpoint::answering).collect();
    let configuration = configuration(&endpoints);
    let daemon = Daemon::start_with(
        &configuration,
        &["--log.level=trace"],
        &[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")],
    );
    wait_for("every endpoint to be asked several times", || {
        endpoints.iter().all(|endpoint| endpoint.calls() >= 9).then_some(())
    });
    let everybody = ["p", "q", "r"].into_iter().flat_map(|kind| {
        (0..endpoints.len()).map(move |number| format!("/providers/{kind}{number}"))
    });
    let pages: Vec<String> = everybody
        .chain([
            "/?state=broken".into(),
            "/?q=rejected".into(),
            "/providers?name=p0".into(),
            "/reasons".into(),
            "/ends".into(),
        ])
        .collect();
    for path in ["/", "/metrics", "/healthz", "/livez", "/readyz", "/healthz?provider=p0"]
        .into_iter()
        .chain(pages.iter().map(String::as_str))
    {
        let answer = daemon.get(path);
        assert_silent(path, &answer.head);
        assert_silent(path, &answer.body);
    }
    let log = daemon.log();
    assert!(
        log.contains("level=error") || log.contains("level=warn"),
        "there is something to look at"
    );
    assert_silent("the log", &log);
}

#[test]
fn no_output_of_the_probe_command_has_a_secret_or_a_token() {
    let endpoints: Vec<Endpoint> = echoing().into_iter().map(Endpoint::answering).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, configuration(&endpoints)).expect("written");
    for number in 0..endpoints.len() {
        for (kind, output) in [
            ("p", "text"),
            ("p", "json"),
            ("q", "text"),
            ("q", "json"),
            ("r", "text"),
            ("r", "json"),
        ] {
            let result = credwatch()
                .args([
                    "probe",
                    &format!("{kind}{number}"),
                    &format!("--output={output}"),
                    &format!("--config.file={}", file.display()),
                ])
                .env("RUST_LOG", "trace")
                .stdin(Stdio::null())
                .output()
                .expect("it runs");
            assert!(!result.stdout.is_empty());
            assert_silent(
                &format!("probe {kind}{number}"),
                &String::from_utf8_lossy(&result.stdout),
            );
            assert_silent(
                &format!("probe {kind}{number}"),
                &String::from_utf8_lossy(&result.stderr),
            );
        }
    }
}

#[test]
fn the_search_finds_the_canaries() {
    let found = std::panic::catch_unwind(|| {
        assert_silent("x", "Authorization: Basic Y2FuYXJ5aWQ0NzExOmNhbmFyeS1zM2NyZXQvK3g=");
    });
    assert!(found.is_err());
}
