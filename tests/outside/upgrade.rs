//! The rules of version 0.1 with the metrics of this version: an upgrade of the daemon alone must
//! not silence the alerts.

use credwatch::time::unix_seconds;
use serde_json::{Value as Json, json};

use super::programs::servers::{Version, output_of};
use super::support::alerts::RULES;
use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::repository;

/// The number of samples of each series, one a minute.
const MINUTES: usize = 20;

/// The exposition as series of a promtool test. promtool begins at 1970, so each time becomes one
/// relative to now.
fn series(exposition: &str) -> Vec<Json> {
    let now = unix_seconds(jiff::Timestamp::now());
    let mut all = Vec::new();
    for line in exposition.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        let mut value: f64 = value.parse().expect("a number");
        let (family, labels) = name.split_once('{').unwrap_or((name, "}"));
        if family.ends_with("_timestamp_seconds") && value != 0.0 {
            value -= now;
        }
        all.push(json!({
            "series": format!("{family}{{job=\"credwatch\",instance=\"a\",{labels}"),
            "values": format!("{value}x{MINUTES}"),
        }));
    }
    all.push(json!({
        "series": "up{job=\"credwatch\",instance=\"a\"}",
        "values": format!("1x{MINUTES}"),
    }));
    assert!(all.len() > 100, "{}", all.len());
    all
}

#[test]
fn the_rules_of_version_0_1_fire_with_the_metrics_of_this_version() {
    let refusing = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let failing = Endpoint::json("503 Service Unavailable", "{}");
    let issuing = Endpoint::json("200 OK", r#"{"access_token":"a-token","expires_in":86400}"#);
    let tomorrow = jiff::Zoned::now().date().tomorrow().expect("a date");
    let provider = |name: &str, url: &str, more: &str| {
        format!(
            "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
             \"{url}\"\ncredentials = {{ client_id = \"id\", client_secret = \"not-a-real-secret\" \
             }}\n{more}\n"
        )
    };
    let configuration = [
        "[defaults]\ninterval = \"1h\"\nconfirm_after = \"50ms\"\nfailure_threshold = 1\n".into(),
        provider("refused", &refusing.url(), "labels = { team = \"payments\" }"),
        provider("down", &failing.url(), ""),
        provider("ending", &issuing.url(), &format!("secret_expires = {tomorrow}")),
        provider("unreadable", &issuing.url(), "credentials.client_secret = 1")
            .replace(
                "client_secret = \"not-a-real-secret\"",
                "client_secret = { env = \"ABSENT\" }",
            )
            .replace("credentials.client_secret = 1", ""),
    ];
    let daemon = Daemon::start(&configuration.concat());
    for (provider, state) in
        [("refused", "broken"), ("down", "broken"), ("ending", "healthy"), ("unreadable", "broken")]
    {
        daemon.wait_for_state(provider, state);
    }
    let input = series(&daemon.get("/metrics").body);
    let fires = |alert: &str, provider: &str| {
        let labels = format!("{{alertname=\"{alert}\", provider=\"{provider}\"}}");
        json!({ "labels": labels, "value": 1 })
    };
    let expected = [
        fires("CredwatchCredentialBroken", "refused"),
        fires("CredwatchCredentialUnreadable", "unreadable"),
        fires("CredwatchProviderUnavailable", "down"),
        fires("CredwatchSecretExpiring", "ending"),
        fires("CredwatchSecretExpiringSoon", "ending"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for file in RULES {
        let name = format!("{file}.yml");
        std::fs::copy(repository("tests/version-0.1").join(&name), folder.path().join(&name))
            .expect("copied");
    }
    let test = json!({
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": input,
            "promql_expr_test": [{
                "expr": "count by (alertname, provider) (ALERTS{alertstate=\"firing\"})",
                "eval_time": "15m",
                "exp_samples": expected,
            }],
        }],
    });
    let path = folder.path().join("test.json");
    std::fs::write(&path, test.to_string()).expect("written");
    for version in Version::BOTH {
        for file in RULES {
            let rules = folder.path().join(format!("{file}.yml"));
            output_of(version.promtool().args(["check", "rules"]).arg(rules));
        }
        output_of(version.promtool().args(["test", "rules"]).arg(&path));
    }
}
