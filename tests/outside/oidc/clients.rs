//! Client authentication: each method, and its failures.

use credwatch::probe::Prober;
use jiff::{SignedDuration, Timestamp};
use rcgen::KeyPair;
use serde_json::Value as Json;
use tempfile::TempDir;

use super::{BASIC, SPECIAL, Server};
use crate::programs::issuer::{failure, probe, probe_with, refusal, token};
use crate::support::endpoint::{Authority, Identity};
use crate::support::repository;

const RECIPE: &str = "oauth2-client-credentials";
const SHARED: &str = "a-secret-that-signs-and-is-never-sent";

/// The path of this key in `tests/keys`.
fn key(name: &str) -> String {
    repository(&format!("tests/keys/{name}.pem")).display().to_string()
}

/// The keys of a provider whose client signs with a private key.
fn signing(server: &Server, client: &str, algorithm: &str, key: &str, more: &str) -> String {
    format!(
        "parameters.token_url = \"http://{}/token\"\nparameters.auth_method = \"private_key_jwt\"\n\
         parameters.auth_alg = \"{algorithm}\"\n\
         credentials = {{ client_id = \"{client}\", private_key = {{ file = \"{key}\" }} }}\n\
         {more}",
        server.0.address
    )
}

/// The keys of a provider whose client signs with its secret.
fn shared(server: &Server, secret: &str, more: &str) -> String {
    server.inputs(
        ("shared", secret),
        &format!("parameters.auth_method = \"client_secret_jwt\"\n{more}"),
    )
}

#[tokio::test]
async fn a_client_that_signs_does_not_send_its_secret() {
    let server = Server::start();
    let issuer = format!("parameters.auth_audience = \"http://{}\"", server.0.address);
    for (place, (inputs, client, method)) in [
        (shared(&server, SHARED, ""), "shared", "client_secret_jwt"),
        (shared(&server, SHARED, "parameters.auth_alg = \"HS512\""), "shared", "client_secret_jwt"),
        (shared(&server, SHARED, &issuer), "shared", "client_secret_jwt"),
        (signing(&server, "rs256", "RS256", &key("rsa1"), ""), "rs256", "private_key_jwt"),
        (signing(&server, "rs256", "RS256", &key("rsa8"), ""), "rs256", "private_key_jwt"),
        (signing(&server, "ps256", "PS256", &key("rsa8"), ""), "ps256", "private_key_jwt"),
        (signing(&server, "es256", "ES256", &key("ec1"), ""), "es256", "private_key_jwt"),
        (signing(&server, "es256", "ES256", &key("ec8"), ""), "es256", "private_key_jwt"),
    ]
    .into_iter()
    .enumerate()
    {
        token(probe(RECIPE, &inputs).await);
        let held = server.issued(place + 1);
        assert_eq!(
            (&held["client"], &held["method"]),
            (&Json::from(client), &Json::from(method)),
            "{inputs}"
        );
    }
}

#[tokio::test]
async fn the_server_refuses_wrong_assertions_for_the_expected_reason() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    let other = other.display().to_string();
    let elsewhere = "parameters.auth_audience = \"https://elsewhere.example\"";
    for (place, (inputs, why)) in [
        (shared(&server, "a-secret-that-signs-and-is-not-the-one", ""), "signature"),
        (signing(&server, "es256", "ES256", &other, ""), "signature"),
        (signing(&server, "rs256", "PS256", &key("rsa8"), ""), "alg mismatch"),
        (signing(&server, "nobody", "RS256", &key("rsa8"), ""), "client not found"),
        (signing(&server, "shared", "RS256", &key("rsa8"), ""), "alg mismatch"),
        (shared(&server, SHARED, elsewhere), "audience (aud) must equal"),
        (signing(&server, "ps256", "PS256", &key("rsa8"), elsewhere), "audience (aud) must equal"),
    ]
    .into_iter()
    .enumerate()
    {
        refusal(probe(RECIPE, &inputs).await, 401, "invalid_client");
        let reason = server.refused(place + 1);
        assert!(reason.contains(why), "{reason}: {inputs}");
    }
    let scope = shared(&server, SHARED, "parameters.scope = \"admin\"");
    refusal(probe(RECIPE, &scope).await, 400, "invalid_scope");
    let resource = shared(&server, SHARED, "parameters.resource = \"https://elsewhere.example/\"");
    refusal(probe(RECIPE, &resource).await, 400, "invalid_target");
}

