//! A real Prometheus, as the distribution has it.

use std::process::{Child, Command, Stdio};

use credwatch::time::unix_seconds;
use serde_json::Value as Json;

use super::daemon::get;
use super::wait_for;

/// A Prometheus of the distribution, scraping one address every 200 ms; killed when it goes out of scope.
pub struct Prometheus {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that scrapes this address as the job `credwatch`.
    pub fn scraping(target: &str) -> Self {
        // It cannot tell which port it was given, so a free one is picked, and another if somebody was faster.
        for _ in 0..10 {
            if let Some(prometheus) = Self::on(&free_address(), target) {
                return prometheus;
            }
        }
        panic!("Prometheus does not start");
    }

    fn on(address: &str, target: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\nscrape_configs: [{{ job_name: credwatch, static_configs: [{{ targets: [\"{target}\"] }}] }}]\n"
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, configuration).expect("written");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start prometheus ({error}); run `make test`, which installs it"));
        let mut prometheus = Self { child, address: address.to_owned(), _folder: folder };
        let listens = wait_for("Prometheus to be ready or to end", || {
            if prometheus.child.try_wait().expect("its status").is_some() {
                return Some(false);
            }
            let open = std::net::TcpStream::connect(address).is_ok();
            (open && get(address, "/-/ready").status == 200).then_some(true)
        });
        listens.then_some(prometheus)
    }

    /// The values that a query yields, with their labels.
    pub fn query(&self, query: &str) -> Vec<(Json, f64)> {
        let samples = self.ask("query", &[("query", query)])["result"].as_array().cloned().unwrap_or_default();
        samples.iter().map(|sample| (sample["metric"].clone(), sample["value"][1].as_str().and_then(|value| value.parse().ok()).unwrap_or(f64::NAN))).collect()
    }

    /// The labels of the series that have a number at some moment of the last `seconds`, asked for as a graph asks.
    pub fn query_range(&self, query: &str, seconds: u32) -> Vec<Json> {
        let now = unix_seconds(jiff::Timestamp::now());
        let (start, end) = ((now - f64::from(seconds)).to_string(), now.to_string());
        let data = self.ask("query_range", &[("query", query), ("start", &start), ("end", &end), ("step", "1")]);
        let number = |point: &Json| point[1].as_str().is_some_and(|value| value.parse::<f64>().is_ok_and(|value| !value.is_nan()));
        let series = data["result"].as_array().cloned().unwrap_or_default();
        series
            .into_iter()
            .filter(|series| series["values"].as_array().is_some_and(|points| points.iter().any(number)))
            .map(|mut series| series["metric"].take())
            .collect()
    }

    /// The values of a label, among the series that a selector selects.
    pub fn label_values(&self, selector: &str, label: &str) -> Vec<String> {
        let values = self.ask(&format!("label/{label}/values"), &[("match[]", selector)]);
        values.as_array().expect("a list").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Json {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let answer = get(&self.address, &format!("/api/v1/{path}?{encoded}"));
        let mut json: Json = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
        assert_eq!(json["status"], "success", "{parameters:?}: {}", answer.body);
        json["data"].take()
    }

    /// Waits until a query yields something.
    pub fn wait_for(&self, query: &str) -> Vec<(Json, f64)> {
        wait_for(query, || Some(self.query(query)).filter(|found| !found.is_empty()))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}
