//! Read access to the health of a provider.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::health::{CodedFailures, CurrentFailure, Health, State, StepHealth, Token};
use super::histogram::Histogram;
use super::moment::Moment;
use crate::outcome::{Code, CredentialEnd, EndSource, Expiry, Failure, Phases, Reason};
use crate::provider::{Cadence, Provider};
use crate::time::unix_seconds;

/// The most distinct codes of one provider in the metrics. Further ones are `other` there.
pub const MOST_CODES: usize = 20;

impl Health {
    /// The state.
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
        const NONE: [u64; Reason::ALL.len()] = [0; Reason::ALL.len()];
        self.failures.as_deref().unwrap_or(&NONE)
    }

    /// Failures with a code since the start of the daemon.
    pub fn coded_failures(&self) -> impl Iterator<Item = (Reason, &Code, u64)> {
        self.counted_codes().map(|(reason, code, counted)| (reason, code, counted.number))
    }

    /// The same, with the time at which each counter began.
    pub fn counted_codes(&self) -> impl Iterator<Item = (Reason, &Code, CodedFailures)> {
        self.coded_failures.iter().map(|((reason, code), counted)| (*reason, code, *counted))
    }

    /// The failure of the last probe, with the start of the failures in a row; `None` after a
    /// success and before the first probe.
    #[must_use]
    pub fn current_failure(&self) -> Option<&CurrentFailure> {
        self.current_failure.as_deref()
    }

    /// The failure of the last probe.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.current_failure.as_ref().map(|current| &current.failure)
    }

    /// The code of the current failure in the metrics.
    #[must_use]
    pub fn failure_code_in_metrics(&self) -> Option<Code> {
        self.failure().map(|failure| self.code_in_metrics(&failure.code))
    }

    /// `other` for a code that comes after the first [`MOST_CODES`] of this provider.
    pub(super) fn code_in_metrics(&self, code: &Code) -> Code {
        let counted: BTreeSet<&Code> = self.coded_failures.keys().map(|(_, code)| code).collect();
        let has_series = code.is_empty() || counted.contains(code) || counted.len() < MOST_CODES;
        if has_series { code.clone() } else { Code::other() }
    }

    /// The sentence of the current failure in the metrics, if this failure has its reason and code.
    pub(super) fn sentence_for(&self, failure: &Failure) -> Option<Arc<str>> {
        let of = |failure: &Failure| (failure.reason, self.code_in_metrics(&failure.code));
        let current = self.current_failure().filter(|current| !current.sentence.is_empty())?;
        (of(&current.failure) == of(failure)).then(|| Arc::clone(&current.sentence))
    }

    /// Whether the last probe failed for this reason.
    #[must_use]
    pub fn fails_for(&self, reason: Reason) -> bool {
        self.failure().is_some_and(|failure| failure.reason == reason)
    }

    /// Whether the last probe issued a token; `None` before the first.
    #[must_use]
    pub fn last_probe_succeeded(&self) -> Option<bool> {
        self.last_attempt.map(|_| self.current_failure.is_none())
    }

    /// Failures in a row.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.streak.all
    }

    /// The last failures of the class `credential` in a row.
    #[must_use]
    pub fn consecutive_credential_failures(&self) -> u32 {
        self.streak.credential
    }

    /// The last failures in a row with the reason of the last one.
    #[must_use]
    pub fn consecutive_failures_of_same_reason(&self) -> u32 {
        self.streak.same_reason
    }

    /// The last refusals in a row from which credwatch backs off. Secrets that cannot be read in
    /// between do not end them.
    #[must_use]
    pub fn refusals_in_a_row(&self) -> u32 {
        self.streak.refusals
    }

    /// Whether the failures in a row have reached `failure_threshold`, and only the probe that
    /// confirms them is missing.
    #[must_use]
    pub fn awaits_confirmation(&self, cadence: &Cadence) -> bool {
        self.state == State::Failing && self.streak.all >= cadence.failure_threshold
    }

    /// Whether these credentials differ from those that the provider refused or that could not be
    /// read. False after a restart, when the refused credentials are not known.
    #[must_use]
    pub fn has_other_credentials(&self, fingerprint: u128) -> bool {
        let unreadable = self.fails_for(Reason::Secret) && self.streak.refusals == 0;
        unreadable || self.credentials.is_some_and(|before| before != fingerprint)
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

    /// When the next probe is due, in seconds since 1970; while the provider is paused, when the
    /// pause ends.
    #[must_use]
    pub fn next_probe(&self, provider: &Provider, now: Moment) -> Option<f64> {
        match provider.pause(now.wall) {
            Some(pause) => pause.until.map(unix_seconds),
            None => self.next_due.map(|due| now.unix_seconds_at(due)),
        }
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

    /// The counters of the call with this name, for probes with several calls.
    #[must_use]
    pub fn step(&self, name: &Arc<str>) -> StepHealth {
        self.steps.get(name).copied().unwrap_or_default()
    }

    /// The last good token.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// When the last good token expires; `None` without a token, and when the token never expires
    /// or its expiry is not known.
    #[must_use]
    pub fn token_end(&self) -> Option<Timestamp> {
        self.token?.expiry.time()
    }

    /// Whether the last good token never expires.
    #[must_use]
    pub fn token_never_ends(&self) -> bool {
        self.token.is_some_and(|token| token.expiry == Expiry::Never)
    }

    /// Tokens that differed from the previous token.
    #[must_use]
    pub fn token_changes(&self) -> u64 {
        self.token_changes
    }

    /// The number of required scopes that the last answer did not grant.
    #[must_use]
    pub fn missing_scopes(&self) -> usize {
        self.missing_scopes
    }

    /// The provider's clock minus the clock of this host, in seconds, from the last answer with a
    /// `Date` header.
    #[must_use]
    pub fn clock_skew(&self) -> Option<f64> {
        self.clock_skew
    }

    /// The earliest expiry of a certificate in the endpoint's chain, from the last TLS handshake.
    #[must_use]
    pub fn certificate_expiry(&self) -> Option<Timestamp> {
        self.certificate_expiry
    }

    /// The end of our client certificate at the last probe, while this provider has one.
    #[must_use]
    pub fn client_certificate_expiry(&self, provider: &Provider) -> Option<Timestamp> {
        provider.transport.client_certificate.as_ref().and(self.client_certificate_expiry)
    }

    /// All that is known about the ends of the configured credentials, once for each credential and
    /// source.
    pub(super) fn known_ends(&self) -> impl Iterator<Item = &CredentialEnd> {
        CredentialEnd::known(&self.ends, &self.held)
    }

    /// What the last successful probe and the credentials themselves say about the ends of the
    /// configured credentials, each with the end that counts for this provider.
    pub fn credential_ends<'h>(
        &'h self,
        provider: &'h Provider,
    ) -> impl Iterator<Item = (&'h CredentialEnd, Expiry)> {
        self.known_ends().map(|end| (end, end.with_max_age(provider.policy.max_age)))
    }

    /// The ends of the configured credentials that count, each with what a probe knows about it;
    /// `None` for the declared one. What is reported about a credential replaces everything else
    /// that is known about it. The rule `credwatch:credential_end:seconds` says the same.
    pub fn ends_that_count<'h>(
        &'h self,
        provider: &'h Provider,
    ) -> impl Iterator<Item = (Option<&'h CredentialEnd>, Timestamp)> {
        let times = move || {
            let ends = self.credential_ends(provider);
            ends.filter_map(|(end, expiry)| Some((end, expiry.time()?)))
        };
        let is_reported = move |credential: &str| {
            let is_it = |end: &CredentialEnd| {
                end.source == EndSource::Reported && *end.credential == *credential
            };
            times().any(|(end, _)| is_it(end))
        };
        let counts = move |end: &CredentialEnd| {
            end.source == EndSource::Reported || !is_reported(&end.credential)
        };
        let known = times().filter(move |(end, _)| counts(end));
        let declared =
            provider.secret_expires.filter(|_| !is_reported(provider.declared_credential()));
        known.map(|(end, time)| (Some(end), time)).chain(declared.map(|time| (None, time)))
    }

    /// The earliest end of a configured credential, and whether it is only declared.
    #[must_use]
    pub fn first_credential_end(&self, provider: &Provider) -> Option<(Timestamp, bool)> {
        self.ends_that_count(provider).map(|(end, time)| (time, end.is_none())).min()
    }
}
