//! The web pages as the server sends them: addresses, headers and required texts. `browser` tests
//! how they behave in a browser.

use std::io::Read;

use super::support::daemon::{Answer, Daemon};
use super::support::endpoint::Endpoint;
use super::support::fakes::Fakes;
use super::support::{repository, wait_for};

const QUICK: &str = "[defaults]\ninterval = \"200ms\"\nconfirm_after = \"100ms\"\ntimeout = \
                     \"2s\"\nmax_backoff = \"400ms\"\n";

/// A daemon with a provider that is broken, one that is healthy, and one whose next credential is
/// broken.
fn daemon() -> (Fakes, Daemon) {
    let fakes = Fakes::start();
    let next = "credentials_next.app_key = \"a-wrong-one\"";
    let text = format!(
        "{QUICK}{}{}{}",
        fakes.provider("sms-cx", "labels = { team = \"ops\", env = \"prod\" }"),
        fakes.provider("enkash", "labels = { team = \"pay\", env = \"prod\" }"),
        fakes.provider("enablex-rcs", next)
    );
    let daemon = Daemon::start(&text);
    for api in fakes
        .fake
        .token_apis()
        .into_iter()
        .filter(|api| text.contains(&format!("[providers.{api}]")))
    {
        daemon.wait_for_state(api, "healthy");
    }
    fakes.fake.revoke("enkash", true);
    daemon.wait_for_state("enkash", "broken");
    wait_for("the next credential to be broken", || {
        daemon.get("/?state=next-broken").body.contains("data-key=\"enablex-rcs\"").then_some(())
    });
    (fakes, daemon)
}

/// The names in the rows, in their order.
fn rows(answer: &Answer) -> Vec<String> {
    let rows = answer.body.split("<tr role=\"row\" class=").skip(1);
    rows.filter_map(|row| Some(row.split_once("data-key=\"")?.1.split_once('"')?.0.to_owned()))
        .collect()
}

