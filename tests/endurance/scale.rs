//! The settings of the campaign: the defaults of credwatch, with every time a tenth of what it is
//! by default.
//!
//! What decides about health is untouched: three failures in a row, and a second try that confirms.
//! Not scaled, because nobody can set them: the 10 ms to which the scheduler gathers wake-ups, and
//! the two seconds between looks at secrets.

use std::time::Duration;

/// From one probe to the next; 60 s by default.
pub const INTERVAL: Duration = Duration::from_secs(6);
/// The deadline of a probe; 10 s by default.
pub const TIMEOUT: Duration = Duration::from_secs(1);
/// From a first refusal, or from the third failure in a row, to the try that confirms it; 5 s by
/// default.
pub const CONFIRM_AFTER: Duration = Duration::from_millis(500);
/// The longest pause between probes of a refused credential; 1 h by default.
pub const MAX_BACKOFF: Duration = Duration::from_secs(360);
/// Failures in a row that make a provider broken when one more confirms them: the default, and not
/// written into the configuration.
pub const FAILURE_THRESHOLD: u32 = 3;
/// The grain of the scheduler.
pub const TICK: Duration = Duration::from_millis(10);
/// Within this time a changed secret file of a refused provider is noticed: a look every two
/// seconds, by a loop that sleeps for a second at most.
pub const NOTICED: Duration = Duration::from_secs(3);

/// The configuration's `[defaults]`.
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
