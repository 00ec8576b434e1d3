//! What the daemon and systemd tell each other: readiness, reloads, the watchdog, sockets, the
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
fn start_returns_when_it_serves_and_status_counts_the_providers() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    assert!(
        container.curl("/livez").is_some_and(|(status, _)| status == 200),
        "it is ready, so it serves"
    );
    assert_eq!(container.property(UNIT, "Type"), "notify");
    container.wait_for_property(UNIT, "StatusText", "1 provider: 1 healthy");
    container.write(SECRET, "0600", "of-somebody-else\n");
    container.systemctl("restart", UNIT).fine();
    container.wait_for_property(UNIT, "StatusText", "1 provider: 1 broken");
}

#[test]
fn start_fails_for_whoever_waits_when_the_configuration_is_wrong() {
    let container = installed();
    container.write(FILE, "0644", "[providers.inside]\nrecipe = \"of-nobody\"\n");
    container.systemctl("start", UNIT).failed();
    assert_eq!(container.property(UNIT, "ActiveState"), "failed");
}

#[test]
fn a_reload_takes_a_good_configuration_and_refuses_a_bad_one() {
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
    assert_eq!(providers(&container), 2, "the one before stays in force");

    assert_eq!(container.property(UNIT, "MainPID"), pid, "it is the same process");
    assert_eq!(container.property(UNIT, "NRestarts"), "0");
}

#[test]
fn a_process_that_stands_still_is_ended_by_the_watchdog_and_started_again() {
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
fn the_watchdog_leaves_alone_what_waits_and_what_watches_nothing() {
    let container = installed();
    container.drop_in(UNIT, "watchdog", "[Service]\nWatchdogSec=3s\n");
    // One connection for as long as the test takes: the endpoint that answers is not even started.
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
        // That nothing happens can only be seen by letting time pass.
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
fn no_scrape_is_refused_while_a_daemon_on_a_socket_of_systemd_restarts() {
    let container = installed();
    container.copy(
        repository("systemd/credwatch.socket"),
        "/usr/lib/systemd/system/credwatch.socket",
        "0644",
    );
    container.write("/etc/default/credwatch", "0644", "ARGS=--web.systemd-socket\n");
    container.systemctl("daemon-reload", "").fine();
    container.systemctl("enable --now", "credwatch.socket").fine();
    assert_eq!(container.property(UNIT, "ActiveState"), "inactive", "nobody has asked yet");
    assert!(
        container.curl("/livez").is_some_and(|(status, _)| status == 200),
        "the first who asks starts it"
    );
    wait_for_state(&container, "healthy");

    // Scrapes one after the other while it restarts; every failure is a line.
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
        "none is refused, none gets no answer, none waits in vain"
    );
}

#[test]
fn what_was_known_before_a_restart_is_in_a_directory_of_its_own() {
    let container = installed();
    container.systemctl("start", UNIT).fine();
    wait_for_state(&container, "healthy");
    // From now on nobody answers, so what is known of a success is from before.
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
        "no token and no secret: {kept}"
    );
}

#[test]
fn systemd_finds_nothing_wrong_with_the_socket() {
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
