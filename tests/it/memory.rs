//! Memory that is not needed any more goes back to the system.

use rustix::process::Signal;

use super::support::daemon::Daemon;
use super::support::wait_for;

/// So many providers that never get a probe in the test.
fn configuration(count: usize) -> String {
    let providers = (0..count).map(|number| {
        format!(
            "[providers.p{number}]\nrecipe = \"oauth2-client-credentials\"\n\
             parameters.token_url = \"https://127.0.0.1:9/token\"\n\
             credentials = {{ client_id = \"id-{number}\", client_secret = \"a-secret\" }}\n\
             labels = {{ team = \"team-{number}\" }}\n"
        )
    });
    providers.collect()
}

/// The private memory of the daemon, in MiB. The pages of its file are not counted.
fn resident(daemon: &Daemon) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.expect("a number") / 1024
}

#[test]
fn the_memory_of_removed_providers_goes_back_to_the_system() {
    let arguments = ["--probe.on-demand"];
    let alone = resident(&Daemon::start_with(&configuration(1), &arguments, &[]));
    let daemon = Daemon::start_with(&configuration(8_000), &arguments, &[]);
    let with_all = resident(&daemon);
    assert!(with_all > alone + 8, "{with_all} MiB with 8,000 providers, {alone} MiB with one");
    daemon.configure(&configuration(1));
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("configuration reloaded");
    // A scrape drops what was kept for the next one.
    assert_eq!(daemon.get("/metrics").status, 200);
    wait_for("the memory to go back", || {
        (resident(&daemon) < alone + (with_all - alone) / 2).then_some(())
    });
}
