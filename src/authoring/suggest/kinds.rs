//! Recognizes a token, an error code, a message or a sign of success in a response.

use serde_json::Value as Json;

use super::candidate::{Candidate, quoted};
use super::members::{Member, words};
use crate::secret::{Redactor, looks_random, names_a_secret};

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
fn is_another(name: &str) -> bool {
    ["refresh", "type", "expire", "scope", "csrf", "xsrf", "uri", "url", "endpoint"]
        .iter()
        .any(|word| name.contains(word))
}

/// Recognizes a token by its name and form.
pub fn token(member: &Member) -> Option<Candidate> {
    let text = member.value.as_str()?.trim();
    let name = member.name.as_str();
    if text.is_empty()
        || text.contains(char::is_whitespace)
        || text.contains("://")
        || is_another(name)
        || is_date(text)
    {
        return None;
    }
    let jwt = text.starts_with("eyJ") && text.matches('.').count() == 2;
    let shape = jwt || looks_random(text);
    let header = member.parent == "http.headers";
    let named = match name {
        "accesstoken" => 100,
        "token" | "jwt" | "authtoken" | "apitoken" | "bearertoken" | "tenantaccesstoken"
        | "appaccesstoken" => 90,
        "idtoken" => 55,
        _ if name.ends_with("token") => 80,
        "ticket" | "sessiontoken" | "sessionkey" | "sessionid" | "session" => 70,
        // `api_key` in a response is often an echo of the request.
        _ if names_a_secret(name) && shape => 50,
        _ => 0,
    };
    let is_identifier = member.words.last().is_some_and(|word| word == "id")
        || ["trace", "request", "correlation", "etag", "nonce"]
            .iter()
            .any(|word| name.contains(word));
    let score = match (named, shape) {
        (0, false) => return None,
        (0, true) if header || is_identifier => return None,
        (0, true) => 30,
        (_, false) if header && text.len() < 16 => return None,
        (named, true) => named + 10,
        (named, false) => named,
    };
    let what = if jwt { "a JSON Web Token" } else { "a string" };
    let length = text.chars().count();
    let why = format!(
        "{what} of {length} character{}{}",
        if length == 1 { "" } else { "s" },
        if named == 0 { " that looks random" } else { " under the name of a token" }
    );
    // A member near the top is more likely.
    #[expect(clippy::cast_possible_truncation, reason = "at most eight")]
    let depth = member.depth as u32;
    Some(Candidate {
        path: member.path.clone(),
        ..Candidate::new("token", why, score * 10 - depth)
    })
}

fn is_date(text: &str) -> bool {
    text.len() <= 35
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "-:TZ.+".contains(c))
        && text.contains(['-', ':'])
}

/// Whether a member is below `error` or a similar name.
fn in_an_error(member: &Member) -> bool {
    words(&member.parent)
        .iter()
        .any(|word| matches!(word.as_str(), "error" | "errors" | "fault" | "exception" | "err"))
}

/// Recognizes an error code by its name.
pub fn code(member: &Member, redactor: Option<&Redactor>) -> Option<Candidate> {
    let text = match &member.value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) if number.is_i64() => number.to_string(),
        _ => return None,
    };
    let usable = !text.is_empty()
        && text.len() <= 64
        && !text.contains(char::is_whitespace)
        && !looks_random(&text);
    if !usable
        || redactor.is_some_and(|redactor| redactor.is_secret(&text))
        || member.parent == "http.headers"
    {
        return None;
    }
    let score = match member.name.as_str() {
        "errorcode" | "errcode" | "errorno" | "errno" | "faultcode" => 100,
        "error" | "err" => 90,
        "errortype" => 85,
        "code" | "resultcode" | "returncode" | "responsecode" | "retcode" | "statuscode"
        | "subcode" => 80,
        "status" | "type" | "reason" | "key" if in_an_error(member) => 60,
        "status" | "result" | "ret" => 40,
        _ => return None,
    };
    let score = score + if in_an_error(member) { 15 } else { 0 };
    let why = format!("`{}` is a name for an error code", member.words.join("_"));
    Some(Candidate { path: member.path.clone(), ..Candidate::new("code", why, score) })
}

/// Recognizes a message for people by its name.
pub fn message(member: &Member) -> Option<Candidate> {
    let text = member.value.as_str()?.trim();
    if text.is_empty() || looks_random(text) || member.parent == "http.headers" {
        return None;
    }
    let score = match member.name.as_str() {
        "errordescription" | "errormessage" | "errmsg" | "errordetail" | "errordetails"
        | "faultstring" => 100,
        "message" | "msg" => 90,
        "defaultmessage" | "localizedmessage" | "usermessage" => 85,
        "detail" | "description" | "details" | "text" | "errorsummary" | "resultmessage"
        | "statusmessage" | "responsemessage" => 80,
        "title" | "reason" | "info" => 50,
        "error" | "errors" if text.contains(' ') => 60,
        _ => return None,
    };
    let why = format!("`{}` is a name for a message", member.words.join("_"));
    Some(Candidate { path: member.path.clone(), ..Candidate::new("message", why, score) })
}

/// Recognizes a member that must have a certain value in a success.
pub fn issued(member: &Member) -> Option<Candidate> {
    if member.depth > 2 || member.parent == "http.headers" {
        return None;
    }
    let fine = match &member.value {
        Json::Bool(true) => "true".to_owned(),
        Json::Number(number) if matches!(number.as_i64(), Some(0 | 200)) => number.to_string(),
        Json::String(text)
            if ["ok", "success", "0", "200", "true"].contains(&text.to_lowercase().as_str()) =>
        {
            format!("'{text}'")
        }
        _ => return None,
    };
    let score = match member.name.as_str() {
        "success" | "ok" | "succeeded" | "issuccess" => 100,
        "code" | "errcode" | "errorcode" | "retcode" | "resultcode" | "returncode" | "ret" => 90,
        "status" | "result" | "msg" => 60,
        _ => return None,
    };
    let line = format!("{} == {fine}", member.path);
    let candidate = Candidate::new(
        "issued",
        "in the sample, this says that the request succeeded".into(),
        score,
    );
    Some(Candidate { path: member.path.clone(), value: Some(quoted(&line)), ..candidate })
}