#[tokio::test]
async fn the_server_refuses_an_expired_assertion_and_a_repeated_one() {
    let server = Server::start();
    let now = Timestamp::now();
    let at = |seconds: i64| {
        Prober::with(
            move || now + SignedDuration::from_secs(seconds),
            || uuid::Uuid::from_u128(4711),
        )
    };
    let inputs = signing(&server, "rs256", "RS256", &key("rsa8"), "");
    // An assertion lives five minutes.
    refusal(probe_with(&at(-3600), RECIPE, &inputs).await, 401, "invalid_client");
    assert!(server.refused(1).contains("expired"), "{}", server.refused(1));
    token(probe_with(&at(0), RECIPE, &inputs).await);
    refusal(probe_with(&at(0), RECIPE, &inputs).await, 401, "invalid_client");
    assert!(server.refused(2).contains("must only be used once"), "{}", server.refused(2));
    // Each real probe has its own id, so its assertion is never a repeated one.
    token(probe(RECIPE, &inputs).await);
    token(probe(RECIPE, &inputs).await);
}

#[tokio::test]
async fn the_server_refuses_a_basic_header_with_the_wrong_encoding() {
    let server = Server::start();
    // This server decodes both a plus sign and %20 as a space.
    token(server.probe(SPECIAL, "parameters.basic_encoding = \"percent\"").await);
    token(server.probe(BASIC, "parameters.basic_encoding = \"none\"").await);
    refusal(
        server.probe(("basic", "correct+horse"), "parameters.basic_encoding = \"none\"").await,
        401,
        "invalid_client",
    );
    // Unencoded, the colon ends the id too early, and the percent sign is no valid escape.
    refusal(
        server.probe(SPECIAL, "parameters.basic_encoding = \"none\"").await,
        400,
        "invalid_request",
    );
}

/// A folder with the certificates of the server and of its clients.
fn certificates(authority: &Authority, elsewhere: &Authority) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, content: &str| {
        std::fs::write(folder.path().join(name), content).expect("written");
    };
    let both = |name: &str, identity: &Identity| {
        write(&format!("{name}.pem"), &identity.pem);
        write(&format!("{name}-key.pem"), &identity.key_pem());
    };
    write("ca.pem", authority.pem());
    both("server", &authority.issue("127.0.0.1", 2020, 2100));
    both("client", &authority.issue("client.example", 2020, 2100));
    both("ended", &authority.issue("client.example", 2020, 2021));
    both("another", &authority.issue("another.example", 2020, 2100));
    both("foreign", &elsewhere.issue("client.example", 2020, 2100));
    folder
}

#[tokio::test]
async fn a_client_authenticates_by_its_tls_certificate() {
    let folder = certificates(&Authority::new("ours"), &Authority::new("theirs"));
    let server = Server::with(Some(folder.path()));
    let secure = crate::support::wait_for("the secure address", || {
        server.0.lines("secure").first().cloned()
    });
    let inputs = |client: &str, shown: Option<&str>| {
        let path = folder.path().display();
        let shown = shown.map(|name| {
            format!(
                ", client_certificate_file = \"{path}/{name}.pem\", \
                                              client_key_file = \"{path}/{name}-key.pem\""
            )
        });
        format!(
            "parameters = {{ token_url = \"https://{secure}/token\", auth_method = \
             \"tls_client_auth\" }}\n\
             credentials.client_id = \"{client}\"\ntls = {{ ca_file = \"{path}/ca.pem\"{} }}\n",
            shown.unwrap_or_default()
        )
    };
    token(probe(RECIPE, &inputs("mutual", Some("client"))).await);
    let held = server.issued(1);
    assert_eq!(
        (&held["client"], &held["method"]),
        (&Json::from("mutual"), &Json::from("tls_client_auth"))
    );
    for (place, (client, shown, why)) in [
        ("mutual", None, "client certificate was not provided"),
        ("mutual", Some("another"), "certificate subject value does not match"),
        ("mutual", Some("foreign"), "client certificate was not verified"),
        ("mutual", Some("ended"), "client certificate was not verified"),
        ("nobody", Some("client"), "client not found"),
        ("basic", Some("client"), "does not match the registered client authentication method"),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = probe(RECIPE, &inputs(client, shown)).await;
        if shown == Some("ended") {
            assert_eq!(failure(refused).reason.word(), "certificate");
        } else {
            refusal(refused, 401, "invalid_client");
        }
        let reason = server.refused(place + 1);
        assert!(reason.contains(why), "{client} {shown:?}: {reason}");
    }
}
