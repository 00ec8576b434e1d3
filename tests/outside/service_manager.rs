//! The protocol between the daemon and systemd: readiness, reloads, the watchdog, sockets, the
//! state directory.

use super::programs::container::Container;
use super::programs::installed::{CONFIGURATION, SECRET, UNIT, installed, wait_for_state};
use super::support::{repository, wait_for};

const FILE: &str = "/etc/credwatch/credwatch.toml";

/// The configuration with a second provider, which makes a reload visible.
fn two_providers() -> String {
    format!("{CONFIGURATION}{}", CONFIGURATION.replace("inside]", "second]"))
}

fn providers(container: &Container) -> usize {
    let (_, metrics) = container.curl("/metrics").expect("it answers");
    metrics.lines().filter(|line| line.starts_with("credwatch_provider_info{")).count()
}

#[test]
fn systemctl_start_returns_when_the_daemon_listens_and_its_status_counts_providers() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    assert!(
        container.curl("/livez").is_some_and(|(status, _)| status == 200),
        "a ready daemon listens"
    );
    assert_eq!(container.property(UNIT, "Type"), "notify");
    container.wait_for_property(UNIT, "StatusText", "1 provider: 1 healthy");
    container.write(SECRET, "0600", "of-somebody-else\n");
    container.systemctl("restart", UNIT).fine();
    container.wait_for_property(UNIT, "StatusText", "1 provider: 1 broken");
}

#[test]
fn systemctl_start_fails_if_the_configuration_is_wrong() {
    let container = installed();
    container.write(FILE, "0644", "[providers.inside]\nrecipe = \"of-nobody\"\n");
    container.systemctl("start", UNIT).failed();
    assert_eq!(container.property(UNIT, "ActiveState"), "failed");
}

#[test]
fn systemctl_reload_applies_a_good_configuration_and_refuses_a_bad_one() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    let pid = container.property(UNIT, "MainPID");

    container.write(FILE, "0644", &two_providers());
    container.systemctl("reload", UNIT).fine();
    wait_for("the second provider", || (providers(&container) == 2).then_some(()));
    container.wait_for_property(UNIT, "ActiveState", "active");

    container.write(FILE, "0644", "[providers.inside]\nrecipe = \"of-nobody\"\n");
    container.systemctl("reload", UNIT).fine();
    let entry = container.wait_for_message(UNIT, "there is no recipe");
    assert_eq!(entry.priority, 3);
    container.wait_for_property(UNIT, "ActiveState", "active");
    assert_eq!(container.sample("credwatch_config_last_reload_successful"), Some(0.0));
    assert_eq!(providers(&container), 2, "the previous configuration stays in force");

    assert_eq!(container.property(UNIT, "MainPID"), pid, "the process is the same");
    assert_eq!(container.property(UNIT, "NRestarts"), "0");
}

#[test]
fn the_watchdog_kills_a_stopped_process_and_systemd_restarts_it() {
    let container = installed();
    container.drop_in(UNIT, "watchdog", "[Service]\nWatchdogSec=2s\n");
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    let pid = container.property(UNIT, "MainPID");
    container.run(&format!("kill -STOP {pid}")).fine();
    container.wait_for_message(UNIT, "Watchdog timeout");
    container.wait_for_property(UNIT, "NRestarts", "1");
    wait_for_state(&container, "healthy");
    assert_ne!(container.property(UNIT, "MainPID"), pid);
}

