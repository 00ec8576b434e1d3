//! A server with token exchange: the npm package `@jmondi/oauth2-server`, set up by
//! `tests/oidc/exchange.mjs`.

use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::programs::issuer::{Issuer, probe, refusal, token};
use crate::support::repository;

const RECIPE: &str = "oauth2-token-exchange";
const JWT: &str = "parameters.subject_token_type = \"urn:ietf:params:oauth:token-type:jwt\"\n";

struct Server(Issuer, Json);

/// All tests share one server. It ends with their process.
static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

impl Server {
    fn start() -> Self {
        let home = repository("tests/oidc");
        let installed = home.join("node_modules/@jmondi/oauth2-server/package.json");
        assert!(
            installed.is_file(),
            "{} is missing; run `make test`, which installs it",
            installed.display()
        );
        let mut command = Command::new("node");
        let server = Issuer::start(
            "the server with token exchange",
            command.arg("exchange.mjs").current_dir(home).env_remove("NODE_OPTIONS"),
        );
        let subjects = server.json_line("subjects", 0);
        Self(server, subjects)
    }

    fn subject(&self, name: &str) -> &str {
        self.1[name].as_str().expect("a token")
    }

    /// The keys of a provider that exchanges this token.
    fn exchanging(&self, (id, secret): (&str, &str), subject: &str, more: &str) -> String {
        format!(
            "parameters.token_url = \"http://{}/token\"\ncredentials.client_id = \"{id}\"\n\
             credentials.client_secret = \"{secret}\"\n\
             credentials.subject_token = \"{subject}\"\n{more}",
            self.0.address
        )
    }
}

const BROKER: (&str, &str) = ("broker", "correct-horse");

#[tokio::test]
async fn the_server_exchanges_a_token_for_another() {
    let server = &*SERVER;
    let (issued, file) = (server.subject("issued"), server.subject("file"));
    let actor = format!(
        "{JWT}credentials.actor_token = \"{file}\"\nparameters.actor_token_type = \
         \"urn:ietf:params:oauth:token-type:jwt\""
    );
    for inputs in [
        server.exchanging(BROKER, issued, ""),
        server.exchanging(
            BROKER,
            issued,
            "parameters.auth_method = \"client_secret_post\"\n\
                                           parameters.resource = \"https://api.example/\"",
        ),
        server.exchanging(BROKER, file, JWT),
        server.exchanging(BROKER, file, &actor),
        server.exchanging(
            ("open", "unused"),
            file,
            &format!(
                "{JWT}parameters.auth_method = \
            \"none\"\nparameters.audience = \"https://api.example/\""
            ),
        ),
        server.exchanging(
            BROKER,
            issued,
            "parameters.scope = \"read write\"\nrequired_scopes = \
                                           [\"write\"]",
        ),
    ] {
        let lifetime = token(probe(RECIPE, &inputs).await).lifetime.expect("it ends");
        // The server computes the remaining lifetime in whole seconds.
        assert!((261.0..=321.0).contains(&lifetime), "{lifetime}: {inputs}");
    }
}

#[tokio::test]
async fn a_refusal_of_an_exchange_has_the_code_of_the_server() {
    let server = &*SERVER;
    let (issued, file, ended) =
        (server.subject("issued"), server.subject("file"), server.subject("ended"));
    let target = "parameters.resource = \"https://elsewhere.example/\"";
    for (inputs, status, code) in [
        (server.exchanging(BROKER, ended, JWT), 400, "invalid_request"),
        // The type of the token does not fit to its signer.
        (server.exchanging(BROKER, file, ""), 400, "invalid_request"),
        (server.exchanging(BROKER, issued, JWT), 400, "invalid_request"),
        (
            server.exchanging(BROKER, issued, "parameters.subject_token_type = \"made-up\""),
            400,
            "invalid_request",
        ),
        (server.exchanging(("broker", "wrong-horse"), issued, ""), 401, "invalid_client"),
        (server.exchanging(("nobody", "correct-horse"), issued, ""), 401, "invalid_client"),
        (server.exchanging(("service", "correct-horse"), issued, ""), 401, "invalid_client"),
        (server.exchanging(BROKER, issued, "parameters.scope = \"admin\""), 400, "invalid_scope"),
        (server.exchanging(BROKER, issued, target), 400, "invalid_target"),
    ] {
        refusal(probe(RECIPE, &inputs).await, status, code);
    }
}
