//! Answers that are too large, too long or never end.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use credwatch::outcome::Outcome;
use credwatch::probe::Prober;
use futures_util::future::join_all;

use super::{assert_failure, failure, probe, provider};
use crate::support::endpoint::{Authority, Endpoint, http, read_request};

#[tokio::test]
async fn bodies_are_limited_before_and_after_decompression() {
    use flate2::{Compression, write::GzEncoder};
    let huge = Endpoint::serving(|mut stream, _| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        // At most 64 MiB; the client closes the connection long before.
        for _ in 0..64 {
            if stream.write_all(&vec![b' '; 1024 * 1024]).is_err() {
                break;
            }
        }
    });
    assert_failure(&probe(&huge.url(), "").await, "provider", "malformed", "body_too_large");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 32 * 1024 * 1024]).expect("packed");
    let bomb = Endpoint::answering(http(
        "200 OK",
        "Content-Encoding: gzip\r\n",
        &bomb.finish().expect("packed"),
    ));
    assert_failure(&probe(&bomb.url(), "").await, "provider", "malformed", "body_too_large");
    let refusal = Endpoint::answering(http("403 Forbidden", "", &vec![b'x'; 1024 * 1024]));
    assert_failure(&probe(&refusal.url(), "").await, "credential", "rejected", "http_403");
}

#[tokio::test]
async fn an_answer_that_is_not_http_or_has_endless_headers_is_malformed() {
    let endpoint = Endpoint::answering("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    assert_failure(&probe(&endpoint.url(), "").await, "provider", "malformed", "not_http");
    let endless = Endpoint::serving(|mut stream, _| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        for number in 0..100_000 {
            if stream.write_all(format!("X-{number}: {}\r\n", "y".repeat(100)).as_bytes()).is_err()
            {
                break;
            }
        }
    });
    assert_failure(&probe(&endless.url(), "").await, "provider", "malformed", "not_http");
}

/// Bytes for `Endpoint::serving`: they follow the request, `rest` again and again.
fn endless(start: &'static [u8], rest: Vec<u8>) -> Endpoint {
    Endpoint::serving(move |mut stream, _| {
        read_request(&mut stream);
        let _ = stream.write_all(start);
        // The client closes the connection long before.
        for _ in 0..64 * 1024 * 1024 / rest.len() {
            if stream.write_all(&rest).is_err() {
                break;
            }
        }
    })
}

#[tokio::test]
async fn an_answer_that_never_ends_is_cut_off_at_its_limit() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    // `printf '' | gzip` without its end, then empty stored blocks (RFC 1951, section 3.2.4).
    let gzip = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03";
    let trailers = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    for (start, rest, code) in [
        (&chunked[..], b"1\r\nx\r\n".repeat(1_000), "body_too_large"),
        (&chunked[..], [b"1;".to_vec(), b"a".repeat(60_000)].concat(), "not_http"),
        (&gzip[..], b"\0\0\0\xff\xff".repeat(1_000), "body_too_large"),
        (&trailers[..], b"X-Y: z\r\n".repeat(1_000), "not_http"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y".repeat(60_000), "not_http"),
        (b"HTTP/1.1 200 ", b"y".repeat(60_000), "not_http"),
    ] {
        let endpoint = endless(start, rest);
        assert_failure(&probe(&endpoint.url(), "").await, "provider", "malformed", code);
    }
}

#[tokio::test]
async fn an_answer_has_at_most_100_headers_and_32_kib_of_them() {
    let headers = |count: usize, length: usize| {
        let line = |number: usize| format!("X-{number:03}: {}\r\n", "y".repeat(length));
        (0..count).map(line).collect::<Vec<String>>().concat()
    };
    let body = br#"{"access_token":"abcdefgh"}"#;
    // `http` adds two headers. A header counts 5 bytes of name, its value, and 32 bytes.
    let fits = Endpoint::answering(http("200 OK", &headers(98, 250), body));
    assert!(matches!(probe(&fits.url(), "").await.outcome, Outcome::Issued(_)));
    let many = Endpoint::answering(http("401 X", &headers(99, 1), body));
    assert_failure(&probe(&many.url(), "").await, "provider", "malformed", "not_http");
    let long = format!("{}Retry-After: 30\r\n", headers(90, 330));
    let refusal = probe(&Endpoint::answering(http("503 X", &long, b"")).url(), "").await;
    assert_failure(&refusal, "provider", "unavailable", "http_503");
    assert_eq!(failure(&refusal).retry_after, Some(Duration::from_secs(30)));
    let whole = probe(&Endpoint::answering(http("200 OK", &long, body)).url(), "").await;
    assert!(matches!(whole.outcome, Outcome::Issued(_)), "the body has the token: {whole:?}");
    let empty = probe(&Endpoint::answering(http("200 OK", &long, b"{}")).url(), "").await;
    assert_failure(&empty, "provider", "malformed", "not_http");
}

