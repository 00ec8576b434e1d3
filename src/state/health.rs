//! The health of one provider: what is known of it. `transitions` changes it, `questions` answers
//! from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::histogram::Histogram;
use crate::outcome::{Code, Expiry, Failure, Phases, Reason};

/// What is concluded about a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing yet.
    Unknown,
    /// The last probe issued a token.
    Healthy,
    /// Failures, not yet conclusive.
    Failing,
    /// Failures that one more try has confirmed: see [`Health::record`].
    Broken,
}

impl State {
    /// All states, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Healthy, Self::Failing, Self::Broken];

    /// The word in the label `state`.
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

/// The last good token, as far as it may be known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// When it ends.
    pub expiry: Expiry,
    /// How long it lived when it was issued, in seconds.
    pub lifetime: Option<f64>,
    /// Keyed hash of it; `None` for one from before a restart, of which nothing else is left.
    pub fingerprint: Option<u128>,
}

/// A failure that lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// The latest failure.
    pub failure: Failure,
    /// When the first of the failures in a row happened.
    pub since: Timestamp,
}

/// Failures in a row, up to the last probe; all are 0 after a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streak {
    /// All of them.
    pub(super) all: u32,
    /// The last ones in a row that are the credential's.
    pub(super) credential: u32,
    /// The last ones in a row that have the reason of the last one.
    pub(super) same_reason: u32,
}

/// Everything known about one provider.
#[derive(Clone, Debug)]
pub struct Health {
    /// What is concluded.
    pub(super) state: State,
    /// Since when.
    pub(super) since: Option<Timestamp>,
    /// Probes made.
    pub(super) probes: u64,
    /// Failures by reason, of those without a code.
    pub(super) failures: [u64; Reason::ALL.len()],
    /// Failures by reason and code.
    pub(super) coded_failures: BTreeMap<(Reason, Code), u64>,
    /// What is wrong now.
    pub(super) trouble: Option<Trouble>,
    /// How many failures there were in a row.
    pub(super) streak: Streak,
    /// When the last probe began.
    pub(super) last_attempt: Option<Timestamp>,
    /// When the last probe that issued a token began.
    pub(super) last_success: Option<Timestamp>,
    /// Phases of the last probe.
    pub(super) phases: Phases,
    /// HTTP status of the last probe.
    pub(super) status: Option<u16>,
    /// The last good token.
    pub(super) token: Option<Token>,
    /// Tokens that differed from the one before.
    pub(super) token_changes: u64,
    /// Required scopes that the last answer did not grant.
    pub(super) missing_scopes: usize,
    /// The provider's clock minus ours, in seconds, when last seen.
    pub(super) clock_skew: Option<f64>,
    /// The earliest end of a certificate in the endpoint's chain, when last seen.
    pub(super) certificate_expiry: Option<Timestamp>,
    /// Durations of all probes.
    pub(super) durations: Histogram,
    /// The calls of its probes by name, where there are more than the token request.
    pub(super) steps: BTreeMap<Arc<str>, StepHealth>,
    /// When the next probe is due, as time since the start of the daemon.
    pub(super) next_due: Option<Duration>,
    /// Keyed hash of the credentials that the last probe used.
    pub(super) credentials: Option<u128>,
}

/// What is known of one of the calls of a provider's probes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepHealth {
    /// How often it was made.
    pub made: u64,
    /// How often it failed.
    pub failed: u64,
    /// How long the last one took, in seconds.
    pub duration: f64,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// From.
    pub from: State,
    /// To.
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
    /// Nothing known yet; `bounds` are those of the histogram, in seconds.
    #[must_use]
    pub fn new(bounds: &Arc<[f64]>) -> Self {
        Self {
            state: State::Unknown,
            since: None,
            probes: 0,
            failures: [0; Reason::ALL.len()],
            coded_failures: BTreeMap::new(),
            trouble: None,
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
            durations: Histogram::new(bounds),
            steps: BTreeMap::new(),
            next_due: None,
            credentials: None,
        }
    }
}
