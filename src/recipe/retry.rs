//! The wait that a provider asks for, and dates in HTTP headers.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::time::unix_seconds;

/// The longest accepted wait. A longer one is probably a mistake of the provider.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How long the provider asks to wait: `Retry-After` in seconds or as a date (RFC 9110, section
/// 10.2.3), or `X-Rate-Limit-Reset` as the Unix time at which the limit ends.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |time: f64| time - unix_seconds(now);
    let after = || {
        let text = text("retry-after")?;
        text.parse::<u32>()
            .map(f64::from)
            .ok()
            .or_else(|| http_date(text).map(|date| until(unix_seconds(date))))
    };
    let reset = || {
        let text = text("x-rate-limit-reset").or_else(|| text("x-ratelimit-reset"))?;
        let reset = f64::from(text.parse::<u32>().ok()?);
        // Some providers send seconds in place of a time. No limit ends before the year 2001.
        Some(if reset < 1e9 { reset } else { until(reset) })
    };
    let seconds = after()
        .filter(|seconds| *seconds > 0.0)
        .or_else(|| reset().filter(|seconds| *seconds > 0.0))?;
    Some(Duration::from_secs_f64(seconds.min(LONGEST_WAIT.as_secs_f64())))
}

/// A date of an HTTP header, in any of the three forms of RFC 9110, section 5.6.7.
#[must_use]
pub fn http_date(text: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(text.trim()).ok()?).ok()
}
