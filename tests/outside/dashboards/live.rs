//! All queries of the dashboards against a real Prometheus. It scrapes a daemon whose providers
//! fail in many ways.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::setup::{FAILING, Setup, UNREACHED};
use crate::support::board::{Board, list, text};
use crate::support::wait_for;

impl Setup {
    /// A query with values for the variables, as Grafana sends it.
    fn filled(&self, query: &str, provider: &str) -> String {
        let values = [
            ("$__rate_interval", "5s"),
            ("$__range", "60s"),
            ("$job", "credwatch"),
            ("$instance", &self.instance),
            ("$provider", provider),
            ("$team", ".*"),
            ("$owner", ".*"),
            ("$api_host", ".*"),
            ("${scheme}", "http"),
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

/// A query of a panel or an annotation.
struct Query {
    place: String,
    expr: String,
    instant: bool,
}

fn queries(board: &Board) -> Vec<Query> {
    let mut queries = Vec::new();
    for panel in board.queried() {
        let targets = list(&panel["targets"]);
        let place = |of: &Json| format!("{}: {}, {}", board.name(), text(&panel["title"]), of);
        // The queries of a number are the sides of a threshold, so only one of them has a result.
        if panel["type"] == "stat" && targets.len() > 1 {
            let all = targets.iter().map(|target| format!("({})", text(&target["expr"])));
            queries.push(Query {
                place: place(&Json::from("all")),
                expr: all.collect::<Vec<_>>().join(" or "),
                instant: true,
            });
            continue;
        }
        for target in targets {
            queries.push(Query {
                place: place(&target["refId"]),
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
    assert!(asked > 100, "{asked}");
    the_tables_show_all_failures(&setup);
    the_numbers_are_right(&setup);
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
    assert_eq!(values["provider"].len(), 12, "{values:?}");
    if board.name() == "credwatch-overview" {
        assert_eq!(values["team"], ["messaging"]);
        assert_eq!(values["owner"], ["Ines"]);
        assert!(values["api_host"].len() >= 5, "{values:?}");
    }
}

/// Each column of a table must be a label of its series. The operator's own labels are among them.
fn columns_have_labels(board: &Board, setup: &Setup, providers: &[String]) {
    let mut tables = 0;
    let all = queries(board);
    for panel in board.queried().into_iter().filter(|panel| panel["type"] == "table") {
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

fn panel(overview: &Board, title: &str) -> Json {
    let panels = overview.panels();
    let found = panels.iter().find(|panel| text(&panel["title"]).starts_with(title));
    (*found.unwrap_or_else(|| panic!("no panel {title}"))).clone()
}

fn the_tables_show_all_failures(setup: &Setup) {
    let overview = Board::all().remove(0);
    let (credentials, apis) =
        (panel(&overview, "Credentials that do not work"), panel(&overview, "APIs that do not"));
    let ask = |panel: &Json, index: usize| {
        setup.prometheus.query(&setup.filled(text(&panel["targets"][index]["expr"]), ".+"))
    };
    let named = |panel: &Json, index: usize| {
        let rows = ask(panel, index).into_iter();
        rows.map(|(labels, value)| (text(&labels["provider"]).to_owned(), (labels, value)))
            .collect::<BTreeMap<_, _>>()
    };
    let label = |labels: &Json, label: &str| labels[label].as_str().unwrap_or_default().to_owned();

    let wrong = wait_for("the table to show what does not work", || {
        Some(named(&credentials, 0)).filter(|wrong| wrong.keys().eq(&FAILING))
    });
    let of = |provider| {
        ["class", "reason", "step", "code", "team", "url"]
            .map(|name| label(&wrong[provider].0, name))
    };
    let page = "https://credwatch.example/";
    assert_eq!(
        of("rcs-campaigns"),
        ["credential", "rejected", "rejected", "1003", "messaging", page]
    );
    assert_eq!(of("unreadable"), ["config", "secret", "secret", "", "messaging", page]);
    let message = label(&wrong["rcs-campaigns"].0, "message");
    assert!(!message.is_empty(), "{:?}", wrong["rcs-campaigns"]);
    // The most urgent row is the first.
    let order: Vec<String> =
        ask(&credentials, 0).iter().map(|(labels, _)| label(labels, "provider")).collect();
    assert_eq!(order, FAILING);
    // The rank is a kind times 1e13 plus seconds: 1 is refused, 2 cannot be tried here.
    let kinds = FAILING.map(|provider| (wrong[provider].1 / 1e13).round().to_string());
    assert_eq!(kinds, ["1", "2"]);
    let runway = named(&credentials, 1);
    assert!((300.0..=600.0).contains(&runway["rcs-campaigns"].1), "{runway:?}");
    assert_eq!(runway["unreadable"].1.to_string(), "500000000000");

    let down = wait_for("the table to show what cannot be reached", || {
        Some(named(&apis, 0)).filter(|down| down.keys().eq(&UNREACHED))
    });
    let of = |provider| ["class", "reason"].map(|name| label(&down[provider].0, name));
    assert_eq!(of("whatsapp-support"), ["provider", "throttled"]);
    assert_eq!(of("cut-off"), ["network", "transport"]);
    let left = down["whatsapp-support"].1 - 3e13;
    assert!((3000.0..=3600.0).contains(&left), "{down:?}");
    // The fake APIs share a port, so this row counts one of several credentials.
    let host = label(&down["whatsapp-support"].0, "api_host");
    let counts = |index: usize| {
        ask(&apis, index)
            .into_iter()
            .find(|(labels, _)| labels["api_host"] == host.as_str())
            .map(|(_, value)| value.to_string())
    };
    assert_eq!(counts(2).as_deref(), Some("1"));
    assert!(counts(3).is_some_and(|all| all.parse::<u32>().is_ok_and(|all| all >= 4)));
}

/// The first numbers of the overview, which a person on call reads first.
fn the_numbers_are_right(setup: &Setup) {
    let overview = Board::all().remove(0);
    for (title, expected) in [
        ("Refused", "1"),
        ("Cannot be tried here", "1"),
        ("Cannot be reached", "2"),
        ("Failing", "0"),
        ("Next credential refused", "1"),
        ("No result yet", "0"),
        ("Paused", "1"),
        ("Healthy", "7"),
        ("credwatch down", "0"),
    ] {
        let expr = text(&panel(&overview, title)["targets"][0]["expr"]).to_owned();
        let query = setup.filled(&expr, ".+");
        wait_for(&format!("{title} to be {expected}: {query}"), || {
            let found: Vec<String> =
                setup.prometheus.query(&query).iter().map(|(_, value)| value.to_string()).collect();
            (found == [expected]).then_some(())
        });
    }
}
