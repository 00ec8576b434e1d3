//! Messages to the service manager, and the state that survives a restart.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;

use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::wait_for;

fn provider(endpoint: &Endpoint, more: &str) -> String {
    provider_at(&endpoint.url(), more)
}

fn provider_at(url: &str, more: &str) -> String {
    format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\nconfirm_after = \
         \"50ms\"\nparameters.token_url = \"{url}\"\ncredentials = {{ client_id = \"id\", \
         client_secret = \"a-secret-of-the-tests\" }}\n{more}\n"
    )
}

/// Starts a daemon that keeps its state in `state` below its folder.
fn start(folder: tempfile::TempDir) -> Daemon {
    start_with(folder, &[])
}

/// The same with more flags.
fn start_with(folder: tempfile::TempDir, flags: &[&str]) -> Daemon {
    let state = folder.path().join("state");
    let _ = std::fs::create_dir(&state);
    let storage = format!("--storage.path={}", state.display());
    Daemon::start_in(folder, &[&[&*storage], flags].concat(), &[])
}

/// The text in the files of the state directory.
fn kept(folder: &tempfile::TempDir) -> String {
    let bytes = std::fs::read(folder.path().join("state/state.redb")).expect("it was saved");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("credwatch.toml"), text).expect("written");
    folder
}

#[test]
fn the_back_off_of_a_refused_credential_survives_a_restart_and_ends_with_a_new_configuration() {
    let endpoint = Endpoint::json(
        "401 Unauthorized",
        r#"{"error":"invalid_client","error_description":"a-message-of-the-vendor"}"#,
    );
    let daemon = start(folder(&provider(&endpoint, "")));
    daemon.wait_for_state("p", "broken");
    let asked = endpoint.calls();
    let next =
        daemon.sample("credwatch_probe_next_timestamp_seconds{provider=\"p\"}").expect("a time");
    let folder = daemon.stop();
    let kept = kept(&folder);
    for hidden in ["a-secret-of-the-tests", "a-message-of-the-vendor", "Basic"] {
        assert!(!kept.contains(hidden), "{kept}");
    }
    let daemon = start(folder);
    daemon.wait_for_state("p", "broken");
    let info = "credwatch_provider_failure_info\
                {provider=\"p\",class=\"credential\",reason=\"rejected\",code=\"invalid_client\",\
                message=\"\"}";
    assert_eq!(daemon.sample(info), Some(1.0), "the state holds no message");
    let next_now =
        daemon.sample("credwatch_probe_next_timestamp_seconds{provider=\"p\"}").expect("a time");
    assert!((next - next_now).abs() < 2.0, "{next} {next_now}");
    assert_eq!(daemon.get("/healthz").status, 503);
    assert_eq!(daemon.get("/readyz").status, 200, "the state of each provider is known");
    assert_eq!(endpoint.calls(), asked, "there was no request after the restart");
    // The configuration has changed, so the secret may have changed.
    let folder = daemon.stop();
    std::fs::write(
        folder.path().join("credwatch.toml"),
        provider(&endpoint, "labels = { a = \"b\" }"),
    )
    .expect("written");
    let daemon = start(folder);
    wait_for("it to be asked again", || (endpoint.calls() > asked).then_some(()));
    daemon.wait_for_state("p", "broken");
}

#[test]
fn the_back_off_survives_a_restart_in_on_demand_mode_too() {
    let endpoint = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let daemon = start_with(folder(&provider(&endpoint, "")), &["--probe.on-demand"]);
    daemon.get("/probe?provider=p");
    daemon.wait_for_state("p", "failing");
    let daemon = start_with(daemon.stop(), &["--probe.on-demand"]);
    let answer = daemon.get("/probe?provider=p");
    assert!(answer.body.contains("state=\"failing\"} 1"), "{}", answer.body);
    assert_eq!(endpoint.calls(), 1, "the last result is the answer");
}

#[test]
fn an_operator_waits_after_a_restart_too_when_the_provider_asks_for_it() {
    let endpoint = Endpoint::json("429 Too Many Requests", "{}");
    let start = |folder| start_with(folder, &["--web.enable-admin-api"]);
    let daemon = start(folder(&provider(&endpoint, "")));
    daemon.wait_for_state("p", "failing");
    let daemon = start(daemon.stop());
    assert_eq!(daemon.post("/api/v1/providers/p/probe").status, 429);
    assert_eq!(endpoint.calls(), 1);
}

