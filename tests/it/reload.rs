//! Reloads of the configuration. A reload applies the whole configuration or nothing, and does not
//! cause extra probes.

use std::collections::HashSet;
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use rustix::process::Signal;

use super::support::daemon::Daemon;
use super::support::endpoint::{Endpoint, http, read_request};
use super::support::wait_for;

const SUCCESSFUL: &str = "credwatch_config_last_reload_successful";

fn token() -> Endpoint {
    Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests","expires_in":3600}"#)
}

/// A provider that is probed once an hour. An earlier probe has another cause.
fn provider(name: &str, endpoint: &Endpoint, more: &str) -> String {
    format!(
        "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\n\
         parameters.token_url = \"{}\"\ncredentials = {{ client_id = \"id\", client_secret = \
         \"secret\" }}\n{more}\n",
        endpoint.url()
    )
}

fn reloads(daemon: &Daemon) -> usize {
    daemon.log().matches("configuration reloaded").count()
}

fn wait_for_reload(daemon: &Daemon, count: usize) {
    wait_for("a reload", || (reloads(daemon) >= count).then_some(()));
}

fn probes(daemon: &Daemon, name: &str) -> Option<f64> {
    daemon.sample(&format!("credwatch_probes_total{{provider=\"{name}\"}}"))
}

#[test]
fn an_unchanged_provider_keeps_its_schedule_and_a_changed_one_is_probed_at_once() {
    let (same, changed, gone, new) = (token(), token(), token(), token());
    let stays = provider("same", &same, "labels = { team = \"a\" }");
    let daemon = Daemon::start(&format!(
        "{stays}{}{}",
        provider("changed", &changed, ""),
        provider("gone", &gone, "")
    ));
    for name in ["same", "changed", "gone"] {
        daemon.wait_for_state(name, "healthy");
    }
    let next = "credwatch_probe_next_timestamp_seconds{provider=\"same\"}";
    let due = daemon.sample(next).expect("it has a next probe");
    let comment = "# moved down by a line\n";
    daemon.configure(&format!(
        "{comment}{}{stays}{}",
        provider("changed", &changed, "min_lifetime = \"1m\""),
        provider("new", &new, "")
    ));
    daemon.signal(Signal::HUP);
    wait_for_reload(&daemon, 1);
    daemon.wait_for_state("new", "healthy");
    wait_for("a new probe of the changed provider", || {
        (probes(&daemon, "changed") == Some(2.0)).then_some(())
    });
    daemon.wait_for_log("changes=\"1 added, 1 changed, 1 removed, 1 unchanged\"");
    assert_eq!((same.calls(), changed.calls(), gone.calls(), new.calls()), (1, 2, 1, 1));
    assert_eq!(probes(&daemon, "same"), Some(1.0));
    let now_due = daemon.sample(next).expect("it has a next probe");
    assert!((now_due - due).abs() < 1.0, "its next probe has not moved: {due} {now_due}");
    let metrics = daemon.get("/metrics").body;
    assert!(!metrics.contains("provider=\"gone\""), "a removed provider has no series");
    assert_eq!(daemon.get("/healthz?provider=gone").status, 404);
    assert_eq!(daemon.sample(SUCCESSFUL), Some(1.0));
}

#[test]
fn a_configuration_with_a_fault_changes_nothing_and_the_fault_is_reported_with_its_place() {
    let endpoint = token();
    let good = provider("p", &endpoint, "");
    let daemon = Daemon::start_with(&good, &["--web.enable-lifecycle"], &[]);
    daemon.wait_for_state("p", "healthy");
    daemon.configure(&format!("{good}\n[providers.other]\nrecipe = \"nonesuch\"\n"));
    let answer = daemon.post("/-/reload");
    assert_eq!(answer.status, 500, "{}", answer.body);
    let expected = "credwatch.toml:9:10: there is no recipe \"nonesuch\"";
    assert!(answer.body.contains(expected), "{}", answer.body);
    assert_eq!(daemon.sample(SUCCESSFUL), Some(0.0));
    daemon.wait_for_log("credwatch.toml:9:10");
    daemon.wait_for_log("the previous one stays in use");
    assert_eq!(probes(&daemon, "p"), Some(1.0));
    assert_eq!(daemon.get("/healthz").status, 200);
    daemon.configure(&good);
    let answer = daemon.post("/-/reload");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "configuration reloaded: 0 added, 0 changed, 0 removed, 1 unchanged\n")
    );
    assert_eq!(daemon.sample(SUCCESSFUL), Some(1.0));
    assert_eq!((probes(&daemon, "p"), endpoint.calls()), (Some(1.0), 1));
}

