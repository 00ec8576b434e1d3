//! The whole chain: the daemon with the fake APIs, a real Prometheus with the shipped rules, a real
//! Alertmanager with the example configuration, and webhooks that record all notifications.
//!
//! The test uses copies with two changes: waiting times of minutes become seconds
//! ([`with_short_waits`]), and the webhooks are those of the test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use credwatch::fake::{Behaviour, Fake};
use credwatch::outcome::Reason;
use rustix::process::Signal;
use serde_json::Value as Json;

use super::programs::servers::{Alertmanager, Prometheus, Version};
use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::{repository, wait_for, wait_within};

/// The longest time until an alert arrives, or its end. On an idle machine it takes about five
/// seconds. The daemon needs less than one; the rest are intervals of Prometheus and Alertmanager.
const SOON: Duration = Duration::from_secs(45);

/// The teams of the providers that the test breaks. They are in the example for Alertmanager.
const TEAMS: [(&str, &str); 3] =
    [("enos", "messaging"), ("enkash", "payments"), ("enablex-rcs", "messaging")];

fn shipped(name: &str) -> String {
    std::fs::read_to_string(repository("dashboards").join(name)).expect("readable")
}

/// The rules with seconds instead of minutes in each waiting time: `for: 5m`,
/// `keep_firing_for: 2m`, `[5m]` and `offset 5m`.
fn with_short_waits(rules: &str) -> String {
    let mut rules = rules.to_owned();
    for minutes in [2, 5, 15] {
        for (from, to) in [
            (format!("for: {minutes}m\n"), format!("for: {minutes}s\n")),
            (format!("[{minutes}m]"), format!("[{minutes}s]")),
            (format!(" offset {minutes}m\n"), format!(" offset {minutes}s\n")),
        ] {
            assert!(rules.contains(&from), "the rules have no {from:?} any more");
            rules = rules.replace(&from, &to);
        }
    }
    let rules = rules.replace("for: 30m\n", "for: 30s\n");
    let waiting =
        |line: &&str| line.trim_start().starts_with("for: ") || line.contains("keep_firing_for: ");
    let left: Vec<&str> =
        rules.lines().filter(waiting).filter(|line| line.ends_with('m')).collect();
    assert!(left.is_empty(), "these would take minutes: {left:?}");
    rules
}

/// The programs of one chain, from the fake APIs to the webhooks. They end in the order of the
/// fields.
struct Chain {
    daemon: Daemon,
    prometheus: Prometheus,
    _alertmanager: Alertmanager,
    webhooks: Endpoint,
    fake: Arc<Fake>,
    _runtime: tokio::runtime::Runtime,
}

impl Chain {
    fn start(version: Version) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let fake = runtime.block_on(Fake::start()).expect("a port");
        // The tokens of this API live ten minutes, so an outage makes the runway short.
        fake.lifetime("enablex-rcs", Some(Duration::from_secs(600)));
        let flags = ["--web.external-url=https://watch.example"];
        let daemon = Daemon::start_with(&Self::configuration(&fake), &flags, &[]);
        let webhooks = Endpoint::json("200 OK", "{}");
        let alertmanager = shipped("alertmanager.example.yml")
            .replace("http://hooks.example/", &format!("http://127.0.0.1:{}/", webhooks.port()))
            .replace("group_wait: 30s", "group_wait: 0s")
            .replace("group_interval: 5m", "group_interval: 1s");
        assert!(
            !alertmanager.contains("hooks.example")
                && alertmanager.contains("group_wait: 0s")
                && alertmanager.contains("group_interval: 1s")
        );
        // Alertmanager starts first, because Prometheus retries only after a minute.
        let alertmanager = Alertmanager::start(&alertmanager);
        let configuration = format!(
            "global: {{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s }}\n\
             rule_files: [alerts.yml, recording.yml]\n\
             alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: [\"{}\"] }}] }}] }}\n\
             scrape_configs: [{{ job_name: credwatch, static_configs: [{{ targets: \
             [\"{}\"] }}] }}]\n",
            alertmanager.address(),
            daemon.address()
        );
        let files = [
            ("alerts.yml", &*with_short_waits(&shipped("alerts.yml"))),
            ("recording.yml", &*shipped("recording.yml")),
        ];
        let prometheus = Prometheus::start(version, &configuration, &files);
        Self { daemon, prometheus, _alertmanager: alertmanager, webhooks, fake, _runtime: runtime }
    }

    fn configuration(fake: &Fake) -> String {
        let mut text =
            "[defaults]\ninterval = \"300ms\"\nconfirm_after = \"100ms\"\nmax_backoff = \"1s\"\n"
                .to_owned();
        for api in fake.token_apis() {
            let _ = writeln!(
                text,
                "[providers.{api}]\nrecipe = {api:?}\nparameters.base_url = {:?}",
                fake.base_url(api)
            );
            for (name, value) in fake.credentials(api) {
                let _ = writeln!(text, "credentials.{name} = {value:?}");
            }
            if let Some((_, team)) = TEAMS.iter().find(|(provider, _)| *provider == api) {
                let _ = writeln!(text, "labels = {{ team = {team:?} }}");
            }
        }
        text
    }

    /// All alerts that have arrived so far, each with the name of its webhook.
    fn arrived(&self) -> Vec<(String, Json)> {
        let mut all = Vec::new();
        for request in self.webhooks.requests() {
            let (head, body) = request.split_once("\r\n\r\n").unwrap_or_default();
            let webhook = head
                .split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .trim_start_matches('/')
                .to_owned();
            let notification: Json =
                serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {request}"));
            all.extend(
                notification["alerts"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|alert| (webhook.clone(), alert.clone())),
            );
        }
        all
    }

    /// Waits for an alert at a webhook. Returns it with the time since `start`.
    fn wait_for(
        &self,
        start: Instant,
        status: &str,
        webhook: &str,
        name: &str,
        provider: &str,
    ) -> (Json, Duration) {
        let is_it = |(at, alert): &(String, Json)| {
            let label = |label: &str| alert["labels"][label].as_str().unwrap_or_default();
            at == webhook
                && alert["status"] == status
                && label("alertname") == name
                && label("provider") == provider
        };
        let left = SOON.saturating_sub(start.elapsed());
        wait_within(
            left,
            &format!(
                "{name} of {provider:?} at {webhook}, {status}; arrived: {:#?}",
                self.arrived()
            ),
            || {
                let (_, alert) = self.arrived().into_iter().find(is_it)?;
                Some((alert, start.elapsed()))
            },
        )
    }
}