#[test]
fn the_first_probe_after_a_restart_confirms_an_unconfirmed_outage() {
    let endpoint = Endpoint::json("503 Service Unavailable", "{}");
    let text = provider(&endpoint, "failure_threshold = 1")
        .replace("confirm_after = \"50ms\"", "confirm_after = \"1h\"");
    let daemon = start(folder(&text));
    daemon.wait_for_state("p", "failing");
    assert_eq!(
        (endpoint.calls(), daemon.get("/healthz").status),
        (1, 200),
        "one failure is not yet conclusive"
    );
    let daemon = start(daemon.stop());
    daemon.wait_for_state("p", "broken");
    assert_eq!(endpoint.calls(), 2);
    assert_eq!(daemon.sample("credwatch_probe_consecutive_failures{provider=\"p\"}"), Some(2.0));
}

#[test]
fn the_back_off_of_a_refused_secret_file_survives_a_restart_and_ends_with_a_new_secret() {
    let endpoint = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let secrets = tempfile::tempdir().expect("a folder");
    let file = secrets.path().join("secret");
    std::fs::write(&file, "refused").expect("written");
    let text = format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\nconfirm_after = \
         \"50ms\"\nparameters.token_url = \"{}\"\ncredentials = {{ client_id = \"id\", \
         client_secret = {{ file = {file:?} }} }}\n",
        endpoint.url()
    );
    let daemon = start(folder(&text));
    daemon.wait_for_state("p", "broken");
    let asked = endpoint.calls();
    let daemon = start(daemon.stop());
    daemon.wait_for_state("p", "broken");
    // The daemon reads the secrets of refused credentials every two seconds. The test must wait to
    // see that nothing happens.
    let start = std::time::Instant::now();
    wait_for("three seconds", || (start.elapsed() > Duration::from_secs(3)).then_some(()));
    assert_eq!(endpoint.calls(), asked, "there was no request");
    std::fs::write(&file, "another").expect("written");
    wait_for("it to be asked again", || (endpoint.calls() > asked).then_some(()));
    daemon.wait_for_log("the secret has changed");
}

#[test]
fn the_runway_survives_a_restart() {
    let good =
        Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests","expires_in":7200}"#);
    let daemon = start(folder(&provider(&good, "")));
    daemon.wait_for_state("p", "healthy");
    let expiry = "credwatch_token_expiry_timestamp_seconds{provider=\"p\"}";
    let ends = daemon.sample(expiry).expect("it ends");
    let folder = daemon.stop();
    let kept = kept(&folder);
    assert!(!kept.contains("a-token-of-the-tests"), "{kept}");
    let down = Endpoint::json("503 Service Unavailable", "");
    std::fs::write(folder.path().join("credwatch.toml"), provider(&down, "")).expect("written");
    let daemon = start(folder);
    daemon.wait_for_state("p", "failing");
    assert_eq!(daemon.sample(expiry), Some(ends));
    assert_eq!(daemon.sample("credwatch_token_changes_total{provider=\"p\"}"), Some(0.0));
}

#[test]
fn a_saved_state_with_a_reason_of_another_version_keeps_the_runway() {
    let down = Endpoint::json("503 Service Unavailable", "");
    let folder = folder(&provider(&down, ""));
    std::fs::create_dir(folder.path().join("state")).expect("made");
    let saved = r#"{"version":1,"providers":[{"name":"p","state":"broken","since":1760000000.0,
        "last_attempt":1760000000.0,"last_success":1759990000.0,
        "token":{"expires":4102444800.0,"never":false,"lifetime":7200.0},
        "failure":{"reason":"of_the_future","code":"x","since":1760000000.0,"in_a_row":9,
        "of_the_credential":9,"of_this_reason":9},"next_due":4102444800.0,
        "certificate_expiry":null}]}"#;
    std::fs::write(folder.path().join("state/state.json"), saved).expect("written");
    let daemon = start(folder);
    daemon.wait_for_state("p", "failing");
    let expiry = "credwatch_token_expiry_timestamp_seconds{provider=\"p\"}";
    assert_eq!(daemon.sample(expiry), Some(4_102_444_800.0));
}

