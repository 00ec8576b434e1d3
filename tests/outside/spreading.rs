//! A real Prometheus distributes the providers over several daemons, as docs/scaling.md describes.

use std::fmt::Write as _;

use super::programs::servers::{Prometheus, Version};
use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::wait_for;

const TOKEN: &str = r#"{"access_token":"a-token-of-the-tests","expires_in":3600,"scope":"a b"}"#;

fn provider(name: &str, url: &str, more: &str) -> String {
    format!(
        "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\n\
         confirm_after = \"50ms\"\nparameters.token_url = \"{url}\"\ncredentials = {{ client_id = \
         \"id\", client_secret = \"a-secret-of-the-tests\" }}\n{more}\n"
    )
}

fn on_demand(text: &str) -> Daemon {
    Daemon::start_with(text, &["--probe.on-demand"], &[])
}

/// For each provider, the daemons that have probed it, by their own counters.
fn probed_by(daemons: &[&Daemon], providers: usize) -> Vec<Vec<usize>> {
    let probed = |daemon: &Daemon, name: &str| {
        daemon.sample(&format!("credwatch_probes_total{{provider=\"{name}\"}}")).unwrap_or_default()
            > 0.0
    };
    (0..providers)
        .map(|number| {
            (0..daemons.len())
                .filter(|place| probed(daemons[*place], &format!("p{number}")))
                .collect()
        })
        .collect()
}

/// A Prometheus configuration that distributes the providers over these addresses, as
/// docs/scaling.md describes.
fn spreading(discovery: &str, addresses: &[&str]) -> String {
    let mut to_each = String::new();
    for (number, address) in addresses.iter().enumerate() {
        let _ = writeln!(
            to_each,
            "      - {{ source_labels: [__tmp_hash], regex: \"{number}\", target_label: \
             __address__, replacement: \"{address}\" }}"
        );
    }
    format!(
        "global: {{ scrape_interval: 300ms, scrape_timeout: 300ms }}\nscrape_configs:\n  - \
         job_name: credwatch\n    honor_labels: true\n    http_sd_configs: [{{ url: \
         \"http://{discovery}/sd/prometheus\", refresh_interval: 1s }}]\n    \
         relabel_configs:\n      - {{ source_labels: [__param_provider], modulus: {}, \
         target_label: __tmp_hash, action: hashmod }}\n{to_each}",
        addresses.len()
    )
}

#[test]
fn a_real_prometheus_distributes_the_providers_over_three_daemons_and_then_over_two() {
    const PROVIDERS: usize = 24;
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let text: String =
        (0..PROVIDERS).map(|number| provider(&format!("p{number}"), &endpoint.url(), "")).collect();
    let daemons: Vec<Daemon> = (0..3).map(|_| on_demand(&text)).collect();
    let addresses: Vec<&str> = daemons.iter().map(Daemon::address).collect();
    let prometheus =
        Prometheus::start(Version::Distribution, &spreading(addresses[0], &addresses), &[]);
    let up = || prometheus.query("count(up == 1)").first().map(|(_, count)| count.to_string());
    wait_for("all providers by query", || {
        (prometheus.query("credwatch_probe_success == 1").len() == PROVIDERS).then_some(())
    });
    assert_eq!(up(), Some(PROVIDERS.to_string()));
    let all: Vec<&Daemon> = daemons.iter().collect();
    let first = probed_by(&all, PROVIDERS);
    assert!(
        first.iter().all(|owners| owners.len() == 1),
        "exactly one daemon probes each provider: {first:?}"
    );
    assert!(
        (0..3).all(|place| first.iter().any(|owners| owners == &[place])),
        "each daemon has a share: {first:?}"
    );
    assert_eq!(endpoint.calls(), PROVIDERS);
    // One daemon ends: the others take over its share.
    let mut daemons = daemons;
    drop(daemons.pop());
    let addresses: Vec<&str> = daemons.iter().map(Daemon::address).collect();
    prometheus.configure(&spreading(addresses[0], &addresses));
    let left: Vec<&Daemon> = daemons.iter().collect();
    wait_for("the others to take over its share", || {
        probed_by(&left, PROVIDERS).iter().all(|owners| !owners.is_empty()).then_some(())
    });
    wait_for("all providers by query", || {
        (prometheus.query("credwatch_probe_success == 1 and on (instance) up == 1").len()
            == PROVIDERS)
            .then_some(())
    });
}