#[test]
fn a_pipe_or_a_huge_file_is_a_fault_of_the_reload_and_does_not_block_it() {
    let endpoint = token();
    let good = format!("provider_files = [\"conf.d/*.toml\"]\n{}", provider("p", &endpoint, ""));
    let daemon = Daemon::start_with(&good, &["--web.enable-lifecycle"], &[]);
    daemon.wait_for_state("p", "healthy");
    let folder = daemon.folder().join("conf.d");
    std::fs::create_dir(&folder).expect("made");
    let pipe = folder.join("pipe.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let answer = daemon.post("/-/reload");
    let expected = format!("cannot read {}: it is a pipe, not a file", pipe.display());
    assert!(answer.status == 500 && answer.body.contains(&expected), "{}", answer.body);
    std::fs::remove_file(&pipe).expect("removed");

    let sparse = folder.join("sparse.toml");
    let file = std::fs::File::create(&sparse).expect("made");
    file.set_len(30 << 30).expect("sparse");
    let answer = daemon.post("/-/reload");
    let expected = format!("cannot read {}: it is larger than 64 MiB", sparse.display());
    assert!(answer.status == 500 && answer.body.contains(&expected), "{}", answer.body);
    std::fs::remove_file(&sparse).expect("removed");

    let answer = daemon.post("/-/reload");
    assert_eq!((answer.status, endpoint.calls()), (200, 1), "{}", answer.body);
}

#[test]
fn reloading_over_http_is_off_unless_enabled_and_never_a_get() {
    let daemon = Daemon::start("");
    assert_eq!(daemon.post("/-/reload").status, 403);
    assert_eq!(daemon.get("/-/reload").status, 405);
    assert_eq!(reloads(&daemon), 0);
}

#[test]
fn the_daemon_reloads_changed_files_but_not_touched_ones() {
    let (first, second, third) = (token(), token(), token());
    let daemon = Daemon::start(&format!(
        "provider_files = [\"conf.d/*.toml\"]\n{}",
        provider("first", &first, "")
    ));
    daemon.wait_for_state("first", "healthy");
    // One file is only touched. A new file matches the pattern.
    let text = std::fs::read(daemon.folder().join("credwatch.toml")).expect("read");
    std::fs::write(daemon.folder().join("credwatch.toml"), text).expect("written");
    std::fs::create_dir(daemon.folder().join("conf.d")).expect("made");
    std::fs::write(daemon.folder().join("conf.d/second.toml"), provider("second", &second, ""))
        .expect("written");
    daemon.wait_for_state("second", "healthy");
    // An included file with other content.
    std::fs::write(daemon.folder().join("conf.d/second.toml"), provider("third", &third, ""))
        .expect("written");
    daemon.wait_for_state("third", "healthy");
    assert!(probes(&daemon, "second").is_none());
    assert_eq!(reloads(&daemon), 2, "{}", daemon.log());
    // The file gets a fault and is repaired. The daemon keeps watching a file with a fault.
    std::fs::write(daemon.folder().join("conf.d/second.toml"), "[providers.x]\nrecipe = 5\n")
        .expect("written");
    wait_for("a failed reload", || (daemon.sample(SUCCESSFUL) == Some(0.0)).then_some(()));
    daemon.wait_for_log("second.toml:2:10");
    std::fs::write(daemon.folder().join("conf.d/second.toml"), provider("third", &third, ""))
        .expect("written");
    wait_for("a successful reload", || (daemon.sample(SUCCESSFUL) == Some(1.0)).then_some(()));
    assert_eq!((first.calls(), third.calls()), (1, 1), "the reloads cause no probe");
}

#[test]
fn the_daemon_reloads_a_swapped_config_map() {
    let (first, second) = (token(), token());
    let folder = tempfile::tempdir().expect("a folder");
    let version = |name: &str, text: &str| {
        std::fs::create_dir(folder.path().join(name)).expect("made");
        std::fs::write(folder.path().join(name).join("credwatch.toml"), text).expect("written");
    };
    version("..v1", &provider("first", &first, ""));
    version("..v2", &provider("second", &second, ""));
    std::os::unix::fs::symlink("..v1", folder.path().join("..data")).expect("linked");
    std::os::unix::fs::symlink("..data/credwatch.toml", folder.path().join("credwatch.toml"))
        .expect("linked");
    let daemon = Daemon::start_in(folder, &[], &[]);
    daemon.wait_for_state("first", "healthy");
    std::os::unix::fs::symlink("..v2", daemon.folder().join("..data_tmp")).expect("linked");
    std::fs::rename(daemon.folder().join("..data_tmp"), daemon.folder().join("..data"))
        .expect("swapped");
    daemon.wait_for_state("second", "healthy");
    assert!(probes(&daemon, "first").is_none());
}

#[test]
fn the_daemon_reloads_a_changed_web_config_but_not_one_with_a_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("credwatch.toml"), "").expect("written");
    let web = folder.path().join("web.yml");
    let users = |password: &str| {
        format!("basic_auth_users:\n  prometheus: {}\n", bcrypt::hash(password, 4).expect("a hash"))
    };
    std::fs::write(&web, users("first")).expect("written");
    let flag = format!("--web.config.file={}", web.display());
    let daemon = Daemon::start_in(folder, &[&flag], &[]);
    let status = |password: &str| {
        let login = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("prometheus:{password}"),
        );
        daemon.get_with("/metrics", &format!("Authorization: Basic {login}\r\n")).status
    };
    assert_eq!((daemon.get("/livez").status, status("first"), status("second")), (401, 200, 401));
    std::fs::write(&web, users("second")).expect("written");
    wait_for("the second password", || (status("second") == 200).then_some(()));
    assert_eq!(status("first"), 401);
    std::fs::write(&web, "basic_auth_users:\n  prometheus: plain-text-password\n")
        .expect("written");
    wait_for("the fault in the log", || {
        daemon.log().contains("configuration refused").then_some(())
    });
    let log = daemon.log();
    assert!(log.contains("web.yml:2:15") && !log.contains("plain-text-password"), "{log}");
    assert_eq!((status("first"), status("second")), (401, 200), "the previous one stays in use");
}

