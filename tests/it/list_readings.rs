//! How a list of credentials is read: names that are hidden, pages, and what `probe` and `check`
//! say about it.

use std::io::{Read as _, Write as _};
use std::process::Output;

use credwatch::outcome::{Outcome, Probe};
use credwatch::probe::Prober;
use serde_json::Value as Json;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Endpoint, http, read_request};
use super::support::provider;

const KEY: &str = "key-canary-4711-abcdef";

/// A provider whose recipe has these rules for its list, and these lines before them.
fn text(before: &str, rules: &str, endpoint: &Endpoint) -> String {
    format!(
        "[recipes.r]\nkind = \"static\"\nparameters = {{ url = {{}} }}\n\
         credentials = [\"token\"]\nrequest.url = \"{{{{ url }}}}/one\"\n\
         request.headers.X-Key = \"{{{{ token }}}}\"\n{before}\n\
         [recipes.r.response.list]\n{rules}\n[providers.p]\nrecipe = \"r\"\n\
         interval = \"1h\"\ntimeout = \"2s\"\nparameters.url = \"http://127.0.0.1:{}\"\n\
         credentials.token = \"{KEY}\"\n",
        endpoint.port()
    )
}

async fn probe(before: &str, rules: &str, endpoint: &Endpoint) -> Probe {
    Prober::new().probe(&provider(&text(before, rules, endpoint))).await
}

fn names(probe: &Probe) -> Vec<String> {
    assert_eq!(probe.outcome, Outcome::Accepted);
    let list = probe.list.as_deref().expect("a list").as_ref().expect("a whole list");
    list.rows.iter().map(|row| row.name.to_string()).collect()
}

async fn names_of(rules: &str, body: &str) -> Vec<String> {
    names(&probe("", rules, &Endpoint::json("200 OK", body)).await)
}

#[tokio::test]
async fn the_body_can_be_the_rows_only_if_it_is_an_array() {
    let rules = "rows = \"json if json is sequence else json.keys\"\nname = \"row.name\"";
    for body in [r#"[{"name":"a"}]"#, r#"{"keys":[{"name":"a"}]}"#] {
        assert_eq!(names_of(rules, body).await, ["a"], "{body}");
    }
}

