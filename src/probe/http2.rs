//! The errors of HTTP/2 (RFC 9113, section 7), and after which of them a request is sent again.

use h2::{Error, Reason as Code};

use crate::outcome::{Failure, Reason};

/// How a request that the provider did not process is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// In HTTP/1.1.
    InHttp1,
    /// On a new connection.
    OnNewConnection,
}

/// How a request with this error is sent again; `None` when the provider can have processed it.
pub fn again(error: &Error) -> Option<Again> {
    match error.reason().filter(|_| error.is_remote())? {
        Code::HTTP_1_1_REQUIRED => Some(Again::InHttp1),
        // RFC 9113, section 8.7.
        Code::REFUSED_STREAM => Some(Again::OnNewConnection),
        // The HTTP library reports GOAWAY only for streams above the last one of the frame, which
        // the provider did not process (RFC 9113, section 6.8).
        Code::NO_ERROR if error.is_go_away() => Some(Again::OnNewConnection),
        _ => None,
    }
}

/// The failure for an error of HTTP/2; `None` for an error of the connection below it.
pub fn failure(error: &Error) -> Option<Failure> {
    let code = error.reason()?;
    let who = match (error.is_remote(), error.is_go_away()) {
        (true, false) => "the provider reset the HTTP/2 stream",
        (true, true) => "the provider closed the HTTP/2 connection",
        (false, _) => "the answer breaks the rules of HTTP/2",
    };
    // RFC 9113, section 7: "generating excessive load".
    let is_throttled = error.is_remote() && code == Code::ENHANCE_YOUR_CALM;
    let reason = if is_throttled { Reason::Throttled } else { Reason::Transport };
    Some(Failure::new(reason, &format!("{who}: {}", name(code))))
}

/// The name of a code in RFC 9113; the number of an unknown one.
fn name(code: Code) -> String {
    match u32::from(code) {
        0..=13 => format!("{code:?}"),
        number => format!("the unknown error code {number:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_the_name_of_the_standard() {
        assert_eq!(name(Code::from(11)), "ENHANCE_YOUR_CALM");
        assert_eq!(name(Code::from(13)), "HTTP_1_1_REQUIRED");
        assert_eq!(name(Code::from(14)), "the unknown error code 0xe");
    }
}
