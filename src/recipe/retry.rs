//! How long the headers of an answer ask to wait, and dates in HTTP headers.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::Offset;

use crate::time::{human_duration, parse_duration, unix_seconds};

/// The longest wait. The scheduler cuts it to the provider's `max_backoff`.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What the value of a header means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Asks to wait: seconds, a time since 1970, a duration with a unit, or a date.
    Wait,
    /// Asks to wait: milliseconds, or a time since 1970.
    Milliseconds,
    /// The end of a rate limit, as [`Form::Wait`].
    Reset,
    /// Rate limits as a structured field: `"day";r=0;t=30`, or `remaining=0, reset=30`.
    Limits,
}

/// The headers that say how long to wait; the first one that asks for a wait counts. Names are
/// equal with and without `X-`, and `RateLimit` is equal to `Rate-Limit`. docs/behaviour.md has the
/// same table.
const HEADERS: [(&str, Form); 8] = [
    ("Retry-After", Form::Wait),
    ("Retry-After-Ms", Form::Milliseconds),
    ("X-Ms-Retry-After-Ms", Form::Milliseconds),
    ("RateLimit-Retry-After", Form::Wait),
    ("RateLimit-Retry-After-Seconds", Form::Wait),
    ("RateLimit-Reset-After", Form::Reset),
    ("RateLimit-Reset", Form::Reset),
    ("RateLimit", Form::Limits),
];

/// The header that says how many requests a rate limit leaves.
const REMAINING: &str = "RateLimit-Remaining";

/// The names of the headers that say how long to wait, for the test of the documents.
pub fn header_names() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().map(|(name, _)| *name).chain([REMAINING])
}

/// How long the headers ask to wait, from `now` on, in whole seconds. A rate limit counts when it
/// leaves no request, or when the provider has throttled this request.
#[must_use]
pub fn retry_after(headers: &HeaderMap, throttled: bool, now: Timestamp) -> Option<Duration> {
    let counts = throttled || leaves_nothing(headers);
    HEADERS.iter().find_map(|(name, form)| {
        let waits = values(headers, name).filter_map(|text| match form {
            Form::Wait => wait(text, now),
            Form::Reset => wait(text, now).filter(|_| counts),
            Form::Milliseconds => milliseconds(text, now),
            Form::Limits => limits(text, throttled),
        });
        whole_seconds(waits.fold(0.0, f64::max))
    })
}

/// Whether a rate limit of the headers leaves no request.
#[must_use]
pub fn leaves_nothing(headers: &HeaderMap) -> bool {
    let none = |text: &str| number(text.trim()).is_some_and(|left| left <= 0.0);
    values(headers, REMAINING).any(|text| text.split(',').any(none))
        || values(headers, "RateLimit").any(|text| limits(text, false).is_some())
}

/// A wait in whole seconds, rounded up; `None` when there is nothing to wait for.
#[must_use]
pub fn whole_seconds(seconds: f64) -> Option<Duration> {
    let seconds = seconds.min(LONGEST_WAIT.as_secs_f64()).ceil();
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds))
}

/// The values of a header, whatever the way in which its name is written.
fn values<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    let plain = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("x-").unwrap_or(&name).replace('-', "")
    };
    let wanted = plain(name);
    let same = headers.iter().filter(move |(name, _)| plain(name.as_str()) == wanted);
    same.filter_map(|(_, value)| value.to_str().ok())
}

/// The seconds from `now` on that a text asks to wait; below zero for a time that has passed. Of a
/// list the longest wait counts.
fn wait(text: &str, now: Timestamp) -> Option<f64> {
    let one = |text: &str| {
        let text = text.trim().trim_matches('"').trim();
        number(text)
            .map(|number| from_now(number, now))
            .or_else(|| date(text).map(|date| unix_seconds(date) - unix_seconds(now)))
            .or_else(|| duration(text))
    };
    one(text).or_else(|| text.split(',').filter_map(one).reduce(f64::max))
}

/// As [`wait`], for a number of milliseconds.
fn milliseconds(text: &str, now: Timestamp) -> Option<f64> {
    let number = number(text.trim().trim_matches('"'))?;
    // 1e11 milliseconds from now on are three years; since 1970 they are the year 1973.
    Some(if number < 1e11 { number / 1e3 } else { from_now(number, now) })
}

/// A number without an exponent. One with many digits is infinite.
fn number(text: &str) -> Option<f64> {
    let digits = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    text.bytes().all(digits).then(|| text.parse().ok()).flatten()
}

