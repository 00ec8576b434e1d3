//! The likely unit of an expiry.

use jiff::Timestamp;
use minijinja::Value;
use serde_json::Value as Json;

use super::members::Member;
use crate::recipe::definition::Unit;
use crate::recipe::expiry::ends_at;
use crate::time::{human_duration, unix_seconds};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// From this number on, seconds count since 1970: it is the year 2001.
const EPOCH_FROM: u64 = 1_000_000_000;

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
    if is_of_another || member.path == "http.headers['expires']" {
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

/// The unit of a value, the expiry in that unit, and the reason.
pub fn guess(member: &Member, now: Timestamp) -> Option<(Unit, Timestamp, String)> {
    let unit = match &member.value {
        Json::Number(number) => of_number(number.as_f64()?, member)?,
        Json::String(text) => match text.trim().parse::<f64>() {
            Ok(number) if text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                of_number(number, member)?
            }
            _ => Unit::Rfc3339,
        },
        _ => return None,
    };
    let end = ends_at(&Value::from(minijinja::value::Serde(&member.value)), unit, now).ok()?;
    let why = match unit {
        Unit::Seconds | Unit::Minutes | Unit::Milliseconds => {
            format!(
                "read as {}, the token lives {}; check the unit in the documentation",
                unit.word(),
                human_duration(unix_seconds(end) - unix_seconds(now))
            )
        }
        _ => format!("read as {}, the token ends {}", unit.word(), end.strftime("%Y-%m-%d")),
    };
    Some((unit, end, why))
}

fn of_number(number: f64, member: &Member) -> Option<Unit> {
    if !(0.0..9e17).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in the range just checked"
    )]
    let whole = number as u64;
    let has = |wanted: &[&str]| member.words.iter().any(|word| wanted.contains(&word.as_str()));
    Some(match whole {
        100_000_000_000_000.. => Unit::EpochMicroseconds,
        100_000_000_000.. => Unit::EpochMilliseconds,
        EPOCH_FROM.. => Unit::EpochSeconds,
        _ if has(&["ms", "millis", "milliseconds", "msec"]) => Unit::Milliseconds,
        _ if has(&["minutes", "minute", "mins"]) => Unit::Minutes,
        _ if is_round_in_milliseconds(whole) => Unit::Milliseconds,
        _ => Unit::Seconds,
    })
}

/// 3,600,000 is an hour in milliseconds and not round in seconds; 2,592,000 is thirty days in
/// seconds. A number above a thousand days in seconds means milliseconds.
fn is_round_in_milliseconds(number: u64) -> bool {
    number.is_multiple_of(1_000)
        && (number >= 1_000 * DAY
            || number >= 300_000 && !number.is_multiple_of(DAY) && number.is_multiple_of(60_000))
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
        guess(&members[0], now).map(|(unit, ..)| unit.word())
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
            ("refresh_expires_in", json!(1800), None),
            ("experience", json!(5), None),
            ("issued_at", json!(1_700_003_600), None),
        ] {
            assert_eq!(unit(name, &value), expected, "{name} = {value}");
        }
    }
}
