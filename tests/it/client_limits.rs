//! Too many clients, slow clients and silent clients: none of them can block the others.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use credwatch::web::Bounds;
use credwatch::web_config::WebConfig;

use super::support::endpoint::Authority;
use super::support::wait_for;
use super::support::web::{Folder, Server, ask};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(60);

fn bounds() -> Bounds {
    Bounds { connections: 3, probe_connections: 1, handshake: LONG, head: LONG, answer: LONG }
}

/// Whether the server closes the connection within the read timeout.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn is_served(stream: &mut TcpStream) -> bool {
    ask(stream, "/livez", "").is_ok_and(|answer| answer.status == 200)
}

/// Asserts that the server closes the connection of a client that keeps it waiting, but not before
/// the time limit of the test.
#[track_caller]
fn assert_disconnected(
    web_config: WebConfig,
    bounds: Bounds,
    keep_waiting: impl FnOnce(&mut TcpStream),
) {
    let server = Server::bounded(web_config, bounds);
    let start = Instant::now();
    let mut stream = server.connect();
    keep_waiting(&mut stream);
    assert!(is_closed(&mut stream), "after {:?}", start.elapsed());
    assert!(start.elapsed() >= SHORT, "after {:?}", start.elapsed());
}

#[test]
fn a_client_without_a_complete_request_is_disconnected() {
    assert_disconnected(WebConfig::default(), Bounds { head: SHORT, ..bounds() }, |_| {});
    assert_disconnected(WebConfig::default(), Bounds { head: SHORT, ..bounds() }, |stream| {
        stream.write_all(b"GET /livez HT").expect("sent");
    });
}

#[test]
fn a_client_without_a_complete_handshake_is_disconnected() {
    let (folder, server) = (Folder::new(), Authority::new("ca").issue("localhost", 2020, 2099));
    folder.write("server.crt", &server.pem);
    folder.write("server.key", &server.key_pem());
    let web_config =
        || folder.web_config("tls_server_config: {cert_file: server.crt, key_file: server.key}\n");
    assert_disconnected(web_config(), Bounds { handshake: SHORT, ..bounds() }, |_| {});
    assert_disconnected(web_config(), Bounds { handshake: SHORT, ..bounds() }, |stream| {
        stream.write_all(&[22, 3, 1, 2, 0, 1]).expect("sent");
    });
}

#[test]
fn an_idle_connection_is_closed_after_the_time_limit() {
    assert_disconnected(WebConfig::default(), Bounds { head: SHORT, ..bounds() }, |stream| {
        assert!(is_served(stream));
    });
}

#[test]
fn the_server_does_not_wait_for_an_unexpected_body() {
    let server = Server::bounded(WebConfig::default(), bounds());
    let mut stream = server.connect();
    stream
        .write_all(b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
        .expect("sent");
    assert!(is_closed(&mut stream));
}

#[test]
fn clients_that_do_not_read_their_responses_are_disconnected() {
    let answer = SHORT * 3;
    let server =
        Server::bounded(WebConfig::default(), Bounds { connections: 8, answer, ..bounds() });
    let start = Instant::now();
    for _ in 0..2 {
        let mut stream = server.connect();
        stream.set_write_timeout(Some(SHORT / 6)).expect("set");
        let requests = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
        // Reads no response. While the buffers of both sides are full, a write only times out.
        wait_for("the server to close the connection", || match stream.write(&requests) {
            Ok(_) => None,
            Err(error) => {
                matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
                    .then_some(())
            }
        });
        assert!(start.elapsed() >= answer);
    }
}
