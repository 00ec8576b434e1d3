//! The compose file, read by the current Docker Compose without an engine, and the files that it
//! mounts, read by the programs that get them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use super::programs::servers::{Version, output_of};
use super::support::alerts::read;
use super::support::daemon::credwatch;
use super::support::repository;
use super::support::yaml::yaml;

const FILE: &str = "deploy/compose/compose.yaml";

/// Docker Compose with this file.
fn compose(file: &Path) -> Command {
    let plugins = "target/parts/prometheus-current/usr/libexec/docker/cli-plugins";
    let mut command = Command::new(repository(plugins).join("docker-compose"));
    command.arg("--file").arg(file);
    command
}

/// The file as Docker Compose understands it, with absolute paths.
fn configuration() -> Json {
    let arguments = ["config", "--format", "json"];
    let text = output_of(compose(&repository(FILE)).args(arguments));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}"))
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The mounted files and folders of a service: where they are, and where the service sees them.
fn mounts(service: &Json) -> Vec<(PathBuf, &str)> {
    let binds = list(&service["volumes"]).iter().filter(|volume| volume["type"] == "bind");
    binds.map(|bind| (text(&bind["source"]).into(), text(&bind["target"]))).collect()
}

#[test]
fn compose_accepts_the_file_and_refuses_a_misspelt_key() {
    configuration();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("compose.yaml");
    for (right, wrong) in [("read_only:", "readonly:"), ("secrets: [billing", "secret: [billing")] {
        assert!(read(FILE).contains(right), "{right}");
        std::fs::write(&file, read(FILE).replacen(right, wrong, 1)).expect("written");
        let output = compose(&file).args(["config", "--quiet"]).output().expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains("not allowed"), "{error}");
    }
}

#[test]
fn each_mounted_file_exists_and_each_flag_is_one_of_its_program() {
    let configuration = configuration();
    let services = configuration["services"].as_object().expect("services");
    for (name, service) in services {
        for (source, target) in mounts(service) {
            assert!(source.exists(), "{name}: {} at {target}", source.display());
        }
        let help = match name.as_str() {
            "credwatch" => output_of(credwatch().args(["run", "--help"])),
            "prometheus" => output_of(Version::Current.prometheus().arg("--help")),
            "alertmanager" => output_of(Command::new("prometheus-alertmanager").arg("--help")),
            "grafana" => String::new(),
            other => panic!("this test does not know {other}"),
        };
        let flags: Vec<&str> =
            list(&service["command"]).iter().map(text).filter(|word| *word != "run").collect();
        assert_eq!(flags.is_empty(), help.is_empty(), "{name}");
        for flag in flags {
            let (flag, _) = flag.split_once('=').expect("a flag with a value");
            assert!(help.contains(&format!("{flag}=")) || help.contains(&format!("{flag} ")));
        }
    }
    assert_eq!(services.len(), 4);
    let credwatch = &services["credwatch"];
    assert_eq!(credwatch["image"], concat!("credwatch:", env!("CARGO_PKG_VERSION")));
    for secret in list(&credwatch["secrets"]) {
        let path = format!("\"{}\"", text(&secret["target"]));
        assert!(read("deploy/compose/credwatch/credwatch.toml").contains(&path), "{path}");
    }
}

#[test]
fn prometheus_and_alertmanager_accept_the_files_at_their_places() {
    let configuration = configuration();
    let folder = tempfile::tempdir().expect("a folder");
    for service in ["prometheus", "alertmanager"] {
        for (source, target) in mounts(&configuration["services"][service]) {
            let path = folder.path().join(target.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::copy(source, path).expect("copied");
        }
    }
    let file = folder.path().join("etc/prometheus/prometheus.yml");
    let output = output_of(Version::Current.promtool().args(["check", "config"]).arg(file));
    assert!(output.contains("3 rule files found"), "{output}");
    let file = folder.path().join("etc/alertmanager/alertmanager.yml");
    let output = output_of(Command::new("amtool").arg("check-config").arg(file));
    assert!(output.contains("1 templates"), "{output}");
}

#[test]
fn the_services_find_each_other() {
    let configuration = configuration();
    let services = &configuration["services"];
    let prometheus = yaml(&read("deploy/compose/prometheus.yml"));
    let datasource = yaml(&read("deploy/compose/datasource.yaml"));
    let url = text(&datasource["datasources"][0]["url"]);
    let scrape = &prometheus["scrape_configs"][0];
    assert_eq!(scrape["job_name"], "credwatch");
    for address in [
        text(&scrape["static_configs"][0]["targets"][0]),
        text(&prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"][0]),
        url.strip_prefix("http://").expect("a URL"),
    ] {
        let (service, port) = address.split_once(':').expect("a port");
        let ports = list(&services[service]["ports"]);
        let mut targets = ports.iter().map(|port| port["target"].to_string());
        assert!(targets.any(|target| target == port), "{address}");
        assert!(ports.iter().all(|port| port["host_ip"] == "127.0.0.1"), "{service} has no login");
    }
    // Grafana looks for boards in the folder of the provisioning file.
    let provider = yaml(&read("dashboards/provisioning/dashboards/credwatch.yaml"));
    let path = text(&provider["providers"][0]["options"]["path"]);
    let mounts = mounts(&services["grafana"]);
    let boards =
        mounts.iter().filter(|(_, target)| Path::new(target).parent() == Some(path.as_ref()));
    assert_eq!(boards.count(), 2);
}
