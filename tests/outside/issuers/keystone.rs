//! Keystone, the identity service of `OpenStack`: application credentials, with its own API and
//! with its OAuth 2.0 API.

use serde_json::Value as Json;
use toml::Value as Toml;

use crate::programs::issuer::{Issuer, probe, refusal, token};

const SECRET: &str = "s:ecret &=+%2B/~";

/// The id of the application credential with this name.
fn id(server: &Issuer, name: &str) -> String {
    let ids: Json = server.json_line("credentials", 0);
    ids[name].as_str().expect("an id").to_owned()
}

fn own(server: &Issuer, id: &str, secret: &str) -> String {
    format!(
        "parameters.base_url = \"http://{}\"\ncredentials = {{ application_credential_id = \
         \"{id}\", application_credential_secret = {} }}",
        server.address,
        Toml::from(secret)
    )
}

fn oauth(server: &Issuer, id: &str, secret: &str, encoding: &str) -> String {
    format!(
        "parameters = {{ token_url = \"http://{}/v3/OS-OAUTH2/token\", basic_encoding = \
         \"{encoding}\" }}\n\
         credentials = {{ client_id = \"{id}\", client_secret = {} }}",
        server.address,
        Toml::from(secret)
    )
}

async fn the_body_has_the_expiry_of_the_token_in_the_header(server: &Issuer) {
    let probed = probe("keystone", &own(server, &id(server, "good"), SECRET)).await;
    assert_eq!(probed.status, Some(201));
    let lifetime = token(probed).lifetime.expect("it ends");
    // Keystone counts in whole seconds from the request, and may answer slowly.
    assert!((1174.0..=1234.5).contains(&lifetime), "{lifetime}");
}

async fn keystone_refuses_bad_application_credentials(server: &Issuer) {
    for (id, secret, status, code) in [
        (id(server, "good"), "wrong", 401, "401"),
        (id(server, "ended"), SECRET, 401, "401"),
        (id(server, "disabled"), SECRET, 401, "401"),
        (id(server, "deleted"), SECRET, 404, "404"),
    ] {
        let message = refusal(probe("keystone", &own(server, &id, secret)).await, status, code);
        // For a deleted credential Keystone's message has the id, which is a secret.
        assert!(!message.is_empty() && !message.contains(&id), "{message}");
    }
}

async fn its_oauth_api_accepts_the_same_credentials_unencoded(server: &Issuer) {
    assert_eq!(
        token(
            probe("oauth2-client-credentials", &oauth(server, &id(server, "good"), SECRET, "none"))
                .await
        )
        .lifetime,
        Some(1234.0)
    );
    for (id, secret, encoding, status, code) in [
        (id(server, "good"), SECRET, "form", 401, "invalid_client"),
        (id(server, "good"), "wrong", "none", 401, "invalid_client"),
        (id(server, "ended"), SECRET, "none", 401, "invalid_client"),
        (id(server, "deleted"), SECRET, "none", 404, "other_error"),
    ] {
        refusal(
            probe("oauth2-client-credentials", &oauth(server, &id, secret, encoding)).await,
            status,
            code,
        );
    }
}

/// One test for all, because Keystone needs some seconds to start.
#[tokio::test]
async fn both_apis_accept_good_application_credentials_and_refuse_bad_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Issuer::script("keystone_server", &[folder.path().to_str().expect("text")]);
    the_body_has_the_expiry_of_the_token_in_the_header(&server).await;
    keystone_refuses_bad_application_credentials(&server).await;
    its_oauth_api_accepts_the_same_credentials_unencoded(&server).await;
}
