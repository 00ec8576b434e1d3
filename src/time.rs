//! Durations in the notation of Prometheus (`1h30m`, `500ms`), and conversions of wall-clock time.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// The units of a Prometheus duration, longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a duration in the notation of Prometheus: whole numbers with units, the longest unit
/// first, each unit once (`90s`, `1h30m`, `1d`, `500ms`). `0` needs no unit.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} is not a duration: write a number and a unit, such as \"90s\", \"5m\", \
             \"1h30m\" or \"500ms\""
        )
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut milliseconds: u64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let place = UNITS[next_unit..]
            .iter()
            .position(|(name, _)| *name == &rest[..letters])
            .ok_or_else(wrong)?;
        let (_, length) = UNITS[next_unit + place];
        milliseconds = number
            .checked_mul(length)
            .and_then(|part| milliseconds.checked_add(part))
            .ok_or_else(wrong)?;
        next_unit += place + 1;
        rest = &rest[letters..];
    }
    if next_unit == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_millis(milliseconds))
}

/// Writes a duration in seconds for people, with at most two units: `3d 4h`, `59m 30s`, `1.4s`,
/// `12ms`.
#[must_use]
pub fn human_duration(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    if seconds < 1.0 {
        return format!("{sign}{:.0}ms", seconds * 1000.0);
    }
    if seconds < 10.0 {
        return format!("{sign}{seconds:.1}s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the text is for people only"
    )]
    let whole = seconds.round() as u64;
    let (days, hours, minutes, rest) =
        (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let mut text = format!("{sign}{}{}", parts[first].0, parts[first].1);
    if let Some((count, unit)) = parts.get(first + 1).filter(|(count, _)| *count > 0) {
        text.push_str(&format!(" {count}{unit}"));
    }
    text
}

/// Seconds since the Unix epoch with fractions, the form of every `_timestamp_seconds` metric.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds since 1970 stay exact in an f64 until the year 2255"
)]
pub fn unix_seconds(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}

/// A time in UTC in the format of RFC 3339, in whole seconds.
#[must_use]
pub fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The last second of the year 9999. A later expiry comes from a wrong unit.
pub const LATEST_UNIX_SECOND: f64 = 253_402_207_200.0;

/// The time `seconds` after the Unix epoch; `None` when it is outside of the years 1 to 9999.
#[must_use]
pub fn from_unix_seconds(seconds: f64) -> Option<Timestamp> {
    if !seconds.is_finite() || seconds.abs() > LATEST_UNIX_SECOND {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

/// A configured duration: a string in the notation of [`parse_duration`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Span).map_err(de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "x-credwatch": "duration",
            "description": "Numbers with units, longest first: 500ms, 90s, 5m, 1h30m, 1d, 1w.",
            "pattern": "^(0|([0-9]+(ms|[ywdhms]))+)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_reads_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("500ms", 500),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1w2d3h4m5s6ms", 788_645_006),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn other_notations_of_durations_are_refused() {
        for text in [
            "", "5", "m", "1m1h", "1m1m", "1.5s", "-1s", "1 m", "1month", "99999999999999999999s",
            "9999999999999y",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_written_in_at_most_two_units() {
        for (seconds, text) in [
            (0.012, "12ms"),
            (1.44, "1.4s"),
            (59.7, "1m"),
            (3_570.0, "59m 30s"),
            (7_200.0, "2h"),
            (273_600.0, "3d 4h"),
            (-30.0, "-30s"),
        ] {
            assert_eq!(human_duration(seconds), text);
        }
    }
}
