//! Computes when a token expires, from a value in an answer and its unit.

use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::ValueKind;

use super::dates;
use super::definition::Unit;
use crate::language::convert;
use crate::outcome::Expiry;
use crate::time::{from_unix_seconds, unix_seconds};

/// The factor of an epoch with an unknown unit, by its smallest number: each is September 2001 in
/// its own unit, and a year above 30000 in the next larger one.
const EPOCH_FACTORS: [(f64, f64); 3] = [(1e18, 1e9), (1e15, 1e6), (1e12, 1e3)];

/// The earliest possible expiry: September 2001. An earlier one is zero in some unit, or computed
/// from a truth value.
const EARLIEST: f64 = 1e9;

/// The year 1 in any zone. Programs that have no date send it.
const YEAR_ONE: std::ops::Range<f64> = -62_135_683_200.0..-62_104_060_800.0;

/// A token that lives longer never expires: servers send such numbers and dates for "never".
const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;

/// When a token with the expiry `value` expires, if the answer arrived at `now`. Numbers can be
/// strings and can have fractions, because real servers send both.
///
/// # Errors
/// A description of the value, without the value itself.
pub fn ends_at(value: &Value, unit: Unit, now: Timestamp) -> Result<Expiry, String> {
    let seconds = seconds(value, unit, now)?;
    if seconds < EARLIEST {
        return Err("a time that was long before there were tokens".into());
    }
    Ok(if seconds > unix_seconds(now) + LONGEST {
        Expiry::Never
    } else {
        from_unix_seconds(seconds).map_or(Expiry::Never, Expiry::At)
    })
}

/// When a credential with the end `value` ends, as [`ends_at`]. Servers have many values for
/// "never": null, an empty text, 0, -1 and the year 1.
///
/// # Errors
/// As [`ends_at`].
pub fn credential_ends_at(value: &Value, unit: Unit, now: Timestamp) -> Result<Expiry, String> {
    let is_sentinel = convert::number(value, "end").is_ok_and(is_sentinel);
    // Programs without a date also send the start of 1970.
    let is_start =
        |time: f64| YEAR_ONE.contains(&time) || !unit.is_duration() && time.abs() < f64::EPSILON;
    if is_absent(value)
        || is_sentinel
        || is_zero_date(value)
        || seconds(value, unit, now).is_ok_and(is_start)
    {
        return Ok(Expiry::Never);
    }
    ends_at(value, unit, now)
}

/// Whether a text is a date of zeros: `0000-00-00 00:00:00`.
fn is_zero_date(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.starts_with("0000-00-00") && !text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// When a credential was created; `None` for a value that says nothing. A duration is its age.
///
/// # Errors
/// A description of the value, without the value itself.
pub fn created_at(value: &Value, unit: Unit, now: Timestamp) -> Result<Option<Timestamp>, String> {
    if unit.is_duration() && !is_absent(value) {
        let (now, end) = (unix_seconds(now), seconds(value, unit, now)?);
        // A negative age says nothing.
        return Ok(from_unix_seconds(2.0 * now - end).filter(|_| end >= now));
    }
    credential_ends_at(value, unit, now).map(Expiry::time)
}

fn is_sentinel(number: f64) -> bool {
    const NONE: [f64; 2] = [0.0, -1.0];
    NONE.iter().any(|none| (number - none).abs() < f64::EPSILON)
}

/// The time of a value, in seconds since 1970.
fn seconds(value: &Value, unit: Unit, now: Timestamp) -> Result<f64, String> {
    let from_now = |seconds: f64| unix_seconds(now) + seconds;
    Ok(match unit {
        Unit::Seconds => from_now(number(value)?),
        Unit::Milliseconds => from_now(number(value)? / 1e3),
        Unit::Minutes => from_now(number(value)? * 60.0),
        Unit::Hms => from_now(colons(value, [3_600.0, 60.0, 1.0])?),
        Unit::Dhm => from_now(colons(value, [86_400.0, 3_600.0, 60.0])?),
        Unit::EpochSeconds => number(value)?,
        Unit::EpochMilliseconds => number(value)? / 1e3,
        Unit::EpochMicroseconds => number(value)? / 1e6,
        Unit::Epoch => {
            let number = number(value)?;
            let factor = EPOCH_FACTORS.iter().find(|(from, _)| number >= *from);
            number / factor.map_or(1.0, |(_, factor)| *factor)
        }
        Unit::Rfc3339 => dates::rfc3339(text(value, "a date")?)?,
        Unit::Date => dates::any(text(value, "a date")?)?,
        Unit::X509 => dates::certificate(text(value, "a certificate")?)?,
        Unit::Sas => dates::signature(text(value, "a shared access signature")?)?,
        Unit::Jwt => dates::web_token(value.as_str().unwrap_or_default())?,
    })
}

/// Whether a value of an answer is as good as absent: undefined, null or a blank text.
#[must_use]
pub fn is_absent(value: &Value) -> bool {
    value.is_undefined()
        || value.is_none()
        || value.kind() == ValueKind::String
            && value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A number, also in a string.
fn number(value: &Value) -> Result<f64, String> {
    convert::number(value, "expiry").map_err(|_| match value.kind() {
        ValueKind::String => "a text that is no number".to_owned(),
        ValueKind::Number => "a number that cannot be read".to_owned(),
        kind => format!("a {kind}, where a number was expected"),
    })
}

/// The text of a value that must be a text.
fn text<'v>(value: &'v Value, wanted: &str) -> Result<&'v str, String> {
    let text = value.as_str().filter(|_| value.kind() == ValueKind::String);
    let kind = value.kind();
    text.map(str::trim).ok_or_else(|| format!("a {kind}, where {wanted} was expected"))
}

