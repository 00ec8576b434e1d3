//! Whether sample answers issue a token.

use super::members::{self, Member};
use super::samples::Answer;
use super::structure::trees;
use super::tokens::{WEAK, token};
use super::units::names_an_expiry;

/// The score from which on a name is surely that of a token.
const SURE: u32 = 640;

/// An answer with at most so many members is about nothing but the token.
const FEW: usize = 4;

/// What the sample answers of a command show.
pub enum Evidence {
    /// There is no sample of a success with members.
    Nothing,
    /// A success has no token.
    NoToken,
    /// A success has a token at this place.
    Token(String),
}

/// Whether the sample of a success issues a token. `is_read` says that the request changes nothing,
/// so that a name alone is no sign. `request` has the texts of the request: a value that stands
/// there is the key itself.
#[must_use]
pub fn evidence(samples: &[Answer], is_read: bool, request: &str) -> Evidence {
    let mut seen = Evidence::Nothing;
    for sample in samples.iter().filter(|sample| is_success(sample)) {
        let trees = trees(&sample.body);
        if trees.is_empty() {
            continue;
        }
        let members = members::all(&trees, &sample.headers);
        let in_body = members.iter().filter(|member| member.parent != "http.headers").count();
        let issued = members.iter().find(|member| {
            let beside = members.iter().any(|other| {
                other.parent == member.parent
                    && (other.name == "tokentype" || names_an_expiry(other).is_some())
            });
            let text = member.value.as_str().unwrap_or_default();
            let is_own = text.contains('*') || text.len() >= 6 && request.contains(text);
            let enough = if is_read { SURE } else { WEAK };
            token(member, beside).is_some_and(|found| found.score >= enough)
                && !is_own
                && (!is_read || is_named_token(member) && (beside || in_body <= FEW))
        });
        match issued {
            Some(member) => return Evidence::Token(member.path.clone()),
            None => seen = Evidence::NoToken,
        }
    }
    seen
}

/// Whether the name of a member is that of a token, and not that of an object about one.
fn is_named_token(member: &Member) -> bool {
    let is_header = member.parent == "http.headers";
    !member.path.contains("[0]")
        && !is_header
        && ["token", "jwt", "ticket", "sessionid", "sessionkey", "sid"]
            .iter()
            .any(|end| member.name.ends_with(end))
}

/// Whether a sample is a success, by its status or because no member tells of an error.
pub fn is_success(sample: &Answer) -> bool {
    let tells_an_error = || {
        members::all(&trees(&sample.body), &sample.headers).iter().any(|member| {
            let words = members::words(&member.path);
            words.iter().any(|word| matches!(word.as_str(), "error" | "errors" | "fault" | "err"))
        })
    };
    sample.status.map_or_else(|| !tells_an_error(), |status| status < 400)
}
