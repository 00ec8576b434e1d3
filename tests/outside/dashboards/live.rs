//! All queries of the dashboards against a real Prometheus. It scrapes a daemon whose providers
//! fail in many ways.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use credwatch::fake::{Behaviour, Fake};
use serde_json::Value as Json;

use crate::programs::servers::Prometheus;
use crate::support::board::{Board, list, text};
use crate::support::daemon::Daemon;
use crate::support::endpoint::{Authority, Endpoint};
use crate::support::wait_for;

/// A daemon whose providers fail in many ways, and a Prometheus that scraped it from the start.
struct Setup {
    prometheus: Prometheus,
    instance: String,
    _daemon: Daemon,
    _endpoints: Vec<Endpoint>,
    /// Has the certificate of the authority, which the daemon reads for each probe.
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

/// The providers that are broken at the end.
const FAILING: [&str; 4] = ["cut-off", "rcs-campaigns", "unreadable", "whatsapp-support"];

/// A list of keys: one that ends, one without an end, and one that replaces another of its name.
const LISTED: &str = r#"[{"name":"a","ends":4070908800},{"name":"b"},
    {"name":"c","ends":1500000000},{"name":"c","ends":4070908800}]"#;

/// A recipe that reads the list.
const LISTING: &str = "[recipes.listing]
kind = \"static\"
parameters = { url = {} }
credentials = [\"key\"]
request.url = \"{{ url }}\"
request.headers.X-Key = \"{{ key }}\"
[recipes.listing.response.list]
rows = \"json\"
name = \"row.name\"
expiry = { value = \"row.ends\", unit = \"epoch\", absent = \"never\" }
";

impl Setup {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let fake = runtime.block_on(Fake::start()).expect("a port");
        let authority = Authority::new("dashboards");
        let folder = tempfile::tempdir().expect("a folder");
        let endpoints = vec![
            Endpoint::tls(&authority.issue("localhost", 2020, 2099)),
            Endpoint::tls(&authority.issue("elsewhere", 2020, 2099)),
            Endpoint::serving(|_, _| ()),
            Endpoint::json("200 OK", LISTED),
        ];
        let text = configuration(&fake, &authority.file(&folder), &endpoints);
        fake.lifetime("sms-cx", None);
        fake.revoke("enkash", true);
        let daemon = Daemon::start(&text);
        let prometheus = Prometheus::scraping(daemon.address());
        let seen = |provider: &str, state: &str| {
            prometheus.wait_for(&format!(
                "credwatch_provider_state{{provider={provider:?},state={state:?}}} == 1"
            ))
        };
        for provider in [
            "rcs-campaigns", "whatsapp-support", "plant-telemetry", "sms-alerts", "private",
            "insecure", "listing",
        ] {
            seen(provider, "healthy");
        }
        seen("expense-payouts", "broken");
        fake.revoke("enkash", false);
        fake.revoke("enablex-rcs", true);
        fake.behave("enablex-whatsapp", Behaviour::Answer("throttled".into()));
        seen("expense-payouts", "healthy");
        for provider in FAILING {
            seen(provider, "broken");
        }
        daemon.configure(&format!(
            "{text}\n[providers.late]\nrecipe = \"sms-cx\"\n{}",
            fake_provider(&fake, "sms-cx")
        ));
        seen("late", "healthy");
        Self {
            prometheus,
            instance: daemon.address().to_owned(),
            _daemon: daemon,
            _endpoints: endpoints,
            _folder: folder,
            _runtime: runtime,
        }
    }

    /// A query with values for the variables, as Grafana sends it.
    fn filled(&self, query: &str, provider: &str) -> String {
        let values = [
            ("$__rate_interval", "5s"),
            ("$__range", "60s"),
            ("$job", "credwatch"),
            ("$instance", &self.instance),
            ("$provider", provider),
        ];
        let filled =
            values.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value));
        assert!(
            !filled.contains("$_") && !filled.contains("${"),
            "{filled} has a variable without a value"
        );
        filled
    }

    /// The labels of the series that a query finds, without series whose value is NaN.
    fn labels(&self, query: &Query, provider: &str) -> Vec<Json> {
        let filled = self.filled(&query.expr, provider);
        if query.instant {
            self.prometheus
                .query(&filled)
                .into_iter()
                .filter(|(_, value)| !value.is_nan())
                .map(|(labels, _)| labels)
                .collect()
        } else {
            self.prometheus.query_range(&filled, 60)
        }
    }
}

