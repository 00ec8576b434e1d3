//! The last probes of a provider, for the pages and the API. It is apart from the health, because a
//! scrape copies every health.

use jiff::Timestamp;

use super::timeline::Timeline;
use crate::outcome::{Failure, Outcome, Probe, Reason, TraceLine};

/// How many probes are kept.
pub const MOST_PROBES: usize = 24;

/// How many failures are kept. They are often older than the kept probes.
pub const MOST_FAILURES: usize = 10;

/// The longest kept text of one line of the trace, in characters.
const LONGEST_STEP: usize = 300;

/// One probe. A provider has 24 of them, so the time takes eight bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Past {
    /// When the probe began, in microseconds since 1970.
    started: i64,
    /// The duration, in seconds.
    pub duration: f32,
    /// The reason of the failure; `None` for a success.
    pub reason: Option<Reason>,
}

impl Past {
    /// When the probe began, to the microsecond.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        Timestamp::from_microsecond(self.started).unwrap_or_default()
    }
}

/// One failed probe.
#[derive(Clone, Debug, PartialEq)]
pub struct PastFailure {
    /// When the probe began.
    pub started: Timestamp,
    /// The duration, in seconds.
    pub duration: f64,
    /// The failure.
    pub failure: Failure,
    /// The HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// How many failures in a row had this reason and code, up to this one.
    pub times: u32,
    /// When the first of these began.
    pub since: Timestamp,
}

/// The last probes of a provider, the newest last, and its last hours.
#[derive(Clone, Debug, Default)]
pub struct History {
    probes: Vec<Past>,
    failures: Vec<PastFailure>,
    reading: Vec<TraceLine>,
    pub(super) timeline: Timeline,
}

impl History {
    /// Adds a probe.
    pub fn record(&mut self, probe: &Probe) {
        let failure =
            if let Outcome::Failed(failure) = &probe.outcome { Some(failure) } else { None };
        let follows_a_failure = self.probes.last().is_some_and(|past| past.reason.is_some());
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a probe, for a picture")]
        let past = Past {
            started: probe.started.as_microsecond(),
            duration: probe.duration as f32,
            reason: failure.map(|failure| failure.reason),
        };
        push(&mut self.probes, past, MOST_PROBES);
        if let Some(failure) = failure {
            let is_equal = |before: &&PastFailure| {
                let known = &before.failure;
                (known.reason, &known.code) == (failure.reason, &failure.code)
            };
            let before = self.failures.last().filter(|_| follows_a_failure).filter(is_equal);
            let (times, since) = before.map_or((1, probe.started), |before| {
                (before.times.saturating_add(1), before.since)
            });
            let past = PastFailure {
                times,
                since,
                started: probe.started,
                duration: probe.duration,
                failure: failure.clone(),
                status: probe.status,
            };
            push(&mut self.failures, past, MOST_FAILURES);
            self.reading = probe.reading.iter().map(shortened).collect();
        }
    }

    /// The last probes, the oldest first.
    #[must_use]
    pub fn probes(&self) -> &[Past] {
        &self.probes
    }

    /// The last failures, the oldest first.
    #[must_use]
    pub fn failures(&self) -> &[PastFailure] {
        &self.failures
    }

    /// The trace of how the answer of the last failure was read; empty without an answer.
    #[must_use]
    pub fn reading(&self) -> &[TraceLine] {
        &self.reading
    }

    /// The last hours and incidents.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }
}

/// Adds an item and drops the oldest one when the list is full. The lists are short, so shifting
/// them costs little.
fn push<T>(list: &mut Vec<T>, item: T, most: usize) {
    if list.len() == most {
        list.remove(0);
    }
    if list.len() == list.capacity() {
        list.reserve_exact(list.len().max(2).min(most - list.len()));
    }
    list.push(item);
}

fn shortened(line: &TraceLine) -> TraceLine {
    let shorten = |text: &str| text.chars().take(LONGEST_STEP).collect();
    TraceLine {
        rule: line.rule,
        expression: shorten(&line.expression),
        result: shorten(&line.result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Expiry, Issued};

    fn probe(second: i64, outcome: Outcome) -> Probe {
        let started = Timestamp::from_second(second).expect("a time");
        Probe { duration: 0.25, ..Probe::new(outcome, started) }
    }

    #[test]
    fn the_last_probes_are_kept_and_failures_longer() {
        let mut history = History::default();
        for second in 0..1_000 {
            let outcome = if second % 100 == 0 {
                Outcome::Failed(Failure::new(Reason::Timeout, "late"))
            } else {
                Outcome::Issued(Issued {
                    expiry: Expiry::Never,
                    lifetime: None,
                    disagreement: None,
                    fingerprint: 0,
                })
            };
            history.record(&probe(second, outcome));
        }
        let seconds: Vec<i64> =
            history.probes().iter().map(|past| past.started().as_second()).collect();
        assert_eq!(seconds, (976..1_000).collect::<Vec<_>>());
        let failures: Vec<i64> =
            history.failures().iter().map(|past| past.started.as_second()).collect();
        assert_eq!(failures, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    }

    #[test]
    fn failures_in_a_row_with_the_same_reason_and_code_are_counted_past_those_that_are_kept() {
        let failed = |reason| Outcome::Failed(Failure::new(reason, "no"));
        let accepted = Outcome::Accepted;
        let mut history = History::default();
        for second in 0..36 {
            history.record(&probe(second, failed(Reason::Rejected)));
        }
        history.record(&probe(36, failed(Reason::Timeout)));
        history.record(&probe(37, accepted));
        history.record(&probe(38, failed(Reason::Timeout)));
        let runs: Vec<(u32, i64)> =
            history.failures().iter().map(|past| (past.times, past.since.as_second())).collect();
        assert_eq!(runs[5..], [(34, 0), (35, 0), (36, 0), (1, 36), (1, 38)][..]);
    }
}
