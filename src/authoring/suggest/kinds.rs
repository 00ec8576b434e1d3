//! Recognizes an error code, a message or a sign of success in a response.

use serde_json::Value as Json;

use super::candidate::{Candidate, quoted};
use super::members::{Member, words};
use crate::secret::{Redactor, looks_random};

/// The score of a code that says only that the request failed.
pub const ONLY_FAILURE: u32 = 10;

/// The score of a code that only repeats the HTTP status.
const STATUS: u32 = 20;

/// Whether a member is below `error` or a similar name.
fn in_an_error(member: &Member) -> bool {
    words(&member.parent).iter().any(|word| {
        matches!(
            word.as_str(),
            "error" | "errors" | "fault" | "exception" | "err" | "errormessage" | "failure"
        )
    })
}

/// Whether a value says only that the request failed.
fn says_only_failure(text: &str) -> bool {
    matches!(
        text.to_lowercase().as_str(),
        "error" | "fail" | "failed" | "failure" | "false" | "nok" | "ko" | "-1" | "err"
    )
}

/// Whether a number repeats the HTTP status of its answer, or may do so where that is unknown.
fn repeats_status(text: &str, status: Option<u16>) -> bool {
    text.parse::<u16>()
        .is_ok_and(|number| status.map_or(400..=599, |known| known..=known).contains(&number))
}

/// Whether a text is one word that a program chose, such as `INVALID_LOGIN`, `auth.failed` and
/// `UserDisabled`.
fn is_word_of_a_program(text: &str) -> bool {
    let has_joint = text.contains(['_', '.', '-', ':']);
    let upper = text.bytes().all(|byte| !byte.is_ascii_lowercase()) && text.len() > 3;
    let inner = text.char_indices().any(|(place, c)| place > 0 && c.is_ascii_uppercase());
    (has_joint || upper || inner)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-:".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(['.', ':', '-'])
}

/// Whether a text is one word in small letters, as `unauthorized` and `rate_limit` are.
fn is_small_word(text: &str) -> bool {
    (5..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// The code before the colon of a sentence: `ORA-01017: invalid username`.
fn leading(member: &Member, text: &str) -> Option<String> {
    let (code, sentence) = text.split_once(':')?;
    let code = code.trim_end();
    let is_code = code.len() > 3
        && code.len() <= 64
        && is_word_of_a_program(code)
        && !looks_random(code)
        && !says_only_failure(code)
        && !matches!(code, "HTTP" | "HTTPS" | "WARNING");
    let is_sentence = sentence.starts_with(' ') && sentence.trim().contains(' ');
    let is_named = matches!(
        member.name.as_str(),
        "message"
            | "msg"
            | "errormessage"
            | "errormsg"
            | "errmsg"
            | "messages"
            | "errors"
            | "error"
    );
    (is_code && is_sentence && is_named).then(|| code.to_owned())
}

/// Recognizes an error code by its name and form. `status` is the HTTP status, if it is known.
pub fn code(
    member: &Member,
    status: Option<u16>,
    redactor: Option<&Redactor>,
) -> Option<Candidate> {
    let text = match &member.value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) if number.is_i64() => number.to_string(),
        _ => return None,
    };
    if let Some(code) = leading(member, &text).filter(|_| member.value.is_string()) {
        let is_secret = redactor.is_some_and(|redactor| redactor.is_secret(&code));
        let path = format!("{} | split(':') | first | trim", member.path);
        let why = format!("`{}` begins with an error code", member.words.join("_"));
        let inside = if in_an_error(member) { 15 } else { 0 };
        return (!is_secret && member.parent != "http.headers").then(|| Candidate {
            path,
            sample: code,
            ..Candidate::new("code", why, 35 + inside)
        });
    }
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
    let inside = in_an_error(member);
    let is_text = member.value.is_string();
    let has_scheme = text.contains("://");
    let score = match member.name.as_str() {
        "errorcode" | "errcode" | "errorno" | "errno" | "faultcode" => 100,
        // Several codes in a list: `error_codes[0]`.
        "errorcodes" | "errcodes" => 95,
        "error" | "err" => 90,
        // The type of a message in Protocol Buffers.
        "type" if member.path.ends_with("['@type']") => return None,
        "errortype" => 85,
        "type" if member.path.ends_with(".__type") => 85,
        "code" | "resultcode" | "returncode" | "responsecode" | "retcode" | "statuscode"
        | "subcode" | "messagecode" | "responsestatuscode" | "httpstatus" | "httpcode"
        | "httpstatuscode" => 80,
        // Some APIs have the code in place of the sentence.
        "message" if is_text && text.contains('_') && is_word_of_a_program(&text) => 62,
        "status" | "type" | "key" if inside && !has_scheme => 60,
        "reason" if inside && !has_scheme && !is_word_of_a_program(&text) => 60,
        "messageid" | "errorid" | "name" if inside && is_text => 55,
        "reason" if inside && is_text && is_word_of_a_program(&text) => 65,
        "reason" | "type" | "errorname" if is_text && is_word_of_a_program(&text) => 45,
        // `{"id": "unauthorized", "message": "…"}`
        "id" if is_text && member.depth == 1 && is_small_word(&text) => 30,
        "reason" if is_text => 42,
        "status" | "result" | "ret" => 40,
        "message" | "msg" | "errormessage" | "errormsg" | "errmsg" | "messages" | "errors"
            if is_text && is_word_of_a_program(&text) =>
        {
            35
        }
        _ => return None,
    };
    let score = if says_only_failure(&text) {
        ONLY_FAILURE
    } else if repeats_status(&text, status) {
        STATUS
    } else {
        score + if inside { 15 } else { 0 }
    };
    let why = format!("`{}` is a name for an error code", member.words.join("_"));
    Some(Candidate {
        path: member.path.clone(),
        sample: text,
        ..Candidate::new("code", why, score)
    })
}

