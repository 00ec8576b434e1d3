//! The ends of configured credentials: what answers tell about them, and what is kept of it.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use credwatch::outcome::{EndSource, Expiry, Outcome, Probe, Reason};
use credwatch::probe::Prober;

use super::support::daemon::Daemon;
use super::support::endpoint::{Endpoint, http, read_request};
use super::support::{provider, wait_for};

/// A provider of a static recipe with these rules and this second credential.
fn text(rules: &str, url: &str, key: &str) -> String {
    format!(
        "[recipes.r]\nkind = \"static\"\nparameters = {{ url = {{}} }}\ncredentials = [\"id\", \
         \"key\"]\nrequest.url = \"{{{{ url }}}}\"\n\
         request.headers.X-Key = \"{{{{ id ~ key }}}}\"\n\
         [recipes.r.response]\n{rules}\n[providers.p]\nrecipe = \"r\"\nconfirm_after = \"50ms\"\n\
         parameters.url = {url:?}\ncredentials.id = \"an-id-of-the-tests\"\ncredentials.key = \
         \"{key}\"\n"
    )
}

const RULES: &str = "credential_expiry = { value = \"json.end\", unit = \"date\" }\n\
                     credential_created = { value = \"json.born\", unit = \"date\" }";

/// One end for each credential.
const BOTH: &str = "credential_expiry = [{ value = \"json.first\", unit = \"date\", credential = \
                    \"id\" }, { value = \"json.end\", unit = \"date\" }]";

async fn probe(rules: &str, body: &str) -> Probe {
    let endpoint = Endpoint::json("200 OK", body);
    Prober::new().probe(&provider(&text(rules, &endpoint.url(), "a-key-of-the-tests"))).await
}

/// Answers with this body, and with 503 once the flag is set.
fn until(body: &'static str) -> (Endpoint, Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&down);
    let endpoint = Endpoint::serving(move |mut stream, requests| {
        let request = read_request(&mut stream);
        requests.lock().expect("not poisoned").push(request);
        let status = if flag.load(Ordering::Relaxed) { "503 X" } else { "200 OK" };
        let _ =
            stream.write_all(&http(status, "Content-Type: application/json\r\n", body.as_bytes()));
    });
    (endpoint, down)
}

fn end(daemon: &Daemon, credential: &str, source: &str) -> Option<f64> {
    daemon.sample(&format!(
        "credwatch_credential_expiry_timestamp_seconds{{provider=\"p\",credential=\"{credential}\",\
         source=\"{source}\"}}"
    ))
}

// date -u -d 2031-02-03 +%s, and the same of the other dates.
const FEBRUARY_2031: Option<f64> = Some(1_927_843_200.0);
const JANUARY_2032: Option<f64> = Some(1_956_528_000.0);

