//! The hosts and origins that requests may name, over sockets.

use super::support::daemon::{Daemon, credwatch};

const EVIL: &str = "Host: evil.example\r\n";

fn start(flags: &[&str]) -> Daemon {
    Daemon::start_with("", &[&["--web.enable-lifecycle"], flags].concat(), &[])
}

/// The status of a request with exactly these headers.
fn status(daemon: &Daemon, method: &str, target: &str, headers: &str) -> u16 {
    daemon.raw(&format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n")).status
}

#[test]
fn a_page_with_a_rebound_name_reads_nothing_but_metrics_and_health() {
    let daemon = start(&[]);
    let closed = [
        "/", "/reasons", "/ends", "/providers/p", "/assets/style.css", "/probe?provider=p",
        "/sd/prometheus", "/api/v1/providers", "/api/v1/providers/p", "/nothing-here",
    ];
    for path in closed {
        assert_eq!(status(&daemon, "GET", path, EVIL), 403, "{path}");
        assert_eq!(status(&daemon, "GET", path, ""), 400, "{path}");
        assert_ne!(status(&daemon, "GET", path, "Host: localhost\r\n"), 403, "{path}");
    }
    for path in ["/metrics", "/healthz", "/livez", "/readyz"] {
        assert_eq!(status(&daemon, "GET", path, EVIL), 200, "{path}");
        assert_eq!(status(&daemon, "GET", path, ""), 200, "{path}");
    }
    let target = "http://evil.example/";
    assert_eq!(status(&daemon, "GET", target, "Host: localhost\r\n"), 403);
    assert_eq!(status(&daemon, "GET", "/", "Host: localhost\r\nHost: evil.example\r\n"), 400);
    let refused = daemon.raw(&format!("GET / HTTP/1.1\r\n{EVIL}\r\n"));
    assert!(
        refused.body.contains("--web.allowed-hosts") && !refused.body.contains("evil"),
        "{}",
        refused.body
    );
}

#[test]
fn requests_that_change_something_are_told_of_when_every_client_can_send_them() {
    const TOLD: &str = "every client in the network can reload";
    let open = start(&["--web.listen-address=0.0.0.0:0"]);
    open.wait_for_log(TOLD);
    let unchanging = Daemon::start_with("", &["--web.listen-address=0.0.0.0:0"], &[]);
    let local = start(&[]);
    for quiet in [unchanging, local] {
        assert_eq!(quiet.get("/livez").status, 200);
        assert!(!quiet.log().contains(TOLD), "{}", quiet.log());
    }
}

#[test]
fn flags_allow_further_hosts() {
    let listed = start(&["--web.allowed-hosts=watch.example,192.0.2.7"]);
    for (host, expected) in
        [("watch.example:80", 200), ("192.0.2.7", 200), ("localhost", 403), ("evil.example", 403)]
    {
        assert_eq!(status(&listed, "GET", "/", &format!("Host: {host}\r\n")), expected, "{host}");
    }
    let external = start(&["--web.external-url=https://watch.example/credwatch"]);
    for (host, expected) in [("watch.example", 200), ("localhost", 200), ("evil.example", 403)] {
        assert_eq!(status(&external, "GET", "/", &format!("Host: {host}\r\n")), expected, "{host}");
    }
    let open = start(&["--web.allowed-hosts=*"]);
    assert_eq!(status(&open, "GET", "/", EVIL), 200);
}

#[test]
fn a_prometheus_that_asks_through_the_proxy_gets_targets_behind_it() {
    let provider = "[providers.p]\nrecipe = \"sendgrid-key\"\nenabled = false\n\
                    credentials.api_key = \"SG.x\"\n";
    let flag = "--web.external-url=https://watch.example/credwatch/";
    let daemon = Daemon::start_with(provider, &[flag], &[]);
    let targets = |host: &str| {
        let head = format!("GET /sd/prometheus HTTP/1.0\r\nHost: {host}\r\n\r\n");
        let body = daemon.raw(&head).body;
        let value: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let labels = value[0]["labels"].clone();
        (labels["__metrics_path__"].clone(), labels["__scheme__"].clone())
    };
    assert_eq!(targets("watch.example"), ("/credwatch/probe".into(), "https".into()));
    assert_eq!(targets("localhost"), ("/probe".into(), serde_json::Value::Null));
}

#[test]
fn the_path_of_the_metrics_can_be_changed() {
    let daemon = start(&["--web.telemetry-path=/m/credwatch"]);
    assert_eq!(daemon.get("/metrics").status, 404);
    assert_eq!(status(&daemon, "GET", "/m/credwatch", EVIL), 200, "as /metrics, for any host");
    assert!(daemon.get("/").body.contains("href=\"./m/credwatch\""));
    for wrong in ["metrics", "/", "/healthz", "/api/v1/x", "/a b", "/{x}", "/providers/x"] {
        let flag = format!("--web.telemetry-path={wrong}");
        let output = credwatch().args(["run", &flag]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn a_page_of_another_site_cannot_reload_or_probe() {
    let daemon = start(&["--web.enable-admin-api"]);
    let host = format!("Host: {}\r\n", daemon.address());
    for path in ["/-/reload", "/api/v1/providers/p/probe"] {
        for foreign in [
            "Origin: https://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: http://localhost:1\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
        ] {
            let probe = status(&daemon, "GET", "/probe?provider=p", &format!("{host}{foreign}"));
            assert_eq!(probe, if foreign.starts_with("Sec") { 403 } else { 404 }, "{foreign}");
            assert_eq!(
                status(&daemon, "POST", path, &format!("{host}{foreign}")),
                403,
                "{foreign}"
            );
        }
    }
    for own in [String::new(), format!("Origin: http://{}\r\n", daemon.address())] {
        let headers = format!("{host}{own}Content-Length: 0\r\n");
        assert_eq!(status(&daemon, "POST", "/-/reload", &headers), 200, "{own}");
    }
}

#[test]
fn unusable_hosts_are_wrong_usage() {
    for flag in ["--web.allowed-hosts=https://x", "--web.allowed-hosts=", "--web.external-url=x"] {
        let output = credwatch().args(["run", flag]).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flag}: {text}");
        assert!(text.contains("error: --web."), "{text}");
    }
}
