//! The Grafana dashboards, checked with Grafana's published types and Prometheus' own grammar, and
//! in `live` with a real Prometheus. The tests do not run Grafana.

mod live;
mod mixin;
mod setup;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use super::support::board::{Board, list, text};
use super::support::repository;

/// The faults that `tests/grafana/check.mjs` finds in each file.
fn check(paths: &[&Path]) -> Vec<Vec<String>> {
    let home = repository("tests/grafana");
    for package in ["@grafana/schema", "@prometheus-io/lezer-promql", "typescript"] {
        let installed = home.join("node_modules").join(package).join("package.json");
        assert!(
            installed.is_file(),
            "{} is missing; run `make test`, which installs it",
            installed.display()
        );
    }
    let output = Command::new("node")
        .arg("check.mjs")
        .args(paths)
        .current_dir(home)
        .env_remove("NODE_OPTIONS")
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot start node ({error}); run `make test`, which installs it")
        });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Json = serde_json::from_slice(&output.stdout).expect("an answer");
    let faults = |path: &&Path| {
        list(&answer[path.to_string_lossy().as_ref()])
            .iter()
            .map(|fault| text(fault).to_owned())
            .collect()
    };
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(paths.len()));
    paths.iter().map(faults).collect()
}

#[test]
fn the_dashboards_match_grafanas_types_and_prometheus_grammar() {
    let boards = Board::all();
    let paths: Vec<&Path> = boards.iter().map(|board| board.path.as_path()).collect();
    for (board, faults) in boards.iter().zip(check(&paths)) {
        assert!(faults.is_empty(), "{}:\n{}", board.path.display(), faults.join("\n"));
    }
}

/// A mistake: the place, the wrong value, and the message of the check.
type Mistake = (&'static str, fn() -> Json, &'static str);

const BROKEN: &str = "/panels/0";

const WRONG: &str = "/panels/11";

const ALERTS: &str = "/panels/16";

/// Mistakes in a dashboard that an author could make.
const MISTAKES: [Mistake; 18] = [
    ("/graphTooltip", || json!(7), "DashboardCursorSync"),
    ("/schemaVersion", || json!("39"), "not assignable to type 'number'"),
    ("/templating/list/1/includeall", || json!(true), "includeall"),
    ("/annotations/list/1/titelFormat", || json!("x"), "titelFormat"),
    ("/links/0/type", || json!("dashboard"), "DashboardLinkType"),
    ("/panels/0/type", || json!("singlestat"), "not assignable to type 'never'"),
    ("/panels/0/datasource", || json!("Prometheus"), "DataSourceRef"),
    ("/panels/0/fieldConfig/defaults/units", || json!("s"), "units"),
    ("/panels/0/options/colorMode", || json!("colour"), "colorMode"),
    ("/panels/0/targets/0/legendFormt", || json!("x"), "legendFormt"),
    ("/panels/16/options/sortOrder", || json!(9), "not assignable to type"),
    ("/panels/11/options/showHeader", || json!("yes"), "not assignable to type 'boolean'"),
    ("/panels/11/transformations/0/id", || json!("mergee"), "mergee"),
    (
        "/panels/11/fieldConfig/overrides/1/properties/1/id",
        || json!("custom.cellOption"),
        "custom.cellOption",
    ),
    ("/panels/11/fieldConfig/overrides/1/properties/1/value/type", || json!("colour"), "colour"),
    (
        "/panels/11/fieldConfig/overrides/1/properties/2/value",
        || json!("80"),
        "not assignable to type",
    ),
    (
        "/panels/0/targets/0/expr",
        || json!("sum(up{job=~\"$job\",instance=~\"$instance\"}"),
        "no PromQL",
    ),
    (
        "/panels/11/targets/0/expr",
        || json!("rate(credwatch_probes_total{job=~\"$job\",provider=~\"$provider\"}[5m])"),
        "credwatch_probes_total is selected without instance=~\"$instance\"; rate over [5m]",
    ),
];

#[test]
fn the_check_finds_each_mistake_in_a_copy() {
    let board = Board::all().remove(0);
    assert_eq!(board.name(), "credwatch-overview");
    for (place, title) in [
        (BROKEN, "Refused: owner acts"),
        (WRONG, "Credentials that do not work (the 100 most urgent)"),
        (ALERTS, "What the alerts say"),
    ] {
        assert_eq!(
            board.json.pointer(place).expect("a panel")["title"],
            title,
            "the mistakes below {place} are for this panel"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let spoil = |(index, (place, value, _)): (usize, &Mistake)| {
        let mut copy = board.json.clone();
        let (parent, member) = place.rsplit_once('/').expect("a path");
        copy.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}"))[member] =
            value();
        let path = folder.path().join(format!("{index}.json"));
        std::fs::write(&path, copy.to_string()).expect("written");
        path
    };
    let paths: Vec<PathBuf> = MISTAKES.iter().enumerate().map(spoil).collect();
    let faults = check(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    for ((place, _, expected), faults) in MISTAKES.iter().zip(faults) {
        for expected in expected.split("; ") {
            assert!(
                faults.iter().any(|fault| fault.contains(expected)),
                "{place}: expected the message {expected:?}, found {faults:?}"
            );
        }
    }
}
