//! Errors of HTTP/2, written as frames (RFC 9113, sections 4.1, 6.4 and 6.8).

use std::io::{Read, Write};
use std::sync::Arc;

use credwatch::outcome::Outcome;

use super::{assert_failure, failure, probe};
use crate::support::endpoint::{Authority, Endpoint, http, read_request};

/// An endpoint that ends each stream of HTTP/2 with this code, and answers in HTTP/1.1.
fn refusing(code: u8, goaway: bool) -> Endpoint {
    let mut config = Authority::new("a").issue("x.example", 2020, 2099).server();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    Endpoint::serving(move |stream, requests| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("it is valid");
        let mut tls = rustls::StreamOwned::new(connection, stream);
        let mut first = [0; 1];
        let _ = tls.read_exact(&mut first);
        if tls.conn.alpn_protocol() == Some(b"h2") {
            requests.lock().expect("not poisoned").push("h2".into());
            let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
            let mut answer = settings.to_vec();
            if goaway {
                answer.extend([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, code]);
            } else {
                answer.extend([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, code]);
            }
            // The request has to be on its way before its stream can be reset.
            let mut seen = Vec::new();
            let mut piece = [0; 4096];
            while !seen.windows(9).any(|head| head[3] == 1 && head[4] & 4 != 0 && head[8] == 1) {
                match tls.read(&mut piece) {
                    Ok(0) | Err(_) => return,
                    Ok(length) => seen.extend_from_slice(&piece[..length]),
                }
            }
            let _ = tls.write_all(&answer);
        } else {
            requests.lock().expect("not poisoned").push("http/1.1".into());
            read_request(&mut tls);
            let _ = tls.write_all(&http("200 OK", "", br#"{"access_token":"abcdefgh"}"#));
        }
        let _ = tls.flush();
        let _ = tls.read_to_end(&mut Vec::new());
    })
}

#[tokio::test]
async fn an_error_of_http_2_is_named_and_a_request_that_was_not_processed_is_sent_again() {
    let url = |endpoint: &Endpoint| format!("https://127.0.0.1:{}/token", endpoint.port());
    for (code, goaway, reason, message, requests) in [
        (2, false, "transport", "reset the HTTP/2 stream: INTERNAL_ERROR", 1),
        (8, false, "transport", "reset the HTTP/2 stream: CANCEL", 1),
        (7, false, "transport", "reset the HTTP/2 stream: REFUSED_STREAM", 2),
        (11, false, "throttled", "reset the HTTP/2 stream: ENHANCE_YOUR_CALM", 1),
        (11, true, "throttled", "closed the HTTP/2 connection: ENHANCE_YOUR_CALM", 1),
        (0, true, "transport", "closed the HTTP/2 connection: NO_ERROR", 2),
    ] {
        let endpoint = refusing(code, goaway);
        let probe = probe(&url(&endpoint), "tls.insecure = true").await;
        let class = if reason == "throttled" { "provider" } else { "network" };
        assert_failure(&probe, class, reason, "");
        assert_eq!(failure(&probe).message.as_str(), format!("the provider {message}"));
        assert_eq!(endpoint.requests(), vec!["h2"; requests]);
    }
    for goaway in [false, true] {
        let endpoint = refusing(13, goaway);
        let fallback = probe(&url(&endpoint), "tls.insecure = true").await;
        assert!(matches!(fallback.outcome, Outcome::Issued(_)), "{fallback:?}");
        assert_eq!(endpoint.requests(), ["h2", "http/1.1"]);
        let forced = probe(&url(&endpoint), "tls.insecure = true\nhttp = \"1.1\"").await;
        assert!(matches!(forced.outcome, Outcome::Issued(_)), "{forced:?}");
        assert_eq!(endpoint.requests(), ["h2", "http/1.1", "http/1.1"]);
    }
}