#[tokio::test]
async fn gzip_with_several_members_is_unpacked_and_cut_gzip_is_not_the_fault_of_the_network() {
    use flate2::{Compression, write::GzEncoder};
    let packed = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("packed");
        encoder.finish().expect("packed")
    };
    let large = "x".repeat(100_000);
    let parts = [packed(r#"{"access_token":"abcdefgh","note":""#), packed(&large), packed("\"}")];
    let both = Endpoint::answering(http("200 OK", "Content-Encoding: gzip\r\n", &parts.concat()));
    assert!(matches!(probe(&both.url(), "").await.outcome, Outcome::Issued(_)));
    let cut = &parts[1][..parts[1].len() - 5];
    let endpoint = Endpoint::answering(http("200 OK", "Content-Encoding: gzip\r\n", cut));
    assert_failure(&probe(&endpoint.url(), "").await, "provider", "malformed", "not_gzip");
    let refusal = Endpoint::answering(http("401 X", "Content-Encoding: gzip\r\n", cut));
    assert_failure(&probe(&refusal.url(), "").await, "credential", "rejected", "http_401");
}

/// 80 answers that never end: 64 of them hold the places for large bodies until they time out.
#[tokio::test]
async fn a_large_answer_waits_for_others_without_a_timeout_and_a_small_one_does_not_wait() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let hanging = Endpoint::serving(move |mut stream, _| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
        let _ = stream.write_all(&vec![b' '; 20 * 1024]);
        counter.fetch_add(1, Ordering::SeqCst);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let body = r#"{"access_token":"abcdefgh"}"#;
    let small = Endpoint::json("200 OK", body);
    let large = Endpoint::json("200 OK", &format!("{}{body}", " ".repeat(200 * 1024)));
    let prober = Prober::new();
    let ended = AtomicUsize::new(0);
    let hangs = provider(&hanging.url(), "timeout = \"5s\"");
    let hanging = join_all((0..80).map(async |_| {
        let probe = prober.probe(&hangs).await;
        ended.fetch_add(1, Ordering::SeqCst);
        probe
    }));
    let healthy = async {
        while written.load(Ordering::SeqCst) < 80 {
            tokio::task::yield_now().await;
        }
        let small = prober.probe(&provider(&small.url(), "")).await;
        // It waits for one more timeout.
        let crowded = prober.probe(&provider(&large.url(), "timeout = \"500ms\"")).await;
        let ended_before = ended.load(Ordering::SeqCst);
        let start = std::time::Instant::now();
        let large = prober.probe(&provider(&large.url(), "timeout = \"6s\"")).await;
        (small, crowded, ended_before, (large, start.elapsed().as_secs_f64()))
    };
    let (hung, (small, crowded, ended_before, (large, took))) = tokio::join!(hanging, healthy);
    assert!(hung.iter().all(|probe| failure(probe).reason.word() == "timeout"));
    assert_eq!(ended_before, 0);
    assert!(matches!(small.outcome, Outcome::Issued(_)), "{:?}", small.outcome);
    assert_failure(&crowded, "config", "local", "");
    assert!(failure(&crowded).message.as_str().contains("the provider had no part in it"));
    assert!(matches!(large.outcome, Outcome::Issued(_)), "{:?}", large.outcome);
    // Most of the time it waited for the probes that hang.
    assert!(large.duration < took / 2.0, "{} of {took} seconds", large.duration);
    assert!(ended.load(Ordering::SeqCst) > 0, "it waited");
}

/// Reads the frames of an HTTP/2 client up to its request. Returns how many bytes the server may
/// send ahead in a stream and in the connection (RFC 9113, sections 6.5.2 and 6.9.2).
fn windows(client: &mut impl Read) -> std::io::Result<(u32, u32)> {
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;
    const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    let (mut stream, mut connection) = (65_535, 65_535);
    client.read_exact(&mut [0; 24])?;
    loop {
        let mut head = [0; 9];
        client.read_exact(&mut head)?;
        let mut payload = vec![0; number(&[0, head[0], head[1], head[2]]) as usize];
        client.read_exact(&mut payload)?;
        match head[3] {
            HEADERS => return Ok((stream, connection)),
            SETTINGS => {
                for setting in payload.chunks(6).filter(|one| one[..2] == INITIAL_WINDOW_SIZE) {
                    stream = number(&setting[2..]);
                }
            }
            WINDOW_UPDATE if head[5..] == [0; 4] => connection += number(&payload),
            _ => {}
        }
    }
}

#[tokio::test]
async fn in_http_2_a_provider_may_send_64_kib_ahead() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let mut config = authority.issue("localhost", 2020, 2099).server();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let (sender, seen) = channel();
    let endpoint = Endpoint::serving(move |stream, _| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("it is valid");
        let mut tls = rustls::StreamOwned::new(connection, stream);
        let _ = sender.send(windows(&mut tls).expect("a request in HTTP/2"));
    });
    let url = format!("https://localhost:{}/token", endpoint.port());
    let more = format!("tls.ca_file = {:?}", authority.file(&folder));
    let _ = probe(&url, &more).await;
    assert_eq!(seen.recv().expect("a connection"), (65_535, 65_535));
}