fn fake_provider(fake: &Arc<Fake>, api: &str) -> String {
    let mut text = format!("parameters.base_url = {:?}\n", fake.base_url(api));
    for (name, value) in fake.credentials(api) {
        let _ = writeln!(text, "credentials.{name} = {value:?}");
    }
    text
}

fn configuration(fake: &Arc<Fake>, authority: &std::path::Path, endpoints: &[Endpoint]) -> String {
    let mut text =
        "[defaults]\ninterval = \"300ms\"\nconfirm_after = \"100ms\"\nmax_backoff = \"300ms\"\n\
         timeout = \"5s\"\nlabels = { team = \"messaging\" }\n"
            .to_owned();
    for (name, api, more) in [
        ("rcs-campaigns", "enablex-rcs", ""),
        ("whatsapp-support", "enablex-whatsapp", ""),
        ("plant-telemetry", "enos", ""),
        (
            "expense-payouts",
            "enkash",
            "secret_expires = 2099-06-30\ncredentials_next.client_secret = \
             \"demo-client-secret-7d2\"\n",
        ),
        (
            "sms-alerts",
            "sms-cx",
            "required_scopes = [\"sms\"]\ncredentials_next.application_secret = \"a-wrong-one\"\n",
        ),
    ] {
        let _ = write!(
            text,
            "[providers.{name}]\nrecipe = {api:?}\n{more}{}",
            fake_provider(fake, api)
        );
    }
    let client = "credentials = { client_id = \"a-client\", client_secret = \"a-secret\" }";
    let ports: Vec<u16> = endpoints.iter().map(Endpoint::port).collect();
    for (name, url, more) in [
        (
            "private",
            format!("https://localhost:{}/token", ports[0]),
            format!("tls.ca_file = \"{}\"\n{client}", authority.display()),
        ),
        (
            "insecure",
            format!("https://localhost:{}/token", ports[1]),
            format!("tls.insecure = true\n{client}"),
        ),
        ("cut-off", endpoints[2].url(), client.to_owned()),
        (
            "unreadable",
            endpoints[2].url(),
            "credentials.client_id = \"a-client\"\ncredentials.client_secret.file = \"not-there\""
                .to_owned(),
        ),
    ] {
        let _ = writeln!(
            text,
            "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
             {url:?}\n{more}"
        );
    }
    let _ = writeln!(
        text,
        "{LISTING}[providers.listing]\nrecipe = \"listing\"\nparameters.url = {:?}\n\
         credentials.key = \"a-key-of-the-tests\"",
        endpoints[3].url()
    );
    text
}

/// A query of a panel or an annotation.
struct Query {
    place: String,
    expr: String,
    instant: bool,
}

fn queries(board: &Board) -> Vec<Query> {
    let mut queries = Vec::new();
    for panel in board.panels() {
        for target in list(&panel["targets"]) {
            let place =
                format!("{}: {}, {}", board.name(), text(&panel["title"]), text(&target["refId"]));
            queries.push(Query {
                place,
                expr: text(&target["expr"]).to_owned(),
                instant: target["instant"] == true,
            });
        }
    }
    for annotation in board.annotations() {
        let place = format!("{}: annotation {}", board.name(), text(&annotation["name"]));
        queries.push(Query {
            place,
            expr: text(&annotation["target"]["expr"]).to_owned(),
            instant: false,
        });
    }
    queries
}

/// The values of the variable `provider`: each provider for the dashboard about one provider, all
/// of them for the other.
fn providers(board: &Board, setup: &Setup) -> Vec<String> {
    if board.variables()["provider"]["multi"] == true {
        return vec![".+".to_owned()];
    }
    setup.prometheus.label_values("credwatch_provider_info", "provider")
}

#[test]
fn every_query_finds_series_if_providers_fail_in_many_ways() {
    let setup = Setup::new();
    let start = Instant::now();
    let mut asked = 0;
    for board in Board::all() {
        let providers = providers(&board, &setup);
        let yields = |query: &Query| {
            providers.iter().any(|provider| !setup.labels(query, provider).is_empty())
        };
        let mut left = queries(&board);
        asked += left.len();
        // Queries of rates and changes need several scrapes.
        while !left.is_empty() && start.elapsed() < Duration::from_secs(40) {
            left.retain(|query| !yields(query));
        }
        let empty: Vec<String> = left
            .iter()
            .map(|query| {
                format!("{}\n    {}", query.place, setup.filled(&query.expr, &providers[0]))
            })
            .collect();
        assert!(empty.is_empty(), "these queries found no series:\n{}", empty.join("\n"));
        variables_have_values(&board, &setup);
        columns_have_labels(&board, &setup, &providers);
    }
    assert!(asked > 80, "{asked}");
    the_most_urgent_table_shows_all_failures(&setup);
}

