//! The daemon as users run it: start, scrape, failure, recovery, stop, exit status.

use std::io::Write;
use std::time::{Duration, Instant};

use credwatch::fake::Behaviour;
use rustix::process::Signal;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::Endpoint;
use super::support::fakes::Fakes;
use super::support::wait_for;

const QUICK: &str = "[defaults]\ninterval = \"200ms\"\nconfirm_after = \"100ms\"\ntimeout = \
                     \"2s\"\nmax_backoff = \"400ms\"\n";

#[test]
fn all_five_apis_go_from_healthy_to_broken_and_back() {
    let fakes = Fakes::start();
    let daemon = Daemon::start(&format!("{QUICK}{}", fakes.all()));
    for api in fakes.fake.token_apis() {
        daemon.wait_for_state(api, "healthy");
    }
    assert_eq!(daemon.get("/readyz").status, 200);
    let health = daemon.get("/healthz");
    assert_eq!(health.status, 200);
    for api in fakes.fake.token_apis() {
        fakes.fake.revoke(api, true);
    }
    for (api, code) in [
        ("enablex-rcs", "1003"),
        ("enablex-whatsapp", "Unauthorized"),
        ("enos", "1003"),
        ("enkash", "invalid_client"),
        ("sms-cx", "invalid_client"),
    ] {
        daemon.wait_for_state(api, "broken");
        let name = format!(
            "credwatch_probe_failures_total{{provider=\"{api}\",class=\"credential\",\
             reason=\"rejected\",code=\"{code}\"}}"
        );
        assert!(daemon.sample(&name).is_some_and(|count| count >= 2.0), "{name}");
        let health = daemon.get(&format!("/healthz?provider={api}"));
        let json: serde_json::Value = serde_json::from_str(&health.body).expect("JSON");
        assert_eq!(health.status, 503);
        assert_eq!(
            (&json["status"], &json["providers"][api]["reason"], &json["providers"][api]["code"]),
            (&"broken".into(), &"rejected".into(), &code.into())
        );
    }
    assert_eq!(daemon.get("/livez").status, 200, "a broken credential does not change /livez");
    for api in fakes.fake.token_apis() {
        fakes.fake.revoke(api, false);
        daemon.wait_for_state(api, "healthy");
    }
    assert_eq!(daemon.get("/healthz").status, 200);
}

#[test]
fn an_outage_has_another_class_than_a_refusal_and_the_runway_counts_down() {
    let fakes = Fakes::start();
    let daemon = Daemon::start(&format!("{QUICK}{}", fakes.provider("enkash", "")));
    daemon.wait_for_state("enkash", "healthy");
    fakes.fake.behave("enkash", Behaviour::Answer("outage".into()));
    daemon.wait_for_state("enkash", "broken");
    let json: serde_json::Value =
        serde_json::from_str(&daemon.get("/healthz?provider=enkash").body).expect("JSON");
    assert_eq!(
        (&json["providers"]["enkash"]["class"], &json["providers"]["enkash"]["code"]),
        (&"provider".into(), &"http_503".into())
    );
    let left = || {
        daemon
            .sample("credwatch_token_time_to_expiry_seconds{provider=\"enkash\"}")
            .expect("a runway")
    };
    let first = left();
    wait_for("the runway to get shorter", || (left() < first).then_some(()));
    assert!((86_000.0..=86_400.0).contains(&first), "{first}");
}

#[test]
fn a_token_that_never_expires_has_no_time_to_expiry() {
    let fakes = Fakes::start();
    let daemon = Daemon::start(&format!("{QUICK}{}", fakes.provider("sms-cx", "")));
    daemon.wait_for_state("sms-cx", "healthy");
    assert_eq!(daemon.sample("credwatch_token_never_expires{provider=\"sms-cx\"}"), Some(1.0));
    assert_eq!(daemon.sample("credwatch_token_time_to_expiry_seconds{provider=\"sms-cx\"}"), None);
}

#[test]
fn a_cached_token_is_not_counted_as_a_change() {
    let fakes = Fakes::start();
    let daemon = Daemon::start(&format!("{QUICK}{}", fakes.provider("enos", "")));
    daemon.wait_for_state("enos", "healthy");
    wait_for("five probes", || {
        daemon.sample("credwatch_probes_total{provider=\"enos\"}").filter(|probes| *probes >= 5.0)
    });
    assert_eq!(daemon.sample("credwatch_token_changes_total{provider=\"enos\"}"), Some(0.0));
}

