//! How many series a provider has.

use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;

const TOKEN: &str = r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#;

/// A provider that asks this endpoint.
fn provider(name: &str, endpoint: &Endpoint, more: &str) -> String {
    format!(
        "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = {:?}\n\
         credentials = {{ client_id = \"a\", client_secret = \"a-secret\" }}\n{more}\n",
        endpoint.url()
    )
}

/// The series of a provider, with their values.
fn series(daemon: &Daemon, provider: &str) -> Vec<String> {
    let text = daemon.get("/metrics").body;
    let label = format!("{{provider=\"{provider}\"");
    text.lines().filter(|line| line.contains(&label)).map(ToOwned::to_owned).collect()
}

#[test]
fn a_provider_has_the_times_before_an_end_only_where_an_end_is_known() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let text = provider("plain", &endpoint, "")
        + &provider("dated", &endpoint, "secret_expires = 2099-01-01");
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("plain", "healthy");
    daemon.wait_for_state("dated", "healthy");
    let (plain, dated) = (series(&daemon, "plain"), series(&daemon, "dated"));
    // 18 reasons, 4 states, 5 phases, 15 series of the histogram and 13 others. An answer with the
    // header Date adds the difference of the clocks, and HTTPS the end of the certificate.
    assert_eq!(plain.len(), 55, "{plain:#?}");
    let more: Vec<&str> = dated
        .iter()
        .filter(|line| line.starts_with("credwatch_credential_"))
        .filter_map(|line| line.split('{').next())
        .collect();
    assert_eq!(
        more,
        [
            "credwatch_credential_expiry_timestamp_seconds",
            "credwatch_credential_warning_seconds",
            "credwatch_credential_critical_seconds"
        ]
    );
    assert_eq!(dated.len(), plain.len() + more.len());
}

/// All durations are above the second bound and below the third one.
const COMPACT: &str = "[metrics]\ncompact = true\n\
                       duration_buckets = [0.000001, 0.000002, 60, 120, 240]\n";

/// The numbers of the buckets of a provider, by upper bound.
fn buckets(series: &[String]) -> Vec<(String, u64)> {
    let of = |line: &String| {
        let rest = line.strip_prefix("credwatch_probe_duration_seconds_bucket{")?;
        let (bound, count) = rest.split_once("le=\"")?.1.split_once("\"} ")?;
        Some((bound.to_owned(), count.parse().expect("a number")))
    };
    series.iter().filter_map(of).collect()
}

#[test]
fn compact_metrics_leave_out_what_never_happened_and_keep_what_did_over_a_reload() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let refusing = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let quick = "interval = \"200ms\"";
    let text = COMPACT.to_owned() + &provider("fine", &endpoint, quick);
    let text = |url: &Endpoint| text.clone() + &provider("other", url, quick);
    let daemon = Daemon::start_with(&text(&refusing), &["--web.enable-lifecycle"], &[]);
    daemon.wait_for_state("fine", "healthy");
    daemon.wait_for_state("other", "broken");
    let (fine, other) = (series(&daemon, "fine"), series(&daemon, "other"));
    assert!(fine.len() <= 35, "{fine:#?}");
    let failures = |series: &[String]| -> Vec<String> {
        let counters =
            series.iter().filter(|line| line.starts_with("credwatch_probe_failures_total"));
        counters.filter_map(|line| Some(line.split_once("} ")?.0.to_owned())).collect()
    };
    assert_eq!(failures(&fine), Vec::<String>::new());
    assert_eq!(
        failures(&other),
        ["credwatch_probe_failures_total{provider=\"other\",class=\"credential\",\
          reason=\"rejected\",code=\"invalid_client\""]
    );
    let count = daemon.sample("credwatch_probe_duration_seconds_count{provider=\"fine\"}");
    assert!(count.is_some_and(|count| count >= 1.0), "{count:?}");
    let bounds = |series: &[String]| -> Vec<String> {
        buckets(series).into_iter().map(|(bound, _)| bound).collect()
    };
    assert_eq!(bounds(&fine), ["0.000002", "60", "+Inf"]);
    let counts = buckets(&fine);
    assert!(counts[0].1 == 0 && counts[1].1 >= 1 && counts[1].1 == counts[2].1, "{counts:?}");

    daemon.configure(&text(&endpoint));
    assert_eq!(daemon.post("/-/reload").status, 200);
    daemon.wait_for_state("other", "healthy");
    let after = series(&daemon, "other");
    assert_eq!(failures(&after), failures(&other), "a failure that happened stays");
    assert_eq!(bounds(&after), bounds(&other));
}

#[test]
fn the_bucket_of_the_rules_is_there_before_the_first_probe() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let text = format!("[metrics]\ncompact = true\n{}", provider("p", &endpoint, ""));
    let daemon = Daemon::start_with(&text, &["--probe.on-demand"], &[]);
    let none = [("1".to_owned(), 0), ("+Inf".to_owned(), 0)];
    assert_eq!(buckets(&series(&daemon, "p")), none);
    let probed = daemon.get("/probe?provider=p").body;
    assert!(!probed.contains("credwatch_probe_failures_total{"), "{probed}");
    assert!(
        probed.contains("credwatch_probe_duration_seconds_count{provider=\"p\"} 1"),
        "{probed}"
    );
}
