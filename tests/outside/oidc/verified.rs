//! The metadata of the server, and the verification of its tokens.

use credwatch::outcome::{Outcome, Probe};

use super::{BASIC, Server};
use crate::programs::issuer::{failure, probe, token};
use crate::support::endpoint::Endpoint;
use crate::support::repository;

const RECIPE: &str = "oauth2-client-credentials";

/// The keys of a provider that finds the token endpoint in this metadata.
fn discovering(server: &Server, metadata: &str, more: &str) -> String {
    let endpoint = format!("parameters.token_url = \"http://{}/token\"", server.0.address);
    server
        .inputs(BASIC, more)
        .replace(&endpoint, &format!("parameters.metadata_url = \"{metadata}\""))
}

fn steps(probe: &Probe) -> Vec<String> {
    probe
        .steps
        .iter()
        .map(|step| format!("{}{}", step.name, if step.failure.is_some() { "!" } else { "" }))
        .collect()
}

#[track_caller]
fn assert_failure(probe: Probe, class: &str, reason: &str, code: &str) {
    let failure = failure(probe);
    assert_eq!(
        (failure.reason.class().word(), failure.reason.word(), failure.code.as_str()),
        (class, reason, code),
        "{}",
        failure.message.as_str()
    );
}

#[tokio::test]
async fn the_metadata_of_the_server_names_the_token_endpoint() {
    let server = Server::start();
    let metadata = format!("http://{}/.well-known/openid-configuration", server.0.address);
    let found = probe(RECIPE, &discovering(&server, &metadata, "")).await;
    assert_eq!(steps(&found), ["discovery", "token"]);
    assert_eq!(token(found).lifetime, Some(1234.0));
    assert_eq!(server.issued(1)["client"], "basic");
    // With a metadata URL the audience of an assertion is the issuer. This server accepts it.
    let key = repository("tests/keys/ec8.pem").display().to_string();
    let signing = format!(
        "parameters = {{ metadata_url = \"{metadata}\", auth_method = \"private_key_jwt\", \
         auth_alg = \"ES256\" }}\ncredentials = {{ client_id = \"es256\", private_key = {{ file = \
         \"{key}\" }} }}"
    );
    token(probe(RECIPE, &signing).await);

    let nowhere = format!("http://{}/nowhere/.well-known/openid-configuration", server.0.address);
    assert_failure(
        probe(RECIPE, &discovering(&server, &nowhere, "")).await,
        "provider",
        "unavailable",
        "no_metadata",
    );
    // Metadata of another server that names this one: the prober sends no credential there.
    let other = Endpoint::json(
        "200 OK",
        &format!(
            "{{\"issuer\":\"http://{0}\",\"token_endpoint\":\"http://{0}/token\"}}",
            server.0.address
        ),
    );
    let others = format!("http://127.0.0.1:{}/.well-known/openid-configuration", other.port());
    assert_failure(
        probe(RECIPE, &discovering(&server, &others, "")).await,
        "provider",
        "unavailable",
        "issuer_differs",
    );
    assert_eq!(server.0.lines("issued").len(), 2);
}

#[tokio::test]
async fn introspection_accepts_the_servers_own_token_and_no_other() {
    let (server, other) = (Server::start(), Server::start());
    let ask = |whom: &Server| {
        format!("verify.introspection.url = \"http://{}/token/introspection\"", whom.0.address)
    };
    let known = server.probe(BASIC, &ask(&server)).await;
    assert_eq!(steps(&known), ["token", "introspection"]);
    token(known);
    assert_failure(
        server.probe(BASIC, &ask(&other)).await,
        "credential",
        "unverified",
        "token_inactive",
    );
    // At this server only a client may introspect, not the bearer of a token.
    let bearer = format!("{}\nverify.introspection.auth_method = \"bearer\"", ask(&server));
    assert_failure(
        server.probe(BASIC, &bearer).await,
        "credential",
        "unverified",
        "invalid_request",
    );
}

#[tokio::test]
async fn a_signed_token_is_verified_with_the_keys_of_its_issuer() {
    let server = Server::start();
    let stranger = std::fs::read_to_string(repository("tests/keys/tokens.json")).expect("readable");
    let stranger: serde_json::Value = serde_json::from_str(&stranger).expect("JSON");
    let stranger = Endpoint::json("200 OK", &stranger["jwks"].to_string());
    let here = format!("http://{}", server.0.address);
    let signed = |issuer: &str, audience: &str, keys: &str| {
        format!(
            "parameters.resource = \"https://signed.example/\"\nverify.jwt = {{ issuer = \
             \"{issuer}\", audience = \"{audience}\", jwks_url = \"{keys}\" }}"
        )
    };
    let keys = format!("{here}/jwks");
    let good = server.probe(BASIC, &signed(&here, "https://signed.example/", &keys)).await;
    assert_eq!(steps(&good), ["token", "jwks", "jwt"]);
    assert!(
        matches!(&good.outcome, Outcome::Issued(issued) if issued.lifetime == Some(99.0)),
        "{:?}",
        good.outcome
    );
    for (verify, code) in [
        (signed("https://elsewhere.example", "https://signed.example/", &keys), "jwt_issuer"),
        (signed(&here, "https://elsewhere.example", &keys), "jwt_audience"),
        (
            signed(
                &here,
                "https://signed.example/",
                &format!("http://127.0.0.1:{}/keys", stranger.port()),
            ),
            "jwt_key_unknown",
        ),
        ("verify.jwt = {}".to_owned(), "jwt_unreadable"),
    ] {
        assert_failure(server.probe(BASIC, &verify).await, "credential", "unverified", code);
    }
    assert_failure(
        server.probe(BASIC, &signed(&here, "https://signed.example/", &here)).await,
        "provider",
        "malformed",
        "http_404",
    );
}

#[tokio::test]
async fn the_failure_has_the_reason_of_an_api_that_refuses_the_token() {
    let server = Server::start();
    // The token of a client has no user, so the endpoint for user information refuses it.
    let call = format!(
        "verify.call.request = {{ url = \"http://{}/me\", headers.Authorization = \"Bearer {{{{ \
         token }}}}\" }}\nverify.call.response = {{ code = \"json.error\", message = \
         \"json.error_description\" }}",
        server.0.address
    );
    assert_failure(server.probe(BASIC, &call).await, "credential", "unverified", "invalid_token");
}