/// A number of seconds. From 1e9 on (September 2001, or a wait of 31 years) it is a time since
/// 1970, from 1e11 on in milliseconds, from 1e14 on in microseconds.
fn from_now(number: f64, now: Timestamp) -> f64 {
    let seconds = match number {
        ..1e9 => return number,
        ..1e11 => number,
        ..1e14 => number / 1e3,
        _ => number / 1e6,
    };
    seconds - unix_seconds(now)
}

/// A duration with a unit: `120s`, `2 minutes`, `1m30s`.
fn duration(text: &str) -> Option<f64> {
    let letters = text.find(|sign: char| sign.is_ascii_alphabetic())?;
    let (count, unit) = text.split_at(letters);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "ms" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3_600.0,
        _ => return parse_duration(text).ok().map(|duration| duration.as_secs_f64()),
    };
    number(count.trim()).map(|count| count * unit)
}

/// A date of an HTTP header, of RFC 2822 or of RFC 3339. Without an offset it is UTC.
fn date(text: &str) -> Option<Timestamp> {
    let civil = |text: &str| Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    // Some servers write UTC in the place of GMT.
    let mail = text.strip_suffix("UTC").map_or_else(|| text.into(), |date| format!("{date}GMT"));
    http_date(&mail)
        .or_else(|| DateTimeParser::new().relaxed_weekday(true).parse_timestamp(&mail).ok())
        .or_else(|| text.parse().ok())
        .or_else(|| civil(text))
}

/// The longest wait for the rate limits of a structured field that leave no request. When none does
/// and the provider has throttled the request, all of them count.
fn limits(text: &str, throttled: bool) -> Option<f64> {
    // The names of limits are quoted and can hold any sign.
    let plain: String = text.split('"').step_by(2).collect();
    // In an earlier draft, the parts of one limit had commas between them.
    let plain = if plain.contains("reset=") { plain.replace(',', ";") } else { plain };
    let limits: Vec<(Option<f64>, f64)> = plain
        .split(',')
        .filter_map(|limit| {
            let part = |names: [&str; 2]| {
                let parts = limit.split(';').filter_map(|part| part.trim().split_once('='));
                parts.filter(|(name, _)| names.contains(name)).find_map(|(_, value)| number(value))
            };
            Some((part(["r", "remaining"]), part(["t", "reset"])?))
        })
        .collect();
    let longest = |used: &dyn Fn(Option<f64>) -> bool| {
        limits.iter().filter(|(left, _)| used(*left)).map(|(_, wait)| *wait).reduce(f64::max)
    };
    longest(&|left| left.is_some_and(|left| left <= 0.0)).or_else(|| longest(&|_| throttled))
}

/// A date of an HTTP header, in any of the three forms of RFC 9110, section 5.6.7.
#[must_use]
pub fn http_date(text: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(text.trim()).ok()?).ok()
}

/// A larger difference between the clocks, in seconds, makes most signed requests and assertions
/// invalid.
pub const LARGEST_SKEW: f64 = 300.0;

/// A sentence about clocks that differ. `skew` is the provider's clock minus ours, in seconds.
#[must_use]
pub fn clocks_differ(skew: f64) -> String {
    let side = if skew < 0.0 { "ahead of" } else { "behind" };
    format!("the clock of this host is {} {side} that of the provider", human_duration(skew.abs()))
}