/// The labels and annotations of an alert, as texts.
fn texts(of: &Json) -> BTreeMap<&str, &str> {
    of.as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect()
}

#[track_caller]
fn assert_labels(alert: &Json, expected: &[(&str, &str)]) {
    let labels = texts(&alert["labels"]);
    for (name, value) in expected {
        assert_eq!(labels.get(name), Some(value), "{name} of {labels:?}");
    }
}

/// The owner of a broken credential gets a page at once. Returns the time until then.
fn the_owner_gets_a_page(chain: &Chain, start: Instant) -> Duration {
    let (broken, page_after) =
        chain.wait_for(start, "firing", "messaging-pager", "CredwatchCredentialBroken", "enos");
    assert_labels(
        &broken,
        &[
            ("severity", "page"),
            ("team", "messaging"),
            ("recipe", "enos"),
            ("job", "credwatch"),
            ("instance", chain.daemon.address()),
        ],
    );
    assert_labels(&broken, &[("class", "credential"), ("reason", "rejected"), ("code", "1003")]);
    let annotations = texts(&broken["annotations"]);
    assert_eq!(
        annotations["summary"],
        "enos (messaging): the vendor rejects the credential (1003)."
    );
    let description = annotations["description"];
    let (sentence, rest) = description
        .strip_prefix("Vendor: “")
        .and_then(|text| text.split_once("” Last success 20"))
        .unwrap_or_else(|| panic!("{description}"));
    assert!(chain.daemon.get("/providers/enos").body.contains(sentence), "the page has it too");
    assert!(
        rest.contains(" UTC. Existing tokens expire within 1h 59m. Next: ")
            && rest.ends_with(Reason::Rejected.facts().step),
        "{description}"
    );
    assert_eq!(annotations["page_url"], "https://watch.example/providers/enos");
    assert!(
        annotations["runbook_url"].ends_with("/runbooks.md#credwatchcredentialbroken")
            && annotations["reason_url"].ends_with("/runbooks.md#rejected")
    );
    page_after
}

/// An outage becomes a ticket. Returns the time until then.
fn an_outage_is_a_ticket(chain: &Chain, start: Instant) -> Duration {
    let (outage, ticket_after) = chain
        .wait_for(start, "firing", "payments-tickets", "CredwatchProviderUnavailable", "enkash");
    assert_labels(
        &outage,
        &[
            ("severity", "ticket"),
            ("team", "payments"),
            ("class", "provider"),
            ("reason", "unavailable"),
            ("code", "http_503"),
        ],
    );
    assert!(
        texts(&outage["annotations"])["description"].ends_with(Reason::Unavailable.facts().step)
    );
    ticket_after
}