#[test]
fn a_reported_end_and_the_bands_of_a_provider_are_series_and_outlive_a_failure() {
    let (endpoint, down) = until(r#"{"end":"2031-02-03","born":"2030-01-01T00:00:00Z"}"#);
    let more = "secret_expires = 2032-01-01\ncredential_warning = \"10d\"\n\
                credential_critical = \"1d\"\ninterval = \"1s\"\n";
    let daemon = Daemon::start(&(text(RULES, &endpoint.url(), "k") + more));
    daemon.wait_for_state("p", "healthy");
    let check = || {
        assert_eq!(end(&daemon, "key", "reported"), FEBRUARY_2031);
        assert_eq!(end(&daemon, "", "declared"), JANUARY_2032);
        let never = "credwatch_credential_never_expires{provider=\"p\",credential=\"key\"}";
        assert_eq!(daemon.sample(never), Some(0.0));
        let api = daemon.get("/api/v1/providers/p").body;
        assert!(api.contains(r#""expires":"2031-02-03T00:00:00Z""#), "{api}");
        let page = daemon.get("/providers/p").body;
        assert!(page.contains("Credential expires"), "{page}");
    };
    check();
    let band = |word: &str| {
        daemon.sample(&format!("credwatch_credential_{word}_seconds{{provider=\"p\"}}"))
    };
    assert_eq!((band("warning"), band("critical")), (Some(864_000.0), Some(86_400.0)));
    down.store(true, Ordering::Relaxed);
    daemon.wait_for_state("p", "failing");
    check();
}

#[test]
fn a_reported_end_outlives_a_restart_until_the_configuration_changes() {
    let (endpoint, down) = until(r#"{"end":"2031-02-03","born":"2030-01-01T00:00:00Z"}"#);
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = text(RULES, &endpoint.url(), "k");
    std::fs::write(folder.path().join("credwatch.toml"), &configuration).expect("written");
    std::fs::create_dir(folder.path().join("state")).expect("made");
    let start = |folder: tempfile::TempDir| {
        let storage = format!("--storage.path={}", folder.path().join("state").display());
        Daemon::start_in(folder, &[&storage], &[])
    };
    let daemon = start(folder);
    daemon.wait_for_state("p", "healthy");
    let folder = daemon.stop();
    down.store(true, Ordering::Relaxed);
    let daemon = start(folder);
    daemon.wait_for_state("p", "failing");
    assert_eq!(end(&daemon, "key", "reported"), FEBRUARY_2031);
    let api = daemon.get("/api/v1/providers/p").body;
    assert!(api.contains(r#""created":"2030-01-01T00:00:00Z""#), "{api}");
    let folder = daemon.stop();
    let configuration = text(RULES, &endpoint.url(), "another");
    std::fs::write(folder.path().join("credwatch.toml"), configuration).expect("written");
    let daemon = start(folder);
    daemon.wait_for_state("p", "failing");
    assert_eq!(end(&daemon, "key", "reported"), None);
}

#[test]
fn the_end_of_an_inline_key_is_forgotten_when_a_reload_replaces_the_key() {
    let (endpoint, down) = until(r#"{"end":"2031-02-03"}"#);
    let daemon = Daemon::start(&text(RULES, &endpoint.url(), "k"));
    daemon.wait_for_state("p", "healthy");
    down.store(true, Ordering::Relaxed);
    daemon.configure(&(text(RULES, &endpoint.url(), "k") + "timeout = \"5s\"\n"));
    daemon.wait_for_state("p", "failing");
    assert_eq!(end(&daemon, "key", "reported"), FEBRUARY_2031, "the key is the same");
    daemon.configure(&text(RULES, &endpoint.url(), "another"));
    wait_for("the end to be forgotten", || end(&daemon, "key", "reported").is_none().then_some(()));
}

#[test]
fn a_declared_end_counts_while_only_the_end_of_another_credential_is_reported() {
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).to_string();
    let more = format!("secret_expires = {}\n", &soon[..10]);
    let endpoint = Endpoint::json("200 OK", r#"{"first":"2031-02-03","end":null}"#);
    let rules = BOTH.replace("json.end", "json.absent");
    let daemon = Daemon::start(&(text(&rules, &endpoint.url(), "k") + &more));
    daemon.wait_for_state("p", "healthy");
    assert_eq!(end(&daemon, "id", "reported"), FEBRUARY_2031);
    assert!(end(&daemon, "key", "declared").is_some(), "it is about the key");
    let page = daemon.get("/providers/p").body;
    assert!(page.contains("The client secret"), "{page}");
}

#[tokio::test]
async fn an_absent_end_means_never_only_in_an_answer_with_a_fine_status() {
    let rules = "alive = \"json.error == 'scope'\"\ncredential_expiry = { value = \"json.end\", \
                 unit = \"date\", absent = \"never\" }";
    for (status, body, expected) in [
        ("200 OK", r#"{"user":1}"#, vec![Expiry::Never]),
        ("403 Forbidden", r#"{"error":"scope"}"#, vec![]),
    ] {
        let endpoint = Endpoint::json(status, body);
        let text = text(rules, &endpoint.url(), "a-key-of-the-tests");
        let probe = Prober::new().probe(&provider(&text)).await;
        assert!(matches!(probe.outcome, Outcome::Accepted), "{status}");
        let ends: Vec<Expiry> = probe.ends.iter().map(|end| end.expiry).collect();
        assert_eq!(ends, expected, "{status}");
    }
}

#[tokio::test]
async fn an_answer_tells_the_end_of_each_credential_and_the_first_time_of_each_counts() {
    let at = |text: &str| Expiry::At(text.parse().expect("a time"));
    let fallback =
        format!("{}, {{ value = \"json.later\", unit = \"date\" }}]", &BOTH[..BOTH.len() - 1]);
    for (rules, body, expected) in [
        (
            BOTH,
            r#"{"first":"2031-02-03","end":"2032-01-01"}"#,
            vec![("id", at("2031-02-03T00:00:00Z")), ("key", at("2032-01-01T00:00:00Z"))],
        ),
        (BOTH, r#"{"first":0}"#, vec![("id", Expiry::Never)]),
        (BOTH, "{}", vec![]),
        (
            &fallback,
            r#"{"first":"2031-02-03","end":null,"later":"2032-01-01"}"#,
            vec![("id", at("2031-02-03T00:00:00Z")), ("key", at("2032-01-01T00:00:00Z"))],
        ),
    ] {
        let probe = probe(rules, body).await;
        let found: Vec<_> = probe.ends.iter().map(|end| (&*end.credential, end.expiry)).collect();
        assert_eq!(found, expected, "{body}");
        assert!(probe.ends.iter().all(|end| end.source == EndSource::Reported));
    }
}

#[tokio::test]
async fn a_later_answer_adds_to_what_an_earlier_one_tells_about_a_credential() {
    let endpoint = Endpoint::routing(&[
        ("GET /token/made", 200, r#"{"born":"2030-01-01"}"#),
        ("GET /token/self", 200, r#"{"end":"2031-02-03"}"#),
    ]);
    let rule = |member: &str| format!("{{ value = \"json.{member}\", unit = \"date\" }}");
    let text = text(&format!("credential_expiry = {}", rule("end")), &endpoint.url(), "k")
        .replace("{{ url }}", "{{ url }}/self")
        .replace(
            "[providers.p]",
            &format!(
                "[[recipes.r.steps]]\nname = \"made\"\nrequest = {{ method = \"GET\", url = \
                 \"{{{{ url }}}}/made\" }}\nresponse.credential_created = {}\n[providers.p]",
                rule("born")
            ),
        );
    let probe = Prober::new().probe(&provider(&text)).await;
    let [end] = probe.ends.as_slice() else { panic!("{:?}", probe.ends) };
    assert_eq!(end.expiry.time(), "2031-02-03T00:00:00Z".parse().ok());
    assert_eq!(end.created, "2030-01-01T00:00:00Z".parse().ok());
}

#[tokio::test]
async fn the_greatest_age_can_end_a_credential_before_its_own_end() {
    let rules = "credential_expiry = { value = \"json.end\", unit = \"date\", absent = \
                 \"never\" }\ncredential_created = { value = \"json.born\", unit = \"date\" }";
    let age = Some(std::time::Duration::from_secs(90 * 86_400));
    for (body, own, aged) in [
        (r#"{"born":"2030-01-01"}"#, "never", "2030-04-01T00:00:00Z"),
        (
            r#"{"born":"2030-01-01","end":"2030-02-01"}"#,
            "2030-02-01T00:00:00Z",
            "2030-02-01T00:00:00Z",
        ),
        (r#"{"end":null}"#, "never", "never"),
    ] {
        let probe = probe(rules, body).await;
        let end = &probe.ends[0];
        let words = |expiry| match expiry {
            Expiry::At(time) => time.to_string(),
            other => format!("{other:?}").to_lowercase(),
        };
        assert_eq!((&*end.credential, end.source), ("key", EndSource::Reported));
        let found = (words(end.with_max_age(None)), words(end.with_max_age(age)));
        assert_eq!(found, (own.to_owned(), aged.to_owned()), "{body}");
    }
    let unknown = "credential_expiry = { value = \"json.end\", unit = \"date\" }";
    assert!(probe(unknown, "{}").await.ends.is_empty());
    let bad = probe(unknown, r#"{"end":"soon"}"#).await.outcome;
    let Outcome::Failed(bad) = bad else { panic!("{bad:?}") };
    assert_eq!(
        (bad.reason, bad.code.as_str()),
        (Reason::Malformed, "credential_expiry_unreadable")
    );
}

/// A JSON Web Token with these claims.
fn key(claims: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2ln", part(r#"{"alg":"none"}"#), part(claims))
}

#[test]
fn the_end_in_a_key_itself_is_known_before_any_request_and_after_a_reload() {
    let endpoint = Endpoint::json("200 OK", "{}").that_must_not_be_called();
    let one = text("", &endpoint.url(), &key(r#"{"exp":1927843200}"#));
    let daemon = Daemon::start_with(&one, &["--probe.on-demand"], &[]);
    wait_for("the end", || (end(&daemon, "key", "jwt") == FEBRUARY_2031).then_some(()));
    assert!(daemon.get("/providers/p").body.contains("Credential expires"));
    daemon.configure(&text("", &endpoint.url(), &key(r#"{"exp":1956528000}"#)));
    wait_for("the end of the new key", || {
        (end(&daemon, "key", "jwt") == JANUARY_2032).then_some(())
    });
    assert_eq!(endpoint.calls(), 0);
}

#[test]
fn the_end_in_a_key_itself_is_known_without_an_accepted_request_and_check_prints_it() {
    use super::support::daemon::credwatch;

    let endpoint = Endpoint::json("401 Unauthorized", "{}");
    // The same dates as above.
    let daemon = Daemon::start(&text("", &endpoint.url(), &key(r#"{"exp":1927843200}"#)));
    daemon.wait_for_state("p", "broken");
    assert_eq!(end(&daemon, "key", "jwt"), FEBRUARY_2031);
    let page = daemon.get("/providers/p").body;
    assert!(page.contains("Credential expires"), "{page}");
    daemon.configure(&text("", &endpoint.url(), &key(r#"{"exp":1956528000}"#)));
    wait_for("the end of the new key", || {
        (end(&daemon, "key", "jwt") == JANUARY_2032).then_some(())
    });
    let old = key(r#"{"exp":1600000000}"#);
    for (key, status, said) in [
        (&*key(r#"{"exp":1927843200}"#), Some(0), "p: the credential `key` ends on 2031-02-03"),
        // date -u -d @1600000000
        (&old, Some(0), "warning: the provider `p`: the credential `key`: it ended on 2020-09-13"),
    ] {
        daemon.configure(&text("", &endpoint.url(), key));
        let run = credwatch()
            .arg("check")
            .arg(format!("--config.file={}", daemon.folder().join("credwatch.toml").display()))
            .output()
            .expect("it runs");
        let shown = [run.stdout, run.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        assert_eq!(run.status.code(), status, "{shown}");
        assert!(shown.contains(said) && !shown.contains(key), "{shown}");
    }
}
