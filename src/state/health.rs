//! The health of one provider: plain data and one transition, [`Health::record`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::histogram::Histogram;
use crate::outcome::{Class, Code, Expiry, Failure, Outcome, Phases, Probe, Reason};
use crate::provider::Cadence;

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

/// The distinct codes that one provider may bring into the metrics; all others are counted as
/// `other`.
pub const MOST_CODES: usize = 20;

/// Everything known about one provider.
#[derive(Clone, Debug)]
pub struct Health {
    /// What is concluded.
    pub state: State,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Probes made.
    pub probes: u64,
    /// Failures by reason, of those without a code.
    pub failures: [u64; Reason::ALL.len()],
    /// Failures by reason and code.
    pub coded_failures: BTreeMap<(Reason, Code), u64>,
    /// What is wrong now.
    pub trouble: Option<Trouble>,
    /// Failures in a row.
    pub consecutive_failures: u32,
    /// Of these the last ones in a row that are the credential's.
    pub consecutive_credential_failures: u32,
    /// Of these the last ones in a row that have the reason of the last one.
    pub consecutive_same: u32,
    /// When the last probe began.
    pub last_attempt: Option<Timestamp>,
    /// When the last probe that issued a token began.
    pub last_success: Option<Timestamp>,
    /// Phases of the last probe.
    pub phases: Phases,
    /// HTTP status of the last probe.
    pub status: Option<u16>,
    /// The last good token.
    pub token: Option<Token>,
    /// Tokens that differed from the one before.
    pub token_changes: u64,
    /// Required scopes that the last answer did not grant.
    pub missing_scopes: usize,
    /// The provider's clock minus ours, in seconds, when last seen.
    pub clock_skew: Option<f64>,
    /// The earliest end of a certificate in the endpoint's chain, when last seen.
    pub certificate_expiry: Option<Timestamp>,
    /// Durations of all probes.
    pub durations: Histogram,
    /// The calls of its probes by name, where there are more than the token request.
    pub steps: BTreeMap<Arc<str>, StepHealth>,
    /// When the next probe is due, as time since the start of the daemon.
    pub next_due: Option<Duration>,
    /// Keyed hash of the credentials that the last probe used.
    pub credentials: Option<u128>,
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
            consecutive_failures: 0,
            consecutive_credential_failures: 0,
            consecutive_same: 0,
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

    /// Takes a probe in. The one place where an outcome becomes health.
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
    pub fn record(&mut self, probe: &Probe, cadence: &Cadence) -> Option<Transition> {
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
        if let (Some(before), Some(now)) = (self.credentials, probe.credentials)
            && before != now
        {
            self.start_anew();
        }
        self.credentials = probe.credentials;
        let to = match &probe.outcome {
            Outcome::Issued(issued) => {
                self.last_success = Some(probe.started);
                self.trouble = None;
                self.consecutive_failures = 0;
                self.consecutive_credential_failures = 0;
                self.consecutive_same = 0;
                self.missing_scopes = 0;
                if self
                    .token
                    .and_then(|before| before.fingerprint)
                    .is_some_and(|before| before != issued.fingerprint)
                {
                    self.token_changes += 1;
                }
                self.token = Some(Token {
                    expiry: issued.expiry,
                    lifetime: issued.lifetime,
                    fingerprint: Some(issued.fingerprint),
                });
                State::Healthy
            }
            Outcome::Failed(failure) => self.fail(failure, probe.started, cadence),
        };
        let from = self.state;
        if from == to {
            return None;
        }
        self.state = to;
        self.since = Some(probe.started);
        Some(Transition { from, to })
    }

    /// What is asked, or with which secret, has changed: what was learned about waiting no longer
    /// holds. Whether the provider is broken stays as it is until a probe says otherwise.
    pub fn start_anew(&mut self) {
        self.consecutive_same = 0;
        self.next_due = None;
    }

    /// Whether the credentials, as somebody just read them, are others than those that were refused
    /// or could not be read. What was refused before a restart is not known any more, so the first
    /// that are read then are taken for it.
    pub fn has_other_credentials(&mut self, now: u128) -> bool {
        let unread =
            self.trouble.as_ref().is_some_and(|trouble| trouble.failure.reason == Reason::Secret);
        match self.credentials {
            Some(before) => before != now,
            None if unread => true,
            None => {
                self.credentials = Some(now);
                false
            }
        }
    }

    fn fail(&mut self, failure: &Failure, started: Timestamp, cadence: &Cadence) -> State {
        self.count(failure);
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        let same =
            self.trouble.as_ref().is_some_and(|trouble| trouble.failure.reason == failure.reason);
        self.consecutive_same = if same { self.consecutive_same.saturating_add(1) } else { 1 };
        self.consecutive_credential_failures = if failure.reason.class() == Class::Credential {
            self.consecutive_credential_failures.saturating_add(1)
        } else {
            0
        };
        self.missing_scopes = failure.missing_scopes;
        let since = self.trouble.as_ref().map_or(started, |trouble| trouble.since);
        self.trouble = Some(Trouble { failure: failure.clone(), since });
        let confirmed = self.consecutive_credential_failures >= 2
            || self.are_enough(failure, cadence.failure_threshold);
        if confirmed || self.state == State::Broken { State::Broken } else { State::Failing }
    }

    /// Whether the failures in a row, the last of which is this one, are conclusive by their
    /// number.
    fn are_enough(&self, last: &Failure, threshold: u32) -> bool {
        if self.consecutive_failures != threshold {
            return self.consecutive_failures > threshold;
        }
        let is_to_be_left_alone = last.reason == Reason::Throttled || last.retry_after.is_some();
        last.reason.class() == Class::Config
            || (is_to_be_left_alone && self.consecutive_same >= threshold)
    }

    /// Whether there are as many failures in a row as make a provider broken, and only the try that
    /// confirms them is still to come.
    #[must_use]
    pub fn awaits_confirmation(&self, cadence: &Cadence) -> bool {
        self.state == State::Failing && self.consecutive_failures >= cadence.failure_threshold
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
        let distinct: std::collections::BTreeSet<&Code> =
            self.coded_failures.keys().map(|(_, code)| code).collect();
        let code =
            if known || distinct.len() < MOST_CODES { failure.code.clone() } else { Code::other() };
        *self.coded_failures.entry((failure.reason, code)).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Issued;

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