/// An outage with a short runway becomes a page about the consumers.
fn a_short_runway_is_a_page(chain: &Chain, start: Instant) {
    let (runway, _) =
        chain.wait_for(start, "firing", "messaging-pager", "CredwatchRunwayShort", "enablex-rcs");
    assert_labels(
        &runway,
        &[("severity", "page"), ("class", "provider"), ("reason", "unavailable")],
    );
    assert!(
        texts(&runway["annotations"])["summary"]
            .starts_with("Consumers of enablex-rcs (messaging) lose access within 9m"),
        "{runway:#}"
    );
}

/// The recording rules of the objectives have values. Versions of Prometheus write bucket bounds
/// in different ways.
fn the_objectives_are_measured(chain: &Chain) {
    for ratio in ["credwatch:availability:ratio1h", "credwatch:latency:ratio1h"] {
        let found = chain.prometheus.query(ratio);
        assert!(
            found.len() == 5 && found.iter().all(|(_, value)| (0.0..=1.0).contains(value)),
            "{ratio}: {found:?}"
        );
    }
    let of_enkash =
        chain.prometheus.query("credwatch:availability:ratio1h{provider=\"enkash\"} < 1");
    assert_eq!(of_enkash.len(), 1, "its failures count");
}

/// No team got an alert about a healthy provider, or about a provider of another team.
fn no_other_team_was_notified(chain: &Chain, watched: jiff::Timestamp) {
    for (webhook, alert) in chain.arrived() {
        let labels = texts(&alert["labels"]);
        let provider = labels.get("provider").copied().unwrap_or_default();
        assert!(["", "enos", "enkash", "enablex-rcs"].contains(&provider), "{webhook}: {labels:?}");
        assert!(
            provider == "enos" || labels.get("class") != Some(&"credential"),
            "an alert blames the credential for an outage: {labels:?}"
        );
        assert!(
            provider != "enkash" || webhook == "payments-tickets",
            "an outage caused a page: {labels:?}"
        );
        // Prometheus finds its targets some seconds after it evaluates the first rules. With the
        // short waits of this test, `CredwatchAbsent` may fire in between.
        let began: jiff::Timestamp =
            alert["startsAt"].as_str().and_then(|at| at.parse().ok()).expect("a time");
        assert!(labels["alertname"] != "CredwatchAbsent" || began < watched, "{labels:?}");
    }
}

/// Breaks three providers at the same time, each in its own way, and repairs them.
fn each_team_gets_its_alerts(version: Version) {
    let chain = Chain::start(version);
    wait_for("the rules to see all five", || {
        (chain.prometheus.query("credwatch:watched:last").len() == 5).then_some(())
    });
    let watched = jiff::Timestamp::now();
    for provider in chain.fake.token_apis() {
        chain.daemon.wait_for_state(provider, "healthy");
    }

    let start = Instant::now();
    chain.fake.revoke("enos", true);
    chain.fake.behave("enkash", Behaviour::Answer("outage".into()));
    chain.fake.behave("enablex-rcs", Behaviour::Answer("outage".into()));

    let page_after = the_owner_gets_a_page(&chain, start);
    let ticket_after = an_outage_is_a_ticket(&chain, start);
    a_short_runway_is_a_page(&chain, start);

    let end = Instant::now();
    chain.fake.revoke("enos", false);
    chain.fake.behave("enkash", Behaviour::Regular);
    chain.fake.behave("enablex-rcs", Behaviour::Regular);
    let (_, resolved_after) =
        chain.wait_for(end, "resolved", "messaging-pager", "CredwatchCredentialBroken", "enos");
    chain.wait_for(end, "resolved", "payments-tickets", "CredwatchProviderUnavailable", "enkash");
    chain.wait_for(end, "resolved", "messaging-pager", "CredwatchRunwayShort", "enablex-rcs");

    the_objectives_are_measured(&chain);

    let Chain { daemon, .. } = &chain;
    let version = chain.prometheus.version();
    let stop = Instant::now();
    daemon.signal(Signal::TERM);
    let (down, down_after) = chain.wait_for(stop, "firing", "platform-pager", "CredwatchDown", "");
    assert_labels(
        &down,
        &[("severity", "page"), ("job", "credwatch"), ("instance", daemon.address())],
    );

    no_other_team_was_notified(&chain, watched);
    println!(
        "Prometheus {version}: page {page_after:.1?}, ticket {ticket_after:.1?}, \
         resolved {resolved_after:.1?}, credwatch down {down_after:.1?}"
    );
}

#[test]
fn each_team_gets_its_alerts_with_the_prometheus_of_the_distribution() {
    each_team_gets_its_alerts(Version::Distribution);
}

#[test]
fn each_team_gets_its_alerts_with_the_current_prometheus() {
    each_team_gets_its_alerts(Version::Current);
}