#[track_caller]
fn assert_shows(answer: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(answer.body.contains(part), "{part:?} in {}", answer.body);
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| {
        line.split_once(": ")
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

#[test]
fn the_overview_shows_urgent_providers_first_and_filters_by_its_address() {
    let (_fakes, daemon) = daemon();
    let all = daemon.get("/");
    assert_eq!(
        (all.status, rows(&all)),
        (200, vec!["enkash".into(), "enablex-rcs".into(), "sms-cx".into()])
    );
    assert_shows(
        &all,
        &[
            "<title>1 refused · credwatch</title>",
            "data-summary=\"1 credential is refused.\"",
            "href=\"./?kind=refused\"",
            "Refused, or its tokens are unusable <b>1</b>",
            "Bad client credentials",
            "href=\"./reasons#rejected\"",
            "Begin with <a href=\"providers/enkash\">",
            "Did the secret expire, or was it rotated or revoked?",
            "Next credential is refused <b>1</b>",
            "next credential refused: ",
            "http-equiv=\"refresh\"",
            "./assets/trouble.svg",
        ],
    );
    for (path, expected) in [
        ("/?state=broken", vec!["enkash"]),
        ("/?state=healthy", vec!["enablex-rcs", "sms-cx"]),
        ("/?state=next-broken", vec!["enablex-rcs"]),
        ("/?q=INVALID_CLIENT", vec!["enkash"]),
        ("/?label=env%3Dprod", vec!["enkash", "sms-cx"]),
        ("/?label=env%3Dprod&label=team%3Dops", vec!["sms-cx"]),
        ("/?label=env%3Dprod&q=rcs", vec![]),
        ("/?page=7", vec!["enkash", "enablex-rcs", "sms-cx"]),
        ("/?kind=refused", vec!["enkash"]),
        ("/?kind=unreached", vec![]),
        ("/?failure=rejected/invalid_client", vec!["enkash"]),
        ("/?sort=-name", vec!["sms-cx", "enkash", "enablex-rcs"]),
    ] {
        assert_eq!(rows(&daemon.get(path)), expected, "{path}");
    }
    let wrong = daemon.get("/?state=%3Cb%3E");
    assert_eq!(wrong.status, 400);
    assert_shows(&wrong, &["There is no state “&lt;b&gt;”; expected one of broken, failing"]);
    for query in ["kind=broken", "failure=refused", "sort=urgent", "group=x"] {
        assert_eq!(daemon.get(&format!("/?{query}")).status, 400, "{query}");
    }
}

#[test]
fn groups_replace_rows_and_lead_to_them() {
    let (_fakes, daemon) = daemon();
    let causes = daemon.get("/?group=failure");
    assert_shows(
        &causes,
        &["<table class=\"groups\"", "href=\"./?failure=rejected%2Finvalid_client\"", "no failure"],
    );
    assert_eq!(rows(&causes).len(), 0);
    let teams = daemon.get("/?group=team&label=env%3Dprod").body;
    let (pay, ops) = ("label=team%3Dpay\"", "label=team%3Dops\"");
    assert!(teams.find(pay).expect("pay") < teams.find(ops).expect("ops"), "failing ones first");
    assert_shows(&daemon.get("/?group=label:team"), &["no <bdi>team</bdi>"]);
}

#[test]
fn the_headline_is_that_of_the_filter() {
    let (_fakes, daemon) = daemon();
    let headline = |path: &str| {
        let page = daemon.get(path).body;
        page.split_once("<h1>")
            .expect("a headline")
            .1
            .split_once("</h1>")
            .expect("its end")
            .0
            .to_owned()
    };
    assert!(headline("/?state=healthy").ends_with("2 healthy"));
    assert_eq!(headline("/?q=zzz%3Cb%3E"), "No provider matches “zzz&lt;b&gt;”");
    assert!(headline("/?label=team%3Dpay").contains("<b>1</b> refused"));
    assert!(headline("/?label=team%3Dops").ends_with("All 1 healthy."));
    let other = daemon.get("/?label=team%3Dops");
    assert_shows(&other, &["1 of 3. Elsewhere 1 broken.", "<title>team=ops · credwatch</title>"]);
    assert!(!other.body.contains("Begin with"), "nothing selected fails");
    assert_shows(&other, &["./assets/trouble.svg"]);
}

#[test]
fn the_page_of_a_provider_says_what_is_wrong_and_what_to_do() {
    let (_fakes, daemon) = daemon();
    let file = daemon.folder().join("credwatch.toml").display().to_string();
    let page = daemon.get("/providers/enkash");
    assert_eq!(page.status, 200);
    assert_shows(
        &page,
        &[
            "<title>enkash is broken · credwatch</title>",
            "href=\"../reasons#rejected\"",
            "invalid_client",
            "Bad client credentials",
            &format!("{} probe --config.file={file} enkash", env!("CARGO_BIN_EXE_credwatch")),
            "Next step",
            "Look up the code in the provider's documentation",
            "HTTP 401",
            "processing",
            "Runway",
            "of 1d",
            "Applications with older tokens fail earlier.",
            "How the last failed answer was read",
            "json.error_description",
            "Last failures",
            "href=\"../?label=team%3Dpay\"",
            "href=\"../healthz?provider=enkash\"",
            "../assets/page.css",
        ],
    );
    assert_shows(
        &daemon.get("/providers/enablex-rcs"),
        &["Next credential", &format!("--config.file={file} --next enablex-rcs"), "1003"],
    );
    let next = daemon.get("/providers/enablex-rcs").body;
    let place = |part: &str| next.find(part).unwrap_or_else(|| panic!("{part} in {next}"));
    let order = ["href=\"#next\"", "id=\"next\"", "<h2>Details</h2>"].map(place);
    assert!(order.is_sorted(), "a broken next credential comes before details: {order:?}");
    let healthy = daemon.get("/providers/sms-cx");
    assert_shows(
        &healthy,
        &["The last probe got a token", "which never expires", "../assets/fine.svg"],
    );
    assert!(!healthy.body.contains("Runway"), "a healthy provider shows no runway");
    let nobody = daemon.get("/providers/nobody%3Cb%3E");
    assert_eq!(nobody.status, 404);
    assert_shows(&nobody, &["There is no provider with this name", "“nobody&lt;b&gt;”"]);
}

#[test]
fn every_provider_name_has_its_own_page() {
    let fakes = Fakes::start();
    let one = fakes.provider("sms-cx", "");
    let text: String = ["a/b", "..", "Zürich 東京", "50%", "<b>"]
        .iter()
        .map(|name| one.replace("[providers.sms-cx]", &format!("[providers.{name:?}]")))
        .collect();
    let daemon = Daemon::start(&text);
    let overview = daemon.get("/").body;
    for (path, name) in [
        ("providers/a%2Fb", "a/b"),
        ("providers?name=..", ".."),
        ("providers/Z%C3%BCrich%20%E6%9D%B1%E4%BA%AC", "Zürich 東京"),
        ("providers/50%25", "50%"),
        ("providers/%3Cb%3E", "&lt;b&gt;"),
    ] {
        assert!(overview.contains(&format!("href=\"{path}\"")), "{path}");
        let page = daemon.get(&format!("/{path}"));
        assert_eq!(page.status, 200, "{path}");
        assert_shows(&page, &[&format!("<h1><bdi>{name}</bdi></h1>")]);
    }
}

#[test]
fn pages_have_a_strict_policy_and_are_not_cached_but_assets_are_revalidated() {
    let (_fakes, daemon) = daemon();
    for path in ["/", "/providers/enkash", "/reasons", "/providers/nobody", "/?state=x"] {
        let answer = daemon.get(path);
        let policy = header(&answer, "content-security-policy").expect(path);
        for part in [
            "default-src 'none'", "script-src 'self'", "style-src 'self'",
            "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            (header(&answer, "cache-control"), header(&answer, "content-type")),
            (Some("no-store"), Some("text/html; charset=utf-8")),
            "{path}"
        );
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{path}");
        assert!(
            !answer.body.contains(" style=")
                && !answer.body.contains("<style")
                && !answer.body.contains("://fonts"),
            "{path}"
        );
    }
    for (name, kind) in [
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("fine.svg", "image/svg+xml"),
    ] {
        let path = format!("/assets/{name}");
        let asset = daemon.get(&path);
        assert_eq!(
            (asset.status, header(&asset, "content-type"), header(&asset, "cache-control")),
            (200, Some(kind), Some("no-cache")),
            "{name}"
        );
        assert_eq!(
            asset.body,
            std::fs::read_to_string(repository("src/web/page").join(name)).expect("readable")
        );
        let tag = header(&asset, "etag").expect("a tag").to_owned();
        let again = daemon.get_with(&path, &format!("If-None-Match: \"other\", W/{tag}\r\n"));
        assert_eq!(
            (again.status, again.body.len(), header(&again, "etag")),
            (304, 0, Some(tag.as_str())),
            "{name}"
        );
        assert_eq!(daemon.get_with(&path, "If-None-Match: \"other\"\r\n").status, 200);
    }
    assert_eq!(daemon.get("/assets/../mod.rs").status, 404);
    assert_eq!(daemon.post("/providers/enkash").status, 405, "a page changes nothing");
}

#[test]
fn a_page_is_compressed_on_request() {
    let (_fakes, daemon) = daemon();
    let mut stream = std::net::TcpStream::connect(daemon.address()).expect("it listens");
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
        .expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let start = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[start..]).read_to_string(&mut text).expect("gzip");
    assert!(
        text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>") && text.contains("enkash")
    );
}

#[test]
fn the_page_of_reasons_explains_every_reason_at_its_anchor() {
    let daemon = Daemon::start("");
    let page = daemon.get("/reasons");
    for reason in credwatch::outcome::Reason::ALL {
        assert!(
            page.body.contains(&format!("<dt id=\"{0}\">{0}</dt>", reason.word())),
            "{}",
            reason.word()
        );
    }
    assert_shows(&daemon.get("/"), &["No provider is configured."]);
}

#[test]
fn a_page_says_that_no_token_is_known_and_that_a_failure_is_not_confirmed() {
    let endpoint = Endpoint::json("503 X", "{}");
    let daemon = Daemon::start(&format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\n\
         parameters.token_url = {:?}\ncredentials = {{ client_id = \"a-client\", client_secret = \
         \"a-secret\" }}",
        endpoint.url()
    ));
    daemon.wait_for_state("p", "failing");
    assert_shows(
        &daemon.get("/"),
        &["1 failing, not yet confirmed.", "no token since credwatch started.", "none seen"],
    );
    let host = endpoint.url().split('/').nth(2).expect("a host").to_owned();
    let hosts = daemon.get("/?group=host");
    assert_shows(&hosts, &[&format!("href=\"./?host={}\"", host.replace(':', "%3A"))]);
    assert!(!hosts.body.contains("no fixed host"), "a parameter fixes it");
    assert_eq!(rows(&daemon.get(&format!("/?host={host}"))), ["p"]);
    assert_shows(&daemon.get("/providers/p"), &[&format!("at <code><bdi>{host}</bdi></code>")]);
    assert_shows(
        &daemon.get("/providers/p"),
        &["Not yet confirmed", "credwatch has not got a token since it started", "HTTP 503"],
    );
}

#[test]
fn a_page_does_not_claim_to_know_about_consumers_when_the_credential_is_not_tried() {
    let daemon = Daemon::start(&format!(
        "{QUICK}[providers.p]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
         \"http://127.0.0.1:9/\"\ncredentials = {{ client_id = \"a\", client_secret = {{ file = \
         \"nowhere\" }} }}"
    ));
    daemon.wait_for_state("p", "broken");
    let page = daemon.get("/providers/p");
    assert_shows(&page, &["it does not know whether consumers are affected"]);
    assert!(!page.body.contains("fail now"), "{}", page.body);
    assert!(!page.body.contains("may have none"), "{}", page.body);
}

#[test]
fn the_first_screen_leads_to_what_explains_the_failure_and_to_the_next_credential() {
    let strange = Endpoint::json("200 OK", r#"{"data":1}"#);
    let down = Endpoint::json("503 X", "{}");
    let good = Endpoint::json("200 OK", r#"{"access_token":"abcdefgh","expires_in":3600}"#);
    let provider = |name: &str, endpoint: &Endpoint, more: &str| {
        format!(
            "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
             {:?}\ncredentials = {{ client_id = \"a-client\", client_secret = \"a-secret\" }}\n\
             vendor_url = \"https://vendor.example/\"\nrenew_url = \"https://renew.example/\"\n\
             {more}\n",
            endpoint.url()
        )
    };
    let daemon = Daemon::start(&format!(
        "{QUICK}{}{}{}",
        provider("strange", &strange, ""),
        provider("down", &down, ""),
        provider("good", &good, "credentials_next.client_secret = \"another-secret\"")
    ));
    let order = |name: &str, parts: &[&str]| {
        let page = daemon.get(&format!("/providers/{name}")).body;
        let places = parts.iter().map(|part| page.find(part));
        let places: Vec<usize> = places.collect::<Option<_>>().unwrap_or_default();
        assert!(places.len() == parts.len() && places.is_sorted(), "{parts:?} in {page}");
    };
    daemon.wait_for_state("strange", "broken");
    order(
        "strange",
        &["href=\"#reading\"", "<h2>What malformed means", "id=\"reading\"", "<h2>Last probe<"],
    );
    daemon.wait_for_state("down", "broken");
    order("down", &["https://vendor.example/", "https://renew.example/"]);
    assert!(!daemon.get("/providers/down").body.contains("<small>every "), "it fails");
    daemon.wait_for_state("good", "healthy");
    wait_for("the next credential", || {
        let page = daemon.get("/providers/good").body;
        page.contains("next credential accepted").then_some(())
    });
    assert_shows(&daemon.get("/providers/good"), &["<small>every "]);
    order("good", &["href=\"#next\"", "https://renew.example/", "https://vendor.example/"]);
}