#[test]
fn the_watchdog_does_not_kill_a_daemon_that_waits_or_has_no_providers() {
    let container = installed();
    container.drop_in(UNIT, "watchdog", "[Service]\nWatchdogSec=3s\n");
    // The endpoint keeps the connection open during the whole test and never answers.
    container.write(
        "/etc/systemd/system/token@.service.d/slow.conf",
        "0644",
        "[Service]\nExecStart=\nExecStart=/usr/bin/tail -f /dev/null\n",
    );
    container.systemctl("daemon-reload", "").fine();
    let slow = CONFIGURATION.replace("[providers.inside]", "[providers.inside]\ntimeout = \"60s\"");
    for configuration in [slow.as_str(), ""] {
        container.write(FILE, "0644", configuration);
        container.systemctl("restart", UNIT).fine();
        let pid = container.property(UNIT, "MainPID");
        // The test must wait to see that nothing happens.
        let start = container.sample("process_start_time_seconds").expect("a sample");
        wait_for("twice the limit of the watchdog", || {
            let now: f64 = container.run("date +%s.%N").fine().parse().expect("a time");
            (now - start > 7.0).then_some(())
        });
        assert_eq!(container.property(UNIT, "MainPID"), pid);
        assert_eq!(container.property(UNIT, "NRestarts"), "0");
    }
}

#[test]
fn no_scrape_fails_while_a_daemon_with_a_socket_unit_restarts() {
    let container = installed();
    container.copy(
        repository("systemd/credwatch.socket"),
        "/usr/lib/systemd/system/credwatch.socket",
        "0644",
    );
    container.write("/etc/default/credwatch", "0644", "ARGS=--web.systemd-socket\n");
    container.systemctl("daemon-reload", "").fine();
    container.systemctl("enable --now", "credwatch.socket").fine();
    assert_eq!(container.property(UNIT, "ActiveState"), "inactive", "there was no request yet");
    assert!(
        container.curl("/livez").is_some_and(|(status, _)| status == 200),
        "the first request starts the daemon"
    );
    wait_for_state(&container, "healthy");

    // Scrapes one after the other while the daemon restarts. Each failure writes a line.
    let pid = container.property(UNIT, "MainPID");
    container.write(
        "/var/tmp/scrape",
        "0755",
        "until [ -e /var/tmp/enough ]; do curl --silent --show-error --fail --max-time 20 --output \
         /dev/null http://127.0.0.1:9797/metrics 2>>/var/tmp/failures && echo >>/var/tmp/scrapes; \
         done\n",
    );
    container.run("systemd-run --unit=scraper sh /var/tmp/scrape").fine();
    let scrapes = || {
        container
            .run("cat /var/tmp/scrapes 2>/dev/null | wc -l")
            .fine()
            .parse::<usize>()
            .expect("a number")
    };
    for round in 1..=3 {
        let before = scrapes();
        container.systemctl("restart", UNIT).fine();
        wait_for(&format!("scrapes after restart {round}"), || {
            (scrapes() > before + 5).then_some(())
        });
    }
    container.run("touch /var/tmp/enough").fine();
    assert_ne!(container.property(UNIT, "MainPID"), pid);
    assert_eq!(
        container.run("cat /var/tmp/failures 2>/dev/null || true").fine(),
        "",
        "all scrapes get a response in time"
    );
}

#[test]
fn the_saved_state_is_in_the_state_directory_and_survives_a_restart() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    // From now on the endpoint does not answer, so the last success was before the restart.
    container.systemctl("stop", "token.socket").fine();
    wait_for_state(&container, "broken");
    let success = "credwatch_probe_last_success_timestamp_seconds{provider=\"inside\"}";
    let before = container.sample(success).expect("a time");
    container.systemctl("restart", UNIT).fine();
    assert_eq!(container.sample(success), Some(before));
    container.wait_for_message(UNIT, "the saved state is restored");
    let folder = "/var/lib/private/credwatch";
    assert_eq!(container.run(&format!("stat --format=%a {folder}")).fine(), "700");
    let kept = container.run(&format!("cat {folder}/*")).fine();
    assert!(
        kept.contains("inside") && !kept.contains("a-token") && !kept.contains("of-the-container"),
        "the saved state has no token and no secret: {kept}"
    );
}

#[test]
fn systemd_analyze_accepts_the_socket_unit() {
    let container = installed();
    let path = "/usr/lib/systemd/system/credwatch.socket";
    container.copy(repository("systemd/credwatch.socket"), path, "0644");
    assert_eq!(
        container
            .run(&format!("systemd-analyze verify --man=no --recursive-errors=yes {path} 2>&1"))
            .fine(),
        ""
    );
}
