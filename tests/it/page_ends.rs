//! The page of ends and the links to other tools, as the server sends them.

use super::support::daemon::Daemon;
use super::support::endpoint::Endpoint;
use super::support::wait_for;

/// A provider whose key lists three credentials, and one with a declared end and an owner.
fn text(url: &str) -> String {
    format!(
        "[web.links]\nboard = \"https://board.example/d/x?var-provider={{provider}}\"\n\
         alertmanager = \"https://alerts.example/am/\"\n\
         runbooks = \"https://wiki.example/credwatch\"\n\
         [recipes.r]\nkind = \"static\"\nparameters = {{ url = {{}} }}\ncredentials = [\"token\"]\n\
         request.url = \"{{{{ url }}}}\"\nrequest.headers.X-Key = \"{{{{ token }}}}\"\n\
         [recipes.r.response.list]\nrows = \"json.rows\"\nname = \"row.name\"\n\
         expiry = {{ value = \"row.ends\", unit = \"date\" }}\n\
         [providers.lists]\nrecipe = \"r\"\ninterval = \"1h\"\nparameters.url = {url:?}\n\
         credentials.token = \"key-canary-4711-abcdef\"\n\
         [providers.\"a & b\"]\nrecipe = \"r\"\ninterval = \"1h\"\nparameters.url = {url:?}\n\
         credentials.token = \"key-canary-4711-abcdef\"\nsecret_expires = 2020-01-31\n\
         owner = \"billing <team>\"\nrenew_url = \"https://console.example/keys\"\n\
         enabled = false\n"
    )
}

const BODY: &str = r#"{"rows":[{"name":"<b>ci</b>","ends":"2031-01-01"},
    {"name":"key-canary-4711-abcdef","ends":"2021-05-05"},{"name":"old","ends":null}]}"#;

#[test]
fn ends_of_all_sources_stand_on_one_page_with_owner_and_link() {
    let endpoint = Endpoint::json("200 OK", BODY);
    let daemon = Daemon::start(&text(&endpoint.url()));
    daemon.wait_for_state("lists", "healthy");
    let page = wait_for("the list", || {
        Some(daemon.get("/ends").body).filter(|page| page.contains("&lt;b&gt;ci&lt;/b&gt;"))
    });
    for part in [
        "<title>2 ended · Ends · credwatch</title>",
        "datetime=\"2020-01-31T00:00:00Z\"",
        "datetime=\"2031-01-01T00:00:00Z\"",
        "href=\"providers/a%20%26%20b\"",
        "billing &lt;team&gt;",
        "href=\"ends?owner=billing+%3Cteam%3E\"",
        "href=\"https://console.example/keys\" rel=\"noreferrer noopener\"",
        "paused",
        "href=\"ends?source=list\"",
        "href=\"ends?band=ended\"",
        "Not shown: 1 credential that never ends, and 1 whose end is not known.",
        "href=\"./ends\" aria-current=\"page\"",
    ] {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    assert!(!page.contains("key-canary"), "names have passed the redactor: {page}");
    let rows = |path: &str| daemon.get(path).body.matches("<tr role=\"row\" class=\"row").count();
    assert_eq!(
        ["/ends", "/ends?band=later", "/ends?source=declared", "/ends?owner=billing+%3Cteam%3E"]
            .map(rows),
        [3, 1, 1, 1]
    );
    assert_eq!(rows("/ends?q=CI"), 1);
    let list = daemon.get("/?state=ended").body;
    let told =
        "title=\"A credential in its list ended 2021-05-05 00:00:00 UTC\">in its list: one ended";
    assert!(list.contains(told), "the list agrees with the alerts: {list}");
    let provider = daemon.get("/providers/lists").body;
    for part in [
        "<a href=\"#listed\">In its list: 1 ended</a>",
        "<section class=\"listed\" id=\"listed\">",
        // The state of an end has a shape and a word.
        "</svg>ended</span> <time datetime=\"2021-05-05T00:00:00Z\"",
    ] {
        assert!(provider.contains(part), "{part:?} in {provider}");
    }
    assert!(!provider.contains("Created"), "the list tells no time of creation: {provider}");
    let wrong = daemon.get("/ends?state=broken");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("Ends have no filter “state”"), "{}", wrong.body);
}

#[test]
fn pages_link_to_boards_silences_and_runbooks() {
    let endpoint = Endpoint::json("401 X", r#"{"error":"no"}"#);
    let text = text(&endpoint.url()).replace("enabled = false\n", "confirm_after = \"100ms\"\n");
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("a & b", "broken");
    let board = "href=\"https://board.example/d/x?var-provider=a%20%26%20b\" rel=\"noreferrer";
    let silence = "href=\"https://alerts.example/am/#/silences/new?filter=%7Bprovider%3D%22a%20%26\
                   %20b%22%7D\" rel=\"noreferrer";
    for path in ["/", "/providers/a%20%26%20b"] {
        let page = daemon.get(path).body;
        assert!(page.contains(board), "{path}: {page}");
        assert!(page.contains(silence), "{path}: {page}");
    }
    let page = daemon.get("/providers/a%20%26%20b").body;
    assert!(page.contains("href=\"https://wiki.example/credwatch#rejected\""), "{page}");
    // A reload changes the links.
    let file = daemon.folder().join("credwatch.toml");
    std::fs::write(file, text.replace("board.example", "other.example")).expect("written");
    wait_for("the new link", || {
        daemon.get("/").body.contains("https://other.example/d/x?").then_some(())
    });
}
