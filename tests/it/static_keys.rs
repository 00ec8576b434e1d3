//! Static credentials: the configured credential is presented, and one read decides.

use credwatch::config::load_text;
use credwatch::outcome::{Outcome, Probe};
use credwatch::probe::Prober;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Endpoint, http};
use super::support::provider;

const KEY: &str = "key-canary-4711-abcdef";

/// A provider of a static recipe with these rules.
fn text(rules: &str, url: &str) -> String {
    format!(
        "[recipes.r]\nkind = \"static\"\nparameters = {{ url = {{}} }}\ncredentials = [\"token\"]\n\
         request.url = \"{{{{ url }}}}\"\nrequest.headers.X-Key = \"{{{{ token }}}}\"\n\
         [recipes.r.response]\n{rules}\n[providers.p]\nrecipe = \"r\"\n\
         parameters.url = {url:?}\ncredentials.token = \"{KEY}\"\n"
    )
}

async fn probe(rules: &str, status: u16, headers: &str, body: &str) -> Probe {
    let answer = http(&format!("{status} X"), headers, body.as_bytes());
    let endpoint = Endpoint::answering(answer);
    let probe = Prober::new().probe(&provider(&text(rules, &endpoint.url()))).await;
    let request = &endpoint.requests()[0];
    assert!(request.starts_with("GET /") && request.contains(KEY), "{request}");
    probe
}

/// The outcome in words: `accepted`, or reason and code.
async fn outcome(rules: &str, status: u16, headers: &str, body: &str) -> String {
    match probe(rules, status, headers, body).await.outcome {
        Outcome::Accepted => "accepted".into(),
        Outcome::Issued(_) => panic!("a token was issued"),
        Outcome::Failed(failure) => format!("{} {}", failure.reason.word(), failure.code),
    }
}

