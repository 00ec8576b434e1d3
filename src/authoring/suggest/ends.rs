//! Recognizes when a key ends, in the answer to a read that presents it.

use jiff::Timestamp;
use minijinja::Value;
use serde_json::Value as Json;

use super::members::{Member, words};
use super::units;
use crate::outcome::Expiry;
use crate::recipe::definition::Unit;
use crate::recipe::expiry::{created_at, credential_ends_at};

/// The end of a key.
pub struct KeyEnd {
    /// The path of the member.
    pub path: String,
    /// The path of the object that has the member.
    pub parent: String,
    /// The expression that reads it.
    pub expression: String,
    pub unit: Unit,
    pub why: String,
    pub todo: Vec<String>,
    /// Whether the sample has an end, and not a value that means none.
    pub is_present: bool,
    score: u32,
}

/// Words of the ends of other things: of a plan, of an elevated session, of a limit.
const OTHERS: [&str; 31] = [
    "sudo", "trial", "subscription", "plan", "quota", "session", "cookie", "license", "licence",
    "card", "invite", "invitation", "refresh", "cache", "billing", "invoice", "domain", "limit",
    "ratelimit", "reset", "creation", "max", "default", "window", "idle", "inactivity", "policy",
    "otp", "certificate", "warning", "notification",
];

/// Words that mean another end only in the name of the member itself: `access_token.expires_at` is
/// no other end, `data_access_expires_at` is.
const OTHERS_BY_NAME: [&str; 2] = ["access", "password"];

/// Endings of names that say when something ends.
const ENDINGS: [&str; 14] = [
    "until", "notafter", "validto", "validthru", "validbefore", "validbeforetime", "enddate",
    "endtime", "enddatetime", "endsat", "endson", "deadline", "ttl", "lifetime",
];

/// How clearly a member says when a key ends; `None` if it does not.
fn score(member: &Member) -> Option<u32> {
    let name = member.name.as_str();
    let has = |word: &str| member.words.iter().any(|own| own == word);
    let is_end = name.contains("expir")
        || has("exp")
        || has("ttl")
        || ENDINGS.iter().any(|end| name.ends_with(end));
    let holders = words(&member.parent);
    let is_other = OTHERS.iter().any(|other| has(other) || holders.iter().any(|one| one == other))
        || OTHERS_BY_NAME.iter().any(|other| has(other));
    let is_said = matches!(member.value, Json::Bool(_) | Json::Object(_) | Json::Array(_))
        || member.words.last().is_some_and(|last| {
            matches!(last.as_str(), "status" | "type" | "action" | "mode" | "unit")
        })
        || member.path == "http.headers['expires']";
    if !is_end || is_other || is_said {
        return None;
    }
    let names_a_key = ["token", "key", "credential", "secret"]
        .iter()
        .any(|word| has(word) || holders.iter().any(|holder| holder == word));
    let base = if name.contains("expir") {
        130
    } else if has("ttl") {
        90
    } else {
        110
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most eight")]
    let depth = member.depth as u32;
    Some(base + if names_a_key { 15 } else { 0 } - 3 * depth)
}

/// The likeliest end of the key.
pub fn best(members: &[Member], now: Timestamp) -> Option<KeyEnd> {
    let mut found: Vec<KeyEnd> = members.iter().filter_map(|member| read(member, now)).collect();
    // A present end comes before one that the sample leaves out.
    found.sort_by_key(|end| std::cmp::Reverse((end.is_present, end.score)));
    found.into_iter().next()
}

/// The path of an end in a form that no unit reads.
pub fn unread(members: &[Member], now: Timestamp) -> Option<String> {
    let unread = members.iter().find(|one| score(one).is_some() && read(one, now).is_none())?;
    Some(unread.path.clone())
}

fn read(member: &Member, now: Timestamp) -> Option<KeyEnd> {
    let score = score(member)?;
    let end = |expression: &str, unit: Unit, why: String, todo: Vec<String>, is_present| KeyEnd {
        path: member.path.clone(),
        parent: member.parent.clone(),
        expression: expression.to_owned(),
        unit,
        why,
        todo,
        is_present,
        score,
    };
    let is_duration = member.words.iter().any(|word| word == "ttl" || word == "in");
    let value = as_value(&member.value);
    if let Ok(Expiry::Never) = credential_ends_at(&value, Unit::Epoch, now) {
        let unit = match (&member.value, is_duration) {
            (_, true) => Unit::Seconds,
            (Json::Number(_), false) => Unit::Epoch,
            _ => Unit::Date,
        };
        let why = "the sample has a value that means no end".to_owned();
        let todo = vec![format!("is `{}` right for a key that ends?", unit.word())];
        return Some(end(&member.path, unit, why, todo, false));
    }
    let ends =
        |time: Timestamp| format!("in the sample, the key ends {}", time.strftime("%Y-%m-%d"));
    if member.value.is_string()
        && let Ok(expiry) = credential_ends_at(&value, Unit::Date, now)
    {
        let why = expiry.time().map_or_else(|| "in the sample, the key never ends".into(), ends);
        return Some(end(&member.path, Unit::Date, why, Vec::new(), true));
    }
    let reading = units::read(member, now)?;
    let unit = match reading.unit {
        Unit::EpochSeconds | Unit::EpochMilliseconds | Unit::EpochMicroseconds => Unit::Epoch,
        unit => unit,
    };
    let todo = if unit.is_duration() {
        vec![format!("is `{}` the time that is left, in {}?", member.path, unit.word())]
    } else {
        Vec::new()
    };
    Some(end(&reading.expression, unit, ends(reading.end), todo, true))
}

fn as_value(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::from(text.as_str()),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
        _ => Value::from(()),
    }
}

/// Whether a member says when its object was made.
pub fn is_creation(member: &Member) -> bool {
    matches!(
        member.name.as_str(),
        "created"
            | "createdat"
            | "createdon"
            | "createddate"
            | "createdtime"
            | "createdts"
            | "createtime"
            | "createdatetime"
            | "createddatetime"
            | "creation"
            | "creationdate"
            | "creationtime"
            | "issuedat"
            | "datecreated"
            | "validaftertime"
            | "startdatetime"
            | "insertedat"
    )
}

/// The unit of the time at which something was made.
pub fn unit_of_creation(member: &Member, now: Timestamp) -> Option<Unit> {
    let unit = if member.value.is_string() { Unit::Date } else { Unit::Epoch };
    let read = created_at(&as_value(&member.value), unit, now);
    matches!(read, Ok(Some(_))).then_some(unit)
}
