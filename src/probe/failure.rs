//! Maps the errors of connections to failures.

use std::error::Error;
use std::io;

use rustls::{AlertDescription as Alert, CertificateError};
use url::Url;

use super::chain::Refused;
use super::dns::DnsError;
use super::http2::{self, Again};
use super::identity::{self, alert_word};
use super::local;
use super::marks::{Marks, Moments};
use super::proxy::speaks_tls;
use crate::outcome::{Detail, Failure, Reason, TlsProblem, malformed};

/// How a request with this error is sent again; `None` when it is not.
pub fn again(error: &reqwest::Error) -> Option<Again> {
    find::<h2::Error>(error).and_then(http2::again)
}

/// Whether a proxy opened no tunnel. The HTTP library keeps the type of this error to itself, and
/// every other error before TLS with the endpoint has an error of the system or of TLS inside.
pub fn is_tunnel(error: &reqwest::Error, moments: &Moments, proxy: &Url) -> bool {
    error.is_connect()
        && moments.connect_start.is_some()
        && moments.handshakes == u8::from(speaks_tls(proxy))
        && moments.connected.is_none()
        && find::<DnsError>(error).is_none()
        && find::<io::Error>(error).is_none()
        && find::<rustls::Error>(error).is_none()
}

/// The failure for an error of the HTTP client, from the moments that the request reached.
pub fn classify(error: &reqwest::Error, marks: &Marks) -> Failure {
    let moments = &marks.moments();
    if let Some(dns) = find::<DnsError>(error) {
        return match dns {
            DnsError::Local(lacking) => local::failure(lacking),
            other => Failure::new(Reason::Dns, &other.to_string()),
        };
    }
    let alone = marks.addresses().is_none();
    if let Some(lacking) = find::<io::Error>(error).and_then(|it| local::lacking(it, alone)) {
        return local::failure(lacking);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(tls, moments);
    }
    if let Some(failure) = find::<h2::Error>(error).and_then(http2::failure) {
        return failure;
    }
    let broken = find::<io::Error>(error);
    // HTTP/2 keeps only the kind of an error of TLS, such as an alert.
    if broken.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
        && moments.certificate_requested
        && moments.connected.is_some()
        && moments.head.is_none()
    {
        return identity::refused("", moments);
    }
    if let Some(failure) = identity::broken_after_request("", moments) {
        return failure;
    }
    if moments.connected.is_none() {
        return not_connected(error, marks);
    }
    if let Some(http) = find::<hyper::Error>(error)
        && (http.is_parse() || http.is_parse_too_large())
    {
        return malformed("not_http", "the answer is no valid HTTP, or its head is too large");
    }
    let is_invalid = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
    };
    if moments.head.is_some() && broken.is_some_and(is_invalid) {
        return malformed("not_http", "the body of the answer is no valid HTTP");
    }
    let detail = broken.map_or_else(|| "it ended too early".to_owned(), describe);
    let place = if moments.head.is_some() {
        "while the answer was on its way"
    } else {
        "before an answer came"
    };
    Failure::new(Reason::Transport, &format!("the connection broke {place}: {detail}"))
}

/// The failure when a body that ends with its connection ended without the `close_notify` of TLS
/// (RFC 8446, section 6.1); `None` for another error. Somebody may have cut such a body.
pub fn no_close_notify(error: &reqwest::Error) -> Option<Failure> {
    let end = find::<io::Error>(error)?;
    let message = "the connection ended without TLS `close_notify`, so the end of the answer may \
                   be missing";
    (end.kind() == io::ErrorKind::UnexpectedEof).then(|| Failure::new(Reason::Transport, message))
}

fn not_connected(error: &reqwest::Error, marks: &Marks) -> Failure {
    let detail = find::<io::Error>(error).map_or_else(|| innermost_message(error), describe);
    if marks.moments().tls_start.is_some() {
        let message = format!("the connection broke in the TLS handshake: {detail}");
        return tls_problem(&message, Some(TlsProblem::BrokenOff));
    }
    let message = match marks.addresses() {
        Some(addresses) => format!("no connection to any of {addresses}: {detail}"),
        None => format!("no connection: {detail}"),
    };
    Failure::new(Reason::Connect, &message)
}

/// The innermost message of an error.
fn innermost_message(error: &reqwest::Error) -> String {
    let mut message = "unknown cause".to_owned();
    let mut source = error.source();
    while let Some(error) = source {
        message = error.to_string();
        source = error.source();
    }
    message
}

/// The message of an IO error without its error number.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "reset by the other side".into(),
        io::ErrorKind::UnexpectedEof => "it ended too early".into(),
        io::ErrorKind::TimedOut => "no answer in time".into(),
        io::ErrorKind::BrokenPipe => "closed by the other side".into(),
        _ => error.to_string(),
    }
}

fn tls_failure(error: &rustls::Error, moments: &Moments) -> Failure {
    if let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error
        && let Some(Refused { message, problem, early }) = other.0.downcast_ref::<Refused>()
    {
        let by_clock = early.and_then(local::clock_of_the_past);
        return by_clock.unwrap_or_else(|| tls_problem(message, *problem));
    }
    let (message, problem) = match error {
        rustls::Error::AlertReceived(alert) => {
            if let Some(failure) = identity::refused_by(*alert, moments) {
                return failure;
            }
            let (message, problem) = alert_problem(*alert);
            (message, Some(problem))
        }
        rustls::Error::PeerIncompatible(_) => (
            "the endpoint offers no TLS version or cipher suite that credwatch accepts (TLS 1.2 \
             and 1.3)"
                .to_owned(),
            Some(TlsProblem::NothingInCommon),
        ),
        rustls::Error::InvalidMessage(_) => {
            ("the endpoint does not speak TLS".to_owned(), Some(TlsProblem::NoTls))
        }
        other => (other.to_string(), None),
    };
    tls_problem(&message, problem)
}

fn tls_problem(message: &str, problem: Option<TlsProblem>) -> Failure {
    let detail = problem.map_or(Detail::Nothing, Detail::Tls);
    Failure::new(Reason::Tls, message).detail(detail)
}

fn alert_problem(alert: Alert) -> (String, TlsProblem) {
    let (message, problem) = match alert {
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => (
            "credwatch and the endpoint have no TLS version, cipher suite or kind of certificate \
             in common",
            TlsProblem::NothingInCommon,
        ),
        Alert::UnrecognisedName => {
            ("the endpoint does not know the name that was asked for", TlsProblem::WrongName)
        }
        _ => ("the endpoint broke the handshake off", TlsProblem::BrokenOff),
    };
    (format!("{message} (TLS alert {})", alert_word(alert)), problem)
}

/// The first error of a type in a chain. `source` does not return the error inside an `io::Error`,
/// so this function looks into each of them.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