#[tokio::test]
async fn required_scopes_are_not_passed_when_the_scopes_cannot_be_read() {
    for (scopes, body, expected) in [
        ("json.s", r#"{"s":"read write"}"#, "accepted"),
        ("json.s", r#"{"s":["write","read"]}"#, "accepted"),
        ("[json.a, json.s]", r#"{"s":"read"}"#, "accepted"),
        ("[json.a, json.s]", r#"{"s":"write"}"#, "scope "),
        ("json.s", r#"{"s":""}"#, "scope "),
        ("json.s", r#"{"s":[{"handle":"read"}]}"#, "malformed scopes_unreadable"),
        ("json.s", r#"{"s":{"read":true}}"#, "malformed scopes_unreadable"),
        ("json.s", r#"{"s":7}"#, "malformed scopes_unreadable"),
        // Nothing is told.
        ("json.s", r#"{"s":null}"#, "accepted"),
        ("json.s", "{}", "accepted"),
    ] {
        let endpoint = Endpoint::answering(http("200 X", "", body.as_bytes()));
        let rules = format!("scopes = {scopes:?}");
        let text = text(&rules, &endpoint.url()) + "required_scopes = [\"read\"]\n";
        let outcome = match Prober::new().probe(&provider(&text)).await.outcome {
            Outcome::Failed(failure) => format!("{} {}", failure.reason.word(), failure.code),
            _ => "accepted".to_owned(),
        };
        assert_eq!(outcome, expected, "{scopes} of {body}");
    }
}

const HTML: &str = "Content-Type: Text/HTML; charset=utf-8\r\n";

#[tokio::test]
async fn a_success_is_a_2xx_that_is_no_page_and_not_dead() {
    let page = "<!DOCTYPE html><html>Sign In</html>";
    let dead = "dead = \"json.ok == false\"";
    for (rules, status, headers, body, expected) in [
        ("", 200, "", r#"{"login":"octocat"}"#, "accepted"),
        ("", 200, "", "pong", "accepted"),
        ("", 204, "", "", "accepted"),
        ("", 202, "", "", "accepted"),
        ("", 203, "Content-Type: text/html\r\n", page, "malformed html_page"),
        ("", 200, HTML, "<?xml version=\"1.0\"?><!DOCTYPE html><html/>", "malformed html_page"),
        ("", 200, HTML, "\n<!-- gateway --><html>Sign In</html>", "malformed html_page"),
        ("", 200, HTML, "<script>location='/login'</script>", "malformed html_page"),
        ("", 200, HTML, "{}", "accepted"),
        ("", 200, "", "<ok/>", "accepted"),
        ("format = \"any\"", 200, "", page, "accepted"),
        ("format = \"json\"", 200, "", "pong", "malformed not_json"),
        ("statuses = [200]", 204, "", "", "malformed http_204"),
        ("statuses = [400]", 400, "", "a digest is missing", "accepted"),
        (dead, 200, "", r#"{"ok":true}"#, "accepted"),
        (dead, 200, "", r#"{"ok":false,"error":"account_inactive"}"#, "rejected http_200"),
        (dead, 201, "", r#"{"ok":false}"#, "rejected http_201"),
        (dead, 200, "", page, "malformed not_json"),
        (dead, 200, "", "", "malformed body_empty"),
        ("dead = \"http.status == 203\"", 203, "", page, "rejected http_203"),
        ("dead = \"http.status == 204\"", 204, "", "", "rejected http_204"),
        ("dead = \"http.status == 302\"", 302, "Location: /login\r\n", "", "rejected http_302"),
        ("", 302, "Location: /login\r\n", "", "redirect http_302"),
        ("", 401, "", "", "rejected http_401"),
        ("", 404, "", "", "rejected http_404"),
        ("", 429, "", "", "throttled http_429"),
        (dead, 503, "", r#"{"ok":false}"#, "unavailable http_503"),
        // A code alone is no failure: APIs repeat codes of success, and states.
        ("code = \"json.code\"", 200, "", r#"{"code":"090001"}"#, "accepted"),
    ] {
        assert_eq!(
            outcome(rules, status, headers, body).await,
            expected,
            "{rules} {status} {body}"
        );
    }
}

#[tokio::test]
async fn a_refusal_that_is_alive_is_a_success_unless_another_rule_says_more() {
    let rules = "code = \"json.error\"\nalive = \"http.status == 403 or json.error == \
                 'missing_scope'\"\nsuspended = [\"account_closed\"]";
    for (status, body, expected) in [
        (403, r#"{"error":"forbidden"}"#, "accepted"),
        (401, r#"{"error":"missing_scope"}"#, "accepted"),
        (401, r#"{"error":"invalid_key"}"#, "rejected invalid_key"),
        (403, r#"{"error":"account_closed"}"#, "suspended account_closed"),
        (500, "", "unavailable http_500"),
    ] {
        assert_eq!(outcome(rules, status, "", body).await, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn an_account_that_is_suspended_says_so_with_status_200_too() {
    let rules = "suspended = \"json.status == 'suspended'\"\nblocked = [\"ip\"]\ncode = \
                 \"json.code\"";
    for (body, expected) in [
        (r#"{"status":"active"}"#, "accepted"),
        (r#"{"status":"suspended"}"#, "suspended http_200"),
        (r#"{"status":"active","code":"ip"}"#, "blocked ip"),
    ] {
        assert_eq!(outcome(rules, 200, "", body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_token_with_status_200_is_refused_when_it_is_dead() {
    for (body, issued) in [
        (r#"{"token":"a-token-of-the-tests","state":"on"}"#, true),
        (r#"{"token":"a-token-of-the-tests","state":"off"}"#, false),
    ] {
        let endpoint = Endpoint::json("200 OK", body);
        let text = format!(
            "[recipes.r]\nparameters = {{ url = {{}} }}\nrequest.url = \"{{{{ url }}}}\"\n\
             response = {{ token = \"json.token\", dead = \"json.state == 'off'\" }}\n\
             [providers.p]\nrecipe = \"r\"\nparameters.url = {:?}\n",
            endpoint.url()
        );
        let probe = Prober::new().probe(&provider(&text)).await;
        assert_eq!(matches!(probe.outcome, Outcome::Issued(_)), issued, "{:?}", probe.outcome);
    }
}

#[test]
fn keys_about_a_token_are_load_errors() {
    let with = |rules: &str| text(rules, "https://api.example");
    let faults = |text: &str| {
        let faults = load_text("c.toml", text).err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(faults(&with("")), "");
    for (rule, key) in [
        ("token = \"json.a\"", "response.token"),
        ("issued = \"json.ok\"", "response.issued"),
        ("expiry = { value = \"json.a\", unit = \"seconds\" }", "response.expiry"),
        ("never = \"json.ok\"", "response.never"),
    ] {
        let problem = format!("`{key}` is about a token, and `kind = \"static\"` issues none");
        assert!(faults(&with(rule)).contains(&problem), "{}", faults(&with(rule)));
    }
    let cached = with("").replace("kind = \"static\"", "kind = \"static\"\ntokens = \"cached\"");
    assert!(faults(&cached).contains("`tokens` is about a token"), "{}", faults(&cached));
    let provider = with("") + "min_lifetime = \"1m\"\n";
    assert!(faults(&provider).contains("`min_lifetime` is about a token"));
    let provider = with("") + "verify.call.request.url = \"https://api.example\"\n";
    assert!(faults(&provider).contains("nothing that `verify` can check"));
    let issued = with("alive = \"http.status == 403\"").replace("kind = \"static\"\n", "");
    assert!(faults(&issued).contains("`response.alive` needs `kind = \"static\"`"));
    // A condition must use the answer, and no secret.
    let problem = faults(&with("dead = \"false\""));
    assert!(problem.contains("this condition uses no value of the answer"), "{problem}");
    for rule in ["dead = \"json.a == token\"", "alive = \"token in json.a\""] {
        let problem = faults(&with(rule));
        assert!(problem.contains("this rule would show `token`, which is secret"), "{problem}");
    }
    assert_eq!(faults(&with("dead = \"not same(json.a, token)\"")), "");
}

#[test]
fn words_and_series_are_about_a_key() {
    let endpoint = Endpoint::json("200 OK", r#"{"login":"octocat"}"#);
    let daemon = Daemon::start(&text("", &endpoint.url()));
    daemon.wait_for_state("p", "healthy");
    assert_eq!(daemon.sample("credwatch_probe_success{provider=\"p\"}"), Some(1.0));
    let metrics = daemon.get("/metrics").body;
    assert!(!metrics.contains("credwatch_token_never_expires{"), "{metrics}");
    assert!(!metrics.lines().any(|line| line.starts_with("credwatch_token_")), "{metrics}");
    let api = daemon.get("/api/v1/providers/p").body;
    assert!(api.contains(r#""kind":"static""#) && api.contains(r#""token":null"#), "{api}");
    daemon.wait_for_log("key accepted");
    let page = daemon.get("/providers/p").body;
    assert!(page.contains("The key was accepted at the last probe"), "{page}");
    assert!(!page.to_lowercase().replace("for=\"p\"", "").contains("token"), "{page}");
}

#[test]
fn a_probe_shows_no_value_of_a_successful_answer_and_exits_with_success() {
    let other = "other-secret-of-the-account-77";
    let body = format!(
        r#"{{"sid":"AC1","auth_token":"{other}","name":"Acme","{other}":[{{"a":7}}],"k":"{KEY}"}}"#
    );
    let endpoint = Endpoint::json("200 OK", &body);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, text("", &endpoint.url())).expect("written");
    for output in ["text", "json"] {
        let run = credwatch()
            .args(["probe", "p", "--output", output, "--config.file"])
            .arg(&file)
            .output()
            .expect("it runs");
        let shown = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{shown}");
        for hidden in [other, KEY, "Acme", "AC1", "7}"] {
            assert!(!shown.contains(hidden), "{hidden} in {shown}");
        }
        let said = if output == "text" { "OK the key was accepted" } else { "\"accepted\": true" };
        assert!(
            shown.contains(said) && shown.contains("auth_token: [hidden] (a string)"),
            "{shown}"
        );
    }
}
