//! The part of the state that is kept over a restart, as JSON: times, failures in a row, and how
//! long credwatch backs off from a refused account. `storage` reads and writes it.
//!
//! It contains no secret, nothing derived from a secret, and no message of a provider.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::health::{CurrentFailure, State, Streak, Token};
use super::kept_list::KeptList;
use super::moment::Moment;
use super::roster::{Entry, Roster};
use super::timeline::Incident;
use super::transitions::Restored;
use crate::outcome::{BackOff, Code, CredentialEnd, EndSource, Expiry, Failure, Reason};
use crate::provider::Slot;
use crate::time::{from_unix_seconds, unix_seconds};

/// The version of the file of earlier versions. Files of other versions are not read.
const VERSION: u32 = 1;

/// The most providers that are read from a file; no daemon has as many.
const MOST_PROVIDERS: usize = 1_000_000;

#[derive(Deserialize)]
struct Saved {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_certificate_expiry: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    credential_ends: Vec<KeptEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<KeptList>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incident: Option<KeptIncident>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_by_start: Option<f64>,
}

/// The incident that lasts. The begin is in milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct KeptIncident {
    begin: i64,
    reason: String,
    code: String,
}

/// The end of a configured credential.
#[derive(Serialize, Deserialize)]
struct KeptEnd {
    credential: String,
    source: String,
    /// `None` when the credential never ends or its end is not known.
    expires: Option<f64>,
    never: bool,
    created: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct KeptToken {
    /// `None` when the token never expires or its expiry is not known.
    expires: Option<f64>,
    never: bool,
    lifetime: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disagreement: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct KeptFailure {
    reason: String,
    code: String,
    since: f64,
    in_a_row: u32,
    of_the_credential: u32,
    of_this_reason: u32,
    #[serde(default)]
    refusals: u32,
}

/// Whether the secrets of a provider may have changed since its last probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// A file with a secret, or the configuration, was written.
    Yes,
    /// No such file was written.
    No,
    /// Only a start brings a new value, for example of an environment variable, and nothing tells
    /// whether this one did.
    ByThisStart,
    /// Not known, for example for the output of a command.
    Unknown,
}

/// The state of an entry as JSON; `None` before the first probe.
#[must_use]
pub fn write(entry: &Entry, now: Moment) -> Option<Vec<u8>> {
    // Serializing plain data does not fail.
    serde_json::to_vec(&keep(entry, now)?).ok()
}

fn keep(entry: &Entry, now: Moment) -> Option<Kept> {
    let incident = entry.history().timeline().open().map(|incident| KeptIncident {
        begin: incident.begin,
        reason: incident.reason.word().to_owned(),
        code: incident.code.as_str().to_owned(),
    });
    let health = entry.health();
    let token = health.token.map(|token| KeptToken {
        expires: token.expiry.time().map(unix_seconds),
        never: token.expiry == Expiry::Never,
        lifetime: token.lifetime,
        disagreement: token.disagreement,
    });
    let failure = health.current_failure.as_ref().map(|current| KeptFailure {
        reason: current.failure.reason.word().to_owned(),
        code: current.failure.code.as_str().to_owned(),
        since: unix_seconds(current.since),
        in_a_row: health.streak.all,
        of_the_credential: health.streak.credential,
        of_this_reason: health.streak.same_reason,
        refusals: health.streak.refusals,
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
        client_certificate_expiry: health.client_certificate_expiry.map(unix_seconds),
        credential_ends: health.known_ends().map(keep_end).collect(),
        listed: health.listed(&entry.provider).and_then(KeptList::of),
        incident,
        ended_by_start: health.ended_by_start.map(unix_seconds),
    })
}

/// Restores the state of an entry before its first probe from what [`write()`] has returned, and
/// returns whether it was restored. `touched` tells whether the secrets of an entry may have
/// changed since a time.
pub fn read_one(
    bytes: &[u8],
    roster: &Roster,
    now: Moment,
    touched: &impl Fn(&Entry, Timestamp) -> Touched,
) -> bool {
    serde_json::from_slice(bytes).is_ok_and(|kept| restore_kept(kept, roster, now, touched))
}

fn restore_kept(
    kept: Kept,
    roster: &Roster,
    now: Moment,
    touched: &impl Fn(&Entry, Timestamp) -> Touched,
) -> bool {
    let slot = if kept.next { Slot::Next } else { Slot::Current };
    let entry = roster.entry(&kept.name, slot);
    entry.is_some_and(|entry| restore(entry, kept, now, touched).is_some())
}

/// Restores the state of entries from the file of an earlier version, and returns the number of
/// restored providers. `touched` tells whether the secrets of an entry may have changed since a
/// time.
///
/// # Errors
/// A sentence, when the text is damaged or has another version. Nothing is restored then.
pub fn read(
    text: &str,
    roster: &Roster,
    now: Moment,
    touched: impl Fn(&Entry, Timestamp) -> Touched,
) -> Result<usize, String> {
    // The text of the error can contain a part of the file.
    let damaged = |error: serde_json::Error| {
        format!("it is damaged in line {}, column {}", error.line(), error.column())
    };
    let Version { version } = serde_json::from_str(text).map_err(damaged)?;
    if version != VERSION {
        return Err(format!("it has version {version}, and this program knows {VERSION}"));
    }
    let saved: Saved = serde_json::from_str(text).map_err(damaged)?;
    let all = saved.providers.into_iter().take(MOST_PROVIDERS);
    Ok(all
        .map(|kept| restore_kept(kept, roster, now, &touched))
        .filter(|restored| *restored)
        .count())
}

/// `None` when the saved values are not valid.
fn restore(
    entry: &Entry,
    kept: Kept,
    now: Moment,
    touched: &impl Fn(&Entry, Timestamp) -> Touched,
) -> Option<()> {
    let past = |seconds: f64| from_unix_seconds(seconds).filter(|time| *time <= now.wall);
    let last_attempt = past(kept.last_attempt)?;
    let mut state = State::ALL.into_iter().find(|state| state.word() == kept.state)?;
    let touched = touched(entry, last_attempt);
    let (mut current_failure, mut streak, mut due) = (None, Streak::default(), None);
    let reason = kept.failure.as_ref().and_then(|failure| Reason::from_word(&failure.reason));
    let before = kept.ended_by_start.and_then(past);
    let last_success = kept.last_success.and_then(past);
    let ends_back_off = touched == Touched::ByThisStart
        && reason.is_some_and(Reason::ends_with_new_credentials)
        && may_end_back_off(entry, before, last_success, now);
    let ended_by_start = if ends_back_off { Some(now.wall) } else { before };
    // Another version can have other reasons. The token of the file is still the last good one.
    if kept.failure.is_some() && reason.is_none() {
        state = State::Unknown;
    }
    if let (Some(failure), Some(reason)) = (kept.failure, reason) {
        let code = Code::clean(&failure.code).unwrap_or_default();
        current_failure = Some(CurrentFailure {
            failure: Failure::new(reason, "").code(code),
            since: past(failure.since)?,
            sentence: Arc::default(),
        });
        // A file of an earlier version has no `refusals`.
        let refusals = match reason.back_off() {
            BackOff::FromThird => failure.refusals.max(failure.of_this_reason),
            _ => failure.refusals,
        };
        if !ends_back_off {
            let asked = before.map_or(last_attempt, |before| before.max(last_attempt));
            due = next_due(reason, entry, kept.next_due, asked, touched, now);
        }
        streak = Streak {
            all: failure.in_a_row,
            credential: failure.of_the_credential,
            same_reason: if touched == Touched::Yes { 0 } else { failure.of_this_reason },
            refusals: if touched == Touched::Yes { 0 } else { refusals },
        };
    }
    let token = kept.token.and_then(|token| {
        let expiry = match token.expires {
            Some(end) => Expiry::At(from_unix_seconds(end)?),
            None if token.never => Expiry::Never,
            None => Expiry::Unknown,
        };
        let KeptToken { lifetime, disagreement, .. } = token;
        Some(Token { expiry, lifetime, disagreement, fingerprint: None })
    });
    entry.restore_incident(kept.incident.and_then(|incident| {
        Some(Incident {
            begin: incident.begin,
            end: None,
            reason: Reason::from_word(&incident.reason)?,
            code: Code::clean(&incident.code).unwrap_or_default(),
        })
    }));
    entry.change().restore(Restored {
        state,
        since: kept.since.filter(|_| state != State::Unknown).and_then(past),
        last_attempt,
        last_success,
        token,
        certificate_expiry: kept.certificate_expiry.and_then(from_unix_seconds),
        client_certificate_expiry: kept.client_certificate_expiry.and_then(from_unix_seconds),
        // The end of a credential that may have been replaced is not known.
        ends: (kept.credential_ends.into_iter())
            .filter(|_| touched != Touched::Yes)
            .filter_map(|kept| restored_end(kept, entry))
            .collect(),
        listed: kept
            .listed
            .and_then(|list| list.restored(&entry.provider, now.wall, touched == Touched::Yes)),
        current_failure,
        streak,
        next_due: due,
        ended_by_start,
    });
    Some(())
}

fn keep_end(end: &CredentialEnd) -> KeptEnd {
    KeptEnd {
        credential: (*end.credential).to_owned(),
        source: end.source.word().to_owned(),
        expires: end.expiry.time().map(unix_seconds),
        never: end.expiry == Expiry::Never,
        created: end.created.map(unix_seconds),
    }
}

/// `None` for an end of a credential that the provider does not have.
fn restored_end(kept: KeptEnd, entry: &Entry) -> Option<CredentialEnd> {
    let mut credentials = entry.provider.recipe.credentials.iter();
    let is_known = kept.credential.is_empty()
        || credentials.any(|(credential, _)| *credential == kept.credential);
    let expiry = match kept.expires.and_then(from_unix_seconds) {
        Some(end) => Expiry::At(end),
        None if kept.never => Expiry::Never,
        None => Expiry::Unknown,
    };
    let source = EndSource::ALL.into_iter().find(|source| source.word() == kept.source)?;
    is_known.then(|| CredentialEnd {
        credential: kept.credential.into(),
        source,
        expiry,
        created: kept.created.and_then(from_unix_seconds),
    })
}

/// Whether a start may end a back-off. It may once in `max_backoff`, until the provider issues a
/// token, as a new secret of a running daemon may.
fn may_end_back_off(
    entry: &Entry,
    before: Option<Timestamp>,
    last_success: Option<Timestamp>,
    now: Moment,
) -> bool {
    let cadence = &entry.provider.cadence;
    let pause = cadence.max_backoff.max(cadence.interval).as_secs_f64();
    before.is_none_or(|before| {
        last_success > Some(before) || unix_seconds(now.wall) - unix_seconds(before) >= pause
    })
}

/// Whether a start at this time or later has ended a back-off.
#[must_use]
pub fn has_ended_a_back_off(roster: &Roster, start: Timestamp) -> bool {
    roster.all().any(|entry| entry.health().ended_by_start >= Some(start))
}

/// When a provider is due from which credwatch backed off; `None` for the others, which are probed
/// soon after the start.
fn next_due(
    reason: Reason,
    entry: &Entry,
    saved_due: Option<f64>,
    asked: Timestamp,
    touched: Touched,
    now: Moment,
) -> Option<Duration> {
    if reason.back_off() == BackOff::Never {
        return None;
    }
    let cadence = &entry.provider.cadence;
    // Not sooner than an interval after the last probe, or after a start that has ended a back-off:
    // otherwise a daemon that is restarted again and again could lock the account.
    let earliest = unix_seconds(asked) + cadence.interval.as_secs_f64();
    let due = match touched {
        Touched::Yes => return None,
        Touched::ByThisStart | Touched::Unknown if reason.ends_with_new_credentials() => earliest,
        // In on-demand mode no probe is due. A wait for which the vendor asked goes on.
        _ => saved_due.unwrap_or(earliest),
    };
    let left = due - unix_seconds(now.wall);
    // A longer wait means that the clock was set.
    let longest = cadence.longest_pause();
    Duration::try_from_secs_f64(left).ok().map(|left| now.uptime + left.min(longest))
}

#[cfg(test)]
mod tests;
