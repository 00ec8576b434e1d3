//! Hostile answers hold up neither the scheduler, the HTTP server nor the probes of others.

use std::io::Write;
use std::time::{Duration, Instant};

use super::support::daemon::Daemon;
use super::support::endpoint::{Endpoint, http, read_request};
use super::support::wait_for;

/// Sends `start` after the request, then `rest` until the client closes the connection.
fn endless(start: &'static [u8], rest: &[u8]) -> Endpoint {
    let rest = rest.repeat(60_000 / rest.len());
    Endpoint::serving(move |mut stream, _| {
        read_request(&mut stream);
        let mut sent = stream.write_all(start);
        while sent.is_ok() {
            sent = stream.write_all(&rest);
        }
    })
}

/// Bodies that cost as much as possible, below the limit on their size.
fn costly_bodies() -> [String; 4] {
    let many = |count: usize, item: &dyn Fn(usize) -> String| -> String {
        (0..count).map(item).collect::<Vec<_>>().join(",")
    };
    let escapes = r"\u0061%41&#97;".repeat(6_000);
    let words = (0..26_000).map(|word| format!("{word:07x}")).collect::<Vec<_>>().join(" ");
    let secrets = many(480, &|number| format!("\"token{number}\":\"secret{number:09}\""));
    let members = many(9_900, &|number| format!("\"k{number}\":\"{number}\""));
    let nested = many(4_900, &|number| format!("{{\"token{number}\":\"secret{number:09}\"}}"));
    [
        format!("{{\"access_token\":\"{words}\",\"error\":\"a\",\"error_description\":\"b\"}}"),
        format!("{{{secrets},\"error\":\"a\",\"error_description\":\"{escapes}\"}}"),
        format!("{{{members},\"error\":\"a\"}}"),
        format!("{}{nested}{}", "[".repeat(120), "]".repeat(120)),
    ]
}

/// How many probes of the healthy provider the test waits for.
const PROBES: usize = 30;

/// How long it takes until the provider was probed [`PROBES`] times. `/livez` answers meanwhile.
fn time_of_probes(daemon: &Daemon, healthy: &Endpoint) -> Duration {
    let (start, before) = (Instant::now(), healthy.calls());
    let mut alive = 0;
    while healthy.calls() < before + PROBES {
        assert_eq!(daemon.get("/livez").status, 200);
        alive += 1;
        let probes = healthy.calls() - before;
        assert!(start.elapsed() < Duration::from_secs(60), "{probes} probes of the healthy one");
    }
    assert!(alive >= PROBES, "{alive} answers of /livez");
    start.elapsed()
}

fn watching<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> Daemon {
    let providers = endpoints.enumerate().map(|(number, endpoint)| {
        format!(
            "[providers.p{number}]\nrecipe = \"oauth2-client-credentials\"\n\
             parameters.token_url = {:?}\n\
             credentials = {{ client_id = \"a-client\", client_secret = \"a-secret\" }}\n",
            endpoint.url()
        )
    });
    Daemon::start(&format!(
        "[defaults]\ntimeout = \"2s\"\ninterval = \"100ms\"\nconfirm_after = \"100ms\"\n\
         max_backoff = \"100ms\"\n{}",
        providers.collect::<Vec<_>>().concat()
    ))
}

#[test]
fn eight_hostile_providers_hold_up_neither_a_healthy_one_nor_the_server() {
    let healthy = Endpoint::json("200 OK", r#"{"access_token":"abcdefgh"}"#);
    let alone = time_of_probes(&watching([&healthy].into_iter()), &healthy);
    let mut hostile: Vec<Endpoint> = costly_bodies()
        .iter()
        .map(|body| Endpoint::answering(http("400 X", "", body.as_bytes())))
        .collect();
    hostile.push(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"));
    hostile.push(endless(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n"));
    hostile.push(endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"));
    let many = "X-Y: z\r\n".repeat(2_000);
    hostile.push(Endpoint::answering(http("200 OK", &many, b"{}")));
    let daemon = watching(hostile.iter().chain([&healthy]));
    wait_for("an answer of each", || {
        hostile.iter().all(|endpoint| endpoint.calls() > 1).then_some(())
    });
    let together = time_of_probes(&daemon, &healthy);
    // The time of one run is that of its last probe, so a lasting delay would show.
    let most = alone.mul_f64(1.5) + Duration::from_millis(250);
    assert!(together < most, "{together:?} for {PROBES} probes, {alone:?} without hostile ones");
}

#[test]
fn endless_answers_of_two_hosts_stop_neither_the_server_nor_the_end_of_the_daemon() {
    // Together they have more answers in flight than one host may have.
    const OF_EACH_HOST: usize = 20;
    let interim = || endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n");
    let hosts = [interim(), interim()];
    let daemon = watching(hosts.iter().flat_map(|host| [host; OF_EACH_HOST]));
    wait_for("a request of each provider", || {
        hosts.iter().all(|host| host.calls() >= OF_EACH_HOST).then_some(())
    });
    let start = Instant::now();
    for _ in 0..PROBES {
        assert_eq!(daemon.get("/livez").status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?} for /livez", start.elapsed());
    let start = Instant::now();
    daemon.stop();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?} for the stop", start.elapsed());
}
