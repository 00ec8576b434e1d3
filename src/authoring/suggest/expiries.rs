//! The members of a response that could give the expiry of its token.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::candidate::{Candidate, End, quoted};
use super::members::Member;
use super::units;
use crate::outcome::Expiry;
use crate::recipe::definition::Unit;
use crate::recipe::expiry::ends_at;
use crate::time::{human_duration, unix_seconds};

/// The rule of a candidate that is an expiry in a form without a unit.
pub const UNREAD: &str = "unread_expiry";

/// Two expiries agree when they differ by at most this, in seconds.
const SAME: f64 = 60.0;

/// All candidates, the likeliest first. `best` is the token.
pub fn all(members: &[&Member], best: Option<&Member>, now: Timestamp) -> Vec<Candidate> {
    let beside = |member: &Member| best.is_some_and(|best| best.parent == member.parent);
    let mut found: Vec<Candidate> =
        members.iter().filter_map(|member| one(member, beside(member), now)).collect();
    if let Some(best) = best
        && best.value.as_str().is_some_and(has_exp)
    {
        found.push(Candidate {
            path: "token".into(),
            value: Some("[{ value = \"token\", unit = \"jwt\" }]".into()),
            unit: Some(Unit::Jwt),
            ..Candidate::new("expiry", "the token is a JSON Web Token with `exp`".into(), 40)
        });
    }
    // A form without a unit: a day, an Internet date.
    let is_unread = |member: &&&Member| {
        one(member, false, now).is_none()
            && (member.value.is_number()
                || member.value.as_str().is_some_and(|text| !text.trim().is_empty()))
    };
    found.extend(members.iter().filter(is_unread).filter_map(|member| {
        let score = units::names_an_expiry(member)?;
        let candidate = Candidate::new(UNREAD, String::new(), score);
        Some(Candidate { path: member.path.clone(), ..candidate })
    }));
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found
}

fn one(member: &Member, beside: bool, now: Timestamp) -> Option<Candidate> {
    let score = units::names_an_expiry(member)? + if beside { 20 } else { 0 };
    let line = |expression: &str, unit: Unit| {
        Some(format!("[{{ value = {}, unit = \"{}\" }}]", quoted(expression), unit.word()))
    };
    let end = |seconds, from_now| Some(End { seconds, from_now, parent: member.parent.clone() });
    if let Some((expression, seconds, days)) = clock(member, now) {
        let why = format!(
            "read as hours, minutes and seconds, the token lives {}",
            human_duration(seconds)
        );
        let other = days.map_or_else(String::new, |days| {
            format!(
                "; with the unit `dhm`, days, hours and minutes, it lives {}",
                human_duration(days)
            )
        });
        let todo =
            format!("is it hours, minutes and seconds? Check it in the documentation{other}");
        let candidate = Candidate::new("expiry", why, score);
        return Some(Candidate {
            path: member.path.clone(),
            value: line(&expression, Unit::Hms),
            unit: Some(Unit::Hms),
            todo: vec![todo],
            end: end(seconds, true),
            ..candidate
        });
    }
    let reading = units::read(member, now)?;
    let has_no_offset = reading.unit == Unit::Rfc3339
        && member.value.as_str().is_none_or(|text| text.trim().parse::<Timestamp>().is_err());
    let offset = has_no_offset.then(|| {
        format!(
            "the date has no offset and is read as UTC; if the documentation names another one, \
             add it: `value = {}`",
            quoted(&format!("{} ~ '+08:00'", reading.expression))
        )
    });
    Some(Candidate {
        path: member.path.clone(),
        value: line(&reading.expression, reading.unit),
        unit: Some(reading.unit),
        end: end(unix_seconds(reading.end) - unix_seconds(now), reading.is_from_now()),
        todo: reading.doubts.into_iter().chain(offset).collect(),
        ..Candidate::new("expiry", reading.why, score)
    })
}

/// For a text such as `360:00:00`: the expression with three parts, its seconds, and its seconds
/// where the parts can also be days, hours and minutes.
fn clock(member: &Member, now: Timestamp) -> Option<(String, f64, Option<f64>)> {
    let Json::String(text) = &member.value else { return None };
    let whole = if text.matches(':').count() == 1 { format!("{text}:00") } else { text.clone() };
    let read = |unit: Unit| {
        let end = ends_at(&minijinja::Value::from(whole.trim()), unit, now);
        if let Ok(Expiry::At(end)) = end {
            Some(unix_seconds(end) - unix_seconds(now))
        } else {
            None
        }
    };
    let seconds = read(Unit::Hms)?;
    let days = if whole == *text && !text.contains('.') { read(Unit::Dhm) } else { None };
    let path = &member.path;
    let expression = if whole == *text { path.clone() } else { format!("{path} ~ ':00'") };
    Some((expression, seconds, days))
}

/// The index of the likeliest expiry, or of the shortest one beside it. When they differ, its
/// question names the others.
pub fn choose(all: &mut [Candidate]) -> Option<usize> {
    let first = all.iter().position(|candidate| candidate.rule == "expiry")?;
    let Some(likeliest) = &all[first].end else { return Some(first) };
    let is_like = |candidate: &Candidate| {
        candidate.rule == "expiry"
            && candidate.end.as_ref().is_some_and(|end| {
                end.from_now == likeliest.from_now && end.parent == likeliest.parent
            })
    };
    let mut several: Vec<(usize, f64, String)> = Vec::new();
    for (place, candidate) in all.iter().enumerate().filter(|(_, candidate)| is_like(candidate)) {
        if let Some(end) = candidate
            .end
            .as_ref()
            .filter(|_| !several.iter().any(|(_, _, path)| *path == candidate.path))
        {
            several.push((place, end.seconds, candidate.path.clone()));
        }
    }
    if several.iter().all(|(_, seconds, _)| (seconds - likeliest.seconds).abs() <= SAME) {
        return Some(first);
    }
    several.sort_by(|one, other| one.1.total_cmp(&other.1));
    let place = several.first().map_or(first, |(place, ..)| *place);
    let others = several.iter().skip(1).map(|(_, _, path)| format!("`{path}`"));
    let others = others.collect::<Vec<_>>().join(" or ");
    all[place].or = Some(format!("or is it {others}? The shortest of them was taken"));
    Some(place)
}

/// Whether a JSON Web Token has a readable `exp`.
fn has_exp(text: &str) -> bool {
    ends_at(&minijinja::Value::from(text), Unit::Jwt, Timestamp::UNIX_EPOCH).is_ok()
}
