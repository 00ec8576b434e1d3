//! Computes when a token expires, from a value in an answer and its unit.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::ValueKind;

use super::definition::Unit;
use crate::language::convert;
use crate::time::{from_unix_seconds, unix_seconds};

/// The first number that an epoch counts in milliseconds: as seconds it is the year 5138, as
/// milliseconds 1973.
const MILLISECONDS_FROM: f64 = 1e11;

/// The earliest possible expiry: September 2001. An earlier one is zero in some unit, or computed
/// from a truth value.
const EARLIEST: f64 = 1e9;

/// When a token with the expiry `value` expires, if the answer arrived at `now`. Numbers can be
/// strings and can have fractions, because real servers send both.
///
/// # Errors
/// A description of the value, without the value itself.
pub fn ends_at(value: &Value, unit: Unit, now: Timestamp) -> Result<Timestamp, String> {
    let seconds = match unit {
        Unit::Seconds => unix_seconds(now) + number(value)?,
        Unit::Milliseconds => unix_seconds(now) + number(value)? / 1e3,
        Unit::Minutes => unix_seconds(now) + number(value)? * 60.0,
        Unit::EpochSeconds => number(value)?,
        Unit::EpochMilliseconds => number(value)? / 1e3,
        Unit::EpochMicroseconds => number(value)? / 1e6,
        Unit::Epoch => match number(value)? {
            number if number >= MILLISECONDS_FROM => number / 1e3,
            number => number,
        },
        Unit::Rfc3339 => unix_seconds(date(value)?),
        Unit::Jwt => claim(value)?,
    };
    if seconds < EARLIEST {
        return Err("a time that was long before there were tokens".into());
    }
    from_unix_seconds(seconds).ok_or_else(|| "a number too large to be a date".into())
}

/// A number, also in a string.
fn number(value: &Value) -> Result<f64, String> {
    convert::number(value, "expiry").map_err(|_| match value.kind() {
        ValueKind::String => "a text that is no number".to_owned(),
        ValueKind::Number => "a number that cannot be read".to_owned(),
        kind => format!("a {kind}, where a number was expected"),
    })
}

/// A date of RFC 3339. Without an offset it is UTC.
fn date(value: &Value) -> Result<Timestamp, String> {
    let Some(text) = value.as_str().filter(|_| value.kind() == ValueKind::String).map(str::trim)
    else {
        return Err(format!("a {}, where a date was expected", value.kind()));
    };
    text.parse::<Timestamp>()
        .or_else(|_| {
            text.parse::<jiff::civil::DateTime>()
                .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
                .map(|date| date.timestamp())
        })
        .map_err(|_| "a text that is no date of RFC 3339".into())
}

/// The `exp` claim of a JSON Web Token (RFC 7519, section 4.1.4). The signature is not checked.
fn claim(value: &Value) -> Result<f64, String> {
    let text = value.as_str().unwrap_or_default();
    let payload = text.split('.').nth(1).ok_or("no JSON Web Token")?;
    let payload = URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .map_err(|_| "a JSON Web Token whose claims are not Base64")?;
    let claims: serde_json::Value = serde_json::from_slice(&payload)
        .map_err(|_| "a JSON Web Token whose claims are not JSON")?;
    claims
        .get("exp")
        .and_then(serde_json::Value::as_f64)
        .ok_or_else(|| "a JSON Web Token without `exp`".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2023-11-14T22:13:20Z".parse().expect("a date")
    }

    fn read(value: impl Into<Value>, unit: Unit) -> Result<String, String> {
        ends_at(&value.into(), unit, now()).map(|time| time.to_string())
    }

    #[test]
    fn each_unit_has_its_own_meaning() {
        for (value, unit) in [
            (Value::from(3600), Unit::Seconds),
            (Value::from("3600"), Unit::Seconds),
            (Value::from(" 3600.0 "), Unit::Seconds),
            (Value::from(3600.0), Unit::Seconds),
            (Value::from(3_600_000), Unit::Milliseconds),
            (Value::from(60), Unit::Minutes),
            (Value::from(1_700_003_600), Unit::EpochSeconds),
            (Value::from(1_700_003_600), Unit::Epoch),
            (Value::from(1_700_003_600_000_i64), Unit::Epoch),
            (Value::from("1700003600000"), Unit::EpochMilliseconds),
            (Value::from(1_700_003_600_000_000_i64), Unit::EpochMicroseconds),
            (Value::from("2023-11-14T23:13:20Z"), Unit::Rfc3339),
            (Value::from("2023-11-15T00:13:20+01:00"), Unit::Rfc3339),
            (Value::from("2023-11-14T23:13:20"), Unit::Rfc3339),
            // {"alg":"none"}.{"exp":1700003600}
            (Value::from("eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDM2MDB9."), Unit::Jwt),
        ] {
            assert_eq!(
                read(value.clone(), unit).as_deref(),
                Ok("2023-11-14T23:13:20Z"),
                "{value} {unit:?}"
            );
        }
    }

    #[test]
    fn the_seeds_own_sample_of_milliseconds_is_a_date() {
        assert_eq!(
            read(1_672_531_199_000_i64, Unit::EpochMilliseconds).as_deref(),
            Ok("2022-12-31T23:59:59Z")
        );
    }

    #[test]
    fn a_value_that_is_no_expiry_is_an_error() {
        for (value, unit) in [
            (Value::from("soon"), Unit::Seconds),
            (Value::from(""), Unit::Seconds),
            (Value::from("inf"), Unit::Seconds),
            (Value::from("1e5"), Unit::Seconds),
            (Value::from(f64::NAN), Unit::Seconds),
            (Value::from(1e300), Unit::Seconds),
            (Value::from(true), Unit::Seconds),
            (Value::from(vec![1]), Unit::EpochSeconds),
            (Value::from(1_700_003_600_000_000_i64), Unit::Epoch),
            (Value::from(0), Unit::EpochSeconds),
            (Value::from(-1_700_000_000), Unit::Seconds),
            (Value::from("0001-01-01T00:00:00Z"), Unit::Rfc3339),
            (Value::from("tomorrow"), Unit::Rfc3339),
            (Value::from(1_700_003_600), Unit::Rfc3339),
            (Value::from("opaque"), Unit::Jwt),
            (Value::from("a.b.c"), Unit::Jwt),
        ] {
            assert!(read(value.clone(), unit).is_err(), "{value} {unit:?}");
        }
    }
}
