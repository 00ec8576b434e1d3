//! Floods of clients: health checks and metrics stay served, and a known user stays served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use credwatch::web::Bounds;
use credwatch::web_config::WebConfig;

use super::support::daemon::Daemon;
use super::support::endpoint::{Authority, Identity};
use super::support::wait_for;
use super::support::web::{Folder, Server, answer, ask, connect, login, tls};

const LONG: Duration = Duration::from_secs(60);

/// The clients of a flood.
const CLIENTS: usize = 48;

fn few_places() -> Bounds {
    Bounds { connections: 4, probe_connections: 2, handshake: LONG, head: LONG, answer: LONG }
}

#[track_caller]
fn assert_served(address: std::net::SocketAddr, paths: &[&str]) {
    for path in paths {
        assert_eq!(ask(&mut connect(address), path, "").expect("an answer").status, 200, "{path}");
    }
}

#[test]
fn connections_that_only_wait_do_not_keep_scrapers_out() {
    for sent in ["", "GET /livez HT", "GET /livez HTTP/1.1\r\nHost: x\r\nX: 1\r\n"] {
        let server = Server::bounded(WebConfig::default(), few_places());
        let mut flood = Vec::new();
        for _ in 0..12 {
            let mut stream = server.connect();
            stream.write_all(sent.as_bytes()).expect("sent");
            flood.push(stream);
            assert_served(server.address, &["/livez", "/metrics", "/"]);
        }
        let mut probes: Vec<_> = (0..6).map(|_| connect(server.probe_address)).collect();
        assert_served(server.probe_address, &["/livez", "/readyz"]);
        probes.clear();
    }
}

#[test]
fn handshakes_that_never_end_do_not_keep_other_clients_out() {
    let (folder, authority) = (Folder::new(), Authority::new("ca"));
    let identity = authority.issue("localhost", 2020, 2099);
    folder.write("server.crt", &identity.pem);
    folder.write("server.key", &identity.key_pem());
    let text = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
    let server = Server::bounded(folder.web_config(text), few_places());
    let client = Identity::client(&authority, None, &[&rustls::version::TLS13]);
    let _flood: Vec<TcpStream> = (0..12)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(&[22, 3, 1, 2, 0, 1]).expect("sent");
            stream
        })
        .collect();
    wait_for("a connection", || tls(server.address, &client).ok());
}

#[test]
fn a_connection_with_progress_is_not_the_one_that_is_closed() {
    let server = Server::bounded(WebConfig::default(), few_places());
    let mut used = server.connect();
    let mut idle = server.connect();
    idle.set_nonblocking(true).expect("set");
    let mut further = std::collections::VecDeque::new();
    // A new connection has a second for its first request.
    wait_for("the idle one to be closed", || {
        assert_eq!(ask(&mut used, "/livez", "").expect("an answer").status, 200);
        let mut stream = server.connect();
        assert_eq!(ask(&mut stream, "/livez", "").expect("an answer").status, 200);
        further.push_back(stream);
        further.drain(..further.len().saturating_sub(4));
        idle.read(&mut [0]).is_ok_and(|length| length == 0).then_some(())
    });
}

fn users() -> String {
    let hash = bcrypt::hash("right", 4).expect("hashed");
    format!("basic_auth_users: {{ann: {hash}}}\n")
}

/// Removes a stream that the server has closed.
fn take_closed(streams: &mut Vec<TcpStream>) -> Option<TcpStream> {
    let is_closed = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).expect("set");
        let read = stream.read(&mut [0]);
        stream.set_nonblocking(false).expect("set");
        read.is_ok_and(|length| length == 0)
    };
    let closed = streams.iter_mut().position(is_closed)?;
    Some(streams.remove(closed))
}

#[test]
fn requests_without_a_login_do_not_keep_a_new_connection_out() {
    let server = Server::bounded(Folder::new().web_config(&users()), few_places());
    let refused =
        |stream: &mut TcpStream| ask(stream, "/metrics", "").expect("an answer").status == 401;
    let mut flood: Vec<TcpStream> = (0..4).map(|_| server.connect()).collect();
    assert!(flood.iter_mut().all(refused));
    let mut user = server.connect();
    wait_for("the place of the user", || take_closed(&mut flood));
    assert!(flood.iter_mut().all(refused));
    let _further = server.connect();
    wait_for("the place of the further one", || take_closed(&mut flood));
    let answer = ask(&mut user, "/metrics", &login("ann", "right")).expect("an answer");
    assert_eq!(answer.status, 200);
}

#[test]
fn guesses_do_not_use_up_the_requests_of_a_known_user() {
    let text = format!("{}rate_limit: {{interval: 1h, burst: 3}}\n", users());
    let server = Server::with(Folder::new().web_config(&text));
    let mut stream = server.connect();
    let mut status = |login: &str| ask(&mut stream, "/livez", login).expect("an answer").status;
    let (right, guess) = (login("ann", "right"), login("ann", "guess"));
    assert_eq!([&right, &guess, &guess, &guess].map(|login| status(login)), [200, 401, 401, 429]);
    assert_eq!([&right, &guess, &right].map(|login| status(login)), [200, 429, 200]);
}