/// Recognizes a message for people by its name.
pub fn message(member: &Member) -> Option<Candidate> {
    let text = member.value.as_str()?.trim();
    if text.is_empty() || looks_random(text) || member.parent == "http.headers" {
        return None;
    }
    let score = match member.name.as_str() {
        "errordescription" | "errormessage" | "errormsg" | "errmsg" | "errordetail"
        | "errordetails" | "faultstring" => 100,
        "message" | "msg" => 90,
        "defaultmessage" | "localizedmessage" | "usermessage" => 85,
        "detail" | "description" | "details" | "text" | "errorsummary" | "resultmessage"
        | "statusmessage" | "responsemessage" | "summary" => 80,
        "description2" | "value" if in_an_error(member) => 75,
        "reason" if is_word_of_a_program(text) => return None,
        "title" | "reason" | "info" => 50,
        "data" if in_an_error(member) && text.contains(' ') => 70,
        "error" | "errors" | "err" if text.contains(' ') => 60,
        _ => return None,
    };
    let why = format!("`{}` is a name for a message", member.words.join("_"));
    Some(Candidate { path: member.path.clone(), ..Candidate::new("message", why, score) })
}

/// Recognizes a member that must have a certain value in a success.
pub fn issued(member: &Member) -> Option<Candidate> {
    // A state can stand deep in an envelope: `result[0].status.code`.
    let tells_a_state = words(&member.parent).iter().any(|word| word == "status");
    if member.depth > if tells_a_state { 5 } else { 3 } || member.parent == "http.headers" {
        return None;
    }
    let fine = match &member.value {
        Json::Bool(true) => "true".to_owned(),
        Json::Number(number) if matches!(number.as_i64(), Some(0 | 200)) => number.to_string(),
        Json::String(text)
            if ["ok", "success", "200", "true"].contains(&text.to_lowercase().as_str())
                || !text.is_empty() && text.len() <= 8 && text.bytes().all(|b| b == b'0') =>
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
    let score = score - if member.depth > 2 { 30 } else { 0 };
    let line = format!("{} == {fine}", member.path);
    let candidate = Candidate::new(
        "issued",
        "in the sample, this says that the request succeeded".into(),
        score,
    );
    Some(Candidate { path: member.path.clone(), value: Some(quoted(&line)), ..candidate })
}
