//! The likely unit of an expiry.

use jiff::Timestamp;
use minijinja::Value;
use serde_json::Value as Json;

use super::members::Member;
use crate::outcome::Expiry;
use crate::recipe::definition::Unit;
use crate::recipe::expiry::ends_at;
use crate::time::{human_duration, unix_seconds};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// From this number on, seconds count since 1970: it is the year 2001.
const EPOCH_FROM: u64 = 1_000_000_000;

/// From this number on, which is the year 2100, milliseconds of a lifetime are likelier.
const EPOCH_TO: u64 = 4_102_444_800;

/// How clearly a name says that its value is an expiry; `None` if it does not.
pub fn names_an_expiry(member: &Member) -> Option<u32> {
    let name = member.name.as_str();
    let has = |word: &str| member.words.iter().any(|own| own == word);
    // A session ends when it is not refreshed in time.
    let is_timeout = matches!(
        name.trim_end_matches("inseconds").trim_end_matches("seconds"),
        "timeout" | "refreshtimeout" | "sessiontimeout" | "tokentimeout"
    );
    let is_of_another =
        ["refresh", "password", "cache", "session-cookie"].iter().any(|other| name.contains(other))
            && !is_timeout;
    let is_a_start = has("from") || has("since") || has("after") && name.starts_with("valid");
    if is_of_another || is_a_start || member.path == "http.headers['expires']" {
        return None;
    }
    let score = if name.contains("expir") || has("exp") {
        90
    } else if has("ttl")
        || name.contains("lifetime")
        || name.contains("timetolive")
        || name.contains("lifespan")
    {
        80
    } else if name.ends_with("until")
        || name.starts_with("valid")
        || has("validity")
        || name.ends_with("notafter")
        || name.ends_with("maxage")
    {
        75
    } else if has("duration") || is_timeout {
        50
    } else {
        return None;
    };
    Some(score)
}

/// How a recipe reads an expiry.
pub struct Reading {
    pub expression: String,
    pub unit: Unit,
    /// When the token of the sample ends.
    pub end: Timestamp,
    pub why: String,
    /// What only the documentation can say.
    pub doubts: Vec<String>,
}

impl Reading {
    /// Whether the value is a duration and not a date.
    pub fn is_from_now(&self) -> bool {
        matches!(self.unit, Unit::Seconds | Unit::Minutes | Unit::Milliseconds)
    }
}

/// Reads an expiry in its likely unit.
pub fn read(member: &Member, now: Timestamp) -> Option<Reading> {
    let text = match &member.value {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    if let Some(expression) = compact(&text, member) {
        let date = format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..8]);
        let time = format!("{}:{}:{}", &text[8..10], &text[10..12], &text[12..]);
        let value = Value::from(format!("{date}T{time}Z"));
        let Ok(Expiry::At(end)) = ends_at(&value, Unit::Rfc3339, now) else { return None };
        let why =
            format!("read as a date without signs, the token ends {}", end.strftime("%Y-%m-%d"));
        return Some(Reading { expression, unit: Unit::Rfc3339, end, why, doubts: Vec::new() });
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let (expression, value, unit, mut doubts) =
        if let Some(number) = text.parse::<f64>().ok().filter(|_| is_number) {
            let (unit, factor) = of_number(number, member)?;
            let expression = match factor {
                1 => member.path.clone(),
                factor if member.value.is_string() => format!("({} | int) * {factor}", member.path),
                factor => format!("{} * {factor}", member.path),
            };
            #[expect(clippy::cast_precision_loss, reason = "the seconds of a day at most")]
            let value = Value::from(number * factor as f64);
            (expression, value, unit, Vec::new())
        } else if let Some((expression, seconds)) = with_a_word(&text, &member.path) {
            let doubt = format!("`{}` is read only with the unit of the sample", member.path);
            (expression, Value::from(seconds), Unit::Seconds, vec![doubt])
        } else {
            (member.path.clone(), Value::from(text.as_str()), Unit::Rfc3339, Vec::new())
        };
    let Ok(Expiry::At(end)) = ends_at(&value, unit, now) else { return None };
    let lifetime = unix_seconds(end) - unix_seconds(now);
    let why = match unit {
        Unit::Seconds | Unit::Minutes | Unit::Milliseconds => {
            let life = human_duration(lifetime);
            doubts.extend(doubt(lifetime, unit, member));
            let unit = unit.word();
            format!("read as {unit}, the token lives {life}; check the unit in the documentation")
        }
        _ => format!("read as {}, the token ends {}", unit.word(), end.strftime("%Y-%m-%d")),
    };
    Some(Reading { expression, unit, end, why, doubts })
}

