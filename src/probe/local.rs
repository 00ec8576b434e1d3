//! Failures that this host causes: it lacks a resource, its clock is wrong, or a request is too
//! large to be sent.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use rustix::io::Errno;

use crate::outcome::{Failure, Message, Outcome, Reason};
use crate::provider::Provider;
use crate::recipe::retry::{LARGEST_SKEW, clocks_differ};

/// The longest URL that the HTTP library sends, in bytes.
const LONGEST_URL: usize = 65_534;

/// Seconds since 1970 at 2026-01-01. This program is newer, so an earlier clock is wrong.
const OLDEST_NOW: u64 = 1_767_225_600;

/// What this host lacks, from an error of a system call; `None` for other errors. `alone` says that
/// the endpoint has one address.
pub fn lacking(error: &io::Error, alone: bool) -> Option<&'static str> {
    Some(match Errno::from_io_error(error)? {
        Errno::MFILE => "this process has no file descriptors left; the limit is `LimitNOFILE`",
        Errno::NFILE => "this host has no file descriptors left",
        // A host without IPv6 gives this error for one of several addresses, too.
        Errno::ADDRNOTAVAIL if alone => "this host has no free port, or no address to connect from",
        Errno::NOBUFS | Errno::NOMEM => "this host has no memory left for a connection",
        _ => return None,
    })
}

/// What this host lacks to open a socket. The resolver does not say why it cannot ask a server.
pub fn lacking_for_a_socket() -> Option<&'static str> {
    lacking(&UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err()?, true)
}

/// The failure when this host lacks a resource.
pub fn failure(lacking: &str) -> Failure {
    Failure::new(Reason::Local, lacking)
}

/// The failure when a URL of this many bytes is too long for the HTTP library.
pub fn too_long(url: usize) -> Option<Failure> {
    let problem = format!(
        "the request is too large: its URL has {url} bytes, and at most {LONGEST_URL} can be sent"
    );
    (url > LONGEST_URL).then(|| failure(&problem))
}

/// The failure when a certificate is not valid yet, because the clock of this host is wrong.
/// `now` is the time of this host, in seconds since 1970.
pub fn clock_of_the_past(now: u64) -> Option<Failure> {
    let time = jiff::Timestamp::from_second(i64::try_from(now).ok()?).ok()?;
    let problem = format!(
        "the clock of this host is wrong: it shows {}, so no certificate is valid yet",
        time.strftime("%Y-%m-%d %H:%M:%S UTC")
    );
    (now < OLDEST_NOW).then(|| failure(&problem))
}

/// The outcome, with the clocks in the message of a refusal if they differ and the request used
/// the time. `skew` is the provider's clock minus ours, in seconds.
pub fn with_clock(outcome: Outcome, skew: Option<f64>, provider: &Provider) -> Outcome {
    match (outcome, skew) {
        (Outcome::Failed(failure), Some(skew))
            if failure.reason == Reason::Rejected
                && skew.abs() > LARGEST_SKEW
                && provider.recipe.uses_the_time() =>
        {
            let message = format!("{}; {}", clocks_differ(skew), failure.message.as_str());
            Outcome::Failed(Failure { message: Message::clean(&message), ..failure })
        }
        (outcome, _) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_says_what_this_host_lacks() {
        // The numbers of Linux (errno.h).
        for (number, words) in [
            (24, "no file descriptors left; the limit"),
            (23, "this host has no file descriptors left"),
            (99, "no free port"),
            (105, "no memory"),
            (12, "no memory"),
        ] {
            let lacking = lacking(&io::Error::from_raw_os_error(number), true).unwrap_or_default();
            assert!(lacking.contains(words), "{number}: {lacking}");
        }
        // Refused, unreachable, and an error without a number.
        for error in [111, 113].map(io::Error::from_raw_os_error) {
            assert_eq!(lacking(&error, true), None);
        }
        assert_eq!(lacking(&io::Error::from_raw_os_error(99), false), None);
        assert_eq!(lacking(&io::Error::other("x"), true), None);
        assert_eq!(lacking_for_a_socket(), None);
    }

    #[test]
    fn a_clock_from_before_this_program_is_wrong() {
        let failure = clock_of_the_past(86_400).expect("it is wrong");
        assert_eq!(failure.reason, Reason::Local);
        assert_eq!(
            failure.message.as_str(),
            "the clock of this host is wrong: it shows 1970-01-02 00:00:00 UTC, so no certificate \
             is valid yet"
        );
        assert!(clock_of_the_past(OLDEST_NOW).is_none());
    }
}
