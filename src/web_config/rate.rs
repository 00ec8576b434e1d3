//! `rate_limit`: requests beyond it get status 429.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::definition::Rate;
use super::report::Report;

/// The units of Go's durations, longest first, with their length in seconds.
const UNITS: [(&str, f64); 8] = [
    ("h", 3_600.0),
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("μs", 1e-6),
    ("ns", 1e-9),
    ("m", 60.0),
    ("s", 1.0),
];

/// A token bucket: it gains one request per interval, up to the burst.
pub struct Limiter {
    interval: Duration,
    burst: f64,
    /// The requests in the bucket, and the time of this count.
    level: Mutex<(f64, Instant)>,
}

impl Limiter {
    /// A full bucket.
    #[must_use]
    pub fn new(interval: Duration, burst: u32, now: Instant) -> Self {
        Self { interval, burst: burst.into(), level: Mutex::new((burst.into(), now)) }
    }

    /// Takes one request out of the bucket, if there is one.
    #[must_use]
    pub fn allows(&self, now: Instant) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let gained =
            now.saturating_duration_since(level.1).as_secs_f64() / self.interval.as_secs_f64();
        *level = ((level.0 + gained).min(self.burst), now.max(level.1));
        let allowed = level.0 >= 1.0;
        if allowed {
            level.0 -= 1.0;
        }
        allowed
    }
}

/// The limiter; `None` when the interval is zero or there is a fault.
pub fn check(rate: &Rate, report: &mut Report) -> Option<Limiter> {
    let interval = match &rate.interval {
        None => Duration::ZERO,
        Some(text) => parse(&text.value).unwrap_or_else(|| {
            report.error(
                &text.span,
                "this is not a duration",
                "write numbers with units as in Go, such as 1s, 500ms or 1m30s; 0 for no limit",
            );
            Duration::ZERO
        }),
    };
    if interval.is_zero() {
        return None;
    }
    match &rate.burst {
        Some((_, burst)) if *burst > 0 => Some(Limiter::new(interval, *burst, Instant::now())),
        found => {
            // The exporter-toolkit accepts this and then refuses every request.
            let place = found.as_ref().map_or(&rate.place, |(span, _)| span);
            report.error(
                place,
                "the burst is 0, so every request is refused",
                "set `burst` to at least 1",
            );
            None
        }
    }
}

/// A non-negative Go duration: `0`, or decimal numbers with units.
fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest[..digits].parse().ok()?;
        let (unit, length) = UNITS.iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        seconds += number * length;
        rest = &rest[digits + unit.len()..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, milliseconds) in [
            ("0", Some(0.0)),
            ("1s", Some(1e3)),
            ("1m30s", Some(9e4)),
            ("1.5h", Some(5.4e6)),
            ("500ms", Some(500.0)),
            ("2µs", Some(2e-3)),
        ] {
            assert_eq!(
                parse(text),
                milliseconds.map(|number| Duration::from_secs_f64(number / 1e3)),
                "{text}"
            );
        }
        for text in ["", "5", "s", "-1s", "1d", "1 s", "1..5s", "nan", "1e300h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_one_every_interval() {
        let start = Instant::now();
        let limiter = Limiter::new(Duration::from_secs(2), 3, start);
        let at = |seconds: f64| limiter.allows(start + Duration::from_secs_f64(seconds));
        assert_eq!([at(0.0), at(0.0), at(0.0), at(0.0)], [true, true, true, false]);
        assert_eq!([at(1.9), at(2.0), at(2.1)], [false, true, false]);
        assert_eq!(
            [at(60.0), at(60.0), at(60.0), at(60.0)],
            [true, true, true, false],
            "no more than the burst is saved up"
        );
    }
}
