//! What can be asked of the health of a provider. Nothing here changes it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::health::{Health, State, StepHealth, Token, Trouble};
use super::histogram::Histogram;
use crate::outcome::{Code, Expiry, Failure, Phases, Reason};
use crate::provider::Cadence;

impl Health {
    /// What is concluded.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// When the state began; `None` before the first probe.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Probes made since the start of the daemon.
    #[must_use]
    pub fn probes(&self) -> u64 {
        self.probes
    }

    /// Failures without a code since the start of the daemon, in the order of [`Reason::ALL`].
    #[must_use]
    pub fn failures(&self) -> &[u64; Reason::ALL.len()] {
        &self.failures
    }

    /// Failures with a code since the start of the daemon.
    pub fn coded_failures(&self) -> impl Iterator<Item = (Reason, &Code, u64)> {
        self.coded_failures.iter().map(|((reason, code), count)| (*reason, code, *count))
    }

    /// The failure that lasts; `None` while the last probe succeeded, or before the first.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// The failure of the last probe.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.trouble.as_ref().map(|trouble| &trouble.failure)
    }

    /// Whether the last probe failed for this reason.
    #[must_use]
    pub fn fails_for(&self, reason: Reason) -> bool {
        self.failure().is_some_and(|failure| failure.reason == reason)
    }

    /// Whether the last probe issued a token; `None` before the first.
    #[must_use]
    pub fn last_probe_succeeded(&self) -> Option<bool> {
        self.last_attempt.map(|_| self.trouble.is_none())
    }

    /// Failures in a row.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.streak.all
    }

    /// The last failures in a row that are the credential's.
    #[must_use]
    pub fn consecutive_credential_failures(&self) -> u32 {
        self.streak.credential
    }

    /// The last failures in a row that have the reason of the last one.
    #[must_use]
    pub fn consecutive_failures_of_same_reason(&self) -> u32 {
        self.streak.same_reason
    }

    /// Whether there are as many failures in a row as make a provider broken, and only the try that
    /// confirms them is still to come.
    #[must_use]
    pub fn awaits_confirmation(&self, cadence: &Cadence) -> bool {
        self.state == State::Failing && self.streak.all >= cadence.failure_threshold
    }

    /// Whether these credentials are others than those that were refused or could not be read.
    /// Where it is not known which ones were refused, as after a restart, they are not.
    #[must_use]
    pub fn has_other_credentials(&self, fingerprint: u128) -> bool {
        self.credentials.map_or(self.fails_for(Reason::Secret), |before| before != fingerprint)
    }

    /// When the last probe began.
    #[must_use]
    pub fn last_attempt(&self) -> Option<Timestamp> {
        self.last_attempt
    }

    /// When the last probe that issued a token began.
    #[must_use]
    pub fn last_success(&self) -> Option<Timestamp> {
        self.last_success
    }

    /// When the next probe is due, as time since the start of the daemon.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.next_due
    }

    /// Phases of the last probe.
    #[must_use]
    pub fn phases(&self) -> &Phases {
        &self.phases
    }

    /// HTTP status of the last probe.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Durations of all probes since the start of the daemon.
    #[must_use]
    pub fn durations(&self) -> &Histogram {
        &self.durations
    }

    /// The calls of this name, where a probe makes more than the token request.
    #[must_use]
    pub fn step(&self, name: &Arc<str>) -> StepHealth {
        self.steps.get(name).copied().unwrap_or_default()
    }

    /// The last good token.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// When the last good token ends; `None` without one, and when it never ends or its end is not
    /// known.
    #[must_use]
    pub fn token_end(&self) -> Option<Timestamp> {
        match self.token?.expiry {
            Expiry::At(end) => Some(end),
            Expiry::Never | Expiry::Unknown => None,
        }
    }

    /// Whether the last good token never ends.
    #[must_use]
    pub fn token_never_ends(&self) -> bool {
        self.token.is_some_and(|token| token.expiry == Expiry::Never)
    }

    /// Tokens that differed from the one before.
    #[must_use]
    pub fn token_changes(&self) -> u64 {
        self.token_changes
    }

    /// Required scopes that the last answer did not grant.
    #[must_use]
    pub fn missing_scopes(&self) -> usize {
        self.missing_scopes
    }

    /// The provider's clock minus ours, in seconds, when last seen.
    #[must_use]
    pub fn clock_skew(&self) -> Option<f64> {
        self.clock_skew
    }

    /// The earliest end of a certificate in the endpoint's chain, when last seen.
    #[must_use]
    pub fn certificate_expiry(&self) -> Option<Timestamp> {
        self.certificate_expiry
    }
}
