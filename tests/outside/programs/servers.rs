//! Prometheus and Alertmanager as processes on free loopback ports.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use credwatch::time::unix_seconds;
use rustix::process::Signal;
use serde_json::Value as Json;

use crate::support::daemon::{exchange, get};
use crate::support::{repository, signal, wait_for};

/// The version of Prometheus. The rules must work with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The version of the distribution, in `PATH`.
    Distribution,
    /// The current version, which `tests/parts.sh` unpacks.
    Current,
}

impl Version {
    pub const BOTH: [Self; 2] = [Self::Distribution, Self::Current];

    fn program(self, name: &str) -> PathBuf {
        match self {
            Self::Distribution => name.into(),
            Self::Current => repository("target/parts/prometheus-current/usr/bin").join(name),
        }
    }

    /// Prometheus of this version.
    pub fn prometheus(self) -> Command {
        Command::new(self.program("prometheus"))
    }

    /// promtool of this version, run in the repository.
    pub fn promtool(self) -> Command {
        let mut command = Command::new(self.program("promtool"));
        command.current_dir(repository(""));
        command
    }
}

/// Runs a program that must succeed. Returns its output.
#[track_caller]
pub fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("cannot start {command:?} ({error}); run `make test`, which installs it")
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// A server with its own folder. Dropping this value kills it.
struct Server {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts a server. It cannot choose a free port by itself, so this tries free ports until one
    /// works.
    fn start(what: &str, prepare: impl Fn(&Path, &str) -> Command) -> Self {
        (0..10)
            .find_map(|_| Self::on(&free_address(), what, &prepare))
            .unwrap_or_else(|| panic!("{what} does not start"))
    }

    fn on(address: &str, what: &str, prepare: &impl Fn(&Path, &str) -> Command) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = prepare(folder.path(), address);
        let child = command
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {command:?} ({error}); run `make test`, which installs it")
            });
        let mut server = Self { child, address: address.to_owned(), folder };
        let listens = wait_for(&format!("{what} to be ready or to end"), || {
            if server.child.try_wait().expect("its status").is_some() {
                return Some(false);
            }
            let open = std::net::TcpStream::connect(address).is_ok();
            (open && get(address, "/-/ready").status == 200).then_some(true)
        });
        listens.then_some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// A Prometheus.
pub struct Prometheus(Server);

impl Prometheus {
    /// Starts the version of the distribution, which scrapes one address every 200 ms.
    pub fn scraping(target: &str) -> Self {
        let configuration = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\nscrape_configs: [{{ \
             job_name: credwatch, static_configs: [{{ targets: [\"{target}\"] }}] }}]\n"
        );
        Self::start(Version::Distribution, &configuration, &[])
    }

    /// Reloads Prometheus with another configuration.
    pub fn configure(&self, configuration: &str) {
        std::fs::write(self.0.folder.path().join("prometheus.yml"), configuration)
            .expect("written");
        signal(&self.0.child, Signal::HUP);
    }

    /// Starts Prometheus with this configuration, and with these files beside it.
    pub fn start(version: Version, configuration: &str, files: &[(&str, &str)]) -> Self {
        Self(Server::start("Prometheus", |folder, address| {
            for (name, text) in files.iter().chain(&[("prometheus.yml", configuration)]) {
                std::fs::write(folder.join(name), text).expect("written");
            }
            let mut command = version.prometheus();
            command
                .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
                .arg(format!("--web.listen-address={address}"));
            command
        }))
    }

    /// The version that Prometheus reports.
    pub fn version(&self) -> String {
        let answer = get(&self.0.address, "/api/v1/status/buildinfo");
        let json: Json = serde_json::from_str(&answer.body)
            .unwrap_or_else(|error| panic!("{error}: {}", answer.body));
        json["data"]["version"].as_str().unwrap_or_default().to_owned()
    }

    /// The result of a query: labels and values.
    pub fn query(&self, query: &str) -> Vec<(Json, f64)> {
        let samples = self.ask("query", &[("query", query)])["result"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        samples
            .iter()
            .map(|sample| {
                (
                    sample["metric"].clone(),
                    sample["value"][1]
                        .as_str()
                        .and_then(|value| value.parse().ok())
                        .unwrap_or(f64::NAN),
                )
            })
            .collect()
    }

    /// Makes a range query over the last `seconds`, as a graph does. Returns the labels of the
    /// series with a number in it.
    pub fn query_range(&self, query: &str, seconds: u32) -> Vec<Json> {
        let now = unix_seconds(jiff::Timestamp::now());
        let (start, end) = ((now - f64::from(seconds)).to_string(), now.to_string());
        let data = self.ask(
            "query_range",
            &[("query", query), ("start", &start), ("end", &end), ("step", "1")],
        );
        let number = |point: &Json| {
            point[1]
                .as_str()
                .is_some_and(|value| value.parse::<f64>().is_ok_and(|value| !value.is_nan()))
        };
        let series = data["result"].as_array().cloned().unwrap_or_default();
        series
            .into_iter()
            .filter(|series| {
                series["values"].as_array().is_some_and(|points| points.iter().any(number))
            })
            .map(|mut series| series["metric"].take())
            .collect()
    }

    /// The values of a label among the series of a selector.
    pub fn label_values(&self, selector: &str, label: &str) -> Vec<String> {
        let values = self.ask(&format!("label/{label}/values"), &[("match[]", selector)]);
        values
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    }

    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Json {
        let encoded =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let answer = get(&self.0.address, &format!("/api/v1/{path}?{encoded}"));
        let mut json: Json = serde_json::from_str(&answer.body)
            .unwrap_or_else(|error| panic!("{error}: {}", answer.body));
        assert_eq!(json["status"], "success", "{parameters:?}: {}", answer.body);
        json["data"].take()
    }

    /// Waits until a query finds series. Returns its result.
    pub fn wait_for(&self, query: &str) -> Vec<(Json, f64)> {
        wait_for(query, || Some(self.query(query)).filter(|found| !found.is_empty()))
    }
}

/// An Alertmanager, of the version of the distribution.
pub struct Alertmanager(Server);

impl Alertmanager {
    /// Starts an Alertmanager with this configuration and the shipped templates, without a cluster.
    pub fn start(configuration: &str) -> Self {
        Self(Server::start("Alertmanager", |folder, address| {
            std::fs::write(folder.join("alertmanager.yml"), configuration).expect("written");
            let templates = "credwatch.tmpl";
            std::fs::copy(repository("dashboards").join(templates), folder.join(templates))
                .expect("copied");
            let mut command = Command::new("prometheus-alertmanager");
            command
                .args([
                    "--config.file=alertmanager.yml",
                    "--storage.path=data",
                    "--cluster.listen-address=",
                ])
                .arg(format!("--web.listen-address={address}"));
            command
        }))
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Raises alerts, each with `labels` and `annotations`.
    pub fn raise(&self, alerts: &[Json]) {
        let (address, body) = (&self.0.address, Json::from(alerts).to_string());
        let answer = exchange(
            address,
            &format!(
                "POST /api/v2/alerts HTTP/1.0\r\nHost: {address}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
