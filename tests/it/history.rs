//! The history of a provider: uptime and incidents over restarts, on the page, in the API and in
//! the export.

use serde_json::Value as Json;

use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;

fn provider(endpoint: &Endpoint) -> String {
    format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\nconfirm_after = \
         \"50ms\"\nparameters.token_url = \"{}\"\ncredentials = {{ client_id = \"id\", \
         client_secret = \"a-secret-of-the-tests\" }}\n",
        endpoint.url()
    )
}

fn start(folder: tempfile::TempDir, endpoint: &Endpoint) -> Daemon {
    std::fs::write(folder.path().join("credwatch.toml"), provider(endpoint)).expect("written");
    let state = folder.path().join("state");
    let _ = std::fs::create_dir(&state);
    Daemon::start_in(folder, &[&format!("--storage.path={}", state.display())], &[])
}

fn api(daemon: &Daemon) -> Json {
    serde_json::from_str(&daemon.get("/api/v1/providers/p").body).expect("JSON")
}

fn lines(daemon: &Daemon, query: &str) -> Vec<Json> {
    let answer = daemon.get(&format!("/api/v1/history{query}"));
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("application/x-ndjson"), "{}", answer.head);
    answer.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn an_incident_that_ends_after_a_restart_is_on_the_page_in_the_api_and_in_the_export() {
    let refusing = Endpoint::json(
        "401 Unauthorized",
        r#"{"error":"invalid_client","error_description":"a sentence of the provider"}"#,
    );
    let daemon = start(tempfile::tempdir().expect("a folder"), &refusing);
    daemon.wait_for_state("p", "broken");
    let open = api(&daemon)["incidents"][0].clone();
    assert_eq!(open["end"], Json::Null);
    let folder = daemon.stop();
    let kept = std::fs::read(folder.path().join("state/state.redb")).expect("it was saved");
    let kept = String::from_utf8_lossy(&kept);
    assert!(!kept.contains("a sentence") && !kept.contains("a-secret"), "{kept}");

    let fine = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    let daemon = start(folder, &fine);
    daemon.wait_for_state("p", "healthy");
    let daemon = start(daemon.stop(), &fine);
    daemon.wait_for_state("p", "healthy");
    let answer = api(&daemon);
    let incident = &answer["incidents"][0];
    assert_eq!(answer["incidents"].as_array().map(Vec::len), Some(1));
    for member in ["begin", "class", "reason", "code"] {
        assert_eq!(incident[member], open[member]);
    }
    assert_eq!(incident["code"], "invalid_client");
    assert!(incident["end"].is_string(), "{incident}");
    let day = &answer["history"]["days"][0];
    assert!(day["probes"].as_u64() >= Some(3), "{day}");
    assert!(day["failures"]["credential"].as_u64() >= Some(2), "{day}");
    assert!(answer["history"]["uptime"]["30d"]["ratio"].is_number(), "{answer}");

    let all = lines(&daemon, "");
    let kinds: Vec<_> = all.iter().filter_map(|line| line["kind"].as_str()).collect();
    assert!(kinds.contains(&"hour") && kinds.contains(&"day"), "{kinds:?}");
    let incidents = lines(&daemon, "?kind=incident&provider=p");
    assert_eq!(incidents.len(), 1);
    assert_eq!((&incidents[0]["provider"], &incidents[0]["end"]), (&"p".into(), &incident["end"]));
    let days = lines(&daemon, "?kind=day");
    assert_eq!((days.len(), &days[0]["probes"]), (1, &day["probes"]));
    assert_eq!(daemon.get("/api/v1/history?kind=odd").status, 400);
    assert_eq!(daemon.get("/api/v1/history?provider=nobody").status, 404);

    let page = daemon.get("/providers/p").body;
    for part in ["Uptime", "30 days", "The last 90 days", "Incidents", "invalid_client"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn a_daemon_without_a_state_directory_exports_the_last_day() {
    let fine = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    let daemon = Daemon::start(&provider(&fine));
    daemon.wait_for_state("p", "healthy");
    let all = lines(&daemon, "");
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["kind"], &all[0]["probes"]), (&"hour".into(), &1.into()));
    let page = daemon.get("/providers/p").body;
    assert!(page.contains("kept only with a state directory"), "{page}");
}
