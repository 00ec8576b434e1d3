//! All changes of the health of a provider. Only [`Health::record`] turns an outcome into a state.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::health::{
    CodedFailures, CurrentFailure, Health, Recorded, State, Streak, Token, Transition,
};
use super::histogram::{Bounds, Histogram};
use super::listed::Listed;
use crate::outcome::{
    BackOff, Class, CredentialEnd, Failure, HeldEnds, Issued, Outcome, Probe, Reason,
};
use crate::provider::Cadence;

/// The saved state of one provider.
pub(super) struct Restored {
    pub(super) state: State,
    pub(super) since: Option<Timestamp>,
    pub(super) last_attempt: Timestamp,
    pub(super) last_success: Option<Timestamp>,
    pub(super) token: Option<Token>,
    pub(super) certificate_expiry: Option<Timestamp>,
    pub(super) client_certificate_expiry: Option<Timestamp>,
    pub(super) ends: Vec<CredentialEnd>,
    pub(super) listed: Option<Box<Listed>>,
    pub(super) current_failure: Option<CurrentFailure>,
    pub(super) streak: Streak,
    pub(super) next_due: Option<Duration>,
    pub(super) ended_by_start: Option<Timestamp>,
}

impl Health {
    /// Records a probe.
    ///
    /// A provider becomes broken
    ///
    /// - after two failures of the class `credential` in a row, or
    /// - after more failures in a row than `failure_threshold`, of any class: the last one confirms
    ///   the others.
    ///
    /// Exactly `failure_threshold` failures are enough when a confirming probe would not help:
    ///
    /// - the last failure has the class `config`: the cause is on this host, and it stays;
    /// - the last failure asks credwatch to wait (`throttled`, or an answer with `Retry-After`),
    ///   and all failures have the same reason. credwatch may not probe again soon then, and the
    ///   same reason so often is no accident. With mixed reasons the next probe decides.
    pub fn record(&mut self, probe: &Probe, cadence: &Cadence) -> Recorded {
        let before = self.failure().map(|failure| (failure.reason, failure.code.clone()));
        self.observe(probe);
        // The end of a replaced credential is not that of the new one.
        let replaced = probe.credentials.zip(self.credentials).is_some_and(|(new, old)| new != old);
        if replaced || probe.outcome.is_success() {
            self.ends.clone_from(&probe.ends);
        }
        if replaced {
            self.list_again();
        }
        if let Some(list) = &probe.list {
            self.record_list(list, probe.started);
        }
        if let Some(held) = &probe.held {
            self.held.clone_from(held);
        }
        self.credentials = probe.credentials.or(self.credentials);
        let to = match &probe.outcome {
            Outcome::Issued(issued) => self.succeed(Some(issued), probe.started),
            Outcome::Accepted => self.succeed(None, probe.started),
            Outcome::Failed(failure) => self.fail(failure, probe.started, cadence),
        };
        let after = self.failure().map(|failure| (failure.reason, failure.code.clone()));
        let from = std::mem::replace(&mut self.state, to);
        // A clock that was ahead can have been set back.
        let since = if from == to { self.since } else { Some(probe.started) };
        self.since = since.map(|since| since.min(probe.started));
        Recorded {
            transition: (from != to).then_some(Transition { from, to }),
            new_failure: after.is_some() && after != before,
        }
    }

    /// The ends that the credentials hold, as they were read before the first probe. A probe has
    /// read them later.
    pub(super) fn holds(&mut self, held: HeldEnds) {
        if self.last_attempt.is_none() {
            self.held = held.credentials;
            self.client_certificate_expiry = held.client_certificate;
        }
    }

    /// The provider's settings or credentials have changed, so the back-off ends. The state stays
    /// until the next probe.
    pub(super) fn settings_changed(&mut self) {
        self.streak.same_reason = 0;
        self.streak.refusals = 0;
        self.next_due = None;
        self.list_again();
    }

    /// The credentials are configured in another way, so the ends of the old ones say nothing.
    pub(super) fn credentials_changed(&mut self) {
        self.ends.clear();
        self.held.clear();
    }

    /// Another client certificate is configured.
    pub(super) fn client_certificate_changed(&mut self) {
        self.client_certificate_expiry = None;
    }

    /// The buckets of the histogram have changed, so its counts start at zero.
    pub(super) fn buckets_changed(&mut self, bounds: &Arc<Bounds>) {
        self.durations = Histogram::new(bounds);
    }

    /// The next probe is due at `due`, as time since the start of the daemon; `None` in on-demand
    /// mode.
    pub(super) fn planned(&mut self, due: Option<Duration>) {
        self.next_due = due;
    }

