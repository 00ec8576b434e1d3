//! The health of one provider. `transitions` changes it, `questions` reads it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::histogram::{Bounds, Histogram};
use super::listed::Listed;
use super::sentences::Sentences;
use crate::outcome::{Code, CredentialEnd, Expiry, Failure, Phases, Reason};

/// The state of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No probe has ended yet.
    Unknown,
    /// The last probe issued a token.
    Healthy,
    /// The last probe failed; the failure is not confirmed yet.
    Failing,
    /// The failure is confirmed: see [`Health::record`].
    Broken,
}

impl State {
    /// All states, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Healthy, Self::Failing, Self::Broken];

    /// The value of the label `state`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Failing => "failing",
            Self::Broken => "broken",
        }
    }
}

/// Facts about the last good token; the token itself is not kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// When the token expires.
    pub expiry: Expiry,
    /// The lifetime when the token was issued, in seconds.
    pub lifetime: Option<f64>,
    /// The end in the token minus the end in the answer, in seconds, where both are known.
    pub disagreement: Option<f64>,
    /// Keyed hash of the token; `None` after a restart, because the key is new then.
    pub fingerprint: Option<u128>,
}

/// The failure of the last probe, and when the failures in a row began.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentFailure {
    /// The failure of the last probe.
    pub failure: Failure,
    /// When the first of the failures in a row began.
    pub since: Timestamp,
    /// The message of the first failure in a row with this reason and code, as the metrics show it.
    /// Empty after a restart.
    pub sentence: Arc<str>,
}

/// Numbers of failures in a row, up to the last probe; all are 0 after a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streak {
    pub(super) all: u32,
    /// The last failures of the class `credential` in a row.
    pub(super) credential: u32,
    /// The last failures in a row with the reason of the last one.
    pub(super) same_reason: u32,
    /// The last refusals in a row from which credwatch backs off. A secret that cannot be read does
    /// not end them, because it sends no request.
    pub(super) refusals: u32,
}

/// Everything known about the credentials of one provider. The methods in `questions` describe the
/// fields.
#[derive(Clone, Debug)]
pub struct Health {
    pub(super) state: State,
    pub(super) since: Option<Timestamp>,
    pub(super) probes: u64,
    /// `None` before the first failure: a large daemon has thousands of these.
    pub(super) failures: Option<Box<[u64; Reason::ALL.len()]>>,
    pub(super) coded_failures: BTreeMap<(Reason, Code), CodedFailures>,
    pub(super) current_failure: Option<Box<CurrentFailure>>,
    /// `None` before the first failure.
    pub(super) sentences: Option<Box<Sentences>>,
    pub(super) streak: Streak,
    pub(super) last_attempt: Option<Timestamp>,
    pub(super) last_success: Option<Timestamp>,
    pub(super) phases: Phases,
    pub(super) status: Option<u16>,
    pub(super) token: Option<Token>,
    pub(super) token_changes: u64,
    pub(super) missing_scopes: usize,
    pub(super) clock_skew: Option<f64>,
    pub(super) certificate_expiry: Option<Timestamp>,
    pub(super) client_certificate_expiry: Option<Timestamp>,
    pub(super) ends: Vec<CredentialEnd>,
    pub(super) listed: Option<Box<Listed>>,
    /// The ends that stand in the credentials themselves.
    pub(super) held: Vec<CredentialEnd>,
    pub(super) durations: Histogram,
    pub(super) steps: BTreeMap<Arc<str>, StepHealth>,
    pub(super) next_due: Option<Duration>,
    /// Keyed hash of the credentials that the last request used.
    pub(super) credentials: Option<u128>,
    /// When a start has ended the back-off, because it may have brought a new secret.
    pub(super) ended_by_start: Option<Timestamp>,
}

/// The failures with one reason and code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodedFailures {
    /// How many.
    pub number: u64,
    /// When the probe of the first one began.
    pub since: Timestamp,
}

/// The counters of one call of a provider's probes, such as a step or a cleanup.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepHealth {
    /// How often the call was made.
    pub made: u64,
    /// How often the call failed.
    pub failed: u64,
    /// The duration of the last one, in seconds.
    pub duration: f64,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
}

/// What a recorded probe changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The change of state, if there was one.
    pub transition: Option<Transition>,
    /// Whether the probe failed with another reason or code than the probe before.
    pub new_failure: bool,
}

impl Health {
    /// The health before the first probe. `bounds` are those of the histogram.
    #[must_use]
    pub fn new(bounds: &Arc<Bounds>) -> Self {
        Self {
            state: State::Unknown,
            since: None,
            probes: 0,
            failures: None,
            coded_failures: BTreeMap::new(),
            current_failure: None,
            sentences: None,
            streak: Streak::default(),
            last_attempt: None,
            last_success: None,
            phases: Phases::default(),
            status: None,
            token: None,
            token_changes: 0,
            missing_scopes: 0,
            clock_skew: None,
            certificate_expiry: None,
            client_certificate_expiry: None,
            ends: Vec::new(),
            listed: None,
            held: Vec::new(),
            durations: Histogram::new(bounds),
            steps: BTreeMap::new(),
            next_due: None,
            credentials: None,
            ended_by_start: None,
        }
    }
}
