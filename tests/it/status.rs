//! `credwatch status`: the state of a running daemon in the terminal.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;

use super::support::daemon::{Daemon, credwatch};
use super::support::fakes::Fakes;

fn status(arguments: &[&str]) -> Output {
    credwatch().arg("status").args(arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn the_broken_providers_are_told_and_decide_the_exit_status() {
    let fakes = Fakes::start();
    let quick = "confirm_after = \"100ms\"";
    let text_of = fakes.provider("enkash", quick) + &fakes.provider("sendgrid-key", quick);
    let daemon = Daemon::start(&text_of);
    let url = format!("--url={}", daemon.address());
    daemon.wait_for_state("enkash", "healthy");
    daemon.wait_for_state("sendgrid-key", "healthy");
    let healthy = status(&[&url]);
    assert_eq!(healthy.status.code(), Some(0));
    assert!(text(&healthy.stdout).contains("2 healthy of 2 providers"));
    drop(daemon);

    fakes.fake.revoke("enkash", true);
    let daemon = Daemon::start(&text_of);
    let url = format!("--url=http://{}/", daemon.address());
    daemon.wait_for_state("enkash", "broken");
    daemon.wait_for_state("sendgrid-key", "healthy");
    let broken = status(&[&url]);
    assert_eq!(broken.status.code(), Some(1));
    let shown = text(&broken.stdout);
    assert!(shown.contains("1 broken, 1 healthy of 2 providers"), "{shown}");
    let row = shown.lines().find(|line| line.starts_with("broken")).expect("its row");
    assert!(row.contains("enkash") && row.contains("rejected"), "{row}");
    let json = status(&[&url, "--output=json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((&json["states"]["broken"], &json["states"]["healthy"]), (&1.into(), &1.into()));
    assert_eq!(json["providers"][0]["failure"]["reason"], "rejected");
    // The address of the configuration is asked without --url.
    let file = daemon.folder().join("other.toml");
    let address = daemon.address();
    std::fs::write(&file, format!("[web]\nlisten_addresses = [{address:?}]\n")).expect("written");
    let flag = format!("--config.file={}", file.display());
    assert_eq!(status(&[&flag]).status.code(), Some(1));
    // So it is when the configuration has one of its providers, and refused when it has none.
    let with = |name: &str| {
        let text = fakes.provider("enkash", "").replace("[providers.enkash]", name);
        let web = format!("[web]\nlisten_addresses = [{address:?}]\n");
        std::fs::write(&file, web + &text).expect("written");
        status(&[&flag])
    };
    assert_eq!(with("[providers.enkash]").status.code(), Some(1));
    let foreign = with("[providers.mine]");
    assert_eq!((foreign.status.code(), text(&foreign.stdout).as_str()), (Some(3), ""));
    let said = text(&foreign.stderr);
    assert!(said.contains("does not run") && said.contains("it has `enkash`"), "{said}");
    assert_eq!(status(&[&url, "--watch"]).status.code(), Some(2), "there is no terminal");
}

#[test]
fn a_daemon_with_a_login_is_asked_with_a_password_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = folder.path().join("web.yml");
    // The password is `test`; the hash is that of `htpasswd -nbB -C 4`.
    let hash = bcrypt::hash("test", 4).expect("hashed");
    std::fs::write(&web, format!("basic_auth_users:\n  ops: {hash}\n")).expect("written");
    let flag = format!("--web.config.file={}", web.display());
    let daemon = Daemon::start_with("", &[&flag], &[]);
    let url = format!("--url={}", daemon.address());
    let refused = status(&[&url]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("--password-file"), "{}", text(&refused.stderr));
    let password = folder.path().join("password");
    std::fs::write(&password, "test\n").expect("written");
    let file = format!("--password-file={}", password.display());
    let open = status(&[&url, "--user=ops", &file]);
    assert_eq!(open.status.code(), Some(0));
    assert!(text(&open.stderr).contains("warning: everybody on this host can read"));
    std::fs::set_permissions(&password, Permissions::from_mode(0o600)).expect("set");
    let private = status(&[&url, "--user=ops", &file]);
    assert_eq!((private.status.code(), text(&private.stderr).as_str()), (Some(0), ""));
    // Linux takes this address for the own host, but people use it for no such thing.
    let port = daemon.address().rsplit(':').next().expect("a port");
    let plain = status(&[&format!("--url=http://0.0.0.0:{port}"), "--user=ops", &file]);
    assert!(text(&plain.stderr).contains("warning: everybody on the way to http://0.0.0.0:"));
    std::fs::write(&password, "wrong").expect("written");
    assert_eq!(status(&[&url, "--user=ops", &file]).status.code(), Some(3));
}

#[test]
fn a_daemon_that_does_not_answer_has_its_own_exit_status() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let output = status(&[&format!("--url={address}")]);
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stderr);
    assert!(told.contains("connection refused") && told.contains("--url=URL"), "{told}");
    assert_eq!(status(&["--url=ftp://x/"]).status.code(), Some(2));
    assert_eq!(status(&["--url=http://user:secret@x/"]).status.code(), Some(2));
}