    /// The credentials were read without a probe. When the refused credentials are not known, as
    /// after a restart, these count as the refused ones.
    pub(super) fn credentials_read(&mut self, fingerprint: u128) {
        self.credentials.get_or_insert(fingerprint);
    }

    /// Sets the state from before a restart. No probe may have been recorded yet.
    pub(super) fn restore(&mut self, saved: Restored) {
        self.state = saved.state;
        self.since = saved.since;
        self.last_attempt = Some(saved.last_attempt);
        self.last_success = saved.last_success;
        self.token = saved.token;
        self.certificate_expiry = saved.certificate_expiry;
        self.client_certificate_expiry = saved.client_certificate_expiry;
        self.ends = saved.ends;
        self.listed = saved.listed;
        self.current_failure = saved.current_failure.map(Box::new);
        self.streak = saved.streak;
        self.next_due = saved.next_due;
        self.ended_by_start = saved.ended_by_start;
    }

    /// Records the measurements of a probe, which do not depend on its outcome.
    fn observe(&mut self, probe: &Probe) {
        self.probes += 1;
        self.last_attempt = Some(probe.started);
        self.phases = probe.phases;
        self.status = probe.status;
        // A probe that failed before it sent anything has no duration.
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
        self.client_certificate_expiry =
            probe.client_certificate_expiry.or(self.client_certificate_expiry);
    }

    /// `issued` is the token; `None` when the provider accepted the credential itself.
    fn succeed(&mut self, issued: Option<&Issued>, started: Timestamp) -> State {
        self.last_success = Some(started);
        self.current_failure = None;
        self.streak = Streak::default();
        self.missing_scopes = 0;
        let before = self.token.and_then(|token| token.fingerprint);
        self.token = issued.map(|issued| Token {
            expiry: issued.expiry,
            lifetime: issued.lifetime,
            disagreement: issued.disagreement,
            fingerprint: Some(issued.fingerprint),
        });
        if let (Some(before), Some(issued)) = (before, issued)
            && before != issued.fingerprint
        {
            self.token_changes += 1;
        }
        State::Healthy
    }

    fn fail(&mut self, failure: &Failure, started: Timestamp, cadence: &Cadence) -> State {
        self.count(failure, started);
        let same = self.fails_for(failure.reason);
        let refused = failure.reason.class() == Class::Credential;
        let next = |count: u32, goes_on: bool| if goes_on { count.saturating_add(1) } else { 0 };
        self.streak = Streak {
            all: next(self.streak.all, true),
            credential: next(self.streak.credential, refused),
            same_reason: next(self.streak.same_reason, same).max(1),
            refusals: match failure.reason {
                Reason::Secret => self.streak.refusals,
                reason => next(self.streak.refusals, reason.back_off() == BackOff::FromThird),
            },
        };
        self.missing_scopes = failure.missing_scopes;
        let since = self.current_failure.as_ref().map_or(started, |it| it.since.min(started));
        let sentence = self.sentence_for(failure).unwrap_or_else(|| {
            self.sentences.get_or_insert_default().shown(&failure.message, started)
        });
        let current = CurrentFailure { failure: failure.clone(), since, sentence };
        self.current_failure = Some(Box::new(current));
        let confirmed =
            self.streak.credential >= 2 || self.is_confirmed(failure, cadence.failure_threshold);
        if confirmed || self.state == State::Broken { State::Broken } else { State::Failing }
    }

    /// Whether the number of failures in a row, of which `last` is the last one, makes the provider
    /// broken.
    fn is_confirmed(&self, last: &Failure, threshold: u32) -> bool {
        if self.streak.all != threshold {
            return self.streak.all > threshold;
        }
        let asks_to_wait = last.reason == Reason::Throttled || last.retry_after.is_some();
        last.reason.class() == Class::Config
            || (asks_to_wait && self.streak.same_reason >= threshold)
    }

    /// Counts a failure of a probe that began at this time.
    fn count(&mut self, failure: &Failure, started: Timestamp) {
        if failure.code.is_empty() {
            let place =
                Reason::ALL.iter().position(|reason| *reason == failure.reason).unwrap_or_default();
            self.failures.get_or_insert_default()[place] += 1;
            return;
        }
        let code = self.code_in_metrics(&failure.code);
        let new = CodedFailures { number: 0, since: started };
        self.coded_failures.entry((failure.reason, code)).or_insert(new).number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Code, Expiry};
    use crate::state::questions::MOST_CODES;

