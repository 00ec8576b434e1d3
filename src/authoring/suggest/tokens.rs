//! Recognizes a token in a response by its name, its neighbours and its form.

use serde_json::Value as Json;

use super::candidate::{Candidate, quoted};
use super::members::{Member, words};
use crate::secret::{looks_random, names_a_secret};

/// A candidate below this score only may be a token. One beside it in another sample is likelier.
pub const WEAK: u32 = 300;

/// The format that reads a token at this place; JSON needs none.
pub fn format(token: &Candidate, trees: &[(&'static str, Json)]) -> Option<Candidate> {
    let first = trees.first().map(|(name, _)| *name);
    let word = if token.path.starts_with("http.") {
        Some("any").filter(|_| first != Some("json"))?
    } else if token.path == "body" {
        "text"
    } else {
        first.filter(|name| *name != "json")?
    };
    let why = match word {
        "any" => "the token is in a header".to_owned(),
        "text" => "the answer is the token by itself".to_owned(),
        other => format!("the body is {}", if other == "xml" { "XML" } else { "a form" }),
    };
    Some(Candidate { value: Some(quoted(word)), ..Candidate::new("format", why, 100) })
}

/// Whether a name belongs to another token or is only about a token.
fn is_another(member: &Member) -> bool {
    let name = member.name.as_str();
    let has = |word: &&str| name.contains(*word);
    // `SecurityToken` contains `uri`.
    let ends = |word: &&str| name.ends_with(*word);
    let is_word = |word: &&str| member.words.iter().any(|own| own == *word);
    ["refresh", "expir", "scope", "csrf", "xsrf", "endpoint", "verif", "reset"].iter().any(has)
        || ["type", "uri", "url"].iter().any(ends)
        || ["type", "uri", "url", "page", "next", "push"].iter().any(is_word)
}

/// How clearly a name says that its value is a token; 0 if it does not.
fn named(member: &Member) -> u32 {
    let name = member.name.as_str();
    let holds = words(&member.parent);
    let holder = holds.last().map_or("", String::as_str);
    // The value of an object: `Token.Id`, `session.value`.
    let is_value = matches!(
        name,
        "id" | "value" | "key" | "string" | "text" | "raw" | "encoded" | "content" | "data"
    );
    match name {
        "accesstoken" => 100,
        "token" | "jwt" | "authtoken" | "apitoken" | "bearertoken" | "tenantaccesstoken"
        | "appaccesstoken" => 90,
        "idtoken" => 55,
        _ if name.ends_with("token") => 80,
        _ if is_value && holder.ends_with("token") => 75,
        _ if name.starts_with("token") && is_value_word(member) => 75,
        "ticket" | "sessiontoken" | "sessionkey" | "sessionid" | "session" | "sid"
        | "jsessionid" | "sessid" => 70,
        _ if ["ticket", "sessionid", "sessionkey", "jwt"].iter().any(|end| name.ends_with(end)) => {
            65
        }
        "tokenid" => 60,
        _ if is_value && matches!(holder, "session" | "ticket" | "jwt" | "auth") => 60,
        _ => 0,
    }
}

fn is_value_word(member: &Member) -> bool {
    member.words.last().is_some_and(|word| {
        matches!(word.as_str(), "value" | "string" | "text" | "raw" | "data" | "key")
    })
}

/// Whether a page shortened or replaced this value for its readers: `eyJhb…`, `<your token>`.
fn is_elided(text: &str) -> bool {
    text.contains("...") || text.contains('…') || text.starts_with(['<', '{', '['])
}

/// Recognizes a token. `beside` says that its type or its expiry stands in the same object.
pub fn token(member: &Member, beside: bool) -> Option<Candidate> {
    let text = member.value.as_str()?.trim();
    let name = member.name.as_str();
    let named = named(member);
    let has_blanks = text.contains(char::is_whitespace) && !(named >= 70 && is_elided(text));
    if text.is_empty() || has_blanks || text.contains("://") || is_another(member) || is_date(text)
    {
        return None;
    }
    let jwt = text.starts_with("eyJ") && text.matches('.').count() == 2;
    let shape = jwt || looks_random(text);
    let header = member.parent == "http.headers";
    // `api_key` in a response is often an echo of the request.
    let named = if named == 0 && shape && names_a_secret(name) { 50 } else { named };
    let is_identifier = member.words.last().is_some_and(|word| word == "id")
        || ["trace", "request", "correlation", "etag", "nonce"]
            .iter()
            .any(|word| name.contains(word));
    let score = match (named, shape) {
        (0, _) if header || is_identifier => return None,
        (0, true) => 30,
        (0, false) => weak(member, text, beside)?,
        // A short value of a header is a token only under the name of one.
        (named, false) if header && named < 80 && text.len() < 16 => return None,
        (named, true) => named + 10,
        (named, false) => named,
    };
    let what = if jwt { "a JSON Web Token" } else { "a string" };
    let length = text.chars().count();
    let plural = if length == 1 { "" } else { "s" };
    let reason = match named {
        0 if shape => " that looks random",
        0 => ", and nothing else in the sample is more like a token",
        _ => " under the name of a token",
    };
    // A member near the top is more likely.
    #[expect(clippy::cast_possible_truncation, reason = "at most eight")]
    let depth = member.depth as u32;
    Some(Candidate {
        path: member.path.clone(),
        todo: if named == 0 && !shape {
            vec!["a guess: is this the token?".into()]
        } else {
            Vec::new()
        },
        ..Candidate::new(
            "token",
            format!("{what} of {length} character{plural}{reason}"),
            score * 10 - depth,
        )
    })
}

/// The score of a short value under a name that says little: the `result` of a call, the whole
/// answer, or a value beside its type or its expiry.
fn weak(member: &Member, text: &str, beside: bool) -> Option<u32> {
    const STATES: [&str; 14] = [
        "ok", "success", "succeeded", "successful", "true", "false", "approved", "active", "error",
        "failure", "failed", "bearer", "null", "none",
    ];
    let is_state = STATES.contains(&text.to_lowercase().as_str())
        || text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() < 12;
    if is_state || member.depth > 4 {
        return None;
    }
    match member.name.as_str() {
        "" if member.depth == 0 => Some(60),
        "key" | "hash" | "value" | "accesskey" | "auth" | "access" => Some(25),
        "result" | "data" | "response" | "return" if member.depth <= 2 => Some(20),
        "id" | "name" | "username" | "user" | "state" | "status" | "role" => None,
        _ if beside && text.len() >= 3 => Some(15),
        _ => None,
    }
}

fn is_date(text: &str) -> bool {
    text.len() <= 35
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "-:TZ.+".contains(c))
        && text.contains(['-', ':'])
}