/// The provider's clock minus ours, in seconds, from an answer that was received at this time.
/// `Date` has whole seconds, so on average the time is half a second later.
#[must_use]
pub fn clock_skew(headers: &HeaderMap, received: Timestamp) -> Option<f64> {
    let date = http_date(headers.get(header::DATE)?.to_str().ok()?)?;
    Some(unix_seconds(date) + 0.5 - unix_seconds(received))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// The wait in seconds for these headers, in an answer that arrives at 1994-11-06
    /// 08:48:07.
    /// That is 784,111,687 s after 1970, and 90 seconds before the date in RFC 9110.
    fn asked(headers: &str, throttled: bool) -> Option<u64> {
        let mut map = HeaderMap::new();
        for line in headers.lines() {
            let (name, value) = line.split_once(": ").expect("a header");
            map.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        let now = "1994-11-06T08:48:07Z".parse().expect("a time");
        retry_after(&map, throttled, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_is_read_in_each_form_that_servers_send() {
        for (value, seconds) in [
            ("120", 120),
            ("\"120\"", 120),
            ("120.5", 121),
            ("64.57", 65),
            ("2.0", 2),
            ("0.2", 1),
            ("120, 60", 120),
            ("60,120", 120),
            ("120s", 120),
            ("2 minutes", 120),
            ("1m30s", 90),
            ("1500 ms", 2),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 90),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 90),
            ("Sun Nov  6 08:49:37 1994", 90),
            ("Sun, 06 Nov 1994 08:49:37 UTC", 90),
            ("Sun, 6 Nov 1994 08:49:37 +0000", 90),
            ("Mon, 06 Nov 1994 09:49:37 +0100", 90),
            ("1994-11-06T08:49:37Z", 90),
            ("1994-11-06T09:49:37.5+01:00", 91),
            ("1994-11-06 08:49:37", 90),
        ] {
            assert_eq!(asked(&format!("Retry-After: {value}"), true), Some(seconds), "{value}");
        }
        let longest = Some(30 * 24 * 3600);
        let digits = "9".repeat(400);
        for huge in ["99999999999", "999999999", &digits, "Fri, 31 Dec 2999 23:59:59 GMT"] {
            assert_eq!(asked(&format!("Retry-After: {huge}"), true), longest, "{huge}");
        }
        for none in [
            "0",
            "-1",
            "",
            "soon",
            "1e3",
            "inf",
            "NaN",
            "true",
            "7 apples",
            ".",
            "1.2.3",
            "Sun, 06 Nov 1994 08:47:37 GMT",
            "1994-11-06T08:48:07Z",
            "Sun, 32 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(asked(&format!("Retry-After: {none}"), true), None, "{none}");
        }
    }

    /// 2023-11-14T22:13:20Z is 1,700,000,000 s after 1970.
    #[test]
    fn a_large_number_is_a_time_since_1970_in_seconds_milliseconds_or_microseconds() {
        let now = "2023-11-14T22:13:20Z".parse().expect("a time");
        for (text, seconds) in [
            ("1700000120", 120.0),
            ("1700000120.5", 120.5),
            ("1700000120000", 120.0),
            ("1700000120500", 120.5),
            ("1700000120500000", 120.5),
            ("1699999900", -100.0),
            ("999999999", 999_999_999.0),
        ] {
            assert_eq!(wait(text, now), Some(seconds), "{text}");
        }
        assert_eq!(milliseconds("120000", now), Some(120.0));
        assert_eq!(milliseconds("64570.4", now), Some(64.5704));
        assert_eq!(milliseconds("1700000120500", now), Some(120.5));
    }

    #[test]
    fn the_headers_of_rate_limits_count_in_each_way_to_write_them() {
        for headers in [
            "X-RateLimit-Reset: 30",
            "X-Rate-Limit-Reset: 30",
            "RateLimit-Reset: 30",
            "x-ratelimit-reset: 29.5",
            "X-RateLimit-Reset: 1994-11-06T08:48:37Z",
            "X-RateLimit-Reset-After: 29.01",
            "X-Rate-Limit-Retry-After-Seconds: 30",
            "X-Retry-After: 30",
            "Retry-After-Ms: 29500",
            "x-ms-retry-after-ms: 30000",
            "RateLimit: \"name\";r=0;t=30",
            "RateLimit: default;r=0;t=30",
            "RateLimit: \"a,b;r=0\";r=7;t=900, \"second\";r=0;t=30",
            "RateLimit: limit=100, remaining=0, reset=30",
            "RateLimit: \"name\";t=30",
        ] {
            assert_eq!(asked(headers, true), Some(30), "{headers}");
        }
    }

    #[test]
    fn retry_after_comes_before_a_rate_limit_unless_it_asks_for_nothing() {
        for (headers, seconds) in [
            ("X-RateLimit-Reset: 900\nRetry-After: 30", 30),
            ("RateLimit-Reset: 900\nRetry-After-Ms: 30000", 30),
            ("X-RateLimit-Reset: 784112000\nX-RateLimit-Reset-After: 30", 30),
            ("Retry-After: 0\nX-RateLimit-Reset: 30", 30),
            ("Retry-After: soon\nX-RateLimit-Reset: 30", 30),
            ("Retry-After: 30\nRetry-After: 20", 30),
        ] {
            assert_eq!(asked(headers, true), Some(seconds), "{headers}");
        }
    }

    #[test]
    fn a_rate_limit_that_leaves_requests_counts_only_for_a_throttled_request() {
        for (headers, unthrottled) in [
            ("X-RateLimit-Remaining: 4990\nX-RateLimit-Reset: 30", None),
            ("X-RateLimit-Reset: 30", None),
            ("RateLimit: \"name\";r=7;t=30", None),
            ("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 30", Some(30)),
            ("X-Rate-Limit-Remaining: -1\nX-Rate-Limit-Reset: 30", Some(30)),
            ("RateLimit: \"name\";r=0;t=30", Some(30)),
            ("Retry-After: 30", Some(30)),
        ] {
            assert_eq!(asked(headers, false), unthrottled, "{headers}");
            assert_eq!(asked(headers, true), Some(30), "{headers}");
        }
    }
}
