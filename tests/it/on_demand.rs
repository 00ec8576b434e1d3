//! Probes on demand, discovery, shards, and the API for programs.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value as Json;

use super::support::daemon::{Answer, Daemon};
use super::support::endpoint::{Endpoint, http, read_request};
use super::support::{repository, wait_for};

const TOKEN: &str = r#"{"access_token":"a-token-of-the-tests","expires_in":3600,"scope":"a b"}"#;

fn provider(name: &str, url: &str, more: &str) -> String {
    format!(
        "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\n\
         confirm_after = \"50ms\"\nparameters.token_url = \"{url}\"\ncredentials = {{ client_id = \
         \"id\", client_secret = \"a-secret-of-the-tests\" }}\n{more}\n"
    )
}

fn on_demand(text: &str) -> Daemon {
    Daemon::start_with(text, &["--probe.on-demand"], &[])
}

fn value(answer: &Answer, name: &str) -> Option<f64> {
    answer
        .body
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix("{provider=\"p\"} ")?.parse().ok())
}

/// An endpoint that does not answer until it is released.
fn held() -> (Endpoint, Arc<(Mutex<bool>, Condvar)>) {
    let release = Arc::new((Mutex::new(false), Condvar::new()));
    let waiting = Arc::clone(&release);
    let endpoint = Endpoint::serving(move |mut stream, requests| {
        requests.lock().expect("not poisoned").push(read_request(&mut stream));
        let (released, changed) = &*waiting;
        let _guard = changed
            .wait_while(released.lock().expect("not poisoned"), |released| !*released)
            .expect("not poisoned");
        let _ = stream.write_all(&http("200 OK", "", TOKEN.as_bytes()));
    });
    (endpoint, release)
}

fn release_endpoint(release: &Arc<(Mutex<bool>, Condvar)>) {
    *release.0.lock().expect("not poisoned") = true;
    release.1.notify_all();
}

#[test]
fn probe_on_demand_returns_only_the_named_provider_and_knows_only_configured_names() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let daemon = on_demand(&format!(
        "{}{}",
        provider("p", &endpoint.url(), ""),
        provider("other", &endpoint.url(), "")
    ));
    assert_eq!(daemon.get("/readyz").status, 200, "in on-demand mode the daemon is ready at once");
    assert_eq!(endpoint.calls(), 0, "without a request there is no probe");
    let answer = daemon.get("/probe?provider=p");
    assert_eq!(answer.status, 200);
    assert_eq!(
        (value(&answer, "credwatch_probe_success"), value(&answer, "credwatch_probe_pending")),
        (Some(1.0), Some(0.0))
    );
    assert!(
        !answer.body.contains("provider=\"other\"") && !answer.body.contains("process_"),
        "{}",
        answer.body
    );
    assert_eq!(endpoint.calls(), 1);
    for (path, status) in [
        ("/probe", 400),
        ("/probe?provider=nobody", 404),
        ("/probe?provider=http://127.0.0.1:1/", 404),
        ("/probe?target=http://127.0.0.1:1/", 400),
    ] {
        assert_eq!(daemon.get(path).status, status, "{path}");
    }
}

#[test]
fn simultaneous_requests_share_one_probe_and_later_ones_get_its_outcome() {
    let (endpoint, release) = held();
    let daemon = on_demand(&provider("p", &endpoint.url(), ""));
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| value(&daemon.get("/probe?provider=p"), "credwatch_probe_success"))
            })
            .collect();
        wait_for("the probe to be on the way", || (endpoint.calls() > 0).then_some(()));
        release_endpoint(&release);
        for caller in callers {
            assert_eq!(caller.join().expect("an answer"), Some(1.0));
        }
    });
    for _ in 0..20 {
        assert_eq!(value(&daemon.get("/probe?provider=p"), "credwatch_probe_success"), Some(1.0));
    }
    assert_eq!(endpoint.calls(), 1, "there is at most one probe in five seconds");
}

#[test]
fn a_scraper_gets_a_response_in_time_if_the_probe_hangs() {
    let (endpoint, release) = held();
    let daemon = on_demand(&provider("p", &endpoint.url(), "timeout = \"60s\""));
    let answer =
        daemon.get_with("/probe?provider=p", "X-Prometheus-Scrape-Timeout-Seconds: 0.6\r\n");
    assert_eq!(
        (answer.status, value(&answer, "credwatch_probe_pending")),
        (200, Some(1.0)),
        "{}",
        answer.body
    );
    assert_eq!(
        value(&answer, "credwatch_probe_success"),
        None,
        "a scrape timeout is no failure of the provider"
    );
    release_endpoint(&release);
    daemon.wait_for_state("p", "healthy");
    assert_eq!(endpoint.calls(), 1);
}

