//! What happens to the health of a provider. [`Health::record`] is the one place where an outcome
//! becomes health.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::health::{Health, Recorded, State, Streak, Token, Transition, Trouble};
use super::histogram::Histogram;
use crate::outcome::{Class, Code, Failure, Issued, Outcome, Probe, Reason};
use crate::provider::Cadence;

/// The distinct codes that one provider may bring into the metrics; all others are counted as
/// `other`.
pub const MOST_CODES: usize = 20;

/// What a saved state says of one provider.
pub(super) struct Restored {
    pub(super) state: State,
    pub(super) since: Option<Timestamp>,
    pub(super) last_attempt: Timestamp,
    pub(super) last_success: Option<Timestamp>,
    pub(super) token: Option<Token>,
    pub(super) certificate_expiry: Option<Timestamp>,
    pub(super) trouble: Option<Trouble>,
    pub(super) streak: Streak,
    pub(super) next_due: Option<Duration>,
}

impl Health {
    /// Takes a probe in.
    ///
    /// A provider becomes broken
    ///
    /// - by two failures of the credential in a row, or
    /// - by more failures in a row than `failure_threshold`, of whatever class each of them is: so
    ///   many, and one more try that confirms them. A refusal that makes the threshold full is no
    ///   exception, it gets its second try anyway.
    ///
    /// So many are enough where another try would confirm nothing, or would be long in coming:
    ///
    /// - when the last of them is about our own configuration, because no answer was asked for;
    /// - when the last of them says that the provider is to be left alone, and all of them have its
    ///   reason. Asking again at once is not allowed then, and chance does not say the same so
    ///   often. In a mixed row chance does: then the next try decides, and it comes when it may.
    pub fn record(&mut self, probe: &Probe, cadence: &Cadence) -> Recorded {
        let before = self.failure().map(|failure| (failure.reason, failure.code.clone()));
        self.observe(probe);
        if let (Some(before), Some(now)) = (self.credentials, probe.credentials)
            && before != now
        {
            self.settings_changed();
        }
        self.credentials = probe.credentials;
        let to = match &probe.outcome {
            Outcome::Issued(issued) => self.succeed(issued, probe.started),
            Outcome::Failed(failure) => self.fail(failure, probe.started, cadence),
        };
        let after = self.failure().map(|failure| (failure.reason, failure.code.clone()));
        let from = std::mem::replace(&mut self.state, to);
        if from != to {
            self.since = Some(probe.started);
        }
        Recorded {
            transition: (from != to).then_some(Transition { from, to }),
            new_failure: after.is_some() && after != before,
        }
    }

    /// The provider's settings or credentials are others now, so what was learned about waiting no
    /// longer holds. The state stays until a probe changes it.
    pub(super) fn settings_changed(&mut self) {
        self.streak.same_reason = 0;
        self.next_due = None;
    }

    /// The histogram has other buckets now, so its counts begin again.
    pub(super) fn buckets_changed(&mut self, bounds: &Arc<[f64]>) {
        self.durations = Histogram::new(bounds);
    }

    /// The next probe is due at `due`, as time since the start of the daemon; `None` when only a
    /// request at `/probe` starts one.
    pub(super) fn planned(&mut self, due: Option<Duration>) {
        self.next_due = due;
    }

    /// The credentials were read without a probe. Where it is not known which ones the provider
    /// refused, as after a restart, these count as refused.
    pub(super) fn credentials_read(&mut self, fingerprint: u128) {
        self.credentials.get_or_insert(fingerprint);
    }

    /// The state from before a restart was read. Nothing may be known before.
    pub(super) fn restore(&mut self, saved: Restored) {
        self.state = saved.state;
        self.since = saved.since;
        self.last_attempt = Some(saved.last_attempt);
        self.last_success = saved.last_success;
        self.token = saved.token;
        self.certificate_expiry = saved.certificate_expiry;
        self.trouble = saved.trouble;
        self.streak = saved.streak;
        self.next_due = saved.next_due;
    }

    /// What a probe measured, whatever came of it.
    fn observe(&mut self, probe: &Probe) {
        self.probes += 1;
        self.last_attempt = Some(probe.started);
        self.phases = probe.phases;
        self.status = probe.status;
        // A probe that failed before anything was sent took no time that says anything about the
        // provider.
        if probe.duration > 0.0 {
            self.durations.observe(probe.duration);
        }
        for step in &probe.steps {
            let known = self.steps.entry(Arc::clone(&step.name)).or_default();
            known.made += 1;
            known.failed += u64::from(step.failure.is_some());
            known.duration = step.duration;
        }
        self.clock_skew = probe.clock_skew.or(self.clock_skew);
        self.certificate_expiry = probe.certificate_expiry.or(self.certificate_expiry);
    }

