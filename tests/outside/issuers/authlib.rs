//! Authlib's server: assertions as grants, and a server that does not decode client credentials.

use std::sync::LazyLock;

use credwatch::probe::Prober;
use jiff::{SignedDuration, Timestamp};
use rcgen::KeyPair;

use crate::programs::issuer::{Issuer, probe, probe_with, refusal, token};
use crate::support::repository;

const RECIPE: &str = "oauth2-jwt-bearer";

/// All tests share one server. It ends with their process.
static SERVER: LazyLock<Issuer> = LazyLock::new(|| Issuer::script("authlib_oauth", &[]));

/// The keys of a provider whose issuer signs with this key of `tests/keys`.
fn issuer(server: &Issuer, name: &str, algorithm: &str, key: &str, more: &str) -> String {
    let key = repository(&format!("tests/keys/{key}.pem"));
    format!(
        "parameters.token_url = \"http://{}/token\"\nparameters.alg = \"{algorithm}\"\n\
         credentials.issuer = \"{name}\"\n\
         credentials.issuer_key = {{ file = \"{}\" }}\n{more}\n",
        server.address,
        key.display()
    )
}

fn shared(server: &Issuer, secret: &str, more: &str) -> String {
    let with_key = issuer(server, "issuer-shared", "HS256", "rsa8", more);
    let lines: Vec<&str> =
        with_key.lines().filter(|line| !line.starts_with("credentials.issuer_key")).collect();
    format!("{}\ncredentials.issuer_key = \"{secret}\"\n", lines.join("\n"))
}

#[tokio::test]
async fn the_server_issues_a_token_for_an_assertion_of_a_known_issuer() {
    let server = &*SERVER;
    let ada = "parameters.subject = \"ada\"";
    let audience = format!("parameters.audience = \"http://{}\"", server.address);
    for inputs in [
        issuer(server, "issuer-rsa", "RS256", "rsa1", ""),
        issuer(server, "issuer-rsa", "RS512", "rsa8", ada),
        issuer(server, "issuer-rsa", "PS256", "rsa8", &audience),
        issuer(server, "issuer-ec", "ES256", "ec8", ada),
        shared(server, "a secret that both know", ""),
        issuer(
            server,
            "issuer-rsa",
            "RS256",
            "rsa8",
            "parameters.scope = \"read\"\nrequired_scopes = [\"read\"]",
        ),
    ] {
        assert_eq!(token(probe(RECIPE, &inputs).await).lifetime, Some(321.0), "{inputs}");
    }
}

#[tokio::test]
async fn a_refusal_of_an_assertion_has_the_code_of_the_server() {
    let server = &*SERVER;
    let other = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(other.path(), KeyPair::generate().expect("a key").serialize_pem())
        .expect("written");
    let stranger = format!(
        "parameters = {{ token_url = \"http://{}/token\", alg = \"ES256\" }}\n\
         credentials = {{ issuer = \"issuer-ec\", issuer_key = {{ file = \"{}\" }} }}",
        server.address,
        other.path().display()
    );
    let made = |assertion: &str| {
        format!(
            "parameters.token_url = \"http://{}/token\"\ncredentials.assertion = \"{assertion}\"",
            server.address
        )
    };
    for (inputs, status, code) in [
        (stranger, 400, "invalid_grant"),
        (shared(server, "a secret that one knows", ""), 400, "invalid_grant"),
        (
            issuer(
                server,
                "issuer-rsa",
                "RS256",
                "rsa8",
                "parameters.audience = \"https://elsewhere.example\"",
            ),
            400,
            "invalid_grant",
        ),
        (
            issuer(server, "issuer-rsa", "RS256", "rsa8", "parameters.subject = \"nobody\""),
            400,
            "invalid_grant",
        ),
        (issuer(server, "issuer-without", "RS256", "rsa8", ""), 400, "unauthorized_client"),
        (
            issuer(server, "issuer-rsa", "RS256", "rsa8", "parameters.scope = \"admin\""),
            400,
            "invalid_scope",
        ),
        (made("no.token.atall"), 400, "invalid_grant"),
    ] {
        refusal(probe(RECIPE, &inputs).await, status, code);
    }
    // The clock of this host is an hour behind.
    let now = Timestamp::now();
    let late = Prober::with(move || now - SignedDuration::from_hours(1), uuid::Uuid::new_v4);
    refusal(
        probe_with(&late, RECIPE, &issuer(server, "issuer-rsa", "RS256", "rsa8", "")).await,
        400,
        "invalid_grant",
    );
}

#[tokio::test]
async fn a_server_that_does_not_decode_needs_unencoded_credentials() {
    let server = &*SERVER;
    let inputs = |encoding: &str| {
        format!(
            "parameters = {{ token_url = \"http://{}/token\", basic_encoding = \"{encoding}\" }}\n\
             credentials = {{ client_id = \"plain id\", client_secret = \"s:ecret &=+%2B/~\" }}",
            server.address
        )
    };
    assert_eq!(
        token(probe("oauth2-client-credentials", &inputs("none")).await).lifetime,
        Some(654.0)
    );
    for encoding in ["form", "percent"] {
        refusal(probe("oauth2-client-credentials", &inputs(encoding)).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn this_server_accepts_a_client_that_signs() {
    let server = &*SERVER;
    let inputs = |audience: &str| {
        format!(
            "parameters = {{ token_url = \"http://{}/token\", auth_method = \"private_key_jwt\", \
             auth_audience = \"{audience}\" }}\n\
             credentials = {{ client_id = \"signs\", private_key = {{ file = \"{}\" }} }}",
            server.address,
            repository("tests/keys/rsa8.pem").display()
        )
    };
    token(
        probe("oauth2-client-credentials", &inputs(&format!("http://{}/token", server.address)))
            .await,
    );
    refusal(
        probe("oauth2-client-credentials", &inputs("https://elsewhere.example")).await,
        400,
        "invalid_client",
    );
}
