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
    // 18 reasons, 4 states, 5 phases, 12 series of the histogram and 14 others.
    assert_eq!(plain.len(), 53, "{plain:#?}");
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
