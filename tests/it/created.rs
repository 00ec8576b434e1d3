//! Times of creation in `OpenMetrics`.

use super::support::daemon::{Answer, Daemon};
use super::support::endpoint::Endpoint;

const CREATED: &str = "[metrics]\ncreated = true\n";
const OPEN: &str = "Accept: application/openmetrics-text; version=1.0.0\r\n";
const TOKEN: &str = r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#;

fn provider(name: &str, endpoint: &Endpoint, more: &str) -> String {
    format!(
        "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = {:?}\n\
         credentials = {{ client_id = \"a\", client_secret = \"a-secret\" }}\n{more}\n",
        endpoint.url()
    )
}

fn open(daemon: &Daemon, path: &str) -> String {
    let Answer { status, head, body } = daemon.get_with(path, OPEN);
    let head = head.to_lowercase();
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(head.contains("vary: accept"), "{head}");
    assert!(body.ends_with("\n# EOF\n") && body.matches("# EOF").count() == 1, "{body}");
    body
}

/// The value of a sample with this start.
fn value(text: &str, sample: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(sample)?.rsplit_once(' '));
    let (_, value) = found.unwrap_or_else(|| panic!("{sample} in {text}"));
    value.parse().expect("a number")
}

fn now() -> f64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64()
}

/// The labels of the samples with this name.
fn labels<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let named = text.lines().filter_map(|line| line.strip_prefix(name));
    named
        .filter(|rest| rest.starts_with(['{', ' ']))
        .filter_map(|rest| Some(rest.rsplit_once(' ')?.0))
        .collect()
}

#[test]
fn every_counter_and_histogram_has_a_time_of_creation_in_open_metrics_alone() {
    let [fine, refusing] = [
        Endpoint::json("200 OK", TOKEN),
        Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#),
    ];
    let next = "credentials_next.client_secret = \"another-secret\"";
    let text = provider("fine", &fine, next) + &provider("other", &refusing, "");
    let before = now();
    let daemon = Daemon::start(&(CREATED.to_owned() + &text));
    daemon.wait_for_state("fine", "healthy");
    daemon.wait_for_state("other", "broken");
    let all = open(&daemon, "/metrics");
    let mut families = 0;
    for line in all.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("name and type");
        let last = match kind {
            "counter" => format!("{name}_total"),
            "histogram" => format!("{name}_count"),
            _ => continue,
        };
        let created = labels(&all, &format!("{name}_created"));
        assert_eq!(created, labels(&all, &last), "{name}");
        families += 1;
        for labels in created {
            let time = value(&all, &format!("{name}_created{labels}"));
            assert!(before - 0.1 <= time && time <= now(), "{name}{labels} {time}");
        }
    }
    assert_eq!(families, 9, "{all}");
    assert!(!daemon.get("/metrics").body.contains("_created"));
    assert!(!daemon.get("/probe?provider=fine").body.contains("_created"));
    let one = open(&daemon, "/probe?provider=other");
    assert_eq!(
        value(&one, "credwatch_probes_created{provider=\"other\"}").to_bits(),
        value(&all, "credwatch_probes_created{provider=\"other\"}").to_bits()
    );
    let plain = Daemon::start(&text);
    assert!(!open(&plain, "/metrics").contains("_created"));
    assert!(!open(&plain, "/probe?provider=fine").contains("_created"));
}

#[test]
fn times_of_creation_are_those_at_which_the_counters_began() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let refusing = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    std::fs::create_dir(&state).expect("made");
    let storage = format!("--storage.path={}", state.display());
    let text = |metrics: &str, providers: &str| format!("{CREATED}{metrics}\n{providers}");
    let kept = provider("kept", &endpoint, "") + &provider("changed", &endpoint, "");
    std::fs::write(folder.path().join("credwatch.toml"), text("", &kept)).expect("written");
    let flags = [storage.as_str(), "--web.enable-lifecycle"];
    let daemon = Daemon::start_in(folder, &flags, &[]);
    daemon.wait_for_state("changed", "healthy");
    let probes = |text: &str, name: &str| {
        value(text, &format!("credwatch_probes_created{{provider=\"{name}\"}}"))
    };
    let first = open(&daemon, "/metrics");
    let start = probes(&first, "kept");

    let before = now();
    let changed = provider("kept", &endpoint, "")
        + &provider("changed", &refusing, "")
        + &provider("added", &endpoint, "");
    daemon.configure(&text("duration_buckets = [1, 2]", &changed));
    assert_eq!(daemon.post("/-/reload").status, 200);
    daemon.wait_for_state("changed", "broken");
    let second = open(&daemon, "/metrics");
    for name in ["kept", "changed"] {
        assert_eq!(probes(&second, name).to_bits(), start.to_bits(), "{name}");
    }
    assert!(probes(&second, "added") >= before);
    let durations = "credwatch_probe_duration_seconds_created{provider=\"kept\"}";
    assert!(value(&first, durations) < before && value(&second, durations) >= before);
    let failures = "credwatch_probe_failures_created{provider=\"changed\",class=\"";
    let coded = format!("{failures}credential\",reason=\"rejected\",code=\"invalid_client\"}}");
    assert!(value(&second, &coded) >= before, "it began with the first of these failures");
    let without = format!("{failures}credential\",reason=\"rejected\",code=\"\"}}");
    assert_eq!(value(&second, &without).to_bits(), start.to_bits());

    // A restart keeps the state and no counters.
    let stopped = now();
    let daemon = Daemon::start_in(daemon.stop(), &flags, &[]);
    let third = open(&daemon, "/metrics");
    assert!(third.contains("credwatch_provider_state{provider=\"kept\",state=\"healthy\"} 1"));
    for name in ["kept", "changed", "added"] {
        assert!(probes(&third, name) >= stopped, "{name}");
    }
    assert!(value(&third, &without) >= stopped && value(&third, durations) >= stopped);
}
