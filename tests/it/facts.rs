//! What the metrics tell alerts about a provider: host, owner, links, and the sentence of a
//! failure.

use super::support::daemon::Daemon;
use super::support::endpoint::{Endpoint, http, read_request};
use super::support::{provider, wait_for};

/// The sample of a family about the provider `p`.
fn sample(daemon: &Daemon, family: &str) -> Option<String> {
    let start = format!("{family}{{provider=\"p\",");
    let text = daemon.get("/metrics").body;
    text.lines().find(|line| line.starts_with(&start)).map(str::to_owned)
}

const CREDENTIALS: &str =
    "credentials = { client_id = \"a-client\", client_secret = \"a-secret\" }\n";

#[test]
fn host_owner_and_links_are_labels_page_and_api() {
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"t","expires_in":3600}"#);
    let text = format!(
        "[defaults]\nowner = \"platform\"\n[providers.p]\nrecipe = \"oauth2-client-credentials\"\n\
         parameters.token_url = {:?}\n{CREDENTIALS}owner = \"A \\\"team\\\"\"\n\
         renew_url = \"https://console.example/keys?id=1\"\n\
         vendor_url = \"https://status.example\"\nlabels = {{ team = \"t\" }}\n",
        endpoint.url()
    );
    let flags = ["--web.external-url=https://watch.example/credwatch"];
    let daemon = Daemon::start_with(&text, &flags, &[]);
    daemon.wait_for_state("p", "healthy");
    let host = format!("127.0.0.1:{}", endpoint.port());
    let expected = format!(
        "credwatch_provider_info{{provider=\"p\",recipe=\"oauth2-client-credentials\",\
         api_host=\"{host}\",owner=\"A \\\"team\\\"\",\
         renew_url=\"https://console.example/keys?id=1\",vendor_url=\"https://status.example\",\
         team=\"t\"}} 1"
    );
    assert_eq!(sample(&daemon, "credwatch_provider_info"), Some(expected));
    let url = "credwatch_external_url_info{url=\"https://watch.example/credwatch/\"}";
    assert_eq!(daemon.sample(url), Some(1.0));
    let api: serde_json::Value =
        serde_json::from_str(&daemon.get("/api/v1/providers/p").body).expect("JSON");
    assert_eq!(
        [&api["api_host"], &api["owner"], &api["renew_url"], &api["vendor_url"]],
        [&*host, "A \"team\"", "https://console.example/keys?id=1", "https://status.example"]
    );
    let page = daemon.get("/providers/p").body;
    assert!(page.contains("A &quot;team&quot;"), "{page}");
    for link in ["https://console.example/keys?id=1", "https://status.example"] {
        assert!(page.contains(&format!("<a href=\"{link}\" rel=\"noreferrer")), "{page}");
    }
}

#[test]
fn the_host_is_that_of_the_token_request_with_an_unusual_port() {
    let oauth = |url: &str| {
        format!(
            "[providers.p]\nrecipe = \"oauth2-client-credentials\"\n\
             parameters.token_url = {url:?}\n{CREDENTIALS}"
        )
    };
    // Two calls; the main one has the last URL.
    let steps = |main: &str| {
        format!(
            "[recipes.r]\ncredentials = [\"key\"]\n[[recipes.r.steps]]\nname = \"first\"\n\
             request.url = \"https://first.example/\"\n[recipes.r.steps.response]\n\
             gives = {{ place = \"json.place\" }}\n\
             [recipes.r.request]\nurl = {main:?}\nheaders.X-Key = \"{{{{ key }}}}\"\n\
             [recipes.r.response]\ntoken = \"json.token\"\n\
             [providers.p]\nrecipe = \"r\"\ncredentials.key = \"k\"\n"
        )
    };
    for (text, host) in [
        (oauth("https://api.example/token"), Some("api.example")),
        (oauth("https://API.example:443/token"), Some("api.example")),
        (oauth("https://api.example:8443/token"), Some("api.example:8443")),
        (oauth("http://127.0.0.1:80/token"), Some("127.0.0.1")),
        (oauth("http://[::1]:8080/token"), Some("[::1]:8080")),
        (steps("https://main.example/{{ place }}"), Some("main.example")),
        (steps("{{ place }}"), Some("first.example")),
        (oauth("").replace("token_url = \"\"", METADATA), Some("login.example")),
    ] {
        assert_eq!(provider(&text).api_host.as_deref(), host, "{text}");
    }
}

/// With it, an answer tells where the token request goes.
const METADATA: &str = "metadata_url = \"https://login.example/.well-known/openid-configuration\"";

/// A provider that answers each request with the next of these errors and sentences, then with the
/// last one again and again.
fn telling(answers: &'static [(&'static str, &'static str)]) -> (Endpoint, Daemon) {
    let endpoint = Endpoint::serving(|mut stream, requests| {
        let request = read_request(&mut stream);
        let mut requests = requests.lock().expect("not poisoned");
        let (code, sentence) = answers[requests.len().min(answers.len() - 1)];
        requests.push(request);
        let body = format!(r#"{{"error":"{code}","error_description":"{sentence}"}}"#);
        let _ = std::io::Write::write_all(&mut stream, &http("401 X", "", body.as_bytes()));
    });
    let daemon = Daemon::start(&format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"100ms\"\n\
         confirm_after = \"100ms\"\nmax_backoff = \"100ms\"\nparameters.token_url = {:?}\n\
         {CREDENTIALS}",
        endpoint.url()
    ));
    (endpoint, daemon)
}

fn message(daemon: &Daemon) -> Option<String> {
    let line = sample(daemon, "credwatch_provider_failure_info")?;
    let (_, message) = line.split_once(",message=\"")?;
    Some(message.trim_end_matches("\"} 1").to_owned())
}

#[test]
fn the_sentence_of_a_failure_stays_while_class_reason_and_code_do() {
    let (endpoint, daemon) =
        telling(&[("invalid_client", "trace 1"), ("invalid_client", "trace 2")]);
    wait_for("three answers", || (endpoint.calls() >= 3).then_some(()));
    daemon.wait_for_state("p", "broken");
    assert_eq!(message(&daemon).as_deref(), Some("trace 1"));
    assert!(
        daemon.get("/api/v1/providers/p").body.contains("trace 2"),
        "the page has the last one"
    );
    assert_eq!(daemon.get("/metrics").body.matches("trace").count(), 1, "no other label has it");

    let (_endpoint, daemon) =
        telling(&[("invalid_client", "The key has ended."), ("locked", "The account is locked.")]);
    let second = "The account is locked.";
    wait_for(second, || (message(&daemon)? == second).then_some(()));
}

#[test]
fn a_secret_in_the_sentence_of_a_provider_is_hidden_in_the_label() {
    let (_endpoint, daemon) = telling(&[("invalid_client", "the secret a-secret is wrong")]);
    daemon.wait_for_state("p", "broken");
    assert_eq!(message(&daemon).as_deref(), Some("the secret [hidden] is wrong"));
}