#[test]
fn a_saved_state_that_cannot_be_used_is_renamed_and_logged() {
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    for (text, problem) in [
        ("{\"version\":1,\"providers\":[{\"name\":", "it is damaged"),
        ("\u{0}\u{0}\u{0}", "it is damaged"),
        (
            "{\"version\":2,\"providers\":\"of another form\"}",
            "it has version 2, and this program knows 1",
        ),
    ] {
        let folder = folder(&provider(&endpoint, ""));
        std::fs::create_dir(folder.path().join("state")).expect("made");
        std::fs::write(folder.path().join("state/state.json"), text).expect("written");
        let daemon = start(folder);
        daemon.wait_for_state("p", "healthy");
        daemon.wait_for_log(problem);
        let aside = std::fs::read_to_string(daemon.folder().join("state/state.json.unusable"))
            .expect("it was renamed");
        assert_eq!(aside, text);
    }
}

#[test]
fn the_file_of_an_earlier_version_is_read_once_and_stays_for_a_downgrade() {
    let folder = folder(&provider_at("http://127.0.0.1:9/token", ""));
    let old = folder.path().join("state/state.json");
    std::fs::create_dir(folder.path().join("state")).expect("made");
    let text = |since: u32| {
        format!(
            r#"{{"version":1,"providers":[{{"name":"p","state":"broken","since":{since}.0,
            "last_attempt":1760000000.0,"last_success":1759990000.0,"token":null,
            "failure":{{"reason":"rejected","code":"x","since":{since}.0,"in_a_row":9,
            "of_the_credential":9,"of_this_reason":9}},"next_due":4102444800.0,
            "certificate_expiry":null}}]}}"#
        )
    };
    std::fs::write(&old, text(1_759_990_000)).expect("written");
    let since = |daemon: &Daemon| {
        daemon.wait_for_state("p", "broken");
        let body = daemon.get("/api/v1/providers/p").body;
        let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        answer["since"].as_str().expect("a time").to_owned()
    };
    let daemon = start(folder);
    daemon.wait_for_log("the saved state is restored");
    assert_eq!(since(&daemon), "2025-10-09T06:06:40Z");
    let folder = daemon.stop();
    assert_eq!(std::fs::read_to_string(&old).expect("it is there"), text(1_759_990_000));
    // An earlier version has run meanwhile.
    let later = std::time::SystemTime::now() + Duration::from_secs(60);
    std::fs::write(&old, text(1_759_990_001)).expect("written");
    let file = std::fs::File::options().write(true).open(&old).expect("it is there");
    file.set_modified(later).expect("set");
    assert_eq!(since(&start(folder)), "2025-10-09T06:06:41Z");
}

/// Puts something in the place of the database.
type Prepare<'a> = &'a dyn Fn(&std::path::Path);

#[test]
fn a_database_that_cannot_be_used_is_renamed_and_the_daemon_goes_on_with_a_new_one() {
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    let newer = |path: &std::path::Path| {
        let database = redb::Database::create(path).expect("made");
        let transaction = database.begin_write().expect("begun");
        let meta = redb::TableDefinition::<&str, u64>::new("meta");
        transaction.open_table(meta).expect("made").insert("version", 2).expect("written");
        transaction.commit().expect("written");
    };
    let pipe = |path: &std::path::Path| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("a pipe");
    };
    let cases: [(Prepare, &str); 5] = [
        (&|path| std::fs::write(path, "no database").expect("written"), "it is damaged"),
        (&|path| std::fs::write(path, vec![0; 100_000]).expect("written"), "it is damaged"),
        (&newer, "it has version 2, and this program knows 1"),
        (&pipe, "it is not a regular file with one name"),
        (
            &|path| std::os::unix::fs::symlink("/nonexistent", path).expect("a link"),
            "it is not a regular file with one name",
        ),
    ];
    for (prepare, problem) in cases {
        let folder = folder(&provider(&endpoint, ""));
        std::fs::create_dir(folder.path().join("state")).expect("made");
        prepare(&folder.path().join("state/state.redb"));
        let daemon = start(folder);
        daemon.wait_for_state("p", "healthy");
        daemon.wait_for_log(problem);
        daemon.wait_for_log("its file is renamed");
        let aside = daemon.folder().join("state/state.redb.unusable");
        assert!(std::fs::symlink_metadata(aside).is_ok(), "{problem}");
        assert!(kept(&daemon.stop()).contains("\"name\":\"p\""), "{problem}");
    }
}

