//! What of the state outlives a restart: the runway, since when something is broken, and how long a
//! refused account is to be left alone. Plain data and two conversions; where the text is kept is
//! `storage`'s concern.
//!
//! No secret, nothing derived from one and no message of a provider is in it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::health::{State, Streak, Token, Trouble};
use super::moment::Moment;
use super::roster::{Entry, Roster};
use super::transitions::Restored;
use crate::outcome::{Code, Expiry, Failure, Reason};
use crate::provider::Slot;
use crate::time::{from_unix_seconds, unix_seconds};

/// The version of the form. A newer one is not read.
const VERSION: u32 = 1;

/// Providers that are read of a file: more than any daemon has.
const MOST: usize = 1_000_000;

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    providers: Vec<Kept>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// One provider. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    next: bool,
    state: String,
    since: Option<f64>,
    last_attempt: f64,
    last_success: Option<f64>,
    token: Option<KeptToken>,
    failure: Option<KeptFailure>,
    next_due: Option<f64>,
    certificate_expiry: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct KeptToken {
    /// `None` when it never ends or its end is not known.
    expires: Option<f64>,
    never: bool,
    lifetime: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct KeptFailure {
    reason: String,
    code: String,
    since: f64,
    in_a_row: u32,
    of_the_credential: u32,
    of_this_reason: u32,
}

/// What may have happened to the secrets of a provider since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Something it depends on was written since.
    Yes,
    /// Nothing was.
    No,
    /// There is no telling, as of an environment variable.
    Unknown,
}

/// What is worth keeping, as text.
#[must_use]
pub fn write(roster: &Roster, now: Moment) -> String {
    let providers = roster.all().filter_map(|entry| keep(entry, now)).collect();
    // Plain data: nothing in it cannot be written.
    serde_json::to_string(&Saved { version: VERSION, providers }).unwrap_or_default()
}

/// `None` while nothing is known.
fn keep(entry: &Entry, now: Moment) -> Option<Kept> {
    let health = entry.health();
    let token = health.token.map(|token| KeptToken {
        expires: if let Expiry::At(end) = token.expiry { Some(unix_seconds(end)) } else { None },
        never: token.expiry == Expiry::Never,
        lifetime: token.lifetime,
    });
    let failure = health.trouble.as_ref().map(|trouble| KeptFailure {
        reason: trouble.failure.reason.word().to_owned(),
        code: trouble.failure.code.as_str().to_owned(),
        since: unix_seconds(trouble.since),
        in_a_row: health.streak.all,
        of_the_credential: health.streak.credential,
        of_this_reason: health.streak.same_reason,
    });
    Some(Kept {
        name: entry.provider.name.clone(),
        next: entry.provider.slot == Slot::Next,
        state: health.state.word().to_owned(),
        since: health.since.map(unix_seconds),
        last_attempt: unix_seconds(health.last_attempt?),
        last_success: health.last_success.map(unix_seconds),
        token,
        failure,
        next_due: health.next_due.map(|due| now.unix_seconds_at(due)),
        certificate_expiry: health.certificate_expiry.map(unix_seconds),
    })
}

/// Puts what was kept into entries that know nothing yet, and returns of how many providers
/// something was known. `touched` says whether the secret of an entry may be another since a time.
///
/// # Errors
/// A sentence, when the text is damaged or of a newer version. Nothing is taken in then.
pub fn read(
    text: &str,
    roster: &Roster,
    now: Moment,
    touched: impl Fn(&Entry, Timestamp) -> Touched,
) -> Result<usize, String> {
    let damaged = |error: serde_json::Error| format!("it is damaged: {error}");
    let Version { version } = serde_json::from_str(text).map_err(damaged)?;
    if version != VERSION {
        return Err(format!("it has version {version}, and this program knows {VERSION}"));
    }
    let saved: Saved = serde_json::from_str(text).map_err(damaged)?;
    let mut count = 0;
    for kept in saved.providers.into_iter().take(MOST) {
        let slot = if kept.next { Slot::Next } else { Slot::Current };
        let Some(entry) = roster.entry(&kept.name, slot) else { continue };
        if restore(entry, kept, now, &touched).is_some() {
            count += 1;
        }
    }
    Ok(count)
}

/// `None` when what was kept makes no sense.
fn restore(
    entry: &Entry,
    kept: Kept,
    now: Moment,
    touched: &impl Fn(&Entry, Timestamp) -> Touched,
) -> Option<()> {
    let past = |seconds: f64| from_unix_seconds(seconds).filter(|time| *time <= now.wall);
    let last_attempt = past(kept.last_attempt)?;
    let state = State::ALL.into_iter().find(|state| state.word() == kept.state)?;
    let touched = touched(entry, last_attempt);
    let (mut trouble, mut streak, mut next_due) = (None, Streak::default(), None);
    if let Some(failure) = kept.failure {
        let failing = Trouble {
            failure: Failure::new(Reason::from_word(&failure.reason)?, "")
                .code(Code::clean(&failure.code).unwrap_or_default()),
            since: past(failure.since)?,
        };
        next_due = wait(&failing, entry, kept.next_due, last_attempt, touched, now);
        streak = Streak {
            all: failure.in_a_row,
            credential: failure.of_the_credential,
            same_reason: if touched == Touched::Yes { 0 } else { failure.of_this_reason },
        };
        trouble = Some(failing);
    }
    let token = kept.token.and_then(|token| {
        let expiry = match token.expires {
            Some(end) => Expiry::At(from_unix_seconds(end)?),
            None if token.never => Expiry::Never,
            None => Expiry::Unknown,
        };
        Some(Token { expiry, lifetime: token.lifetime, fingerprint: None })
    });
    entry.change().restore(Restored {
        state,
        since: kept.since.and_then(past),
        last_attempt,
        last_success: kept.last_success.and_then(past),
        token,
        certificate_expiry: kept.certificate_expiry.and_then(from_unix_seconds),
        trouble,
        streak,
        next_due,
    });
    Some(())
}

/// How long one that was refused or throttled is left alone still; all others are asked soon after
/// a start.
fn wait(
    trouble: &Trouble,
    entry: &Entry,
    next_due: Option<f64>,
    last_attempt: Timestamp,
    touched: Touched,
    now: Moment,
) -> Option<Duration> {
    if !matches!(trouble.failure.reason, Reason::Rejected | Reason::Throttled) {
        return None;
    }
    let cadence = &entry.provider.cadence;
    let left = match touched {
        Touched::Yes => return None,
        Touched::No => next_due? - unix_seconds(now.wall),
        // At most as often as if nothing were wrong: a daemon that is restarted again and again
        // locks no account.
        Touched::Unknown => {
            unix_seconds(last_attempt) + cadence.interval.as_secs_f64() - unix_seconds(now.wall)
        }
    };
    // A turn can be one and a half intervals away; anything longer is a clock that was set.
    let longest = cadence.max_backoff.max(cadence.interval) + cadence.interval;
    Duration::try_from_secs_f64(left).ok().map(|left| now.uptime + left.min(longest))
}
