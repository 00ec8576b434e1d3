//! Clients that are too many, too slow or too silent: none of them keeps the others out for ever.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use credwatch::web::Bounds;
use credwatch::web_config::WebConfig;

use super::support::endpoint::Authority;
use super::support::wait_for;
use super::support::web::{Folder, Server, ask, connect};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(60);

fn bounds() -> Bounds {
    Bounds { connections: 3, probe_connections: 1, handshake: LONG, head: LONG, answer: LONG }
}

/// Whether the other side closes the connection, within the time that a read waits.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn is_served(stream: &mut TcpStream) -> bool {
    ask(stream, "/livez", "").is_ok_and(|answer| answer.status == 200)
}

#[test]
fn connections_beyond_the_bound_are_closed_and_a_place_that_is_left_is_taken_again() {
    let server = Server::bounded(WebConfig::default(), bounds());
    let mut held: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    assert!(held.iter_mut().all(is_served));
    assert!(is_closed(&mut server.connect()));
    assert!(is_served(&mut connect(server.probe_address)), "the probes have a place of their own");
    assert!(held.iter_mut().all(is_served), "those that are in stay in");
    held.pop();
    wait_for("a place", || is_served(&mut server.connect()).then_some(()));
}

/// The bounded wait that a test is about, and a client that makes the server wait. The server lets
/// go of it after that time and not much later.
#[track_caller]
fn is_let_go(web_config: WebConfig, bounds: Bounds, keep_waiting: impl FnOnce(&mut TcpStream)) {
    let server = Server::bounded(web_config, bounds);
    let start = Instant::now();
    let mut stream = server.connect();
    keep_waiting(&mut stream);
    assert!(is_closed(&mut stream), "after {:?}", start.elapsed());
    assert!(start.elapsed() >= SHORT, "after {:?}", start.elapsed());
}

#[test]
fn a_client_that_says_nothing_is_let_go() {
    is_let_go(WebConfig::default(), Bounds { head: SHORT, ..bounds() }, |_| {});
    is_let_go(WebConfig::default(), Bounds { head: SHORT, ..bounds() }, |stream| {
        stream.write_all(b"GET /livez HT").expect("sent");
    });
}

#[test]
fn a_client_that_does_not_go_on_with_the_handshake_is_let_go() {
    let (folder, server) = (Folder::new(), Authority::new("ca").issue("localhost", 2020, 2099));
    folder.write("server.crt", &server.pem);
    folder.write("server.key", &server.key_pem());
    let web_config =
        || folder.web_config("tls_server_config: {cert_file: server.crt, key_file: server.key}\n");
    is_let_go(web_config(), Bounds { handshake: SHORT, ..bounds() }, |_| {});
    is_let_go(web_config(), Bounds { handshake: SHORT, ..bounds() }, |stream| {
        stream.write_all(&[22, 3, 1, 2, 0, 1]).expect("sent");
    });
}

#[test]
fn an_idle_connection_is_closed_after_a_while() {
    is_let_go(WebConfig::default(), Bounds { head: SHORT, ..bounds() }, |stream| {
        assert!(is_served(stream));
    });
}

#[test]
fn a_client_that_sends_a_body_that_nobody_wants_is_not_waited_for() {
    let server = Server::bounded(WebConfig::default(), bounds());
    let mut stream = server.connect();
    stream
        .write_all(b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
        .expect("sent");
    assert!(is_closed(&mut stream));
}

#[test]
fn clients_that_do_not_read_their_answers_lose_their_places() {
    let server = Server::bounded(WebConfig::default(), Bounds { answer: SHORT * 3, ..bounds() });
    // Many answers are asked for and none is read, until neither side's buffers take more.
    let stuck: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = server.connect();
            stream.set_write_timeout(Some(SHORT)).expect("set");
            let requests = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
            while stream.write_all(&requests).is_ok() {}
            stream
        })
        .collect();
    wait_for("a place", || is_served(&mut server.connect()).then_some(()));
    drop(stuck);
}
