//! A web config that is replaced while connections are open.

use std::io::ErrorKind;

use credwatch::web_config::WebConfig;
use rustls::version::{TLS12, TLS13};

use super::support::endpoint::{Authority, Identity};
use super::support::web::{
    Folder, Server, TLS_FILES as TLS, ask, identity, login, put, tls, users,
};

const BOTH: [&rustls::SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

#[test]
fn a_new_connection_gets_the_new_certificate_and_old_connections_continue() {
    let (folder, authority) = identity();
    let config = Identity::client(&authority, None, &BOTH);
    let server = Server::with(folder.web_config(TLS));
    let shown = |stream: &rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream>| {
        stream.conn.peer_certificates().expect("shown")[0].clone()
    };
    let mut before = tls(server.address, &config).expect("a connection");
    let renewed = authority.issue("localhost", 2020, 2099);
    put(&folder, &renewed);
    assert_ne!(
        shown(&tls(server.address, &config).expect("a connection")),
        renewed.chain[0],
        "not before it is loaded"
    );
    server.current_web_config.replace(folder.web_config(TLS));
    let mut after = tls(server.address, &config).expect("a connection");
    assert_eq!(shown(&after), renewed.chain[0]);
    assert_ne!(shown(&before), renewed.chain[0]);
    for stream in [&mut before, &mut after] {
        assert_eq!(ask(stream, "/livez", "").expect("an answer").status, 200);
    }
}

#[test]
fn a_reload_switches_tls_on_and_off_and_old_connections_cannot_bypass_it() {
    let (folder, authority) = identity();
    let config = Identity::client(&authority, None, &BOTH);
    let server = Server::with(WebConfig::default());
    let mut plain = server.connect();
    assert_eq!(ask(&mut plain, "/livez", "").expect("an answer").status, 200);
    assert!(tls(server.address, &config).is_err());
    server.current_web_config.replace(folder.web_config(TLS));
    let late = ask(&mut plain, "/livez", "").expect("an answer");
    assert!(
        late.status == 421 && late.head.to_lowercase().contains("\r\nconnection: close"),
        "{}",
        late.head
    );
    assert_eq!(
        ask(&mut plain, "/livez", "")
            .map(|answer| answer.status)
            .map_err(|error| error.kind())
            .err(),
        Some(ErrorKind::UnexpectedEof)
    );
    assert!(ask(&mut server.connect(), "/livez", "").is_err(), "no plain connection any more");
    let mut locked = tls(server.address, &config).expect("a connection");
    folder.write("clients.pem", Authority::new("client-ca").pem());
    server.current_web_config.replace(folder.web_config(&format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.pem\n"
    )));
    assert_eq!(
        ask(&mut locked, "/livez", "").expect("an answer").status,
        421,
        "its client was never verified"
    );
    server.current_web_config.replace(WebConfig::default());
    assert_eq!(ask(&mut server.connect(), "/livez", "").expect("an answer").status, 200);
}

#[test]
fn new_passwords_apply_at_once_and_a_bad_file_keeps_the_old_ones() {
    let folder = Folder::new();
    let server = Server::with(folder.web_config(&users(&[("ann", "old")])));
    let mut stream = server.connect();
    let mut status = |password: &str| {
        ask(&mut stream, "/livez", &login("ann", password)).expect("an answer").status
    };
    assert_eq!(status("old"), 200);
    // As a reload does: a web config with a fault is not put into force.
    let faults = folder.load("basic_auth_users: {ann: old}\n").err().expect("refused");
    assert!(faults.contains("bcrypt") && !faults.contains("old\n"), "{faults}");
    assert_eq!(status("old"), 200);
    server.current_web_config.replace(folder.web_config(&users(&[("ann", "new")])));
    assert_eq!([status("old"), status("new")], [401, 200]);
    server.current_web_config.replace(WebConfig::default());
    assert_eq!(status("old"), 200, "no login is needed");
}