/// A duration in three parts with colons between them. `parts` are their lengths in seconds. The
/// last part can have a fraction, and days can stand before the first, as in `1.02:00:00`.
fn colons(value: &Value, parts: [f64; 3]) -> Result<f64, String> {
    let wrong = || "a text that is no duration such as 1:30:00".to_owned();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text(value, "a duration with colons")?;
    let pieces: Vec<&str> = text.split(':').collect();
    let [first, second, third] = pieces.as_slice() else { return Err(wrong()) };
    let (days, first) = first.split_once('.').unwrap_or(("0", first));
    let (whole, fraction) = third.split_once('.').unwrap_or((third, "0"));
    if ![days, first, second, whole, fraction].into_iter().all(is_number) {
        return Err(wrong());
    }
    let number = |text: &str| text.parse::<f64>().map_err(|_| wrong());
    Ok(number(days)? * 86_400.0
        + number(first)? * parts[0]
        + number(second)? * parts[1]
        + number(third)? * parts[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2023-11-14T22:13:20Z".parse().expect("a date")
    }

    fn read(value: impl Into<Value>, unit: Unit) -> Result<String, String> {
        ends_at(&value.into(), unit, now()).map(|expiry| match expiry {
            Expiry::At(time) => time.to_string(),
            Expiry::Never => "never".into(),
            Expiry::Unknown => "unknown".into(),
        })
    }

    #[test]
    fn each_unit_has_its_own_meaning() {
        for (value, unit) in [
            (Value::from(3600), Unit::Seconds),
            (Value::from("3600"), Unit::Seconds),
            (Value::from(" 3600.0 "), Unit::Seconds),
            (Value::from(3600.0), Unit::Seconds),
            (Value::from(3_600_000), Unit::Milliseconds),
            (Value::from("3.6e3"), Unit::Seconds),
            (Value::from(60), Unit::Minutes),
            (Value::from("1:00:00"), Unit::Hms),
            (Value::from("00:59:60.000"), Unit::Hms),
            (Value::from("0:01:00"), Unit::Dhm),
            (Value::from(1_700_003_600_000_000_i64), Unit::Epoch),
            (Value::from(1_700_003_600_000_000_000_i64), Unit::Epoch),
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

    /// The forms of documented answers, of `strftime` in several languages, and of RFC 2822.
    #[test]
    fn a_date_is_read_in_each_form_that_servers_write() {
        for (text, expected) in [
            ("2021-10-07 19:07:53 UTC", "2021-10-07T19:07:53Z"),
            ("2023-04-26 20:23:26 +0200", "2023-04-26T18:23:26Z"),
            ("2023-04-26 20:23:26 -0700", "2023-04-27T03:23:26Z"),
            ("2023-04-26 20:23:26 +0000 UTC", "2023-04-26T20:23:26Z"),
            ("2023-04-26 20:23:26.5 +0200 CEST", "2023-04-26T18:23:26.5Z"),
            ("2027-01-31 09:00:00 -0300 -03", "2027-01-31T12:00:00Z"),
            ("2027-01-31 09:00:00 +0545 +0545", "2027-01-31T03:15:00Z"),
            ("2023-08-15", "2023-08-15T00:00:00Z"),
            ("2024-03-01T10:20:30+0200", "2024-03-01T08:20:30Z"),
            ("2024-03-01T10:20:30.123456789-04:00", "2024-03-01T14:20:30.123456Z"),
            ("2024-03-01T10:20:30.123Z", "2024-03-01T10:20:30.123Z"),
            ("2024-03-01T10:20:30", "2024-03-01T10:20:30Z"),
            ("2024-03-01t10:20:30z", "2024-03-01T10:20:30Z"),
            ("2024-03-01T10:20+02", "2024-03-01T08:20:00Z"),
            ("Wed, 10 Jul 2019 12:00:00 -0000", "2019-07-10T12:00:00Z"),
            ("Thu, 30 Jul 2015 20:00:00 +0000", "2015-07-30T20:00:00Z"),
            ("Fri, 01 Mar 2024 10:20:30 GMT", "2024-03-01T10:20:30Z"),
        ] {
            assert_eq!(read(text, Unit::Date).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "soon", "2024", "2024-13-01", "10:20:30", "-", "Mon", "+0200", "\u{390} GMT",
            "ŉ-2027 GMT", "ŉ",
        ] {
            assert!(read(text, Unit::Date).is_err(), "{text}");
        }
    }

    #[test]
    fn a_shared_access_signature_ends_at_its_parameter() {
        for (text, expected) in [
            ("https://a.example/c?sv=2022-11-02&se=2024-03-01T10%3A20%3A30Z&sig=x", 1_709_288_430),
            ("?se=2024-03-01&sig=x", 1_709_251_200),
            ("SharedAccessSignature sr=a&sig=b&se=1709288430&skn=c", 1_709_288_430),
        ] {
            let end = ends_at(&Value::from(text), Unit::Sas, now());
            let expected = Timestamp::from_second(expected).expect("a time");
            assert_eq!(end, Ok(Expiry::At(expected)), "{text}");
        }
        assert!(read("sr=a&sig=b", Unit::Sas).is_err());
    }

    #[test]
    fn servers_have_many_values_for_a_credential_that_never_ends() {
        let never = |value: Value, unit| {
            assert_eq!(
                credential_ends_at(&value, unit, now()),
                Ok(Expiry::Never),
                "{value} {unit:?}"
            );
        };
        for unit in [Unit::Date, Unit::EpochSeconds, Unit::EpochMilliseconds, Unit::Seconds] {
            for value in [
                Value::from(()),
                Value::from(""),
                Value::from(0),
                Value::from("0"),
                Value::from(-1),
                Value::from("-1"),
            ] {
                never(value, unit);
            }
        }
        never(Value::from("0001-01-01T00:00:00Z"), Unit::Date);
        never(Value::from("0001-01-01T00:00:00"), Unit::Rfc3339);
        never(Value::from(-62_135_596_800_i64), Unit::EpochSeconds);
        never(Value::from("0001-01-01 00:00:00 +0000 UTC"), Unit::Date);
        never(Value::from("9999-12-31T23:59:59Z"), Unit::Date);
        never(Value::from("2999-12-12T05:00:00"), Unit::Date);
        never(Value::from("1970-01-01T00:00:00Z"), Unit::Rfc3339);
        never(Value::from("0000-00-00 00:00:00"), Unit::Date);
        never(Value::from("0000-00-00"), Unit::Date);
        assert!(credential_ends_at(&Value::from("soon"), Unit::Date, now()).is_err());
        let ended = credential_ends_at(&Value::from("2023-08-15"), Unit::Date, now());
        assert!(matches!(ended, Ok(Expiry::At(_))), "a past end stays one");
    }

    #[test]
    fn a_duration_is_the_age_of_a_credential() {
        let created = |value: Value, unit| created_at(&value, unit, now()).expect("readable");
        let hour_ago = "2023-11-14T21:13:20Z".parse().ok();
        assert_eq!(created(Value::from(3600), Unit::Seconds), hour_ago);
        assert_eq!(created(Value::from("2023-11-14T21:13:20Z"), Unit::Date), hour_ago);
        assert_eq!(created(Value::from(()), Unit::Date), None);
        assert_eq!(created(Value::from(0), Unit::Seconds), Some(now()), "made just now");
        assert_eq!(created(Value::from(-1), Unit::Seconds), None, "an age is never negative");
    }

    #[test]
    fn the_seeds_own_sample_of_milliseconds_is_a_date() {
        assert_eq!(
            read(1_672_531_199_000_i64, Unit::EpochMilliseconds).as_deref(),
            Ok("2022-12-31T23:59:59Z")
        );
    }

    #[test]
    fn days_stand_before_hours_in_durations_with_colons() {
        for (text, unit, expected) in [
            ("14:00:00", Unit::Dhm, "2023-11-28T22:13:20Z"),
            ("2:12:30", Unit::Dhm, "2023-11-17T10:43:20Z"),
            ("12:00:00", Unit::Hms, "2023-11-15T10:13:20Z"),
            ("1.02:00:00", Unit::Hms, "2023-11-16T00:13:20Z"),
            ("240:00:00", Unit::Hms, "2023-11-24T22:13:20Z"),
        ] {
            assert_eq!(read(text, unit).as_deref(), Ok(expected), "{text} {unit:?}");
        }
    }

    /// 100 years are 3,155,760,000 s. They end on 2123-11-15.
    #[test]
    fn a_token_that_lives_for_more_than_a_hundred_years_never_expires() {
        for (value, unit) in [
            (Value::from(3_155_760_001_i64), Unit::Seconds),
            (Value::from(315_360_000_000_i64), Unit::Seconds),
            (Value::from(i64::MAX), Unit::Seconds),
            (Value::from(u64::MAX), Unit::Seconds),
            (Value::from(i128::MAX), Unit::Seconds),
            (Value::from(1e30), Unit::Seconds),
            (Value::from(f64::MAX), Unit::Minutes),
            (Value::from("9".repeat(400)), Unit::Seconds),
            (Value::from("1e+300"), Unit::Seconds),
            (Value::from(i64::MAX), Unit::Milliseconds),
            (Value::from(i64::MAX), Unit::Minutes),
            (Value::from(i64::MAX), Unit::Epoch),
            (Value::from(i64::MAX), Unit::EpochSeconds),
            (Value::from(i64::MAX), Unit::EpochMilliseconds),
            (Value::from(i64::MAX), Unit::EpochMicroseconds),
            (Value::from(253_402_300_799_i64), Unit::EpochSeconds),
            (Value::from(253_402_300_799_i64), Unit::Epoch),
            (Value::from(253_402_300_799_000_i64), Unit::Epoch),
            (Value::from("9999-12-31T23:59:59Z"), Unit::Rfc3339),
            (Value::from("9999-12-31T23:59:59.9999999Z"), Unit::Rfc3339),
            (Value::from("9999-12-31T23:59:59.9999999+00:00"), Unit::Rfc3339),
            (Value::from("9999-12-31T23:59:59"), Unit::Rfc3339),
            (Value::from("9999-12-31 23:59:59-12:00"), Unit::Rfc3339),
            (Value::from("+275760-09-13T00:00:00.000Z"), Unit::Rfc3339),
            (Value::from("3000-01-01T00:00:00Z"), Unit::Rfc3339),
            (Value::from("876601:00:00"), Unit::Hms),
            (Value::from("36526:00:00"), Unit::Dhm),
            // {"alg":"none"}.{"exp":253402300799}
            (Value::from("eyJhbGciOiJub25lIn0.eyJleHAiOjI1MzQwMjMwMDc5OX0."), Unit::Jwt),
        ] {
            assert_eq!(read(value.clone(), unit).as_deref(), Ok("never"), "{value} {unit:?}");
        }
        for (value, unit, expected) in [
            (Value::from(3_153_600_000_i64), Unit::Seconds, "2123-10-21T22:13:20Z"),
            (Value::from(2_147_483_647), Unit::Seconds, "2091-12-03T01:27:27Z"),
            (Value::from("2123-11-14T00:00:00Z"), Unit::Rfc3339, "2123-11-14T00:00:00Z"),
        ] {
            assert_eq!(read(value.clone(), unit).as_deref(), Ok(expected), "{value} {unit:?}");
        }
    }

    #[test]
    fn a_value_that_is_no_expiry_is_an_error() {
        for (value, unit) in [
            (Value::from("soon"), Unit::Seconds),
            (Value::from(""), Unit::Seconds),
            (Value::from("inf"), Unit::Seconds),
            (Value::from("0x10"), Unit::Seconds),
            (Value::from("e5"), Unit::Seconds),
            (Value::from("12:00"), Unit::Hms),
            (Value::from("1:-2:00"), Unit::Hms),
            (Value::from("1:00:00:00"), Unit::Dhm),
            (Value::from(120_000), Unit::Hms),
            (Value::from("9999"), Unit::Rfc3339),
            (Value::from("12345-soon"), Unit::Jwt),
            (Value::from(f64::NAN), Unit::Seconds),
            (Value::from(true), Unit::Seconds),
            (Value::from(vec![1]), Unit::EpochSeconds),
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