    fn succeed(&mut self, issued: &Issued, started: Timestamp) -> State {
        self.last_success = Some(started);
        self.trouble = None;
        self.streak = Streak::default();
        self.missing_scopes = 0;
        let before = self.token.and_then(|token| token.fingerprint);
        if before.is_some_and(|before| before != issued.fingerprint) {
            self.token_changes += 1;
        }
        self.token = Some(Token {
            expiry: issued.expiry,
            lifetime: issued.lifetime,
            fingerprint: Some(issued.fingerprint),
        });
        State::Healthy
    }

    fn fail(&mut self, failure: &Failure, started: Timestamp, cadence: &Cadence) -> State {
        self.count(failure);
        let same = self.fails_for(failure.reason);
        let refused = failure.reason.class() == Class::Credential;
        let next = |count: u32, goes_on: bool| if goes_on { count.saturating_add(1) } else { 0 };
        self.streak = Streak {
            all: next(self.streak.all, true),
            credential: next(self.streak.credential, refused),
            same_reason: next(self.streak.same_reason, same).max(1),
        };
        self.missing_scopes = failure.missing_scopes;
        let since = self.trouble.as_ref().map_or(started, |trouble| trouble.since);
        self.trouble = Some(Trouble { failure: failure.clone(), since });
        let confirmed =
            self.streak.credential >= 2 || self.are_enough(failure, cadence.failure_threshold);
        if confirmed || self.state == State::Broken { State::Broken } else { State::Failing }
    }

    /// Whether the failures in a row, the last of which is this one, are conclusive by their
    /// number.
    fn are_enough(&self, last: &Failure, threshold: u32) -> bool {
        if self.streak.all != threshold {
            return self.streak.all > threshold;
        }
        let is_to_be_left_alone = last.reason == Reason::Throttled || last.retry_after.is_some();
        last.reason.class() == Class::Config
            || (is_to_be_left_alone && self.streak.same_reason >= threshold)
    }

    /// Counts a failure; a provider that sends a new code in every answer fills one series with
    /// them.
    fn count(&mut self, failure: &Failure) {
        if failure.code.is_empty() {
            let place =
                Reason::ALL.iter().position(|reason| *reason == failure.reason).unwrap_or_default();
            self.failures[place] += 1;
            return;
        }
        let known = self.coded_failures.keys().any(|(_, code)| *code == failure.code);
        let distinct: BTreeSet<&Code> = self.coded_failures.keys().map(|(_, code)| code).collect();
        let code =
            if known || distinct.len() < MOST_CODES { failure.code.clone() } else { Code::other() };
        *self.coded_failures.entry((failure.reason, code)).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Expiry;

    fn probe(outcome: Outcome) -> Probe {
        Probe {
            duration: 0.2,
            ..Probe::new(outcome, "2026-01-01T00:00:00Z".parse().expect("a date"))
        }
    }

    fn issued(fingerprint: u128) -> Probe {
        probe(Outcome::Issued(Issued { expiry: Expiry::Unknown, lifetime: None, fingerprint }))
    }

    fn failed(reason: Reason, code: &str) -> Probe {
        probe(Outcome::Failed(Failure::new(reason, "").code(Code::clean(code).unwrap_or_default())))
    }

    fn states(probes: &[Probe]) -> Vec<&'static str> {
        let mut health = Health::new(&[1.0].into());
        probes
            .iter()
            .map(|probe| {
                health.record(probe, &Cadence::default());
                health.state.word()
            })
            .collect()
    }

    #[test]
    fn a_refusal_is_conclusive_when_a_second_try_confirms_it() {
        assert_eq!(
            states(&[
                issued(1),
                failed(Reason::Rejected, "1003"),
                failed(Reason::Rejected, "1003"),
                issued(2)
            ]),
            ["healthy", "failing", "broken", "healthy"]
        );
    }

    #[test]
    fn a_refusal_that_the_second_try_does_not_confirm_is_no_breakage() {
        assert_eq!(states(&[failed(Reason::Rejected, "1001"), issued(1)]), ["failing", "healthy"]);
    }

