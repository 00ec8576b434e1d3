//! Maps the errors of connections to failures.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::dns::DnsError;
use super::marks::Moments;
use crate::outcome::{Failure, Reason, malformed};

/// The failure for an error of the HTTP client, from the moments that the request reached.
pub fn classify(error: &reqwest::Error, moments: &Moments) -> Failure {
    if let Some(dns) = find::<DnsError>(error) {
        return Failure::new(Reason::Dns, &dns.to_string());
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return Failure::new(Reason::Tls, &tls_problem(tls));
    }
    if moments.connected.is_none() {
        return not_connected(error, moments);
    }
    if let Some(http) = find::<hyper::Error>(error)
        && (http.is_parse() || http.is_parse_too_large())
    {
        return malformed("not_http", "the answer is no valid HTTP, or its head is too large");
    }
    let broken = find::<io::Error>(error);
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

fn not_connected(error: &reqwest::Error, moments: &Moments) -> Failure {
    let detail = find::<io::Error>(error).map_or_else(|| innermost_message(error), describe);
    if moments.tls_start.is_some() {
        return Failure::new(
            Reason::Tls,
            &format!("the connection broke in the TLS handshake: {detail}"),
        );
    }
    Failure::new(Reason::Connect, &format!("no connection: {detail}"))
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
        io::ErrorKind::BrokenPipe => "closed by the other side".into(),
        _ => error.to_string(),
    }
}

fn tls_problem(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            CertificateError::Expired => "the certificate has expired".into(),
            CertificateError::ExpiredContext { not_after, .. } => {
                match jiff::Timestamp::from_second(
                    i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX),
                ) {
                    Ok(time) => format!(
                        "the certificate expired on {}",
                        time.strftime("%Y-%m-%d %H:%M:%S UTC")
                    ),
                    Err(_) => "the certificate has expired".into(),
                }
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet".into()
            }
            CertificateError::NotValidForName => "the certificate is for another name".into(),
            CertificateError::NotValidForNameContext { presented, .. } => {
                format!("the certificate is for another name: {}", presented.join(", "))
            }
            CertificateError::UnknownIssuer => {
                "the certificate is from an authority that this host does not trust".into()
            }
            other => format!("the certificate is not accepted: {other}"),
        },
        rustls::Error::AlertReceived(alert) => {
            format!("the endpoint broke the handshake off: {alert:?}")
        }
        rustls::Error::InvalidMessage(_) => "the endpoint does not speak TLS".into(),
        other => other.to_string(),
    }
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
