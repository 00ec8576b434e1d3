//! django-oauth-toolkit: passwords and refresh tokens.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;

use serde_json::Value as Json;
use toml::Value as Toml;

use crate::programs::issuer::{Issuer, probe, refusal, token};

const SECRET: &str = "s:ecret &=+%2B/~";
const PASSWORD: &str = "an engine & more";

/// All tests share one server. It ends with their process.
static SERVER: LazyLock<Issuer> = LazyLock::new(|| Issuer::script("django_oauth", &[]));

/// The keys of a provider for a client of this server.
fn client(server: &Issuer, id: &str, secret: &str, more: &str) -> String {
    format!(
        "parameters.token_url = \"http://{}/o/token/\"\ncredentials.client_id = \"{id}\"\n\
         credentials.client_secret = {}\n{more}\n",
        server.address,
        Toml::from(secret)
    )
}

/// The keys of a provider for a client and a user of this server.
fn user(
    server: &Issuer,
    (id, secret): (&str, &str),
    (name, password): (&str, &str),
    more: &str,
) -> String {
    let user = format!(
        "credentials.username = \"{name}\"\ncredentials.password = {}\n{more}",
        Toml::from(password)
    );
    client(server, id, secret, &user)
}

/// Logs in as an application does. Returns the refresh token.
fn log_in(server: &Issuer) -> String {
    let body = "grant_type=password&client_id=app&client_secret=s%3Aecret+%26%3D%2B%252B%2F~&\
                username=ada&password=an+engine+%26+more&scope=read";
    let mut stream = TcpStream::connect(&server.address).expect("connected");
    write!(
        stream,
        "POST /o/token/ HTTP/1.0\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let json: Json =
        serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    json["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[tokio::test]
async fn the_server_accepts_a_password_or_refuses_it_with_its_own_code() {
    let server = &*SERVER;
    let app = ("app", SECRET);
    let ada = ("ada", PASSWORD);
    for (who, more) in [
        (app, ""),
        (app, "parameters.basic_encoding = \"percent\""),
        (
            app,
            "parameters.auth_method = \"client_secret_post\"\nparameters.scope = \"read write\"\n\
             required_scopes = [\"write\", \"read\"]",
        ),
        (("public", "unused"), "parameters.auth_method = \"none\""),
    ] {
        let issued = token(probe("oauth2-password", &user(server, who, ada, more)).await);
        assert_eq!(issued.lifetime, Some(1234.0), "{who:?} {more}");
    }
    for (who, person, more, status, code) in [
        (app, ("ada", "an engine"), "", 400, "invalid_grant"),
        (app, ("nobody", PASSWORD), "", 400, "invalid_grant"),
        (app, ("gone", PASSWORD), "", 400, "invalid_grant"),
        (("app", "s:ecret &=++/~"), ada, "", 401, "invalid_client"),
        (("nobody", SECRET), ada, "", 401, "invalid_client"),
        (("service", "correct-horse"), ada, "", 400, "unauthorized_client"),
        (app, ada, "parameters.scope = \"admin\"", 400, "invalid_scope"),
    ] {
        refusal(probe("oauth2-password", &user(server, who, person, more)).await, status, code);
    }
}

#[tokio::test]
async fn a_login_is_revoked_if_the_configuration_has_a_revocation_url() {
    let server = &*SERVER;
    let revoked = |user: &str| server.lines("revoked").iter().filter(|name| *name == user).count();
    for (count, method) in ["client_secret_basic", "client_secret_post"].into_iter().enumerate() {
        let more = format!(
            "parameters.revocation_url = \"http://{}/o/revoke_token/\"\nparameters.auth_method = \
             \"{method}\"",
            server.address
        );
        token(
            probe("oauth2-password", &user(server, ("app", SECRET), ("grace", PASSWORD), &more))
                .await,
        );
        assert_eq!(revoked("grace"), count + 1, "{method}");
    }
    token(probe("oauth2-password", &user(server, ("app", SECRET), ("grace", PASSWORD), "")).await);
    assert_eq!(revoked("grace"), 2, "without a URL nothing is revoked");
}

#[tokio::test]
async fn the_server_refuses_a_client_of_another_grant() {
    let server = &*SERVER;
    token(
        probe("oauth2-client-credentials", &client(server, "service", "correct-horse", "")).await,
    );
    refusal(
        probe("oauth2-client-credentials", &client(server, "service", "wrong-horse", "")).await,
        401,
        "invalid_client",
    );
    refusal(
        probe("oauth2-client-credentials", &client(server, "app", SECRET, "")).await,
        400,
        "unauthorized_client",
    );
}

#[tokio::test]
async fn a_refresh_token_can_be_reused_or_the_probe_says_that_it_is_used_up() {
    let recipe = "oauth2-refresh-token";
    let refreshing = |server: &Issuer, secret: &str, refresh_token: &str| {
        client(
            server,
            "app",
            secret,
            &format!(
                "credentials.refresh_token = \"{refresh_token}\"\nrequired_scopes = [\"read\"]"
            ),
        )
    };
    let server = &*SERVER;
    let stays = log_in(server);
    for _ in 0..3 {
        assert_eq!(
            token(probe(recipe, &refreshing(server, SECRET, &stays)).await).lifetime,
            Some(1234.0)
        );
    }
    refusal(probe(recipe, &refreshing(server, SECRET, "made-up")).await, 400, "invalid_grant");
    refusal(probe(recipe, &refreshing(server, "wrong", &stays)).await, 401, "invalid_client");

    let server = &Issuer::script("django_oauth", &["rotate"]);
    let replaced = log_in(server);
    refusal(
        probe(recipe, &refreshing(server, SECRET, &replaced)).await,
        200,
        "refresh_token_replaced",
    );
    refusal(probe(recipe, &refreshing(server, SECRET, &replaced)).await, 400, "invalid_grant");
}