/// For a date such as `20231114221320`: the expression that writes it with its signs.
fn compact(text: &str, member: &Member) -> Option<String> {
    let is_date = text.len() == 14
        && text.starts_with("20")
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && ("01"..="12").contains(&&text[4..6])
        && ("01"..="31").contains(&&text[6..8])
        && ("00"..="23").contains(&&text[8..10]);
    let path = &member.path;
    let whole = if member.value.is_string() { path.clone() } else { format!("({path} | string)") };
    let part = |from: usize, to: usize| format!("{whole}[{from}:{to}]");
    is_date.then(|| {
        format!(
            "{} ~ '-' ~ {} ~ '-' ~ {} ~ 'T' ~ {} ~ ':' ~ {} ~ ':' ~ {}",
            part(0, 4),
            part(4, 6),
            part(6, 8),
            part(8, 10),
            part(10, 12),
            part(12, 14)
        )
    })
}

/// Whether the name of a member has one of these words.
fn has(member: &Member, wanted: &[&str]) -> bool {
    member.words.iter().any(|word| wanted.contains(&word.as_str()))
}

/// Whether the name of a member says the unit of its value.
fn names_a_unit(member: &Member) -> bool {
    UNITS.iter().any(|(words, ..)| has(member, words))
}

/// The words in names for units. The last number is the factor of the value.
const UNITS: [(&[&str], Unit, u64); 5] = [
    (&["ms", "millis", "milliseconds", "msec", "msecs", "milli"], Unit::Milliseconds, 1),
    (&["minutes", "minute", "mins", "min"], Unit::Minutes, 1),
    (&["hours", "hour", "hrs"], Unit::Seconds, 3_600),
    (&["days", "day"], Unit::Seconds, DAY),
    (&["seconds", "second", "secs", "sec"], Unit::Seconds, 1),
];

/// The unit of a number, and the factor that leads to this unit.
fn of_number(number: f64, member: &Member) -> Option<(Unit, u64)> {
    if !(0.0..9e17).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in the range just checked"
    )]
    let whole = number as u64;
    let named = UNITS.iter().find(|(words, ..)| has(member, words));
    Some(match whole {
        100_000_000_000_000.. => (Unit::EpochMicroseconds, 1),
        100_000_000_000.. => (Unit::EpochMilliseconds, 1),
        EPOCH_TO.. => (Unit::Milliseconds, 1),
        EPOCH_FROM.. => (Unit::EpochSeconds, 1),
        _ if let Some((_, unit, factor)) = named => (*unit, *factor),
        _ if is_round_in_milliseconds(whole) => (Unit::Milliseconds, 1),
        0 => (Unit::Seconds, 1),
        // OAuth fixes the unit of `expires_in` (RFC 6749, section 5.1).
        ..60 if member.name != "expiresin" => (Unit::Minutes, 1),
        60..=120 if member.name.contains("timeout") => (Unit::Minutes, 1),
        _ => (Unit::Seconds, 1),
    })
}

/// 3,600,000 is an hour in milliseconds and not round in seconds; 2,592,000 is thirty days in
/// seconds. A number above a thousand days in seconds means milliseconds. Some servers have
/// counted the first millisecond already: 1,799,999.
fn is_round_in_milliseconds(number: u64) -> bool {
    let number = if number % 1_000 == 999 { number + 1 } else { number };
    let is_odd_in_seconds = number.is_multiple_of(60_000) || !number.is_multiple_of(3_600);
    number.is_multiple_of(1_000)
        && (number >= 1_000 * DAY
            || number >= 300_000 && !number.is_multiple_of(DAY) && is_odd_in_seconds)
}

/// The question about a lifetime that few APIs have.
fn doubt(lifetime: f64, unit: Unit, member: &Member) -> Option<String> {
    let is_usual = (300.0..=400.0 * 86_400.0).contains(&lifetime) && unit != Unit::Minutes;
    // 1,440 minutes are a day.
    let is_a_day = (lifetime - 1_440.0).abs() < 0.5;
    if is_usual && !is_a_day || names_a_unit(member) {
        return None;
    }
    Some(format!(
        "is `{}` in {}? Few tokens live {}; the documentation knows whether these are seconds, \
         minutes, hours or days",
        member.path,
        unit.word(),
        human_duration(lifetime)
    ))
}

