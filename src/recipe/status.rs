//! What the status of an answer means by itself.

use crate::outcome::Reason;

/// The reason of an answer with this status; `None` for a status that says success, where the body
/// decides. docs/recipes/reference.md has the same table.
pub fn reason(status: u16) -> Option<Reason> {
    Some(match status {
        200..300 => return None,
        300..400 => Reason::Redirect,
        // RFC 9110, sections 15.5.13 and 15.5.22: credwatch sends no precondition, and speaks the
        // protocols that HTTP clients speak. No status from 600 on has a meaning.
        ..200 | 412 | 426 | 600.. => Reason::Malformed,
        // RFC 9110, sections 15.5.9 and 15.5.20, and RFC 8470: the same request can succeed later.
        408 | 421 | 425 | 500..600 => Reason::Unavailable,
        429 => Reason::Throttled,
        // An account that is not paid for.
        402 => Reason::Suspended,
        // RFC 9110, sections 15.5.14 and 15.5.15, and RFC 6585: the request is too large.
        413 | 414 | 431 => Reason::Local,
        // RFC 7725: the provider may not serve clients at this place.
        451 => Reason::Blocked,
        400..500 => Reason::Rejected,
    })
}
