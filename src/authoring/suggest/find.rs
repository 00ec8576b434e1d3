//! Finds the parts of a response that a rule could read.

use http::HeaderMap;
use jiff::Timestamp;

use super::candidate::Candidate;
use super::kinds::{code, issued, message};
use super::members::Member;
use super::structure::trees;
use super::tokens::{format, token};
use super::units::names_an_expiry;
use super::{expiries, members};
use crate::language::answer;
use crate::secret::{Redactor, looks_random};

/// All candidates in a response, the likeliest of each rule first. `status` is the HTTP status, if
/// it is known.
pub fn candidates(
    status: Option<u16>,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    redactor: Option<&Redactor>,
) -> Vec<Candidate> {
    let trees = trees(body);
    let members = members::all(&trees, headers);
    let members: Vec<&Member> = members.iter().filter(|member| shown(member, redactor)).collect();
    let beside = |member: &Member| {
        members.iter().any(|other| other.parent == member.parent && tells_of_a_token(other))
    };
    let mut found: Vec<Candidate> =
        members.iter().filter_map(|member| token(member, beside(member))).collect();
    if found.is_empty() && trees.is_empty() && answer::is_word(body) && body.len() >= 3 {
        let why = "the body is one word and nothing else".to_owned();
        found.push(Candidate { path: "body".into(), ..Candidate::new("token", why, 60) });
    }
    if found.is_empty() {
        found.extend(headers.get_all(http::header::SET_COOKIE).iter().filter_map(cookie));
    }
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    let format = found.first().and_then(|best| format(best, &trees));
    let best =
        found.first().and_then(|best| members.iter().find(|member| member.path == best.path));
    let expiries = expiries::all(&members, best.map(|best| &**best), now);
    // The format comes first: without it no rule finds the token.
    found.splice(0..0, format);
    found.extend(expiries);
    let mut others: Vec<Candidate> = members
        .iter()
        .flat_map(|member| [code(member, status, redactor), message(member), issued(member)])
        .flatten()
        .collect();
    others.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found.extend(others);
    found
}

/// Whether the path of a member may be repeated: a name that contains a secret may not.
pub fn shown(member: &Member, redactor: Option<&Redactor>) -> bool {
    let path = &member.path;
    path.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric())
        && !redactor.is_some_and(|redactor| redactor.is_secret(path))
        && !looks_random(&member.name)
}

/// A cookie whose name says that it is a session.
fn cookie(value: &http::HeaderValue) -> Option<Candidate> {
    let (name, _) = value.to_str().ok()?.split_once('=')?;
    let lower = name.to_ascii_lowercase();
    let is_session =
        ["sess", "sid", "token", "auth", "jwt", "ticket"].iter().any(|word| lower.contains(word))
            && !lower.contains("csrf")
            && !lower.contains("xsrf");
    let is_name = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_session && is_name && !looks_random(name)).then(|| Candidate {
        path: format!("http.headers['set-cookie'] | split('{name}=') | last | split(';') | first"),
        ..Candidate::new("token", format!("the cookie `{name}` is a session"), 400)
    })
}

/// Whether a member stands beside a token: its type or its expiry.
fn tells_of_a_token(member: &Member) -> bool {
    member.name == "tokentype" || names_an_expiry(member).is_some()
}