#[test]
fn a_state_that_cannot_be_saved_is_logged_and_the_daemon_goes_on() {
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    let folder = folder(&provider(&endpoint, ""));
    // A directory that is in the way, and a second one in the place to which it would be renamed.
    std::fs::create_dir_all(folder.path().join("state/state.redb")).expect("made");
    std::fs::create_dir_all(folder.path().join("state/state.redb.unusable/x")).expect("made");
    let mut daemon = start(folder);
    daemon.wait_for_state("p", "healthy");
    daemon.wait_for_log("the state cannot be saved");
    let saved = || daemon.sample("credwatch_state_last_save_successful");
    wait_for("the metric", || (saved() == Some(0.0)).then_some(()));
    let page = daemon.get("/api/v1/providers/p").body;
    assert!(page.contains("\"hours\":[{"), "the last hours are in memory: {page}");
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().success());
}

#[test]
fn the_second_daemon_of_a_state_directory_saves_only_after_the_first_has_ended() {
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    let first = start(folder(&provider(&endpoint, "")));
    first.wait_for_state("p", "healthy");
    let state = first.folder().join("state");
    let file = state.join("state.redb");
    let start_another = || {
        let argument = format!("--storage.path={}", state.display());
        let text = provider(&endpoint, "").replace("providers.p", "providers.other");
        let daemon = Daemon::start_in(folder(&text), &[&argument], &[]);
        daemon.wait_for_state("other", "healthy");
        daemon.wait_for_log("another process saves its state in this directory");
        daemon
    };
    let saves = |daemon: &Daemon| daemon.sample("credwatch_state_last_save_successful");
    let second = start_another();
    wait_for("the metric", || (saves(&second) == Some(0.0)).then_some(()));
    assert_eq!(saves(&first), Some(1.0));
    second.stop();
    let has_saved = || {
        let bytes = std::fs::read(&file).expect("the first daemon has made it");
        String::from_utf8_lossy(&bytes).contains("\"name\":\"other\"")
    };
    assert!(!has_saved(), "the second daemon has saved nothing");
    let mut third = start_another();
    let _folder = first.stop();
    third.signal(Signal::TERM);
    assert!(third.wait().success());
    third.wait_for_log("the state can be saved again");
    assert!(has_saved(), "the third daemon has saved its state");
}

/// A socket that receives the messages of the daemon to the service manager.
struct Manager {
    socket: UnixDatagram,
    path: String,
    _folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        Self { socket, path: path.display().to_string(), _folder: folder }
    }

    /// Waits for the next message that contains `part`.
    fn wait_for(&self, part: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let length = self
                .socket
                .recv(&mut buffer)
                .unwrap_or_else(|error| panic!("no message with {part}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.contains(part) {
                return text;
            }
        }
    }
}

#[test]
fn the_service_manager_gets_readiness_status_reloads_watchdog_and_stop() {
    let manager = Manager::new();
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    let mut daemon = Daemon::start_with(
        &provider(&endpoint, ""),
        &[],
        &[("NOTIFY_SOCKET", &manager.path), ("WATCHDOG_USEC", "2000000")],
    );
    manager.wait_for("READY=1");
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("STATUS=1 provider: 1 healthy");
    daemon.signal(Signal::HUP);
    let reloading = manager.wait_for("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    manager.wait_for("READY=1");
    daemon.signal(Signal::TERM);
    manager.wait_for("STOPPING=1");
    assert!(daemon.wait().success());
}

#[test]
fn the_watchdog_gets_its_messages_if_a_provider_hangs() {
    let manager = Manager::new();
    let endpoint = Endpoint::serving(|mut stream, _| {
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    let _daemon = Daemon::start_with(
        &provider(&endpoint, "timeout = \"60s\""),
        &[],
        &[("NOTIFY_SOCKET", &manager.path), ("WATCHDOG_USEC", "400000")],
    );
    wait_for("the probe to hang", || (endpoint.calls() > 0).then_some(()));
    for _ in 0..5 {
        manager.wait_for("WATCHDOG=1");
    }
}