#[test]
fn every_failure_counter_exists_at_zero_from_the_start() {
    let endpoint = Endpoint::serving(|mut stream, _| {
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    let daemon = Daemon::start(&format!(
        "[providers.p]\nrecipe = \"enos\"\nparameters.base_url = \"http://127.0.0.1:{}\"\n\
         credentials = {{ app_key = \"a\", app_secret = \"b\" }}",
        endpoint.port()
    ));
    wait_for("the first probe", || (endpoint.calls() > 0).then_some(()));
    let metrics = daemon.get("/metrics").body;
    for reason in credwatch::outcome::Reason::ALL {
        let line = format!(
            "credwatch_probe_failures_total{{provider=\"p\",class=\"{}\",reason=\"{}\",code=\"\"}} \
             0\n",
            reason.class().word(),
            reason.word()
        );
        assert!(metrics.contains(&line), "{line}");
    }
    assert!(metrics.contains("credwatch_provider_state{provider=\"p\",state=\"unknown\"} 1\n"));
    assert_eq!(daemon.get("/readyz").status, 503);
}

#[test]
fn a_rotated_secret_file_ends_the_back_off_at_once() {
    let fakes = Fakes::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app_key");
    let right = fakes
        .fake
        .credentials("enablex-rcs")
        .iter()
        .find(|(name, _)| name == "app_key")
        .expect("it has one")
        .1
        .clone();
    std::fs::write(&file, "the-wrong-key\n").expect("written");
    let id = &fakes.fake.credentials("enablex-rcs")[0].1;
    let text = format!(
        "[providers.p]\nrecipe = \"enablex-rcs\"\ninterval = \"1h\"\nconfirm_after = \"100ms\"\n\
         parameters.base_url = {:?}\ncredentials.app_id = {id:?}\ncredentials.app_key = {{ file = \
         {file:?} }}\n",
        fakes.fake.base_url("enablex-rcs")
    );
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("p", "broken");
    std::fs::write(&file, format!("{right}\n")).expect("written");
    daemon.wait_for_state("p", "healthy");
    daemon.wait_for_log("the secret has changed, probing at once");
}

#[test]
fn a_quick_second_probe_confirms_an_outage_even_with_a_long_interval() {
    let endpoint = Endpoint::json("503 Service Unavailable", "{}");
    let text = format!(
        "[providers.p]\nrecipe = \"enos\"\ninterval = \"1h\"\nconfirm_after = \"50ms\"\n\
         failure_threshold = 1\nparameters.base_url = \"http://127.0.0.1:{}\"\ncredentials = {{ \
         app_key = \"a\", app_secret = \"b\" }}",
        endpoint.port()
    );
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("p", "broken");
    assert_eq!(endpoint.calls(), 2);
    assert_eq!(daemon.sample("credwatch_probe_consecutive_failures{provider=\"p\"}"), Some(2.0));
}

#[test]
fn the_daemon_stops_within_a_second_of_sigterm_if_a_probe_hangs() {
    let endpoint = Endpoint::serving(|mut stream, _| {
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    let text = format!(
        "[providers.p]\nrecipe = \"enos\"\ntimeout = \"60s\"\nparameters.base_url = \
         \"http://127.0.0.1:{}\"\ncredentials = {{ app_key = \"a\", app_secret = \"b\" }}",
        endpoint.port()
    );
    let mut daemon = Daemon::start(&text);
    wait_for("the probe to hang", || (endpoint.calls() > 0).then_some(()));
    let start = Instant::now();
    daemon.signal(Signal::TERM);
    let status = daemon.wait();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_port_in_use_is_an_error_with_the_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, format!("[web]\nlisten_addresses = [\"{address}\"]\n")).expect("written");
    let output = credwatch()
        .arg("run")
        .arg(format!("--config.file={}", file.display()))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains(&format!(
            "msg=\"cannot listen\" problem=\"{address}: another program listens there"
        )),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn metrics_are_compressed_on_request_and_unknown_paths_get_404() {
    let fakes = Fakes::start();
    let daemon = Daemon::start(&format!("{QUICK}{}", fakes.provider("enkash", "")));
    daemon.wait_for_state("enkash", "healthy");
    assert!(
        daemon
            .get("/metrics")
            .head
            .to_lowercase()
            .contains("content-type: text/plain; version=0.0.4; charset=utf-8")
    );
    let mut stream = std::net::TcpStream::connect(daemon.address()).expect("it listens");
    write!(stream, "GET /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n").expect("sent");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut bytes).expect("an answer");
    let start = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[start..]), &mut text)
        .expect("gzip");
    assert!(text.contains("credwatch_build_info{") && text.contains("process_open_fds "));
    assert_eq!(daemon.get("/nothing-here").status, 404);
    assert_eq!(daemon.get("/healthz?provider=nobody").status, 404);
}

#[test]
fn a_proxy_in_the_environment_is_used_only_when_the_configuration_says_so() {
    let target = Endpoint::json("200 X", r#"{"access_token":"abcdefghijkl"}"#);
    let proxy = Endpoint::json("200 X", r#"{"access_token":"through-the-proxy"}"#);
    let address = format!("http://127.0.0.1:{}", proxy.port());
    let environment = [
        ("http_proxy", address.as_str()),
        ("HTTP_PROXY", address.as_str()),
        ("all_proxy", address.as_str()),
    ];
    let text = |more: &str| {
        format!(
            "[providers.p]\nrecipe = \"oauth2-client-credentials\"\n{more}\nparameters.token_url = \
             {:?}\ncredentials = {{ client_id = \"a-client\", client_secret = \"a-secret\" }}",
            target.url()
        )
    };
    Daemon::start_with(&text(""), &[], &environment).wait_for_state("p", "healthy");
    assert_eq!((target.calls(), proxy.calls()), (1, 0));
    Daemon::start_with(&text("proxy_from_environment = true"), &[], &environment)
        .wait_for_state("p", "healthy");
    assert_eq!((target.calls(), proxy.calls()), (1, 1));
}
