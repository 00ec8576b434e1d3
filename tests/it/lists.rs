//! Lists of credentials: rows, names, pages, limits, and what the daemon makes of them.

use std::time::{Duration, Instant};

use credwatch::config::load_text;
use credwatch::outcome::{Expiry, ListRead, Outcome, Probe};
use credwatch::probe::Prober;
use serde_json::Value as Json;

use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::{provider, wait_for};

const KEY: &str = "key-canary-4711-abcdef";

/// A provider whose recipe has these rules for its list.
fn text(rules: &str, url: &str) -> String {
    format!(
        "[recipes.r]\nkind = \"static\"\nparameters = {{ url = {{}} }}\ncredentials = [\"token\"]\n\
         request.url = \"{{{{ url }}}}/one\"\nrequest.headers.X-Key = \"{{{{ token }}}}\"\n\
         [recipes.r.response.list]\n{rules}\n[providers.p]\nrecipe = \"r\"\ninterval = \"100ms\"\n\
         timeout = \"2s\"\nparameters.url = {url:?}\ncredentials.token = \"{KEY}\"\n"
    )
}

const RULES: &str = "rows = \"json.rows\"\nname = \"row.name\"\nid = \"row.id\"\n\
                     expiry = { value = \"row.ends\", unit = \"date\" }\nnext = \"json.next\"";

fn base(endpoint: &Endpoint) -> String {
    format!("http://127.0.0.1:{}", endpoint.port())
}

async fn probe(rules: &str, endpoint: &Endpoint) -> Probe {
    Prober::new().probe(&provider(&text(rules, &base(endpoint)))).await
}

fn list(probe: &Probe) -> &ListRead {
    assert_eq!(probe.outcome, Outcome::Accepted);
    probe.list.as_deref().expect("the list was read")
}

/// The credentials of a complete list: each as `name end`.
fn lines(probe: &Probe) -> Vec<String> {
    let list = list(probe).as_ref().unwrap_or_else(|failure| panic!("{failure:?}"));
    let end = |expiry| match expiry {
        Expiry::At(end) => end.strftime("%Y-%m-%d").to_string(),
        Expiry::Never => "never".into(),
        Expiry::Unknown => "unknown".into(),
    };
    list.rows.iter().map(|row| format!("{} {}", row.name, end(row.expiry))).collect()
}

/// The code of a list that could not be read as a whole.
fn code(probe: &Probe) -> String {
    list(probe).as_ref().expect_err("a failure").code.to_string()
}

async fn lines_of(rules: &str, body: &str) -> Vec<String> {
    lines(&probe(rules, &Endpoint::json("200 OK", body)).await)
}

async fn code_of(rules: &str, body: &str) -> String {
    code(&probe(rules, &Endpoint::json("200 OK", body)).await)
}