    #[test]
    fn other_failures_are_conclusive_after_the_threshold_when_one_more_try_confirms_them() {
        let outage = [
            failed(Reason::Timeout, ""),
            failed(Reason::Dns, ""),
            failed(Reason::Unavailable, "http_503"),
            failed(Reason::Timeout, ""),
        ];
        assert_eq!(states(&outage), ["failing", "failing", "failing", "broken"]);
        let odd = [
            failed(Reason::Timeout, ""),
            failed(Reason::Dns, ""),
            failed(Reason::Timeout, ""),
            issued(1),
            failed(Reason::Timeout, ""),
        ];
        assert_eq!(states(&odd), ["failing", "failing", "failing", "healthy", "failing"]);
    }

    #[test]
    fn of_a_secret_that_cannot_be_read_there_is_nothing_to_confirm() {
        let secret = || failed(Reason::Secret, "");
        assert_eq!(states(&[secret(), secret(), secret()]), ["failing", "failing", "broken"]);
        assert_eq!(
            states(&[failed(Reason::Timeout, ""), failed(Reason::Timeout, ""), secret()]),
            ["failing", "failing", "broken"]
        );
        assert_eq!(
            states(&[secret(), secret(), failed(Reason::Timeout, ""), secret()]),
            ["failing", "failing", "failing", "broken"]
        );
    }

    #[test]
    fn who_asks_to_be_left_alone_again_and_again_is_not_asked_once_more_to_confirm_it() {
        let throttled = || failed(Reason::Throttled, "http_429");
        let asking = |reason| {
            probe(Outcome::Failed(Failure {
                retry_after: Some(Duration::from_secs(9)),
                ..Failure::new(reason, "")
            }))
        };
        assert_eq!(
            states(&[throttled(), asking(Reason::Throttled), throttled()]),
            ["failing", "failing", "broken"]
        );
        let unavailable = || failed(Reason::Unavailable, "http_503");
        assert_eq!(
            states(&[unavailable(), unavailable(), asking(Reason::Unavailable)]),
            ["failing", "failing", "broken"]
        );
        // Chance mixes them, so the next one decides.
        assert_eq!(
            states(&[failed(Reason::Timeout, ""), throttled(), throttled(), throttled()]),
            ["failing", "failing", "failing", "broken"]
        );
        assert_eq!(
            states(&[unavailable(), throttled(), asking(Reason::Unavailable), issued(1)]),
            ["failing", "failing", "failing", "healthy"]
        );
    }

    #[test]
    fn with_a_threshold_of_one_the_first_failure_is_confirmed_by_a_second() {
        let cadence = Cadence { failure_threshold: 1, ..Cadence::default() };
        for (reason, first) in [
            (Reason::Timeout, "failing"),
            (Reason::Rejected, "failing"),
            (Reason::Secret, "broken"),
            (Reason::Throttled, "broken"),
        ] {
            let mut health = Health::new(&[1.0].into());
            health.record(&failed(reason, ""), &cadence);
            assert_eq!(health.state.word(), first, "{}", reason.word());
            health.record(&failed(Reason::Timeout, ""), &cadence);
            assert_eq!(health.state.word(), "broken", "{}", reason.word());
        }
    }

    #[test]
    fn an_outage_between_two_refusals_starts_the_confirmation_anew_but_counts_for_the_threshold() {
        let (refused, timeout) = (|| failed(Reason::Rejected, "1"), || failed(Reason::Timeout, ""));
        assert_eq!(
            states(&[refused(), timeout(), refused(), refused()]),
            ["failing", "failing", "failing", "broken"]
        );
        assert_eq!(
            states(&[timeout(), timeout(), refused(), timeout()]),
            ["failing", "failing", "failing", "broken"]
        );
        assert_eq!(
            states(&[timeout(), timeout(), refused(), issued(1)]),
            ["failing", "failing", "failing", "healthy"]
        );
        assert_eq!(states(&[timeout(), refused(), refused()]), ["failing", "failing", "broken"]);
    }

    #[test]
    fn the_distinct_codes_of_a_provider_are_bounded() {
        let mut health = Health::new(&[1.0].into());
        for number in 0..1_000 {
            health.record(&failed(Reason::Rejected, &format!("code{number}")), &Cadence::default());
        }
        assert_eq!(health.coded_failures.len(), MOST_CODES + 1);
        assert_eq!(health.coded_failures.values().sum::<u64>(), 1_000);
        assert_eq!(health.coded_failures[&(Reason::Rejected, Code::other())], 980);
    }

    #[test]
    fn tokens_that_differ_are_counted_and_the_last_good_one_is_kept_through_failures() {
        let mut health = Health::new(&[1.0].into());
        for probe in [issued(1), issued(1), failed(Reason::Timeout, ""), issued(2)] {
            health.record(&probe, &Cadence::default());
            assert!(health.token.is_some());
        }
        assert_eq!(health.token_changes, 1);
    }
}
