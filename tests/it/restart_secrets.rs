//! A restart that may bring a new secret, where no time tells whether it does.

use tempfile::TempDir;

use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::wait_for;

const NEXT: &str = "credwatch_probe_next_timestamp_seconds{provider=\"p\"}";

fn folder(endpoint: &Endpoint, secret: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\nconfirm_after = \
         \"50ms\"\nparameters.token_url = \"{}\"\ncredentials = {{ client_id = \"id\", \
         client_secret = {secret} }}\n",
        endpoint.url()
    );
    std::fs::write(folder.path().join("credwatch.toml"), text).expect("written");
    std::fs::create_dir(folder.path().join("state")).expect("created");
    std::fs::create_dir(folder.path().join("copies")).expect("created");
    folder
}

/// Starts a daemon whose environment variable and systemd credential have this value.
fn start(folder: TempDir, secret: &str) -> Daemon {
    let path = folder.path().to_owned();
    std::fs::write(path.join("copies/crm"), secret).expect("written");
    let copies = path.join("copies").display().to_string();
    let storage = format!("--storage.path={}", path.join("state").display());
    let environment = [("CRM_SECRET", secret), ("CREDENTIALS_DIRECTORY", &copies)];
    Daemon::start_in(folder, &[&storage], &environment)
}

fn is_tried_at_one_start(secret: &str) {
    let endpoint = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let daemon = start(folder(&endpoint, secret), "refused");
    daemon.wait_for_state("p", "broken");
    let asked = endpoint.calls();

    let daemon = start(daemon.stop(), "another");
    wait_for("it to be asked again", || (endpoint.calls() > asked).then_some(()));
    let planned = || daemon.sample(NEXT).filter(|next| *next > now() + 60.0);
    wait_for("the next probe to be planned", planned);
    assert_eq!(endpoint.calls(), asked + 1, "the refusals before count");

    // Restarts again and again end no other back-off.
    let daemon = start(daemon.stop(), "third");
    let next = daemon.sample(NEXT).expect("a time");
    assert!(next > now() + 60.0, "{next}");
    assert_eq!(endpoint.calls(), asked + 1);
}

fn now() -> f64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64()
}

#[test]
fn an_environment_variable_is_tried_soon_after_one_start() {
    is_tried_at_one_start("{ env = \"CRM_SECRET\" }");
}

#[test]
fn a_systemd_credential_is_tried_soon_after_one_start() {
    is_tried_at_one_start("{ systemd = \"crm\" }");
}

#[test]
fn a_start_ends_no_back_off_when_that_cannot_be_saved() {
    let endpoint = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let daemon = start(folder(&endpoint, "{ env = \"CRM_SECRET\" }"), "refused");
    daemon.wait_for_state("p", "broken");
    let asked = endpoint.calls();
    let folder = daemon.stop();
    let lock = std::fs::File::options().write(true).open(folder.path().join("state/lock"));
    let lock = lock.expect("the lock file");
    lock.lock().expect("nobody else has it");
    let daemon = start(folder, "another");
    daemon.wait_for_state("p", "broken");
    let next = daemon.sample(NEXT).expect("a time");
    assert!(next > now() + 60.0, "{next}");
    assert_eq!(endpoint.calls(), asked);
}