#[tokio::test]
async fn each_row_is_a_credential_with_a_name_of_its_own() {
    let body = r#"{"rows":[
        {"name":"ci","id":1,"ends":"2031-01-01"},{"name":"ci","id":2,"ends":"2030-01-01"},
        {"name":"web","id":3,"ends":null},{"id":4},{"name":" ","ends":"2029-01-01"}]}"#;
    let expected = ["unnamed 2029-01-01", "ci (2) 2030-01-01", "ci (1) 2031-01-01"];
    let lines = lines_of(RULES, body).await;
    assert_eq!(lines[..3], expected);
    assert_eq!(lines[3..], ["web never", "4 unknown"]);
    for (body, expected) in [
        (r#"{"rows":null}"#, &[][..]),
        (r#"{"rows":[]}"#, &[]),
        (r#"{"rows":{"name":"one"}}"#, &["one unknown"]),
    ] {
        assert_eq!(lines_of(RULES, body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn inner_rows_of_several_arrays_are_credentials_and_a_condition_chooses_among_them() {
    let rules = "rows = \"json\"\neach = [\"row.secrets\", \"row.certificates\"]\n\
                 name = \"row.app ~ '/' ~ each.what\"\nkeep = \"each.revoked != true\"\n\
                 expiry = { value = \"each.ends\", unit = \"epoch\", absent = \"never\" }";
    let body = r#"[{"app":"a",
        "secrets":[{"what":"x","ends":1900000000},{"what":"y","revoked":true}],
        "certificates":[{"what":"z"}]},{"app":"b","certificates":null},{"app":"c"}]"#;
    assert_eq!(lines_of(rules, body).await, ["a/x 2030-03-17", "a/z never"]);
}

#[tokio::test]
async fn the_pages_of_a_list_are_read_from_the_same_host_only() {
    let two = r#"{"rows":[{"name":"b","ends":"2030-01-02"}],"next":"/three?page=3"}"#;
    let three = r#"{"rows":[{"name":"c","ends":"2030-01-03"}],"next":""}"#;
    let one = r#"{"rows":[{"name":"a","ends":"2030-01-01"}],"next":"HERE/two"}"#;
    let routes = [("GET /one", 200, one), ("GET /two", 200, two), ("GET /three", 200, three)];
    let endpoint = Endpoint::routing(&routes);
    let probe = probe(RULES, &endpoint).await;
    assert_eq!(lines(&probe), ["a 2030-01-01", "b 2030-01-02", "c 2030-01-03"]);
    let requests = endpoint.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[2].starts_with("GET /three?page=3 ") && requests[2].contains(KEY));

    let elsewhere = Endpoint::json("200 OK", "{}").that_must_not_be_called();
    for next in [
        format!("{}/two", elsewhere.url()),
        format!("//127.0.0.1:{}/two", elsewhere.port()),
        "https://127.0.0.1/two".into(),
        "http://user:password@127.0.0.1/two".into(),
        "ftp://127.0.0.1/two".into(),
    ] {
        let body = format!(r#"{{"rows":[{{"name":"a"}}],"next":"{next}"}}"#);
        assert_eq!(code_of(RULES, &body).await, "list_next_elsewhere", "{next}");
    }
    assert_eq!(elsewhere.calls(), 0);
    let with_user =
        Endpoint::routing(&[("GET /one", 200, r#"{"rows":[],"next":"HERE/one?x","user":1}"#)]);
    assert_eq!(code(&self::probe(RULES, &with_user).await), "list_page_repeated");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_as_a_whole_is_no_list_and_blames_no_credential() {
    for (status, body, expected) in [
        (503, "{}", "http_503"),
        (401, r#"{"error":"revoked"}"#, "http_401"),
        (302, "{}", "http_302"),
        (200, r#"{"rows":[{"name":"b","ends":"soon"}]}"#, "list_unreadable"),
        (200, r#"{"rows":"none"}"#, "list_missing"),
        (200, "not json", "not_json"),
        (200, r#"{"rows":[],"next":7}"#, "list_unreadable"),
    ] {
        let one = r#"{"rows":[{"name":"a","ends":"2030-01-01"}],"next":"HERE/two"}"#;
        let endpoint = Endpoint::routing(&[("GET /one", 200, one), ("GET /two", status, body)]);
        assert_eq!(code(&probe(RULES, &endpoint).await), expected, "{status} {body}");
    }
    // The main answer decides: here it refuses.
    let endpoint = Endpoint::json("403 Forbidden", r#"{"rows":[]}"#);
    let probe = probe(RULES, &endpoint).await;
    assert!(matches!(probe.outcome, Outcome::Failed(_)) && probe.list.is_none());
    // A page that hangs has a deadline of its own.
    let one = r#"{"rows":[],"next":"HERE/two"}"#;
    let endpoint = Endpoint::routing(&[("GET /one", 200, one), ("GET /two", 0, "")]);
    let probe = self::probe(RULES, &endpoint).await;
    let failure = list(&probe).as_ref().expect_err("a failure");
    assert_eq!(failure.reason.word(), "timeout");
}

#[tokio::test]
async fn rows_and_pages_have_limits_and_what_they_leave_out_is_counted() {
    let rows: Vec<String> = (0..300)
        .map(|row| format!(r#"{{"name":"n{row}","ends":{}}}"#, 1_900_000_000 - row))
        .collect();
    let body = format!(r#"{{"rows":[{}]}}"#, rows.join(","));
    let rules = RULES.replace("date", "epoch");
    let probe = probe(&rules, &Endpoint::json("200 OK", &body)).await;
    let read = list(&probe).as_ref().expect("a list");
    assert_eq!((read.rows.len(), read.dropped), (200, 100));
    // Those that end first are kept.
    assert_eq!((&*read.rows[0].name, &*read.rows[199].name), ("n299", "n100"));

    let numbers = |count: usize| format!(r#"{{"rows":[{}1]}}"#, "1,".repeat(count - 1));
    let begun = Instant::now();
    let rules = "rows = \"json.rows\"\nname = \"row\"";
    let probe = self::probe(rules, &Endpoint::json("200 OK", &numbers(40_000))).await;
    let read = list(&probe).as_ref().expect("a list");
    assert_eq!((read.rows.len(), read.dropped), (200, 39_800));
    assert_eq!(code_of(rules, &numbers(100_000)).await, "list_missing");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());

    let one = r#"{"rows":[{"name":"a"}],"next":"HERE/two"}"#;
    let two = r#"{"rows":[{"name":"b"}],"next":"HERE/three"}"#;
    let endpoint = Endpoint::routing(&[("GET /one", 200, one), ("GET /two", 200, two)]);
    let probe = self::probe(&format!("{RULES}\nmax_pages = 2"), &endpoint).await;
    let read = list(&probe).as_ref().expect("a list");
    assert_eq!((read.rows.len(), read.dropped, endpoint.calls()), (2, 1, 2));
}

#[tokio::test]
async fn no_name_shows_a_secret() {
    let body = format!(
        r#"{{"rows":[{{"name":"of {KEY}","token":"tok-0123456789abcdef","key":"{KEY}",
        "note":"see tok-0123456789abcdef","keyId":"9cefcbbc-4b1a-43a1-adaf-3a886856ed98"}}]}}"#
    );
    for (name, expected) in [
        ("row.name", "[hidden] unknown"),
        ("row.token", "unnamed unknown"),
        ("row.note", "[hidden] unknown"),
        ("row.key", "unnamed unknown"),
        ("row.name[3:10]", "[hidden] unknown"),
        ("row.name | split(' ') | last", "[hidden] unknown"),
        ("row.keyId", "9cefcbbc-4b1a-43a1-adaf-3a886856ed98 unknown"),
    ] {
        let rules = format!("rows = \"json.rows\"\nname = \"{name}\"");
        assert_eq!(lines_of(&rules, &body).await, [expected], "{name}");
    }
    let other = format!(r#"{{"rows":[{{"name":"of {KEY}"}}]}}"#);
    let rules = "rows = \"json.rows\"\nname = \"row.name\"";
    assert_eq!(lines_of(rules, &other).await, ["of [hidden] unknown"]);
    // Only the secret itself counts of an array that has one.
    let keys = r#"{"rows":[{"name":"build-1","api_keys":["","1","k3y-9a8b7c6d5e4f"]}]}"#;
    assert_eq!(lines_of(rules, keys).await, ["build-1 unknown"]);
    // The condition may compare a whole secret.
    let rules = "rows = \"json.rows\"\nname = \"row.keyId\"\nkeep = \"same(row.key, token)\"";
    assert_eq!(lines_of(rules, &body).await.len(), 1);
    let rules = "rows = \"json.rows\"\nname = \"row.keyId\"\nkeep = \"same(row.note, token)\"";
    assert_eq!(lines_of(rules, &body).await.len(), 0);
}

#[test]
fn mistakes_in_a_list_are_found_when_the_file_is_loaded() {
    for (rules, expected) in [
        ("name = \"row.name\"", "the list has no `rows`"),
        ("rows = \"json\"", "the list has neither `name` nor `id`"),
        (
            "rows = \"json\"\nname = \"row.name\"\nid = \"json.meta.client_secret\"",
            "the name of a credential must not use `json`",
        ),
        (
            "rows = \"json\"\nname = \"row.name\"\n\
             created = { value = \"row.made\", unit = \"date\", absent = \"never\" }",
            "unknown key `absent`",
        ),
        ("rows = \"url\"\nname = \"row\"", "this rule uses no value of the answer"),
        ("rows = \"json\"\nname = \"token\"", "this rule would show `token`, which is secret"),
        (
            "rows = \"json\"\nname = \"row.x\"\nkeep = \"row.x == token\"",
            "this rule would show `token`, which is secret",
        ),
        ("rows = \"json\"\nname = \"each.x\"", "unknown name"),
        ("rows = \"row\"\nname = \"row.x\"", "unknown name"),
        ("rows = \"json\"\nname = \"row\"\nmost = 0", "`list.most` is a number from 1 to 1000"),
        (
            "rows = \"json\"\nname = \"row\"\nmax_pages = 101",
            "`list.max_pages` is a number from 1 to 100",
        ),
        (
            "rows = \"json\"\nname = \"row\"\ninterval = \"8d\"",
            "`list.interval` is a time from `1s` to `7d`",
        ),
    ] {
        let faults = load_text("c", &text(rules, "http://127.0.0.1")).err().expect(rules);
        assert!(faults.iter().any(|fault| fault.message.to_string() == expected), "{}", faults[0]);
    }
    let issued = "[recipes.r]\nrequest.url = \"https://a.example\"\nresponse.token = \"json.t\"\n\
                  response.list = { rows = \"json.rows\", name = \"row.name\" }\n";
    let faults = load_text("c", issued).err().expect("a fault");
    assert_eq!(faults[0].message.to_string(), "`response.list` needs `kind = \"static\"`");
}

const NAMED: &str = "credwatch_listed_credential_expiry_timestamp_seconds";

/// Starts a daemon that keeps its state.
fn start(folder: tempfile::TempDir) -> Daemon {
    let state = folder.path().join("state");
    let _ = std::fs::create_dir(&state);
    Daemon::start_in(folder, &[&format!("--storage.path={}", state.display())], &[])
}

#[test]
fn the_daemon_reads_a_list_at_its_interval_and_keeps_the_last_complete_one() {
    let two = r#"{"rows":[{"name":"b"},{"name":"old","id":1,"ends":"2020-01-01"},
        {"name":"old","id":2,"ends":"2030-01-02"}]}"#;
    let one = r#"{"rows":[{"name":"a","ends":"2030-01-01"}],"next":"HERE/two"}"#;
    let fine = Endpoint::routing(&[("GET /one", 200, one), ("GET /two", 200, two)]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("credwatch.toml"), text(RULES, &base(&fine)))
        .expect("written");
    let daemon = start(folder);
    daemon.wait_for_state("p", "healthy");
    let sample = |daemon: &Daemon, name: &str| daemon.sample(name);
    let end =
        wait_for("the list", || sample(&daemon, &format!("{NAMED}{{provider=\"p\",name=\"a\"}}")));
    assert!((end - 1_893_456_000.0).abs() < 0.1, "2030-01-01, not {end}");
    let replaced = "credwatch_listed_credential_replaced{provider=\"p\",name=\"old (1)\"}";
    for (name, value) in [
        ("credwatch_listed_credentials{provider=\"p\"}", 4.0),
        ("credwatch_listed_credentials_dropped{provider=\"p\"}", 0.0),
        ("credwatch_listed_credentials_interval_seconds{provider=\"p\"}", 3600.0),
        (replaced, 1.0),
    ] {
        assert_eq!(daemon.sample(name), Some(value), "{name}");
    }
    let page = daemon.get("/providers/p").body;
    assert!(page.contains("Listed credentials") && page.contains("old (1)"), "{page}");
    let api: Json = serde_json::from_str(&daemon.get("/api/v1/providers/p").body).expect("JSON");
    let listed = &api["listed"];
    assert_eq!(listed["credentials"][0]["name"], "old (1)");
    assert_eq!(listed["credentials"][0]["replaced"], true);
    assert_eq!((&listed["failure"], &listed["dropped"]), (&Json::Null, &0.into()));
    // The other probes make only the main request.
    wait_for("more probes", || (fine.calls() > 6).then_some(()));
    let pages = fine.requests().iter().filter(|request| request.starts_with("GET /two")).count();
    assert_eq!(pages, 1);

    let folder = daemon.stop();
    let kept = std::fs::read(folder.path().join("state/state.redb")).expect("saved");
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("old (1)") && !kept.contains(KEY), "{kept}");
    let daemon = start(folder);
    daemon.wait_for_state("p", "healthy");
    assert_eq!(daemon.sample(replaced), Some(1.0), "it is kept over a restart");
    let pages = fine.requests().iter().filter(|request| request.starts_with("GET /two")).count();
    assert_eq!(pages, 1, "the list is not due");
}

#[test]
fn a_list_that_fails_keeps_the_rows_and_says_what_is_wrong() {
    let switch = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let broken = std::sync::Arc::clone(&switch);
    let endpoint = Endpoint::serving(move |mut stream, requests| {
        use std::io::{Read, Write};
        let request = super::support::endpoint::read_request(&mut stream);
        let is_broken = broken.load(std::sync::atomic::Ordering::Relaxed);
        let status = if is_broken && request.starts_with("GET /two") { 500 } else { 200 };
        let body = if request.starts_with("GET /two") {
            r#"{"rows":[{"name":"b","ends":"2030-01-02"}]}"#
        } else {
            r#"{"rows":[{"name":"a","ends":"2030-01-01"}],"next":"/two"}"#
        };
        requests.lock().expect("not poisoned").push(request);
        let answer = super::support::endpoint::http(&format!("{status} X"), "", body.as_bytes());
        let _ = stream.write_all(&answer);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let daemon = Daemon::start(&text(&format!("{RULES}\ninterval = \"1s\""), &base(&endpoint)));
    let named = format!("{NAMED}{{provider=\"p\",name=\"b\"}}");
    wait_for("the list", || daemon.sample(&named));
    switch.store(true, std::sync::atomic::Ordering::Relaxed);
    let failure = wait_for("the failure", || {
        let api: Json = serde_json::from_str(&daemon.get("/api/v1/providers/p").body).ok()?;
        let failure = &api["listed"]["failure"];
        failure.is_object().then(|| failure.clone())
    });
    assert_eq!((&failure["code"], &failure["reason"]), (&"http_500".into(), &"unavailable".into()));
    assert!(daemon.sample(&named).is_some(), "no row is dropped");
    assert!(daemon.get("/providers/p").body.contains("The last read of the list failed"));
    daemon.wait_for_state("p", "healthy");
    switch.store(false, std::sync::atomic::Ordering::Relaxed);
    wait_for("the next list", || {
        let api: Json = serde_json::from_str(&daemon.get("/api/v1/providers/p").body).ok()?;
        api["listed"]["failure"].is_null().then_some(())
    });
}