/// Each evaluation costs the size of its row, so a row with 200 KiB of inner rows would use up the
/// budget.
#[tokio::test]
async fn large_inner_rows_are_read_however_the_rule_is_spelled() {
    let inner: Vec<String> =
        (0..190).map(|row| format!(r#"{{"name":"n{row}","x":"{}"}}"#, "y".repeat(1_000))).collect();
    let array = format!("[{}]", inner.join(","));
    for (each, body) in [
        ("row.keys", format!(r#"{{"rows":[{{"app":"a","keys":{array}}}]}}"#)),
        ("row['keys']", format!(r#"{{"rows":[{{"app":"a","keys":{array}}}]}}"#)),
        ("row.all.keys", format!(r#"{{"rows":[{{"app":"a","all":{{"keys":{array}}}}}]}}"#)),
        ("row.keys | default([])", format!(r#"{{"rows":[{{"app":"a","keys":{array}}}]}}"#)),
    ] {
        let rules = format!(
            "rows = \"json.rows\"\neach = \"{each}\"\nname = \"row.app ~ '/' ~ each.name\""
        );
        let names = names_of(&rules, &body).await;
        assert_eq!((names.len(), names[0].as_str()), (190, "a/n0"), "{each}");
    }
}

#[tokio::test]
async fn a_value_that_only_a_later_page_gives_is_hidden_in_its_names() {
    let one = r#"{"about":"red sun","rows":[{"name":"red sun"}],"next":"HERE/two"}"#;
    let two = r#"{"about":"blue moon","rows":[{"name":"blue moon"}]}"#;
    let routes = [("GET /one", 200, one), ("GET /two", 200, two), ("GET /bye", 200, "{}")];
    let before = "response.gives = { about = \"json.about\" }\n[[recipes.r.cleanup]]\n\
                  name = \"bye\"\nrequest.url = \"{{ url }}/bye?about={{ about }}\"";
    let rules = "rows = \"json.rows\"\nname = \"row.name\"\nnext = \"json.next\"";
    let names = names(&probe(before, rules, &Endpoint::routing(&routes)).await);
    assert_eq!(names, ["[hidden]", "[hidden] #2"]);
}

/// The rule of the recipe reference for a `Link` header (RFC 8288).
const LINK: &str = "rows = \"json\"\nname = \"row.name\"\nnext = '''\n\
    (http.headers.link | split('>; rel=\"next\"') | first | split('<') | last)\n\
    if 'rel=\"next\"' in http.headers.link'''";

/// An endpoint with three pages that a `Link` header joins.
fn linked() -> Endpoint {
    Endpoint::serving(|mut stream, requests| {
        let request = read_request(&mut stream);
        let page = |number: u8| format!("<http://{}/one?page={number}>", here(&stream));
        let (links, name) = if request.starts_with("GET /one?page=2 ") {
            (format!("{}; rel=\"prev\", {}; rel=\"next\"", page(1), page(3)), "b")
        } else if request.starts_with("GET /one?page=3 ") {
            (format!("{}; rel=\"prev\"", page(2)), "c")
        } else {
            (format!("{}; rel=\"next\", {}; rel=\"last\"", page(2), page(3)), "a")
        };
        requests.lock().expect("not poisoned").push(request);
        let body = format!(r#"[{{"name":"{name}"}}]"#);
        let _ = stream.write_all(&http("200 OK", &format!("Link: {links}\r\n"), body.as_bytes()));
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

fn here(stream: &std::net::TcpStream) -> std::net::SocketAddr {
    stream.local_addr().expect("an address")
}

#[tokio::test]
async fn a_link_header_leads_through_all_pages() {
    let endpoint = linked();
    assert_eq!(names(&probe("", LINK, &endpoint).await), ["a", "b", "c"]);
    assert_eq!(endpoint.calls(), 3);
}

#[test]
fn a_list_is_read_in_on_demand_mode_with_the_first_request_and_kept_for_the_next() {
    let endpoint = linked();
    let daemon = Daemon::start_with(&text("", LINK, &endpoint), &["--probe.on-demand"], &[]);
    assert_eq!(endpoint.calls(), 0);
    for _ in 0..3 {
        let body = daemon.get("/probe?provider=p").body;
        assert!(body.contains("credwatch_listed_credentials{provider=\"p\"} 3"), "{body}");
        assert!(body.contains("credwatch_listed_credentials_dropped{provider=\"p\"} 0"), "{body}");
    }
    assert_eq!(endpoint.calls(), 3);
    assert!(daemon.get("/providers/p").body.contains("Listed credentials"));
    let api: Json = serde_json::from_str(&daemon.get("/api/v1/providers/p").body).expect("JSON");
    assert_eq!(api["listed"]["credentials"][2]["name"], "c");
}

#[tokio::test]
async fn a_body_of_another_form_than_the_rows_is_no_success() {
    let rules = "rows = \"json.rows\"\nname = \"row.name\"";
    let endpoint = Endpoint::serving(|mut stream, _| {
        let _ = read_request(&mut stream);
        let _ = stream.write_all(&http("200 OK", "Content-Type: text/plain\r\n", b"hello there"));
    });
    let probe = probe("", rules, &endpoint).await;
    let Outcome::Failed(failure) = &probe.outcome else { panic!("it was accepted") };
    assert_eq!((failure.reason.word(), failure.code.as_str()), ("malformed", "not_json"));
}

fn run(arguments: &[&str], configuration: &str) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.toml");
    std::fs::write(&path, configuration).expect("written");
    let mut command = credwatch();
    let Output { stdout, stderr, .. } =
        command.args(arguments).arg("--config.file").arg(&path).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(stdout), text(stderr))
}

#[test]
fn probe_says_how_a_list_was_read_and_which_names_are_hidden() {
    let body = r#"{"rows":[{"id":1,"token_last_eight":"a1b2c3d4"},{"id":2,"off":true},
        {"id":3,"token_last_eight":"e5f6a7b8"}]}"#;
    let endpoint = Endpoint::json("200 OK", body);
    let rules = "rows = \"json.rows\"\nname = \"row.token_last_eight\"\nid = \"row.id\"\n\
                 keep = \"row.off != true\"";
    let text = text("", rules, &endpoint);
    let (shown, _) = run(&["probe", "p"], &text);
    for line in [
        "Listed 2 credentials, from 3 rows on 1 page",
        "  rows     json.rows",
        "  keep     row.off != true  → does not hold for 1 row",
        "  name     row.token_last_eight",
        "  but 2 texts of `row.token_last_eight` are hidden, because the name of that member says \
         that it is secret: choose another member for the name",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    assert!(!shown.contains("a1b2c3d4"), "{shown}");
    let (json, _) = run(&["probe", "--output=json", "p"], &text);
    let listed = &serde_json::from_str::<Json>(&json).expect("JSON")["listed"];
    assert_eq!(
        (&listed["rows"], &listed["not_kept"], &listed["pages"]),
        (&3.into(), &1.into(), &1.into())
    );
    assert_eq!(listed["hidden_names"][0]["names"], 2);
    let (_, warnings) = run(&["check"], &text);
    assert!(warnings.contains("`row.token_last_eight` names the listed credentials"), "{warnings}");
}
