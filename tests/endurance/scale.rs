//! The settings of the campaign: each time is a tenth of its default in credwatch.
//!
//! The rules of health are unchanged: three failures in a row, and one more try that confirms.
//! Two times are not scaled, because no setting changes them: the scheduler rounds wake-ups to
//! 10 ms, and the daemon reads changed secrets every two seconds.

use std::time::Duration;

/// The time from one probe to the next; 60 s by default.
pub const INTERVAL: Duration = Duration::from_secs(6);
/// The deadline of a probe; 10 s by default.
pub const TIMEOUT: Duration = Duration::from_secs(1);
/// The time from a first refusal, or from the third failure in a row, to the confirming try; 5 s by
/// default.
pub const CONFIRM_AFTER: Duration = Duration::from_millis(500);
/// The longest pause between probes of a refused credential; 1 h by default.
pub const MAX_BACKOFF: Duration = Duration::from_secs(360);
/// After so many failures in a row, one more failure makes a provider broken. This is the default;
/// the configuration does not set it.
pub const FAILURE_THRESHOLD: u32 = 3;
/// The scheduler rounds its wake-ups to this time.
pub const TICK: Duration = Duration::from_millis(10);
/// The longest time until the daemon notices a changed secret file of a refused provider: it reads
/// the file every two seconds, and a new value once more a second later.
pub const NOTICED: Duration = Duration::from_secs(3);

/// The `[defaults]` table of the configuration.
pub fn defaults() -> String {
    let seconds = |time: Duration| format!("\"{}ms\"", time.as_millis());
    format!(
        "[defaults]\ninterval = {}\ntimeout = {}\nconfirm_after = {}\nmax_backoff = {}\n\n",
        seconds(INTERVAL),
        seconds(TIMEOUT),
        seconds(CONFIRM_AFTER),
        seconds(MAX_BACKOFF)
    )
}