    fn probe(outcome: Outcome) -> Probe {
        Probe {
            duration: 0.2,
            ..Probe::new(outcome, "2026-01-01T00:00:00Z".parse().expect("a date"))
        }
    }

    fn issued(fingerprint: u128) -> Probe {
        probe(Outcome::Issued(Issued {
            expiry: Expiry::Unknown,
            lifetime: None,
            disagreement: None,
            fingerprint,
        }))
    }

    fn failed(reason: Reason, code: &str) -> Probe {
        probe(Outcome::Failed(Failure::new(reason, "").code(Code::clean(code).unwrap_or_default())))
    }

    fn states(probes: &[Probe]) -> Vec<&'static str> {
        let mut health = Health::new(&Bounds::new(&[1.0], Timestamp::UNIX_EPOCH));
        probes
            .iter()
            .map(|probe| {
                health.record(probe, &Cadence::default());
                health.state.word()
            })
            .collect()
    }

    #[test]
    fn a_refusal_makes_a_provider_broken_when_a_second_probe_confirms_it() {
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
    fn a_refusal_that_the_second_probe_does_not_confirm_leaves_the_provider_healthy() {
        assert_eq!(states(&[failed(Reason::Rejected, "1001"), issued(1)]), ["failing", "healthy"]);
    }

    #[test]
    fn other_failures_make_a_provider_broken_when_one_more_than_the_threshold_confirms_them() {
        let outage = [
            failed(Reason::Timeout, ""),
            failed(Reason::Dns, ""),
            failed(Reason::Unavailable, "http_503"),
            failed(Reason::Timeout, ""),
        ];
        assert_eq!(states(&outage), ["failing", "failing", "failing", "broken"]);
        let short = [
            failed(Reason::Timeout, ""),
            failed(Reason::Dns, ""),
            failed(Reason::Timeout, ""),
            issued(1),
            failed(Reason::Timeout, ""),
        ];
        assert_eq!(states(&short), ["failing", "failing", "failing", "healthy", "failing"]);
    }

    #[test]
    fn a_secret_that_cannot_be_read_needs_no_confirmation() {
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
    fn a_provider_that_asks_to_wait_every_time_needs_no_confirmation() {
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
        // With mixed reasons the next probe decides.
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
    fn with_a_threshold_of_one_a_second_failure_confirms_the_first() {
        let cadence = Cadence { failure_threshold: 1, ..Cadence::default() };
        for (reason, first) in [
            (Reason::Timeout, "failing"),
            (Reason::Rejected, "failing"),
            (Reason::Secret, "broken"),
            (Reason::Blocked, "broken"),
            (Reason::Local, "broken"),
            (Reason::Suspended, "failing"),
            (Reason::Throttled, "broken"),
        ] {
            let mut health = Health::new(&Bounds::new(&[1.0], Timestamp::UNIX_EPOCH));
            health.record(&failed(reason, ""), &cadence);
            assert_eq!(health.state.word(), first, "{}", reason.word());
            health.record(&failed(Reason::Timeout, ""), &cadence);
            assert_eq!(health.state.word(), "broken", "{}", reason.word());
        }
    }

    #[test]
    fn an_outage_between_two_refusals_restarts_the_confirmation_but_counts_for_the_threshold() {
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
    fn the_number_of_codes_of_a_provider_is_limited() {
        let mut health = Health::new(&Bounds::new(&[1.0], Timestamp::UNIX_EPOCH));
        for number in 0..1_000 {
            let code = format!("code{number}");
            health.record(&failed(Reason::Rejected, &code), &Cadence::default());
            let current = health.failure_code_in_metrics().map(|code| code.to_string());
            assert_eq!(current.as_deref(), Some(if number < 20 { &code } else { "other" }));
        }
        assert_eq!(health.coded_failures.len(), MOST_CODES + 1);
        let numbers = health.coded_failures.values().map(|counted| counted.number);
        assert_eq!(numbers.sum::<u64>(), 1_000);
        assert_eq!(health.coded_failures[&(Reason::Rejected, Code::other())].number, 980);
    }

    #[test]
    fn tokens_that_differ_are_counted_and_the_last_good_one_is_kept_through_failures() {
        let mut health = Health::new(&Bounds::new(&[1.0], Timestamp::UNIX_EPOCH));
        for probe in [issued(1), issued(1), failed(Reason::Timeout, ""), issued(2)] {
            health.record(&probe, &Cadence::default());
            assert!(health.token.is_some());
        }
        assert_eq!(health.token_changes, 1);
    }
}