/// Requests the values of each variable, as the data source does for `label_values(selector,
/// label)`.
fn variables_have_values(board: &Board, setup: &Setup) {
    let mut values = BTreeMap::new();
    for (name, variable) in
        board.variables().into_iter().filter(|(_, variable)| variable["type"] == "query")
    {
        let inner = text(&variable["query"]["query"])
            .strip_prefix("label_values(")
            .and_then(|query| query.strip_suffix(')'))
            .expect("label_values");
        let (selector, label) = inner.rsplit_once(", ").expect("a selector and a label");
        values.insert(name, setup.prometheus.label_values(&setup.filled(selector, ".+"), label));
    }
    assert_eq!(values["job"], ["credwatch"]);
    assert_eq!(values["instance"], [setup.instance.as_str()]);
    assert_eq!(values["provider"].len(), 11, "{values:?}");
}

/// Each column of a table must be a label of its series. The operator's own labels are among them.
fn columns_have_labels(board: &Board, setup: &Setup, providers: &[String]) {
    let mut tables = 0;
    let all = queries(board);
    for panel in board.panels().into_iter().filter(|panel| panel["type"] == "table") {
        let title = text(&panel["title"]);
        let start = format!("{}: {title}, ", board.name());
        let answers = all
            .iter()
            .filter(|query| query.place.starts_with(&start))
            .flat_map(|query| providers.iter().flat_map(|provider| setup.labels(query, provider)));
        let labels: BTreeSet<String> = answers
            .flat_map(|labels| {
                labels.as_object().expect("labels").keys().cloned().collect::<Vec<_>>()
            })
            .collect();
        for step in list(&panel["transformations"]).iter().filter(|step| step["id"] == "organize") {
            let names = step["options"]["renameByName"].as_object().expect("names").keys();
            let unknown: Vec<&String> = names
                .filter(|name| !name.starts_with("Value") && !labels.contains(*name))
                .collect();
            assert!(unknown.is_empty(), "{title} has no labels {unknown:?}, only {labels:?}");
            tables += 1;
        }
    }
    assert!(tables >= 4, "{tables}");
}

fn the_most_urgent_table_shows_all_failures(setup: &Setup) {
    let overview = Board::all().remove(0);
    let panel = overview
        .panels()
        .into_iter()
        .find(|panel| panel["title"] == "What is wrong now")
        .expect("it");
    let rows = |index: usize| {
        let rows =
            setup.prometheus.query(&setup.filled(text(&panel["targets"][index]["expr"]), ".+"));
        rows.into_iter()
            .map(|(labels, value)| (text(&labels["provider"]).to_owned(), (labels, value)))
            .collect::<BTreeMap<_, _>>()
    };
    let wrong = wait_for("the table to show each as broken", || {
        Some(rows(0)).filter(|wrong| wrong.values().all(|(_, state)| state.to_string() == "3"))
    });
    assert_eq!(wrong.keys().map(String::as_str).collect::<Vec<_>>(), FAILING);
    let label = |provider: &str, label: &str| {
        wrong[provider].0[label].as_str().unwrap_or_default().to_owned()
    };
    let of = |provider| ["class", "reason", "code", "team"].map(|name| label(provider, name));
    assert_eq!(of("rcs-campaigns"), ["credential", "rejected", "1003", "messaging"]);
    assert_eq!(of("whatsapp-support")[..2], ["provider", "throttled"]);
    assert_eq!(of("unreadable")[..3], ["config", "secret", ""]);
    assert_eq!(of("cut-off")[..3], ["network", "transport", ""]);
    assert!(
        label("rcs-campaigns", "meaning").starts_with("rejected: The provider refuses")
            && label("cut-off", "action").starts_with("Look for a middlebox")
    );
    let runway = rows(2);
    for (provider, had_a_token) in [
        ("cut-off", false),
        ("rcs-campaigns", true),
        ("unreadable", false),
        ("whatsapp-support", true),
    ] {
        let left = runway[provider].1;
        assert!(
            if had_a_token {
                (3000.0..=3600.0).contains(&left)
            } else {
                left.to_string() == "500000000000"
            },
            "{provider}: {left}"
        );
    }
}
