//! How a client authenticates, and how it fails to.

use credwatch::probe::Prober;
use jiff::{SignedDuration, Timestamp};
use rcgen::KeyPair;
use serde_json::Value as Json;
use tempfile::TempDir;

use super::{BASIC, SPECIAL, Server};
use crate::programs::issuer::{probe, probe_with, refusal, token};
use crate::support::endpoint::{Authority, Identity};
use crate::support::repository;

const RECIPE: &str = "oauth2-client-credentials";
const SHARED: &str = "a-secret-that-signs-and-is-never-sent";

/// The key of the tests with this name.
fn key(name: &str) -> String {
    repository(&format!("tests/keys/{name}.pem")).display().to_string()
}

/// A provider of a client that signs with a key.
fn signing(server: &Server, client: &str, algorithm: &str, key: &str, more: &str) -> String {
    format!(
        "parameters.token_url = \"http://{}/token\"\nparameters.auth_method = \"private_key_jwt\"\n\
         parameters.auth_alg = \"{algorithm}\"\n\
         credentials = {{ client_id = \"{client}\", private_key = {{ file = \"{key}\" }} }}\n\
         {more}",
        server.0.address
    )
}

/// A provider of the client that signs with its secret.
fn shared(server: &Server, secret: &str, more: &str) -> String {
    server.inputs(
        ("shared", secret),
        &format!("parameters.auth_method = \"client_secret_jwt\"\n{more}"),
    )
}

#[tokio::test]
async fn a_client_that_signs_needs_to_send_no_secret() {
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
async fn what_is_wrong_with_an_assertion_is_told_by_the_server() {
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
        let told = server.refused(place + 1);
        assert!(told.contains(why), "{told}: {inputs}");
    }
    let scope = shared(&server, SHARED, "parameters.scope = \"admin\"");
    refusal(probe(RECIPE, &scope).await, 400, "invalid_scope");
    let resource = shared(&server, SHARED, "parameters.resource = \"https://elsewhere.example/\"");
    refusal(probe(RECIPE, &resource).await, 400, "invalid_target");
}

#[tokio::test]
async fn a_wrong_clock_and_an_assertion_that_is_sent_twice_are_refused() {
    let server = Server::start();
    let now = Timestamp::now();
    let at = |seconds: i64| {
        Prober::with(
            move || now + SignedDuration::from_secs(seconds),
            || uuid::Uuid::from_u128(4711),
        )
    };
    let inputs = signing(&server, "rs256", "RS256", &key("rsa8"), "");
    // It lives five minutes.
    refusal(probe_with(&at(-3600), RECIPE, &inputs).await, 401, "invalid_client");
    assert!(server.refused(1).contains("expired"), "{}", server.refused(1));
    token(probe_with(&at(0), RECIPE, &inputs).await);
    refusal(probe_with(&at(0), RECIPE, &inputs).await, 401, "invalid_client");
    assert!(server.refused(2).contains("must only be used once"), "{}", server.refused(2));
    // As each probe has an id of its own, this does not happen by itself.
    token(probe(RECIPE, &inputs).await);
    token(probe(RECIPE, &inputs).await);
}

#[tokio::test]
async fn a_basic_header_that_is_encoded_in_another_way_is_another_client() {
    let server = Server::start();
    // This one takes both a plus sign and %20 for a blank, as its decoder does.
    token(server.probe(SPECIAL, "parameters.basic_encoding = \"percent\"").await);
    token(server.probe(BASIC, "parameters.basic_encoding = \"none\"").await);
    refusal(
        server.probe(("basic", "correct+horse"), "parameters.basic_encoding = \"none\"").await,
        401,
        "invalid_client",
    );
    // The colon in its id ends the id too early, and the percent sign in its secret begins nothing.
    refusal(
        server.probe(SPECIAL, "parameters.basic_encoding = \"none\"").await,
        400,
        "invalid_request",
    );
}

/// A folder with the certificates of the server and of those who call.
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
async fn the_certificate_of_the_connection_is_who_the_client_is() {
    let folder = certificates(&Authority::new("ours"), &Authority::new("theirs"));
    let server = Server::with(Some(folder.path()));
    let secure =
        crate::support::wait_for("the secure address", || server.0.said("secure").first().cloned());
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
        refusal(probe(RECIPE, &inputs(client, shown)).await, 401, "invalid_client");
        let told = server.refused(place + 1);
        assert!(told.contains(why), "{client} {shown:?}: {told}");
    }
}
