//! Finds the parts of a response that a rule could read.

use http::HeaderMap;
use jiff::Timestamp;

use super::candidate::Candidate;
use super::kinds::{code, format, issued, message, token};
use super::members::Member;
use super::structure::trees;
use super::{expiries, members};
use crate::language::answer;
use crate::secret::{Redactor, looks_random};

/// All candidates in a response, the likeliest of each rule first.
pub fn candidates(
    body: &[u8],
    headers: &HeaderMap,
    now: Timestamp,
    redactor: Option<&Redactor>,
) -> Vec<Candidate> {
    let trees = trees(body);
    let members = members::all(&trees, headers);
    // A name that contains a secret is not repeated.
    let hides = |text: &str| redactor.is_some_and(|redactor| redactor.is_secret(text));
    let shows =
        |path: &str| path.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric());
    let members: Vec<&Member> = members
        .iter()
        .filter(|member| shows(&member.path) && !hides(&member.path) && !looks_random(&member.name))
        .collect();
    let mut found: Vec<Candidate> = members.iter().filter_map(|member| token(member)).collect();
    if found.is_empty() && trees.is_empty() && answer::is_word(body) && body.len() >= 8 {
        let why = "the body is one word and nothing else".to_owned();
        found.push(Candidate { path: "body".into(), ..Candidate::new("token", why, 60) });
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
        .flat_map(|member| [code(member, redactor), message(member), issued(member)])
        .flatten()
        .collect();
    others.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found.extend(others);
    found
}
