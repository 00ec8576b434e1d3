//! The head of an answer decides before its body.

use std::io::{Read, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use credwatch::outcome::Outcome;
use futures_util::future::join_all;

use super::{assert_failure, failure, probe};
use crate::support::documents::{document, section};
use crate::support::endpoint::{Authority, Endpoint, http, read_request};

pub const TOKEN: &str = r#"{"access_token":"abcdefgh","expires_in":60}"#;
pub const ERROR: &str = r#"{"error":"invalid_client"}"#;

/// The rows of a table of the reference, without their first and last bars.
pub fn table(heading: &str) -> Vec<Vec<String>> {
    let text = section(&document("docs/recipes/reference.md"), heading);
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

/// A body that is damaged, as a row of the reference.
struct Damage {
    row: &'static str,
    headers: &'static str,
    body: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Close,
    Reset,
    Silence,
    WithoutCloseNotify,
}

fn damages() -> Vec<Damage> {
    let part = &br#"{"access_token":"abcdefgh""#[..];
    let chunk = [b"1a\r\n", part, b"\r\n"].concat();
    let damage = |row, headers, body: &[u8], end| Damage { row, headers, body: body.into(), end };
    vec![
        damage("does not end within `timeout`", "", part, End::Silence),
        damage("shorter than `Content-Length`", "Content-Length: 99\r\n", part, End::Close),
        damage("the connection is reset", "Content-Length: 99\r\n", part, End::Reset),
        damage("without its last chunk", "Transfer-Encoding: chunked\r\n", &chunk, End::Close),
        damage(
            "without `close_notify` of TLS, where only the end of the connection ends the body",
            "",
            part,
            End::WithoutCloseNotify,
        ),
        damage("with a broken chunk", "Transfer-Encoding: chunked\r\n", b"xyz\r\n", End::Close),
        damage("larger than 256 KiB", "", &b" ".repeat(300 * 1024), End::Close),
        damage(
            "`Content-Encoding: gzip`, but not gzip",
            "Content-Encoding: GZIP\r\n",
            part,
            End::Close,
        ),
        damage(
            "`Content-Encoding: deflate`, but not deflate",
            "Content-Encoding: identity , Deflate\r\n",
            part,
            End::Close,
        ),
        damage("another `Content-Encoding`", "Content-Encoding: br\r\n", b"\x0b\x18", End::Close),
        damage("empty", "Content-Length: 0\r\n", b"", End::Close),
        damage("not text", "", b"\xff\xfe\x00", End::Close),
    ]
}

static TLS: LazyLock<Arc<rustls::ServerConfig>> =
    LazyLock::new(|| Arc::new(Authority::new("a").issue("x.example", 2020, 2099).server()));

/// Answers with this head and a damaged body.
fn endpoint(status: &str, damage: &Damage) -> Endpoint {
    let head = format!("HTTP/1.1 {status}\r\n{}\r\n", damage.headers);
    let answer = [head.as_bytes(), &damage.body].concat();
    let end = damage.end;
    let tls = Arc::clone(&TLS);
    Endpoint::serving(move |mut stream, _| match end {
        End::WithoutCloseNotify => {
            let Ok(tls) = rustls::ServerConnection::new(Arc::clone(&tls)) else { return };
            let mut stream = rustls::StreamOwned::new(tls, stream);
            read_request(&mut stream);
            let _ = stream.write_all(&answer);
            let _ = stream.flush();
            let _ = stream.sock.shutdown(std::net::Shutdown::Write);
            let _ = stream.sock.read_to_end(&mut Vec::new());
        }
        End::Reset => {
            // A close with unread bytes resets the connection.
            let _ = stream.read(&mut [0]);
            let _ = stream.write_all(&answer);
        }
        End::Close | End::Silence => {
            read_request(&mut stream);
            let _ = stream.write_all(&answer);
            if end == End::Close {
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
            let _ = stream.read_to_end(&mut Vec::new());
        }
    })
}

#[tokio::test]
async fn a_damaged_body_takes_neither_status_nor_wait_from_the_head() {
    let table = table("### Damaged bodies");
    let damages = damages();
    assert_eq!(
        table.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
        damages.iter().map(|damage| damage.row).collect::<Vec<_>>(),
    );
    let answers = [
        ("200 OK", None),
        ("401 X\r\nRetry-After: 30", Some(("rejected", None))),
        ("429 X\r\nRetry-After: 30", Some(("throttled", Some(30)))),
        ("503 X\r\nRetry-After: 30", Some(("unavailable", Some(30)))),
    ];
    let rows = table.iter().zip(&damages);
    let probes = rows.flat_map(|(row, damage)| answers.map(|answer| (row, damage, answer)));
    let probes = probes.map(async |(row, damage, (status, expected))| {
        let endpoint = endpoint(status, damage);
        let is_tls = damage.end == End::WithoutCloseNotify;
        let (url, more) = match damage.end {
            End::Silence => (endpoint.url(), "timeout = \"2s\""),
            End::WithoutCloseNotify => {
                (endpoint.url().replace("http", "https"), "tls.insecure = true")
            }
            End::Close | End::Reset => (endpoint.url(), ""),
        };
        let probe = probe(&url, more).await;
        let failure = failure(&probe);
        let (reason, wait) = expected.unwrap_or((row[1].trim_matches('`'), None));
        let code = match expected {
            None => row[2].trim_matches('`').to_owned(),
            Some(_) => format!("http_{}", &status[..3]),
        };
        let found = (failure.reason.word(), failure.code.as_str(), failure.retry_after);
        let wait = wait.map(Duration::from_secs);
        assert_eq!(found, (reason, code.as_str(), wait), "{status}: {}", damage.row);
        assert_eq!(probe.status, status[..3].parse().ok(), "{}", damage.row);
        assert_eq!(probe.certificate_expiry.is_some(), is_tls);
        if is_tls && expected.is_none() {
            assert!(failure.message.as_str().contains("close_notify"));
        }
    });
    join_all(probes).await;
}

#[tokio::test]
async fn a_whole_document_counts_in_spite_of_its_damage() {
    let chunk = format!("{:x}\r\n{TOKEN}\r\n", TOKEN.len());
    let damages = [
        ("Content-Length: 99\r\n", TOKEN, End::Close),
        ("Content-Length: 99\r\n", TOKEN, End::Reset),
        ("Transfer-Encoding: chunked\r\n", &chunk, End::Close),
        ("", TOKEN, End::WithoutCloseNotify),
        ("Content-Encoding: gzip\r\n", TOKEN, End::Close),
        ("Content-Encoding: UTF-8\r\n", TOKEN, End::Close),
    ];
    join_all(damages.map(async |(headers, body, end)| {
        let damage = Damage { row: headers, headers, body: body.into(), end };
        let endpoint = endpoint("200 OK", &damage);
        let url = match end {
            End::WithoutCloseNotify => endpoint.url().replace("http", "https"),
            _ => endpoint.url(),
        };
        let probe = probe(&url, "tls.insecure = true").await;
        assert!(matches!(probe.outcome, Outcome::Issued(_)), "{headers}: {probe:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_probe_does_not_wait_for_the_rest_of_a_whole_document() {
    let hanging = |status, body: &str| {
        let headers = "Content-Length: 99\r\n";
        endpoint(status, &Damage { row: "", headers, body: body.into(), end: End::Silence })
    };
    let (issuing, refusing) = (hanging("200 OK", TOKEN), hanging("401 X", ERROR));
    let (urls, more) = ([issuing.url(), refusing.url()], "timeout = \"30s\"");
    let (issued, refused) = tokio::join!(probe(&urls[0], more), probe(&urls[1], more));
    assert!(matches!(issued.outcome, Outcome::Issued(_)), "{issued:?}");
    assert_failure(&refused, "credential", "rejected", "invalid_client");
    assert!(issued.duration < 20.0 && refused.duration < 20.0, "{issued:?} {refused:?}");
}

#[tokio::test]
async fn a_cut_body_that_is_no_document_does_not_count() {
    let recipe = |response: &str| {
        format!(
            "[recipes.own]\nparameters.token_url = {{}}\nrequest.url = \"{{{{ token_url }}}}\"\n\
             response = {{ {response} }}\n"
        )
    };
    let header = recipe("format = \"any\", token = \"http.headers['x-token']\", code = \"json.c\"");
    for (recipe, body, issued) in [
        (recipe("format = \"text\", token = \"body\""), "abcdefgh", false),
        (recipe("format = \"form\", token = \"form.t\""), "t=abcdefgh", false),
        (recipe("token = \"json\""), "12345678", false),
        (recipe("format = \"xml\", token = \"xml.t\""), "<t>abcdefgh</t>", true),
        (header, "{", true),
    ] {
        let endpoint = Endpoint::answering(format!(
            "HTTP/1.1 200 OK\r\nX-Token: abcdefgh\r\nContent-Length: 99\r\n\r\n{body}"
        ));
        let text = format!(
            "{recipe}[providers.x]\nrecipe = \"own\"\nparameters.token_url = {:?}\n",
            endpoint.url()
        );
        let loaded = credwatch::config::load_text("test", &text);
        let loaded = loaded.unwrap_or_else(|faults| panic!("{}", faults[0]));
        let probe = credwatch::probe::Prober::new().probe(&loaded.providers[0]).await;
        if issued {
            assert!(matches!(probe.outcome, Outcome::Issued(_)), "{body}: {probe:?}");
        } else {
            assert_failure(&probe, "network", "transport", "");
        }
    }
}

#[tokio::test]
async fn odd_headers_and_codings_of_old_servers_are_read() {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(TOKEN.as_bytes()).expect("packed");
    let gzip = gzip.finish().expect("packed");
    let mut twice = GzEncoder::new(Vec::new(), Compression::fast());
    twice.write_all(&gzip).expect("packed");
    let twice = twice.finish().expect("packed");
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(TOKEN.as_bytes()).expect("packed");
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
    raw.write_all(TOKEN.as_bytes()).expect("packed");
    let (zlib, raw) = (zlib.finish().expect("packed"), raw.finish().expect("packed"));
    for (headers, body) in [
        ("X-Blank : yes\r\n", TOKEN.as_bytes()),
        ("X-Long: one\r\n two\r\n", TOKEN.as_bytes()),
        ("no header at all\r\n", TOKEN.as_bytes()),
        ("X-Header(1): yes\r\n", TOKEN.as_bytes()),
        ("Content-Encoding: GZip\r\n", &gzip),
        ("Content-Encoding: x-gzip , identity\r\n", &gzip),
        ("Content-Encoding: gzip,GZIP\r\n", &twice),
        ("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", &twice),
        ("Content-Encoding: deflate\r\n", &zlib),
        ("Content-Encoding: Deflate\r\n", &raw),
        ("Content-Encoding: none\r\n", TOKEN.as_bytes()),
    ] {
        let endpoint = Endpoint::answering(http("200 OK", headers, body));
        let probe = probe(&endpoint.url(), "").await;
        assert!(matches!(probe.outcome, Outcome::Issued(_)), "{headers}: {probe:?}");
    }
    let old =
        format!("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2b\r\n{TOKEN}\r\n0\r\n\r\n");
    let old = Endpoint::answering(old);
    assert_failure(&probe(&old.url(), "").await, "provider", "malformed", "not_http");
}

#[tokio::test]
async fn an_unknown_coding_is_named() {
    let endpoint = Endpoint::answering(http("200 OK", "Content-Encoding: ZStd\r\n", b"\x28\xb5"));
    let probe = probe(&endpoint.url(), "").await;
    assert_failure(&probe, "provider", "malformed", "unknown_encoding");
    let message = failure(&probe).message.as_str();
    assert!(message.contains("`ZStd`"), "{message}");
}

/// A recipe with a step, a cleanup and a verification, each a POST without a body.
#[tokio::test]
async fn each_request_that_could_have_a_body_has_a_length() {
    let endpoint = Endpoint::json("200 OK", TOKEN);
    let (url, empty) = (endpoint.url(), "request = { method = \"METHOD\", url = \"HERE\" }");
    let call = |method: &str| empty.replace("METHOD", method).replace("HERE", &url);
    for body in ["", "request.body = \"\"", "request.form = {}", "request.form.a = \"{{ b }}\""] {
        let text = format!(
            "[recipes.own]\nparameters.b = {{ optional = true }}\nrequest.url = {url:?}\n{body}\n\
             response.token = \"json.access_token\"\n\
             [[recipes.own.steps]]\nname = \"s\"\n{}\n\
             [[recipes.own.steps]]\nname = \"g\"\n{}\n\
             [[recipes.own.cleanup]]\nname = \"c\"\n{}\n\
             [[recipes.own.cleanup]]\nname = \"d\"\n{}\n\
             [providers.x]\nrecipe = \"own\"\nverify.call.{}",
            call("PUT"),
            call("GET"),
            call("PATCH"),
            call("DELETE"),
            call("POST")
        );
        let loaded = credwatch::config::load_text("test", &text);
        let loaded = loaded.unwrap_or_else(|faults| panic!("{}", faults[0]));
        let before = endpoint.calls();
        let probe = credwatch::probe::Prober::new().probe(&loaded.providers[0]).await;
        assert!(matches!(probe.outcome, Outcome::Issued(_)), "{probe:?}");
        for request in &endpoint.requests()[before..] {
            let has_length = request.to_lowercase().contains("\r\ncontent-length: 0\r\n");
            let wanted = !request.starts_with("GET") && !request.starts_with("DELETE");
            assert_eq!(has_length, wanted, "{request}");
        }
        assert_eq!(endpoint.calls() - before, 6);
    }
}

/// Steps, verification and cleanup read an answer as the token request does.
#[tokio::test]
async fn the_head_of_each_call_decides_before_its_body() {
    let cut = |status: &str| {
        Endpoint::answering(format!("HTTP/1.1 {status}\r\nContent-Length: 99\r\n\r\n{ERROR}"))
    };
    let (token, refusing, busy) =
        (Endpoint::json("200 OK", TOKEN), cut("401 X"), cut("503 X\r\nRetry-After: 30"));
    let [token_url, refusing_url, busy_url] = [&token, &refusing, &busy].map(Endpoint::url);
    for (calls, expected) in [
        (format!("steps = [{{ name = \"s\", request.url = {refusing_url:?} }}]"), "rejected"),
        (format!("steps = [{{ name = \"s\", request.url = {busy_url:?} }}]"), "unavailable"),
        (format!("cleanup = [{{ name = \"c\", request.url = {busy_url:?} }}]"), "issued"),
        (format!("[providers.x.verify.call]\nrequest.url = {refusing_url:?}"), "unverified"),
        (format!("[providers.x.verify.call]\nrequest.url = {busy_url:?}"), "unavailable"),
    ] {
        let (recipe, provider) =
            if calls.starts_with('[') { ("", calls.as_str()) } else { (calls.as_str(), "") };
        let text = format!(
            "[recipes.own]\nrequest.url = {token_url:?}\nresponse.token = \"json.access_token\"\n\
             {recipe}\n[providers.x]\nrecipe = \"own\"\n{provider}"
        );
        let loaded = credwatch::config::load_text("test", &text);
        let loaded = loaded.unwrap_or_else(|faults| panic!("{}", faults[0]));
        let probe = credwatch::probe::Prober::new().probe(&loaded.providers[0]).await;
        let (reason, wait) = match &probe.outcome {
            Outcome::Issued(_) | Outcome::Accepted => ("issued", None),
            Outcome::Failed(failure) => (failure.reason.word(), failure.retry_after),
        };
        assert_eq!(reason, expected, "{calls}");
        let wanted = (expected == "unavailable").then(|| Duration::from_secs(30));
        assert_eq!(wait, wanted, "{calls}");
    }
}