#[test]
fn probes_on_demand_respect_the_back_off_of_a_refused_credential() {
    let endpoint = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let daemon = on_demand(&provider("p", &endpoint.url(), ""));
    let broken = "credwatch_provider_state{provider=\"p\",state=\"broken\"} 1";
    wait_for("it to be broken", || {
        daemon.get("/probe?provider=p").body.contains(broken).then_some(())
    });
    for _ in 0..20 {
        assert!(daemon.get("/probe?provider=p").body.contains(broken));
    }
    assert_eq!(endpoint.calls(), 2, "the second probe confirmed the first");
}

#[test]
fn a_request_that_waits_during_a_reload_gets_the_probe_of_the_changed_provider() {
    let (endpoint, release) = held();
    let flags = ["--web.enable-admin-api", "--web.enable-lifecycle"];
    let text = provider("p", &endpoint.url(), "timeout = \"60s\"");
    for flags in [&flags[..], &[&flags[..], &["--probe.on-demand"]].concat()] {
        *release.0.lock().expect("not poisoned") = false;
        let daemon = Daemon::start_with(&text, flags, &[]);
        let before = endpoint.calls();
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| daemon.post("/api/v1/providers/p/probe"));
            wait_for("the probe", || (endpoint.calls() > before).then_some(()));
            // The request reaches the scheduler before the reload, or gets the new provider.
            std::fs::write(
                daemon.folder().join("credwatch.toml"),
                provider("p", &endpoint.url(), "timeout = \"59s\""),
            )
            .expect("written");
            assert_eq!(daemon.post("/-/reload").status, 200);
            wait_for("another probe", || (endpoint.calls() > before + 1).then_some(()));
            release_endpoint(&release);
            let answer = caller.join().expect("an answer");
            assert!(answer.status == 200 && answer.body.contains("healthy"), "{}", answer.body);
        });
    }
}

#[test]
fn discovery_lists_each_provider_with_its_labels() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let daemon = on_demand(&provider("p", &endpoint.url(), "labels = { team = \"messaging\" }"));
    let _ = daemon.get("/probe?provider=p");
    let answer = daemon.get("/sd/prometheus");
    assert!(
        answer.head.to_lowercase().contains("content-type: application/json"),
        "{}",
        answer.head
    );
    let groups: Json = serde_json::from_str(&answer.body).expect("JSON");
    let expected = serde_json::json!([{
        "targets": [daemon.address()],
        "labels": {
            "team": "messaging",
            "provider": "p",
            "__param_provider": "p",
            "__metrics_path__": "/probe",
            "__meta_credwatch_recipe": "oauth2-client-credentials",
            "__meta_credwatch_interval_seconds": "3600",
        },
    }]);
    assert_eq!(groups, expected);
}

#[test]
fn each_provider_is_in_one_shard_and_a_new_shard_takes_providers_from_all() {
    const PROVIDERS: usize = 40;
    // The API lists the providers of a shard before their first probe.
    let text: String = (0..PROVIDERS)
        .map(|number| provider(&format!("p{number}"), "http://127.0.0.1:1/", ""))
        .collect();
    let owners = |count: usize| -> BTreeMap<String, usize> {
        let mut owners = BTreeMap::new();
        for index in 0..count {
            let daemon = Daemon::start_with(
                &text,
                &["--probe.on-demand", &format!("--shard=credwatch-{index}/{count}")],
                &[],
            );
            let known: Json =
                serde_json::from_str(&daemon.get("/api/v1/providers").body).expect("JSON");
            for provider in known["providers"].as_array().expect("a list") {
                assert!(
                    owners
                        .insert(provider["name"].as_str().expect("a name").to_owned(), index)
                        .is_none(),
                    "two shards have the same provider"
                );
            }
        }
        owners
    };
    let (three, four) = (owners(3), owners(4));
    assert_eq!((three.len(), four.len()), (PROVIDERS, PROVIDERS));
    assert!(
        three.iter().all(|(name, owner)| four[name] == *owner || four[name] == 3),
        "providers move only to the new shard"
    );
}