/// For a text such as `3600s` or `24 hours`: the expression for its seconds, and the seconds.
fn with_a_word(text: &str, path: &str) -> Option<(String, f64)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).filter(|end| (1..=9).contains(end))?;
    let number: f64 = text[..end].parse().ok()?;
    let word = &text[end..];
    let factor: u32 = match word.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    let number_of = format!("({path} | replace('{word}', '') | int)");
    let expression = if factor == 1 { number_of } else { format!("{number_of} * {factor}") };
    Some((expression, number * f64::from(factor)))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::super::members;
    use super::*;

    fn unit(name: &str, value: &Json) -> Option<&'static str> {
        let now = "2023-11-14T22:13:20Z".parse().expect("a date");
        let members = members::all(&[("json", json!({ name: value }))], &HeaderMap::new());
        names_an_expiry(&members[0])?;
        read(&members[0], now).map(|reading| reading.unit.word())
    }

    #[test]
    fn the_unit_follows_from_the_magnitude_and_the_name() {
        for (name, value, expected) in [
            ("expires_in", json!(3600), Some("seconds")),
            ("expires_in", json!("3599"), Some("seconds")),
            ("expires_in", json!(2_592_000), Some("seconds")),
            ("expire", json!(7200), Some("seconds")),
            ("expiresIn", json!(3_600_000), Some("milliseconds")),
            ("expires", json!(900_000), Some("milliseconds")),
            ("ttl", json!(86_400_000), Some("milliseconds")),
            ("ttl_minutes", json!(60), Some("minutes")),
            ("expires_in_ms", json!(900), Some("milliseconds")),
            ("exp", json!(1_700_003_600), Some("epoch_seconds")),
            ("expirationTime", json!(1_700_003_600_000_i64), Some("epoch_milliseconds")),
            ("expiry", json!("1700003600000"), Some("epoch_milliseconds")),
            ("expiry", json!(1_700_003_600_000_000_i64), Some("epoch_microseconds")),
            ("expires_at", json!("2023-11-14T23:13:20.000Z"), Some("rfc3339")),
            ("validUntil", json!("2023-11-14 23:13:20"), Some("rfc3339")),
            ("expires_at", json!("Tue, 14 Nov 2023 23:13:20 GMT"), None),
            ("expired", json!(false), None),
            ("expires_in", json!(1_799_999), Some("milliseconds")),
            ("expires_in", json!(86_399_999), Some("milliseconds")),
            ("expires_in", json!(5_183_999), Some("seconds")),
            ("expires_in", json!(31_536_000), Some("seconds")),
            ("ttl", json!(31_536_000_000_i64), Some("milliseconds")),
            ("SessionTimeout", json!(30), Some("minutes")),
            ("validity", json!(20), Some("minutes")),
            ("expires_in", json!(30), Some("seconds")),
            ("expires_in_hours", json!(24), Some("seconds")),
            ("expires_in", json!("3600s"), Some("seconds")),
            ("expiresIn", json!("24 hours"), Some("seconds")),
            ("validUntil", json!("20231114231320"), Some("rfc3339")),
            ("validUntil", json!(20_231_114_231_320_i64), Some("rfc3339")),
            ("valid_from", json!("2023-11-14T22:13:20Z"), None),
            ("refresh_expires_in", json!(1800), None),
            ("experience", json!(5), None),
            ("issued_at", json!(1_700_003_600), None),
        ] {
            assert_eq!(unit(name, &value), expected, "{name} = {value}");
        }
    }
    #[test]
    fn an_implausible_lifetime_is_questioned_unless_the_name_says_the_unit() {
        let now: Timestamp = "2023-11-14T22:13:20Z".parse().expect("a date");
        for (name, value, expression, lifetime, doubts) in [
            ("expires_in", json!(3600), "json.expires_in", 3600.0, false),
            ("expires_in", json!(60), "json.expires_in", 60.0, true),
            ("ttl", json!(20), "json.ttl", 1_200.0, true),
            ("lifetime", json!(1_440), "json.lifetime", 1_440.0, true),
            ("expires_in_seconds", json!(60), "json.expires_in_seconds", 60.0, false),
            ("expires_in_days", json!(2), "json.expires_in_days * 86400", 172_800.0, false),
            ("ttl_hours", json!("8"), "(json.ttl_hours | int) * 3600", 28_800.0, false),
            ("expire", json!("900s"), "(json.expire | replace('s', '') | int)", 900.0, true),
            (
                "expire",
                json!("2 h"),
                "(json.expire | replace(' h', '') | int) * 3600",
                7_200.0,
                true,
            ),
        ] {
            let members = members::all(&[("json", json!({ name: value }))], &HeaderMap::new());
            let reading = read(&members[0], now).unwrap_or_else(|| panic!("{name} = {value}"));
            assert_eq!(reading.expression, expression, "{name} = {value}");
            let seconds = unix_seconds(reading.end) - unix_seconds(now);
            assert!((seconds - lifetime).abs() < 0.001, "{name} = {value}: {seconds}");
            assert_eq!(!reading.doubts.is_empty(), doubts, "{name} = {value}");
        }
    }
}