/// Ends the clients of a flood when it is dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `client` in many threads, again and again, while these requests are made. Returns the
/// fewest answers to the clients during one request: a busy machine can delay some requests.
fn fewest_answers_during(
    client: impl Fn(usize) + Sync,
    requests: impl IntoIterator<Item = impl FnOnce()>,
) -> usize {
    let (answered, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (client, answered, over) = (&client, &answered, &over);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    client(number);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        // A request that panics ends the clients too.
        let _end = Ends(&over);
        let count = || answered.load(Ordering::SeqCst);
        let answers = requests.into_iter().map(|request| {
            let before = count();
            wait_for("an answer to a client", || (count() > before).then_some(()));
            let before = count();
            request();
            count() - before
        });
        answers.min().expect("there are requests")
    })
}

/// How many of many guesses were answered before three logins of known users.
fn guesses_before_the_users(users: &str) -> usize {
    let server = Server::with(Folder::new().web_config(users));
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (mut stream, answered) = (server.connect(), &answered);
            scope.spawn(move || {
                let guess = login("ann", &format!("guess-{number}"));
                // On a busy machine there may be no answer in time.
                let answer = ask(&mut stream, "/metrics", &guess);
                assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 401));
                answered.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait_for("the first guess", || (answered.load(Ordering::SeqCst) > 0).then_some(()));
        for name in ["ann", "bob", "ann"] {
            let right = login(name, "right");
            let status = ask(&mut server.connect(), "/metrics", &right).expect("an answer").status;
            assert_eq!(status, 200, "{name}");
        }
        answered.load(Ordering::SeqCst)
    })
}

#[test]
fn guessed_passwords_do_not_delay_a_known_user() {
    let hash = bcrypt::hash("right", 5).expect("hashed");
    let users = format!("basic_auth_users: {{ann: {hash}, bob: {hash}}}\n");
    // A busy machine can delay the users of a round.
    let is_quick = (0..5).any(|_| guesses_before_the_users(&users) < CLIENTS / 2);
    assert!(is_quick, "in each round the users waited for most guesses");
}

/// A configuration whose metrics do not fit into the buffers of a connection.
fn many_providers() -> String {
    let provider = |number: usize| {
        format!(
            "[providers.p{number}]\nrecipe = \"oauth2-client-credentials\"\n\
             parameters.token_url = \"http://127.0.0.1:1/\"\n\
             credentials = {{ client_id = \"id\", client_secret = \"a-secret\" }}\n"
        )
    };
    (0..2_000).map(provider).collect()
}

#[test]
fn clients_that_do_not_read_their_metrics_do_not_keep_scrapers_out() {
    let daemon = Daemon::start_with(&many_providers(), &["--probe.on-demand"], &[]);
    let slow: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = connect(daemon.address().parse().expect("an address"));
            let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            stream.write_all(request).expect("sent");
            stream
        })
        .collect();
    for _ in 0..3 {
        let scrape = daemon.get("/metrics");
        assert_eq!(scrape.status, 200);
        assert!(scrape.body.ends_with('\n') && scrape.body.contains("provider=\"p1999\""));
    }
    let mut aborted = 0;
    for mut stream in slow {
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        let (is_whole, ends) = (text.contains("provider=\"p1999\""), text.ends_with("0\r\n\r\n"));
        aborted += usize::from(text.starts_with("HTTP/1.1 200") && !ends);
        assert!(is_whole || !ends || !text.starts_with("HTTP/1.1 200"), "it looks complete");
    }
    assert!(aborted > 0, "a client that does not read is aborted");
}

#[test]
fn the_health_does_not_wait_for_clients_of_the_api() {
    let daemon = Daemon::start_with(&many_providers(), &["--probe.on-demand"], &[]);
    let list = |_| {
        // 503 when there is no room for another answer.
        let status = daemon.get("/api/v1/providers").status;
        assert!([200, 503].contains(&status), "{status}");
    };
    for path in ["/livez", "/readyz", "/healthz?provider=p1"] {
        let health = [(); 5].map(|()| || assert_eq!(daemon.get(path).status, 200, "{path}"));
        let fewest = fewest_answers_during(list, health);
        assert!(fewest < CLIENTS / 2, "{path} waited for {fewest} clients");
    }
}

#[test]
fn many_requests_in_one_packet_are_answered_in_order() {
    let server = Server::with(WebConfig::default());
    let mut stream = server.connect();
    let pair = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n\
                GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(pair.repeat(200).as_bytes()).expect("sent");
    for _ in 0..200 {
        let pair = [(); 2].map(|()| answer(&mut stream).expect("an answer").status);
        assert_eq!(pair, [200, 404]);
    }
}

#[test]
fn http_2_is_refused_and_other_clients_stay_served() {
    let server = Server::with(WebConfig::default());
    for _ in 0..20 {
        let mut stream = server.connect();
        let mut frames = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        // HEADERS and RST_STREAM, as in a rapid reset.
        for number in 0..100_u8 {
            frames.extend([0, 0, 1, 1, 5, 0, 0, 0, number * 2 + 1, 0x82]);
            frames.extend([0, 0, 4, 3, 0, 0, 0, 0, number * 2 + 1, 0, 0, 0, 8]);
        }
        let _ = stream.write_all(&frames);
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        assert!(!String::from_utf8_lossy(&text).contains(" 200 "));
    }
    assert_served(server.address, &["/livez"]);
}
