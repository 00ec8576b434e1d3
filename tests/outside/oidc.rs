//! The recipes of OAuth 2.0 against a server of another project: the npm package oidc-provider, set
//! up by `tests/oidc/server.mjs`. `clients` tests client authentication; `verified` tests discovery
//! and verification.

mod clients;
mod verified;

use std::path::Path;
use std::process::Command;

use credwatch::outcome::{Expiry, Probe};
use credwatch::time::unix_seconds;
use serde_json::Value as Json;
use toml::Value as Toml;

use crate::programs::issuer::{Issuer, failure, probe, refusal, token};
use crate::support::daemon::Daemon;
use crate::support::{repository, wait_for};

/// The OAuth server as a process.
struct Server(Issuer);

impl Server {
    fn start() -> Self {
        Self::with(None)
    }

    /// Starts a server that also has a TLS port, with the certificates in this folder.
    fn with(certificates: Option<&Path>) -> Self {
        let home = repository("tests/oidc");
        let installed = home.join("node_modules/oidc-provider/package.json");
        assert!(
            installed.is_file(),
            "{} is missing; run `make test`, which installs it",
            installed.display()
        );
        let mut command = Command::new("node");
        command.arg("server.mjs").args(certificates).current_dir(home).env_remove("NODE_OPTIONS");
        Self(Issuer::start("the OAuth server", &mut command))
    }

    /// The keys of a provider for a client of this server, without `recipe`.
    fn inputs(&self, client: (&str, &str), more: &str) -> String {
        let (id, secret) = (Toml::from(client.0), Toml::from(client.1));
        format!(
            "credentials.client_id = {id}\ncredentials.client_secret = {secret}\n\
             parameters.token_url = \"http://{}/token\"\n{more}\n",
            self.0.address
        )
    }

    /// Probes the server once with the credentials of a client.
    async fn probe(&self, client: (&str, &str), more: &str) -> Probe {
        probe("oauth2-client-credentials", &self.inputs(client, more)).await
    }

    /// Why the server made its refusal with this number, counted from 1. It does not tell its
    /// clients.
    fn refused(&self, count: usize) -> String {
        wait_for("the server to print why it refused", || {
            self.0.lines("refused").get(count - 1).cloned()
        })
    }

    /// The server's own record of the last token. `count` is how many tokens it must have issued.
    fn issued(&self, count: usize) -> Json {
        let last = self.0.json_line("issued", count - 1);
        assert_eq!(self.0.lines("issued").len(), count);
        last
    }
}

/// The clients that `server.mjs` knows.
const BASIC: (&str, &str) = ("basic", "correct-horse");
const POST: (&str, &str) = ("post", "battery-staple");
const SPECIAL: (&str, &str) = ("cl:ient +%", "s:ecret &=+%2B/~");

#[tokio::test]
async fn a_token_expires_when_the_server_says_for_each_way_to_authenticate() {
    let server = Server::start();
    let api = "parameters.resource = \"https://api.example/\"";
    let post = "parameters.auth_method = \"client_secret_post\"";
    for (place, (client, more, method, lifetime)) in [
        (BASIC, "", "client_secret_basic", 1234.0),
        (POST, post, "client_secret_post", 1234.0),
        (BASIC, api, "client_secret_basic", 77.0),
    ]
    .into_iter()
    .enumerate()
    {
        let issued = token(server.probe(client, more).await);
        let held = server.issued(place + 1);
        assert_eq!(
            (&held["client"], &held["method"]),
            (&Json::from(client.0), &Json::from(method)),
            "{more}"
        );
        assert_eq!(issued.lifetime, Some(lifetime), "{more}");
        let Expiry::At(end) = issued.expiry else { panic!("{more}: {issued:?}") };
        let expires = held["expires"].as_f64().expect("a time");
        // The server counts in whole seconds, and the response takes a moment to arrive.
        assert!(
            (unix_seconds(end) - expires).abs() < 2.0,
            "{more}: credwatch read {end}, the server has {expires}"
        );
    }
}

#[tokio::test]
async fn spaces_colons_and_percent_signs_in_a_credential_arrive_unchanged() {
    let server = Server::start();
    for (place, method) in ["client_secret_basic", "client_secret_post"].into_iter().enumerate() {
        token(server.probe(SPECIAL, &format!("parameters.auth_method = \"{method}\"")).await);
        let held = server.issued(place + 1);
        assert_eq!(
            (&held["client"], &held["method"]),
            (&Json::from(SPECIAL.0), &Json::from(method))
        );
    }
}

#[tokio::test]
async fn a_refusal_has_the_code_of_the_server() {
    let server = Server::start();
    let post = "parameters.auth_method = \"client_secret_post\"";
    for (client, more, status, code) in [
        (("basic", "wrong-horse"), "", 401, "invalid_client"),
        (("post", "wrong-staple"), post, 401, "invalid_client"),
        ((SPECIAL.0, "s:ecret &=++/~"), "", 401, "invalid_client"),
        (("nobody", "correct-horse"), "", 401, "invalid_client"),
        (("ended", "correct-horse"), "", 400, "invalid_client"),
        (BASIC, "parameters.scope = \"read admin\"", 400, "invalid_scope"),
        (BASIC, "parameters.resource = \"https://elsewhere.example/\"", 400, "invalid_target"),
    ] {
        let message = refusal(server.probe(client, more).await, status, code);
        assert!(!message.is_empty(), "the message is the server's description");
    }
}

