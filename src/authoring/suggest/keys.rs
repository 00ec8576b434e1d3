//! Rules for the answers to a read that presents a key, from samples.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::candidate::{Candidate, Suggestion, quoted};
use super::ends::{self, KeyEnd};
use super::evidence::is_success;
use super::find::{candidates, shown};
use super::listed;
use super::members::{self, Member};
use super::places::places;
use super::samples::{Answer, Rules};
use super::scopes::scopes;
use super::structure::trees;

/// What the request says about the answer.
pub struct Asked<'a> {
    /// Whether the path names keys or tokens, so that the answer is about them.
    pub about_keys: bool,
    /// The credential that ends, where the recipe has several.
    pub credential: Option<&'a str>,
}

/// The rules from all samples, such as a success and a refusal.
#[must_use]
pub fn of_keys(samples: &[Answer], asked: &Asked<'_>, now: Timestamp) -> Rules {
    let mut refusals: Vec<(Option<u16>, Vec<Candidate>, Vec<Member>)> = Vec::new();
    let mut members: Vec<Member> = Vec::new();
    let (mut all_json, mut successes) = (true, 0);
    for (place, sample) in samples.iter().enumerate() {
        let found = candidates(sample.status, &sample.headers, &sample.body, now, None);
        let trees = trees(&sample.body);
        let explains = found.iter().any(|known| matches!(known.rule, "code" | "message"));
        let own = members::all(&trees, &sample.headers).into_iter().filter(|one| shown(one, None));
        if !is_success(sample) || place > 0 && explains {
            refusals.push((sample.status, found, own.collect()));
        } else {
            successes += 1;
            all_json &= trees.first().is_some_and(|(name, _)| *name == "json");
            members.extend(own);
        }
    }
    let mut suggestions = Vec::new();
    if successes > 0 && all_json {
        suggestions.push(Suggestion::plain("format", &quoted("json")));
    }
    let end = ends::best(&members, now);
    let list = end.as_ref().and_then(|end| listed::rules(end, &members, now));
    suggestions.extend(dead(&members, &refusals, end.as_ref(), asked.about_keys));
    suggestions.extend(scopes(&members));
    if list.is_none() {
        suggestions.extend(own_end(end.as_ref(), asked.credential));
        suggestions.extend(created(&members, end.as_ref(), asked, now));
    }
    let has_refusal = !refusals.is_empty();
    let found: Vec<&Vec<Candidate>> = refusals.iter().map(|(_, found, _)| found).collect();
    suggestions.extend(places(&found));
    suggestions.extend(list.unwrap_or_default());
    let has_end = end.is_some();
    let mut rules = Rules::guessed(suggestions);
    rules.has_refusal = has_refusal;
    rules.unread_expiry = ends::unread(&members, now).filter(|_| !has_end);
    rules
}

fn own_end(end: Option<&KeyEnd>, credential: Option<&str>) -> Option<Suggestion> {
    let end = end?;
    let whose = credential.map_or_else(String::new, |name| format!(", credential = \"{name}\""));
    let value =
        format!("{{ value = {}, unit = \"{}\"{whose} }}", quoted(&end.expression), end.unit.word());
    let mut todo = end.todo.clone();
    if end.is_present {
        todo.push(
            "if the answer for a key without an end has no such member, add `absent = \"never\"`"
                .into(),
        );
    }
    let suggestion = Suggestion::plain("credential_expiry", &value);
    Some(Suggestion { why: end.why.clone(), todo, ..suggestion })
}

/// When the key was made: beside its end, or in an answer about keys.
fn created(
    members: &[Member],
    end: Option<&KeyEnd>,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Option<Suggestion> {
    let is_beside = |member: &Member| match end {
        Some(end) => end.parent == member.parent,
        None => asked.about_keys && member.depth <= 3 && !member.path.contains("[0]"),
    };
    let member = members.iter().find(|member| is_beside(member) && ends::is_creation(member))?;
    let unit = ends::unit_of_creation(member, now)?;
    let whose = asked.credential;
    let whose = whose.map_or_else(String::new, |name| format!(", credential = \"{name}\""));
    let (value, unit) = (quoted(&member.path), unit.word());
    let time = format!("{{ value = {value}, unit = \"{unit}\"{whose} }}");
    Some(Suggestion::plain("credential_created", &time))
}

/// The condition for a refusal although the status says success.
fn dead(
    members: &[Member],
    refusals: &[(Option<u16>, Vec<Candidate>, Vec<Member>)],
    end: Option<&KeyEnd>,
    about_keys: bool,
) -> Option<Suggestion> {
    // Only where a refusal can have the status of a success does its body decide.
    let hidden = || refusals.iter().filter(|(status, ..)| status.is_none_or(|code| code < 400));
    let other = |member: &Member| {
        hidden()
            .flat_map(|(_, _, members)| members)
            .any(|other| other.path == member.path && other.value != member.value)
    };
    let (mut conditions, mut todo) = (Vec::new(), Vec::new());
    for member in members.iter().filter(|one| one.depth <= 3 && !one.path.contains("[0]")) {
        let name = member.name.as_str();
        let is_key = about_keys || end.is_some_and(|end| end.parent == member.parent);
        let path = &member.path;
        match &member.value {
            Json::Bool(true) if matches!(name, "ok" | "success" | "succeeded" | "issuccess") => {
                conditions.push(format!("{path} == false"));
            }
            Json::Bool(true)
                if matches!(
                    name,
                    "active" | "enabled" | "valid" | "isactive" | "isvalid" | "isenabled"
                ) && (is_key || other(member)) =>
            {
                conditions.push(format!("{path} == false"));
            }
            Json::Bool(false)
                if matches!(
                    name,
                    "revoked"
                        | "isrevoked"
                        | "disabled"
                        | "isdisabled"
                        | "deleted"
                        | "expired"
                        | "isexpired"
                        | "suspended"
                        | "blocked"
                ) && (is_key || other(member)) =>
            {
                conditions.push(format!("{path} == true"));
            }
            Json::String(text) if matches!(name, "status" | "state") => {
                let says_alive = ["active", "enabled", "valid", "ok", "success"]
                    .iter()
                    .any(|word| text.eq_ignore_ascii_case(word));
                let is_word = text.len() <= 20 && text.bytes().all(|b| b.is_ascii_alphanumeric());
                if is_word && (other(member) || is_key && says_alive) {
                    conditions.push(format!("{path} != '{text}'"));
                    todo.push(format!("which values of `{path}` does a key have that works?"));
                }
            }
            Json::Number(number)
                if matches!(
                    name,
                    "code" | "errcode" | "errorcode" | "errno" | "retcode" | "resultcode"
                ) && number.as_i64() == Some(0)
                    && (refusals.is_empty() || other(member)) =>
            {
                conditions.push(format!("{path} != 0"));
            }
            _ => {}
        }
    }
    let rule = Suggestion::plain("dead", &quoted(&conditions.join(" or ")));
    (!conditions.is_empty()).then_some(Suggestion { todo, ..rule })
}