#[test]
fn a_late_answer_to_the_old_configuration_does_not_count_for_the_new_one() {
    let release = Arc::new((Mutex::new(false), Condvar::new()));
    let waiting = Arc::clone(&release);
    let slow = Endpoint::serving(move |mut stream, requests| {
        requests.lock().expect("not poisoned").push(read_request(&mut stream));
        let (released, changed) = &*waiting;
        let _guard = changed
            .wait_while(released.lock().expect("not poisoned"), |released| !*released)
            .expect("not poisoned");
        let _ = stream.write_all(&http("401 Unauthorized", "", br#"{"error":"invalid_client"}"#));
    });
    let fine = token();
    let daemon = Daemon::start(&provider("p", &slow, "timeout = \"60s\""));
    wait_for("the probe to hang", || (slow.calls() > 0).then_some(()));
    daemon.configure(&provider("p", &fine, "timeout = \"60s\""));
    daemon.signal(Signal::HUP);
    daemon.wait_for_state("p", "healthy");
    *release.0.lock().expect("not poisoned") = true;
    release.1.notify_all();
    wait_for("the old probe to end", || {
        (daemon.sample("credwatch_probes_in_flight") == Some(0.0)).then_some(())
    });
    assert_eq!(probes(&daemon, "p"), Some(1.0), "the refusal is not counted");
    daemon.wait_for_state("p", "healthy");
}

#[test]
fn scrapes_during_reloads_never_see_parts_of_two_configurations() {
    let endpoint = token();
    let text = |count: usize, buckets: &str| -> String {
        let providers: String =
            (0..count).map(|number| provider(&format!("p{number}"), &endpoint, "")).collect();
        format!("[metrics]\nduration_buckets = {buckets}\n{providers}")
    };
    let (few, many) = (text(20, "[0.1, 1]"), text(60, "[0.5, 1, 2]"));
    let daemon = Daemon::start_with(&few, &["--web.enable-lifecycle"], &[]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut scrapes = 0;
                while !done.load(Ordering::Relaxed) || scrapes == 0 {
                    check(&daemon.get("/metrics").body);
                    scrapes += 1;
                }
            });
        }
        for round in 0..30 {
            daemon.configure(if round % 2 == 0 { &many } else { &few });
            let answer = daemon.post("/-/reload");
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(daemon.sample(SUCCESSFUL), Some(1.0));
    assert_eq!(daemon.get("/metrics").body.matches("credwatch_provider_info{").count(), 20);
}

/// Asserts that an exposition belongs to one configuration and has each series once.
fn check(body: &str) {
    let mut seen = HashSet::new();
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a value");
        assert!(seen.insert(series), "{series} appears twice");
    }
    let count = |name: &str| seen.iter().filter(|series| series.starts_with(name)).count();
    let providers = count("credwatch_provider_info{");
    assert!(providers == 20 || providers == 60, "{providers}");
    assert_eq!(count("credwatch_provider_state{"), 4 * providers);
    assert_eq!(count("credwatch_probe_duration_seconds_count{"), providers);
    let buckets = count("credwatch_probe_duration_seconds_bucket{");
    assert!(
        (3 * providers..=4 * providers).contains(&buckets),
        "{buckets} buckets of {providers} providers"
    );
}