#[tokio::test]
async fn a_token_without_a_required_scope_or_lifetime_is_a_failure() {
    let server = Server::start();
    // For this API the server grants only the scope `read`, and tokens of 77 seconds.
    let asked = "parameters.scope = \"read write\"\nparameters.resource = \"https://api.example/\"";

    token(
        server
            .probe(BASIC, &format!("{asked}\nrequired_scopes = [\"read\"]\nmin_lifetime = \"1m\""))
            .await,
    );
    assert_eq!(server.issued(1)["scope"], "read");

    let lacking = failure(
        server.probe(BASIC, &format!("{asked}\nrequired_scopes = [\"write\", \"read\"]")).await,
    );
    assert_eq!((lacking.reason.word(), lacking.missing_scopes), ("scope", 1));
    token(
        server
            .probe(
                BASIC,
                "parameters.scope = \"read write\"\nrequired_scopes = [\"write\", \"read\"]",
            )
            .await,
    );

    let short = failure(server.probe(BASIC, &format!("{asked}\nmin_lifetime = \"2m\"")).await);
    assert_eq!((short.reason.class().word(), short.reason.word()), ("credential", "expired"));
}

#[test]
fn the_daemon_exposes_the_lifetime_and_the_refusals_of_the_server() {
    let server = Server::start();
    let recipe = "recipe = \"oauth2-client-credentials\"\n";
    let daemon = Daemon::start(&format!(
        "[defaults]\ninterval = \"1s\"\nconfirm_after = \"100ms\"\n[providers.right]\n\
         {recipe}{}[providers.wrong]\n{recipe}{}",
        server.inputs(BASIC, ""),
        server.inputs(("basic", "wrong-horse"), "")
    ));
    daemon.wait_for_state("right", "healthy");
    daemon.wait_for_state("wrong", "broken");
    assert_eq!(daemon.sample("credwatch_token_lifetime_seconds{provider=\"right\"}"), Some(1234.0));
    let left = daemon
        .sample("credwatch_token_time_to_expiry_seconds{provider=\"right\"}")
        .expect("a time");
    assert!((1200.0..=1235.0).contains(&left), "{left}");
    assert_eq!(daemon.sample("credwatch_token_time_to_expiry_seconds{provider=\"wrong\"}"), None);
    let refused = "credwatch_probe_failures_total\
                   {provider=\"wrong\",class=\"credential\",reason=\"rejected\",\
                    code=\"invalid_client\"}";
    assert!(daemon.sample(refused).is_some_and(|count| count >= 2.0));
}

#[test]
fn the_server_ends_when_its_standard_input_is_closed() {
    let status = Server::start().0.end();
    assert!(status.success(), "{status}");
}

/// The keys of a provider with a refresh token of a client of this server.
fn refreshing(server: &Server, client: &str, refresh_token: &str, more: &str) -> String {
    server.inputs(
        (client, "a-secret-of-its-own"),
        &format!("credentials.refresh_token = \"{refresh_token}\"\n{more}"),
    )
}

#[tokio::test]
async fn a_reusable_refresh_token_can_be_probed_many_times() {
    let server = Server::start();
    let held = server.0.json_line("refresh", 0);
    let stays = held["stays"].as_str().expect("a refresh token");
    for count in 1..=3 {
        let issued = token(
            probe(
                "oauth2-refresh-token",
                &refreshing(&server, "stays", stays, "required_scopes = [\"read\"]"),
            )
            .await,
        );
        assert_eq!(issued.lifetime, Some(4321.0));
        assert_eq!(server.issued(count)["client"], "stays");
    }
    let wider = refreshing(&server, "stays", stays, "parameters.scope = \"read write\"");
    refusal(probe("oauth2-refresh-token", &wider).await, 400, "invalid_scope");
    for (client, refresh_token, status, code) in [
        ("stays", "made-up", 400, "invalid_grant"),
        ("replaces", stays, 400, "invalid_grant"),
        ("nobody", stays, 401, "invalid_client"),
    ] {
        refusal(
            probe("oauth2-refresh-token", &refreshing(&server, client, refresh_token, "")).await,
            status,
            code,
        );
    }
}

#[tokio::test]
async fn a_refresh_token_that_the_server_replaces_is_a_failure_at_the_first_probe() {
    let server = Server::start();
    let held = server.0.json_line("refresh", 0);
    let replaced = held["replaces"].as_str().expect("a refresh token");
    let message = refusal(
        probe("oauth2-refresh-token", &refreshing(&server, "replaces", replaced, "")).await,
        200,
        "refresh_token_replaced",
    );
    assert!(message.contains("used up"), "{message}");
    // The server issued a token, and refuses the old refresh token the second time.
    assert_eq!(server.issued(1)["client"], "replaces");
    refusal(
        probe("oauth2-refresh-token", &refreshing(&server, "replaces", replaced, "")).await,
        400,
        "invalid_grant",
    );
}

#[tokio::test]
async fn a_new_refresh_token_is_fine_if_the_configuration_says_so() {
    let server = Server::start();
    let held = server.0.json_line("refresh", 0);
    let replaced = held["replaces"].as_str().expect("a refresh token");
    token(
        probe(
            "oauth2-refresh-token",
            &refreshing(&server, "replaces", replaced, "parameters.replaced = \"fine\""),
        )
        .await,
    );
}
