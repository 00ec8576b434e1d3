//! Readers of the Grafana dashboards.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::files;

/// A dashboard and the path of its file.
pub struct Board {
    pub path: PathBuf,
    pub json: Json,
}

impl Board {
    pub fn all() -> Vec<Self> {
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).expect("readable");
            Self {
                json: serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
                path,
            }
        };
        files("dashboards", "json", 2).into_iter().map(read).collect()
    }

    pub fn name(&self) -> String {
        self.path.file_stem().expect("a name").to_string_lossy().into_owned()
    }

    /// All panels but the row headings, also those inside of closed rows.
    pub fn panels(&self) -> Vec<&Json> {
        let top = list(&self.json["panels"]).iter();
        let all = top.flat_map(|panel| std::iter::once(panel).chain(list(&panel["panels"])));
        all.filter(|panel| panel["type"] != "row").collect()
    }

    /// All panels with queries. The list of alerts has none.
    pub fn queried(&self) -> Vec<&Json> {
        self.panels().into_iter().filter(|panel| panel["type"] != "alertlist").collect()
    }

    pub fn variables(&self) -> BTreeMap<&str, &Json> {
        list(&self.json["templating"]["list"])
            .iter()
            .map(|variable| (text(&variable["name"]), variable))
            .collect()
    }

    /// The annotations with a query to Prometheus.
    pub fn annotations(&self) -> Vec<&Json> {
        list(&self.json["annotations"]["list"])
            .iter()
            .filter(|annotation| annotation["builtIn"] != 1)
            .collect()
    }
}

pub fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

#[track_caller]
pub fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("{json} is not a string"))
}
