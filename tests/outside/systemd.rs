//! The unit with a real systemd, in a container of `tests/systemd/container.sh`.

use std::time::{Duration, Instant};

use super::programs::installed::{SECRET, UNIT, installed, wait_for_state};
use super::support::repository;

#[test]
fn the_service_starts_with_a_credential_of_systemd_and_without_privileges() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    assert_eq!(container.property(UNIT, "ActiveState"), "active");
    assert_eq!(container.property(UNIT, "SubState"), "running");
    let unit = std::fs::read_to_string(repository("systemd/credwatch.service")).expect("readable");
    let kind = container.property(UNIT, "Type");
    assert!(unit.contains(&format!("\nType={kind}\n")), "{kind}");

    let user: u32 = container
        .process(UNIT, "Uid")
        .split('\t')
        .next()
        .and_then(|uid| uid.parse().ok())
        .expect("a user");
    assert!((61_184..=65_519).contains(&user), "{user} is a dynamic user");
    assert!(
        container.run("grep credwatch /etc/passwd").status == Some(1),
        "a dynamic user is not in /etc/passwd"
    );
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(container.process(UNIT, set), "0000000000000000", "{set}");
    }
    assert_eq!(container.process(UNIT, "NoNewPrivs"), "1");
    assert_eq!(container.process(UNIT, "Seccomp"), "2", "system calls are filtered");
}

#[test]
fn a_wrong_secret_is_in_the_journal_with_the_right_priorities() {
    let container = installed();
    container.write(SECRET, "0600", "of-somebody-else\n");
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "broken");
    let priority = |text: &str| container.wait_for_message(UNIT, text).priority;
    assert_eq!(priority("code=invalid_client"), 4, "the first failure is a warning");
    assert_eq!(priority("credential broken"), 3);
    container.write(SECRET, "0600", "of-the-container\n");
    container.systemctl("restart", UNIT).fine();
    wait_for_state(&container, "healthy");
    let entry = container.wait_for_message(UNIT, "state=healthy");
    assert_eq!(entry.priority, 6);
    assert!(
        !entry.message.contains("ts=") && entry.message.starts_with("level=info"),
        "the message has no time, because the journal has it: {}",
        entry.message
    );
}

#[test]
fn a_wrong_configuration_is_logged_once_and_systemd_does_not_restart_the_service() {
    let container = installed();
    container.write(
        "/etc/credwatch/credwatch.toml",
        "0644",
        "[providers.inside]\nrecipe = \"of-nobody\"\n",
    );
    container.systemctl("start", UNIT);
    container.wait_for_property(UNIT, "ActiveState", "failed");
    assert_eq!(container.property(UNIT, "ExecMainStatus"), "78");
    assert_eq!(container.property(UNIT, "NRestarts"), "0");
    let entry = container.wait_for_message(UNIT, "there is no recipe \"of-nobody\"");
    assert_eq!(entry.priority, 3);
}

#[test]
fn the_service_stops_at_once_with_success() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    let start = Instant::now();
    container.systemctl("stop", UNIT).fine();
    assert!(start.elapsed() < Duration::from_secs(2), "the stop took {:?}", start.elapsed());
    assert_eq!(container.property(UNIT, "ActiveState"), "inactive");
    assert_eq!(container.property(UNIT, "Result"), "success");
    assert_eq!(container.property(UNIT, "ExecMainStatus"), "0");
}

#[test]
fn systemd_restarts_a_killed_service() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    let first = container.property(UNIT, "MainPID");
    container.run(&format!("kill -KILL {first}")).fine();
    container.wait_for_property(UNIT, "NRestarts", "1");
    wait_for_state(&container, "healthy");
    assert_ne!(container.property(UNIT, "MainPID"), first);
}

#[test]
fn systemd_analyze_accepts_the_unit_and_finds_low_exposure() {
    let container = installed();
    let path = "/usr/lib/systemd/system/credwatch.service";
    let output = container
        .run(&format!("systemd-analyze verify --man=no --recursive-errors=yes {path} 2>&1"))
        .fine();
    assert_eq!(output, "", "there is not even a warning");
    container.run(&format!("systemd-analyze security --offline=true --threshold=13 {path}")).fine();
    // Both checks fail for a bad unit.
    container
        .run(&format!("sed 's/^ProtectSystem=.*/ProtectSystems=strict/' {path} >/tmp/typo.service"))
        .fine();
    container
        .run("systemd-analyze verify --man=no --recursive-errors=yes /tmp/typo.service 2>&1")
        .failed();
    container
        .run("printf '[Service]\\nExecStart=/usr/bin/credwatch run\\n' >/tmp/open.service")
        .fine();
    container
        .run("systemd-analyze security --offline=true --threshold=13 /tmp/open.service")
        .failed();
}

#[test]
fn the_command_that_the_page_tells_works_as_it_is_written() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    let (_, page) = container.curl("/providers/inside").expect("the page");
    assert!(page.contains(">sudo credwatch probe inside<"), "{page}");
    let probe = "cd / && credwatch probe inside 2>&1";
    let told = container.run(probe).fine();
    assert!(told.contains("the configuration is /etc/credwatch/credwatch.toml"), "{told}");
    assert!(told.contains("a token was issued"), "{told}");
    // Another user learns what to do.
    let told = container.run(&format!("setpriv --reuid=65534 --clear-groups sh -c '{probe}'"));
    let told = told.failed();
    assert!(told.contains("FAILED config / secret"), "{told}");
    assert!(told.contains("a person uses `sudo credwatch probe NAME`"), "{told}");
}