/// The schema in `docs/openapi.json` for responses of this path with this status.
fn schema(path: &str, status: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(repository("docs/openapi.json")).expect("readable");
    let api: Json = serde_json::from_str(&text).expect("JSON");
    let mut schema = api["paths"][path]["get"]["responses"][status]["content"]["application/json"]
        ["schema"]
        .clone();
    assert!(schema.is_object(), "{path} {status}");
    schema["components"] = api["components"].clone();
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Asserts that a body matches its schema. Returns its JSON.
fn assert_schema(path: &str, status: &str, body: &str) -> Json {
    let json: Json = serde_json::from_str(body).expect("JSON");
    let faults: Vec<String> = schema(path, status)
        .iter_errors(&json)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{path}: {faults:?}\n{json:#}");
    json
}

#[test]
fn api_responses_match_the_openapi_file() {
    let fine = Endpoint::json("200 OK", TOKEN);
    let refusing = Endpoint::json(
        "401 Unauthorized",
        r#"{"error":"invalid_client","error_description":"no such client"}"#,
    );
    let next = "secret_expires = 2099-01-01\nlabels = { team = \"a\" }\n\
                credentials_next.client_secret = \"another-secret\"";
    let daemon = Daemon::start(&format!(
        "{}{}",
        provider("p", &fine.url(), next),
        provider("q/r", &refusing.url(), "").replace("providers.q/r", "providers.\"q/r\"")
    ));
    daemon.wait_for_state("p", "healthy");
    daemon.wait_for_state("q/r", "broken");
    let one = "/api/v1/providers/{name}";
    let list = assert_schema("/api/v1/providers", "200", &daemon.get("/api/v1/providers").body);
    assert_eq!((&list["total"], list["providers"].as_array().map(Vec::len)), (&2.into(), Some(2)));
    let broken = assert_schema(
        "/api/v1/providers",
        "200",
        &daemon.get("/api/v1/providers?state=broken&limit=1").body,
    );
    assert_eq!((&broken["total"], &broken["providers"][0]["name"]), (&1.into(), &"q/r".into()));
    assert_schema("/api/v1/providers", "400", &daemon.get("/api/v1/providers?state=odd").body);
    let fine = assert_schema(one, "200", &daemon.get("/api/v1/providers/p").body);
    assert_eq!(
        (&fine["state"], &fine["labels"]["team"], &fine["token"]["never_expires"]),
        (&"healthy".into(), &"a".into(), &false.into())
    );
    assert!(fine["next"]["state"].is_string(), "{fine:#}");
    let broken = assert_schema(one, "200", &daemon.get("/api/v1/providers/q%2Fr").body);
    assert_eq!(
        (&broken["failure"]["reason"], &broken["failure"]["code"]),
        (&"rejected".into(), &"invalid_client".into())
    );
    assert_eq!(broken["history"]["failures"][0]["message"], "no such client");
    assert!(
        broken["history"]["reading"]
            .as_array()
            .is_some_and(|lines| lines.iter().any(|line| line["rule"] == "code")),
        "{broken:#}"
    );
    let (hour, incident) = (&broken["history"]["hours"][0], &broken["incidents"][0]);
    assert!(
        hour["failures"]["credential"].as_u64() >= Some(2)
            && hour["failures"]["credential"] == hour["probes"]
            && hour["duration_seconds"]["count"] == hour["probes"],
        "{hour:#}"
    );
    let told = ["class", "reason", "code", "end"].map(|member| incident[member].clone());
    assert_eq!(told, ["credential".into(), "rejected".into(), "invalid_client".into(), Json::Null]);
    assert_eq!(broken["incidents"][0]["begin"], broken["failure"]["since"]);
    let uptime = |answer: &Json, window: &str| answer["history"]["uptime"][window]["ratio"].clone();
    assert_eq!(
        [uptime(&broken, "24h"), uptime(&fine, "24h"), uptime(&fine, "7d")],
        [0.0.into(), 1.0.into(), Json::Null]
    );
    assert_schema(one, "404", &daemon.get("/api/v1/providers/nobody").body);
    for answer in [list, fine, broken] {
        assert!(
            !answer.to_string().contains("secret-of-the-tests")
                && !answer.to_string().contains("token-of-the-tests")
        );
    }
}

#[test]
fn the_list_of_the_api_is_a_stream_of_whole_providers() {
    let provider = |number: usize| {
        format!(
            "[providers.p{number}]\nrecipe = \"oauth2-client-credentials\"\n\
             parameters.token_url = \"http://127.0.0.1:9/token\"\n\
             credentials = {{ client_id = \"a\", client_secret = \"a-secret\" }}\n"
        )
    };
    let text: String = (0..600).map(provider).collect();
    let daemon = Daemon::start_with(&text, &["--probe.on-demand"], &[]);
    let answer = daemon.get("/api/v1/providers?offset=50&limit=500");
    assert!(!answer.head.to_lowercase().contains("content-length"), "{}", answer.head);
    let list: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(list["total"], 600);
    let providers = list["providers"].as_array().expect("a list");
    let names: Vec<_> = providers.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!((names.len(), names[0], names[499]), (500, "p50", "p549"));
}
