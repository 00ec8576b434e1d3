//! The recipe `oauth2-client-credentials` against an OAuth server that nobody here wrote: the npm package
//! oidc-provider, set up by `tests/oidc/server.mjs`.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use credwatch::config;
use credwatch::outcome::{Expiry, Failure, Issued, Outcome, Probe};
use credwatch::probe::Prober;
use credwatch::time::unix_seconds;
use serde_json::Value as Json;
use toml::Value as Toml;

use crate::support::daemon::Daemon;
use crate::support::{repository, wait_for};

/// The OAuth server as a process; killed when it goes out of scope.
struct Server {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let home = repository("tests/oidc");
        let installed = home.join("node_modules/oidc-provider/package.json");
        assert!(installed.is_file(), "{} is missing; run `make test`, which installs it", installed.display());
        let folder = tempfile::tempdir().expect("a folder");
        let output = |name: &str| File::create(folder.path().join(name)).expect("a file");
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(home)
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(output("out"))
            .stderr(output("err"))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start node ({error}); run `make test`, which installs it"));
        let address = wait_for("the OAuth server to listen", || {
            if let Some(status) = child.try_wait().expect("its status") {
                panic!("the OAuth server ended with {status}: {}", read(folder.path().join("err")));
            }
            Some(read(folder.path().join("out")).lines().next()?.strip_prefix("listening ")?.to_owned())
        });
        Self { child, address, folder }
    }

    /// The provider `name` in the language of the configuration, for a client of this server.
    fn provider(&self, name: &str, client: (&str, &str), more: &str) -> String {
        let (id, secret) = (Toml::from(client.0), Toml::from(client.1));
        format!(
            "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\ncredentials.client_id = {id}\ncredentials.client_secret = {secret}\n\
             parameters.token_url = \"http://{}/token\"\n{more}\n",
            self.address
        )
    }

    /// Probes it once.
    async fn probe(&self, client: (&str, &str), more: &str) -> Probe {
        let configuration = config::load_text("test.toml", &self.provider("x", client, more))
            .unwrap_or_else(|faults| panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
        Prober::new().probe(&configuration.providers[0]).await
    }

    /// What the server itself holds about the token that it issued last; `count` is how many it must have issued.
    fn issued(&self, count: usize) -> Json {
        let line = wait_for("the server to tell what it issued", || {
            let output = read(self.folder.path().join("out"));
            let lines: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("issued ")).collect();
            (lines.len() == count && output.ends_with('\n')).then(|| lines[count - 1].to_owned())
        });
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn token(probe: Probe) -> Issued {
    match probe.outcome {
        Outcome::Issued(issued) => issued,
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

fn failure(probe: Probe) -> Failure {
    match probe.outcome {
        Outcome::Failed(failure) => failure,
        Outcome::Issued(issued) => panic!("{issued:?}"),
    }
}

/// The clients that `server.mjs` knows.
const BASIC: (&str, &str) = ("basic", "correct-horse");
const POST: (&str, &str) = ("post", "battery-staple");
const SPECIAL: (&str, &str) = ("cl:ient +%", "s:ecret &=+%2B/~");

#[tokio::test]
async fn a_token_ends_when_the_server_says_that_it_ends_whichever_way_the_client_authenticates() {
    let server = Server::start();
    let api = "parameters.resource = \"https://api.example/\"";
    let post = "parameters.auth_method = \"client_secret_post\"";
    for (place, (client, more, method, lifetime)) in
        [(BASIC, "", "client_secret_basic", 1234.0), (POST, post, "client_secret_post", 1234.0), (BASIC, api, "client_secret_basic", 77.0)]
            .into_iter()
            .enumerate()
    {
        let issued = token(server.probe(client, more).await);
        let held = server.issued(place + 1);
        assert_eq!((&held["client"], &held["method"]), (&Json::from(client.0), &Json::from(method)), "{more}");
        assert_eq!(issued.lifetime, Some(lifetime), "{more}");
        let Expiry::At(end) = issued.expiry else { panic!("{more}: {issued:?}") };
        let expires = held["expires"].as_f64().expect("a time");
        // The server counts in whole seconds, and the answer was on its way for a moment.
        assert!((unix_seconds(end) - expires).abs() < 2.0, "{more}: read {end}, the server holds {expires}");
    }
}

#[tokio::test]
async fn blanks_colons_and_percent_signs_in_a_credential_arrive_whole() {
    let server = Server::start();
    for (place, method) in ["client_secret_basic", "client_secret_post"].into_iter().enumerate() {
        token(server.probe(SPECIAL, &format!("parameters.auth_method = \"{method}\"")).await);
        let held = server.issued(place + 1);
        assert_eq!((&held["client"], &held["method"]), (&Json::from(SPECIAL.0), &Json::from(method)));
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_told_with_the_servers_own_code() {
    let server = Server::start();
    let post = "parameters.auth_method = \"client_secret_post\"";
    for (client, more, status, code) in [
        (("basic", "wrong-horse"), "", 401, "invalid_client"),
        (("post", "wrong-staple"), post, 401, "invalid_client"),
        ((SPECIAL.0, "s:ecret &=++/~"), "", 401, "invalid_client"),
        (("nobody", "correct-horse"), "", 401, "invalid_client"),
        (BASIC, "parameters.scope = \"read admin\"", 400, "invalid_scope"),
        (BASIC, "parameters.resource = \"https://elsewhere.example/\"", 400, "invalid_target"),
    ] {
        let probe = server.probe(client, more).await;
        assert_eq!(probe.status, Some(status), "{client:?} {more}");
        let failure = failure(probe);
        assert_eq!((failure.reason.class().word(), failure.reason.word()), ("credential", "rejected"), "{client:?} {more}");
        assert_eq!(failure.code.as_str(), code, "{client:?} {more}");
        assert!(!failure.message.as_str().is_empty(), "the server's description is kept for people");
    }
}

#[tokio::test]
async fn a_token_that_is_less_than_what_was_asked_for_is_a_failure() {
    let server = Server::start();
    // The server knows this API with the scope `read` and tokens of 77 seconds.
    let asked = "parameters.scope = \"read write\"\nparameters.resource = \"https://api.example/\"";

    token(server.probe(BASIC, &format!("{asked}\nrequired_scopes = [\"read\"]\nmin_lifetime = \"1m\"")).await);
    assert_eq!(server.issued(1)["scope"], "read");

    let lacking = failure(server.probe(BASIC, &format!("{asked}\nrequired_scopes = [\"write\", \"read\"]")).await);
    assert_eq!((lacking.reason.word(), lacking.missing_scopes), ("scope", 1));
    token(server.probe(BASIC, "parameters.scope = \"read write\"\nrequired_scopes = [\"write\", \"read\"]").await);

    let short = failure(server.probe(BASIC, &format!("{asked}\nmin_lifetime = \"2m\"")).await);
    assert_eq!((short.reason.class().word(), short.reason.word()), ("credential", "expired"));
}

#[test]
fn the_daemon_exposes_what_the_server_decides() {
    let server = Server::start();
    let daemon = Daemon::start(&format!(
        "[defaults]\ninterval = \"1s\"\nconfirm_after = \"100ms\"\n{}{}",
        server.provider("right", BASIC, ""),
        server.provider("wrong", ("basic", "wrong-horse"), "")
    ));
    daemon.wait_for_state("right", "healthy");
    daemon.wait_for_state("wrong", "broken");
    assert_eq!(daemon.sample("credwatch_token_lifetime_seconds{provider=\"right\"}"), Some(1234.0));
    let left = daemon.sample("credwatch_token_time_to_expiry_seconds{provider=\"right\"}").expect("a time");
    assert!((1200.0..=1235.0).contains(&left), "{left}");
    assert_eq!(daemon.sample("credwatch_token_time_to_expiry_seconds{provider=\"wrong\"}"), None);
    let refused = "credwatch_probe_failures_total{provider=\"wrong\",class=\"credential\",reason=\"rejected\",code=\"invalid_client\"}";
    assert!(daemon.sample(refused).is_some_and(|count| count >= 2.0));
}

#[test]
fn the_server_ends_when_whoever_started_it_is_gone() {
    let mut server = Server::start();
    drop(server.child.stdin.take());
    let status = wait_for("the server to end", || server.child.try_wait().expect("its status"));
    assert!(status.success(), "{status}");
}
