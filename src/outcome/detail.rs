//! What is known about a failure besides its reason and its code. It chooses the next step for a
//! person and nothing else: no metric shows it, and it does not outlive a restart.

use std::time::Duration;

use super::Phases;

/// What is known about a failure besides its reason and its code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    #[default]
    Nothing,
    /// The time was up in this phase.
    Late(Phase),
    /// What was wrong with TLS.
    Tls(TlsProblem),
    /// The proxy refused the request, or there was no TLS with it.
    Proxy,
}

/// A phase of a request, in the order of [`Phases::WORDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Name resolution.
    Resolve,
    /// TCP connection.
    Connect,
    /// TLS handshake.
    Tls,
    /// From the ready connection to the head of the answer.
    Processing,
    /// From the head of the answer to its end.
    Transfer,
}

impl Phase {
    /// The sentence when this phase has not ended in time.
    #[must_use]
    pub fn unfinished(self, timeout: Duration) -> String {
        let word = Phases::WORDS[self as usize];
        let problem = match self {
            Self::Resolve => "no name server answered",
            Self::Connect => "no answer to the connect",
            Self::Tls => "the TLS handshake did not end",
            Self::Processing => "connected, but no answer came",
            Self::Transfer => "the answer did not end",
        };
        format!("{problem} within {timeout:?} (phase {word})")
    }
}

/// Why TLS with an endpoint failed, as far as the next step depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsProblem {
    /// A certificate of the endpoint has expired.
    Expired,
    /// A certificate of the endpoint is not valid yet.
    NotYetValid,
    /// No authority that this host trusts has signed the certificates.
    UnknownIssuer,
    /// This host trusts no authority at all.
    NoAuthorities,
    /// The certificate is for another name, or the endpoint does not know the name.
    WrongName,
    /// The certificate cannot be used for another cause.
    Certificate,
    /// The two sides have no version, cipher suite or kind of certificate in common.
    NothingInCommon,
    /// The endpoint does not speak TLS.
    NoTls,
    /// The endpoint, or something before it, broke the handshake off.
    BrokenOff,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::outcome::{Code, Failure, Message, Reason};

    #[test]
    fn the_detail_of_a_failure_takes_no_memory() {
        type Others = (Reason, Code, Message, Option<Duration>, usize);
        assert_eq!(size_of::<Failure>(), size_of::<Others>());
    }
}
