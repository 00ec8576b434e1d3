//! The web config over sockets: TLS, client certificates, logins and headers.

use std::io::Write;
use std::sync::Arc;

use credwatch::web_config::WebConfig;
use rustls::version::{TLS12, TLS13};

use super::support::daemon::{Daemon, get};
use super::support::endpoint::{Authority, Identity};
use super::support::web::{
    Folder, Server, TLS_FILES as TLS, answer, ask, connect, identity, login, tls, users,
};

const BOTH: [&rustls::SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

#[test]
fn tls_uses_only_the_configured_versions_suites_and_curves() {
    let (folder, authority) = identity();
    let (old, new, both) = (
        Identity::client(&authority, None, &[&TLS12]),
        Identity::client(&authority, None, &[&TLS13]),
        Identity::client(&authority, None, &BOTH),
    );
    let server = Server::with(folder.web_config(TLS));
    for config in [&old, &new, &both] {
        let mut stream = tls(server.address, config).expect("a connection");
        assert_eq!(ask(&mut stream, "/metrics", "").expect("an answer").status, 200);
    }
    server.current_web_config.replace(folder.web_config(&format!("{TLS}  min_version: TLS13\n")));
    assert!(tls(server.address, &old).is_err(), "TLS 1.2 is too old now");
    assert_eq!(
        tls(server.address, &both).expect("a connection").conn.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
    server.current_web_config.replace(folder.web_config(&format!(
        "{TLS}  max_version: TLS12\n  cipher_suites: \
                [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n  curve_preferences: \
                [CurveP384]\n"
    )));
    assert!(tls(server.address, &new).is_err(), "TLS 1.3 is too new now");
    let stream = tls(server.address, &both).expect("a connection");
    let suite = stream.conn.negotiated_cipher_suite().expect("negotiated").suite();
    assert_eq!(suite, rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
    assert_eq!(
        stream.conn.negotiated_key_exchange_group().expect("negotiated").name(),
        rustls::NamedGroup::secp384r1
    );
    server.current_web_config.replace(folder.web_config(&format!(
        "{TLS}  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
    )));
    assert!(tls(server.address, &both).is_err(), "no suite for a certificate of this kind");
    let other = Identity::client(&Authority::new("other"), None, &BOTH);
    assert!(tls(server.address, &other).is_err(), "the client sees whose certificate it is");
}

#[test]
fn only_http_1_is_supported() {
    let (folder, authority) = identity();
    let server = Server::with(folder.web_config(TLS));
    let mut config = Identity::client(&authority, None, &BOTH);
    Arc::make_mut(&mut config).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    assert_eq!(
        tls(server.address, &config).expect("a connection").conn.alpn_protocol(),
        Some(&b"http/1.1"[..])
    );
    Arc::make_mut(&mut config).alpn_protocols = vec![b"h2".to_vec()];
    assert!(tls(server.address, &config).is_err());
}

#[test]
fn a_client_needs_a_certificate_of_the_right_authority_with_an_allowed_name() {
    let (folder, authority) = identity();
    let (clients, strangers) = (Authority::new("client-ca"), Authority::new("stranger-ca"));
    folder.write("clients.pem", clients.pem());
    let with = |identity: &Identity| Identity::client(&authority, Some(identity), &BOTH);
    let scraper = clients.issue("scraper.example", 2020, 2099);
    let rule = |more: &str| {
        folder.web_config(&format!(
            "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  \
                              client_ca_file: clients.pem\n{more}"
        ))
    };
    let server = Server::with(rule(""));
    assert!(tls(server.address, &with(&scraper)).is_ok());
    assert!(
        tls(server.address, &Identity::client(&authority, None, &BOTH)).is_err(),
        "no certificate"
    );
    assert!(
        tls(server.address, &with(&strangers.issue("scraper.example", 2020, 2099))).is_err(),
        "another authority"
    );
    assert!(
        tls(server.address, &with(&clients.issue("scraper.example", 2020, 2021))).is_err(),
        "expired"
    );
    server
        .current_web_config
        .replace(rule("  client_allowed_sans: [one, scraper.example, 192.0.2.7]\n"));
    assert!(tls(server.address, &with(&scraper)).is_ok());
    assert!(
        tls(server.address, &with(&clients.issue("192.0.2.7", 2020, 2099))).is_ok(),
        "an address is a name too"
    );
    assert!(
        tls(server.address, &with(&clients.issue("other.example", 2020, 2099))).is_err(),
        "not on the list"
    );
    assert!(
        tls(server.address, &with(&strangers.issue("scraper.example", 2020, 2099))).is_err(),
        "on the list, of another authority"
    );
    server.current_web_config.replace(folder.web_config(&format!(
        "{TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: clients.pem\n"
    )));
    assert!(
        tls(server.address, &Identity::client(&authority, None, &BOTH)).is_ok(),
        "none is fine"
    );
    assert!(
        tls(server.address, &with(&strangers.issue("scraper.example", 2020, 2099))).is_err(),
        "a wrong one is not"
    );
    server.current_web_config.replace(
        folder.web_config(&format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n")),
    );
    assert!(
        tls(server.address, &with(&scraper)).is_err(),
        "the authorities of the system do not know this one"
    );
}

#[test]
fn a_self_signed_client_certificate_is_its_own_authority() {
    let (folder, authority) = identity();
    let (known, unknown, expired) =
        (Identity::self_signed(2099), Identity::self_signed(2099), Identity::self_signed(2021));
    folder.write("clients.pem", &format!("{}{}", known.pem, expired.pem));
    let server = Server::with(folder.web_config(&format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.pem\n"
    )));
    assert!(tls(server.address, &Identity::client(&authority, Some(&known), &BOTH)).is_ok());
    assert!(tls(server.address, &Identity::client(&authority, Some(&unknown), &BOTH)).is_err());
    assert!(tls(server.address, &Identity::client(&authority, Some(&expired), &BOTH)).is_err());
}

#[test]
fn every_path_needs_a_login_with_the_right_password() {
    let server = Server::with(Folder::new().web_config(&users(&[("ann", "one"), ("bob", "two")])));
    let mut stream = server.connect();
    for path in ["/", "/metrics", "/healthz", "/livez", "/readyz", "/nothing-here"] {
        for headers in [
            "",
            &login("ann", "two"),
            &login("ann", ""),
            &login("eve", "one"),
            &login("eve", "two"),
            "Authorization: Bearer one\r\n",
        ] {
            let refused = ask(&mut stream, path, headers).expect("an answer");
            assert_eq!(
                (refused.status, refused.body.as_str()),
                (401, "Unauthorized\n"),
                "{path} {headers}"
            );
            assert!(
                refused.head.to_lowercase().contains("\r\nwww-authenticate: basic\r\n"),
                "{}",
                refused.head
            );
        }
    }
    for (name, password) in [("ann", "one"), ("ann", "one"), ("bob", "two")] {
        assert_eq!(
            ask(&mut stream, "/livez", &login(name, password)).expect("an answer").status,
            200,
            "{name}"
        );
    }
    assert_eq!(
        ask(&mut stream, "/nothing-here", &login("ann", "one")).expect("an answer").status,
        404
    );
}

#[test]
fn configured_headers_are_in_each_response_and_replace_the_default_ones() {
    let text = "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    \
                Strict-Transport-Security: max-age=31536000; includeSubDomains\n    \
                X-XSS-Protection: 1\n";
    let server =
        Server::with(Folder::new().web_config(&format!("{text}{}", users(&[("ann", "one")]))));
    let mut stream = server.connect();
    for (path, headers, status) in [
        ("/livez", "", 401),
        ("/livez", &*login("ann", "one"), 200),
        ("/nothing-here", &login("ann", "one"), 404),
    ] {
        let answer = ask(&mut stream, path, headers).expect("an answer");
        let head = answer.head.to_lowercase();
        assert_eq!(answer.status, status);
        for line in [
            "\r\nx-frame-options: sameorigin",
            "\r\nstrict-transport-security: max-age=31536000; includesubdomains",
            "\r\nx-xss-protection: 1",
        ] {
            assert_eq!(head.matches(line).count(), 1, "{head}");
        }
        assert_eq!(head.matches("x-frame-options").count(), 1, "{head}");
    }
}

#[test]
fn requests_above_the_rate_limit_get_429() {
    let server = Server::with(Folder::new().web_config("rate_limit: {interval: 1h, burst: 2}\n"));
    let mut stream = server.connect();
    let mut status = || ask(&mut stream, "/livez", "").expect("an answer").status;
    assert_eq!([status(), status(), status(), status()], [200, 200, 429, 429]);
    let mut probe = connect(server.probe_address);
    assert_eq!(ask(&mut probe, "/livez", "").expect("an answer").status, 200);
}

#[test]
fn the_probe_address_serves_only_two_paths_and_needs_no_login() {
    let (folder, _) = identity();
    let server = Server::with(folder.web_config(&format!("{TLS}{}", users(&[("ann", "one")]))));
    let mut probe = connect(server.probe_address);
    for (path, status) in
        [("/livez", 200), ("/readyz", 200), ("/", 404), ("/metrics", 404), ("/healthz", 404)]
    {
        let answer = ask(&mut probe, path, "").expect("an answer");
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.body.contains("credwatch_"), "{path}");
    }
}

/// Passwords, hashes and keys, plain and encoded.
#[test]
fn the_log_at_level_trace_has_no_password_hash_or_key() {
    let (folder, authority) = identity();
    let (right, wrong) = ("canary-right-4711", "canary-wrong-0815");
    let hash = bcrypt::hash(right, 4).expect("hashed");
    let web = folder.write("web.yml", &format!("{TLS}basic_auth_users:\n  ann: {hash}\n"));
    let daemon = Daemon::start_with(
        "",
        &[
            "--log.level=trace",
            "--web.probe-address=127.0.0.1:0",
            &format!("--web.config.file={}", web.display()),
        ],
        &[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")],
    );
    let address = daemon.address().parse().expect("an address");
    let config = Identity::client(&authority, None, &BOTH);
    let mut stream = tls(address, &config).expect("a connection");
    for (name, password, status) in
        [("ann", right, 200), ("ann", wrong, 401), ("canary-nobody", wrong, 401)]
    {
        assert_eq!(
            ask(&mut stream, "/healthz?secret=canary-query", &login(name, password))
                .expect("an answer")
                .status,
            status
        );
    }
    connect(address).write_all(b"GET /canary-plain HTTP/1.1\r\n\r\n").expect("sent");
    assert!(tls(address, &Identity::client(&Authority::new("x"), None, &BOTH)).is_err());
    let log = super::support::wait_for("the failed handshakes in the log", || {
        Some(daemon.log()).filter(|log| log.matches("no TLS connection").count() >= 2)
    });
    let probe = log
        .split("probe_listen=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .expect("the log has it")
        .to_owned();
    assert_eq!(get(&probe, "/livez").status, 200);
    let key = std::fs::read_to_string(folder.path().join("server.key")).expect("readable");
    let bodies = key.lines().filter(|line| !line.starts_with("---"));
    let header = login("ann", right);
    let encoded = header.split_whitespace().last().expect("a word");
    for needle in [right, wrong, &hash, &hash[7..], encoded, "canary"].into_iter().chain(bodies) {
        assert!(!log.contains(needle), "{needle:?} shows in\n{log}");
    }
    assert!(log.contains("tls=true") && log.contains("users=1"), "{log}");
}

#[test]
fn the_server_closes_the_connection_after_a_body_or_head_that_is_too_long() {
    let server = Server::with(WebConfig::default());
    let mut stream = server.connect();
    stream
        .write_all(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        .expect("sent");
    let refused = answer(&mut stream).expect("an answer");
    assert!(
        refused.status == 413 && refused.head.to_lowercase().contains("\r\nconnection: close"),
        "{}",
        refused.head
    );
    let mut stream = server.connect();
    let _ = stream.write_all(
        format!("GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000))
            .as_bytes(),
    );
    assert!(answer(&mut stream).map_or(431, |answer| answer.status) == 431, "too long a head");
}
