//! What the last probes of a provider found, for people and programs. Not for metrics: a scrape
//! does not copy it.

use jiff::Timestamp;

use crate::outcome::{Failure, Outcome, Probe, Reason, TraceLine};

/// Probes that are remembered, whatever they found.
pub const MOST_PROBES: usize = 24;

/// Failures that are remembered, however long ago.
pub const MOST_FAILURES: usize = 10;

/// The most characters of one step of reading that are kept.
const LONGEST_STEP: usize = 300;

/// One probe in short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Past {
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in seconds.
    pub duration: f32,
    /// What was wrong, if anything.
    pub reason: Option<Reason>,
}

/// One probe that found no usable token.
#[derive(Clone, Debug, PartialEq)]
pub struct PastFailure {
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in seconds.
    pub duration: f64,
    /// What was wrong.
    pub failure: Failure,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
}

/// The last probes of a provider, the newest last.
#[derive(Clone, Debug, Default)]
pub struct History {
    probes: Vec<Past>,
    failures: Vec<PastFailure>,
    reading: Vec<TraceLine>,
}

impl History {
    /// Takes a probe in.
    pub fn record(&mut self, probe: &Probe) {
        let failure = match &probe.outcome {
            Outcome::Issued(_) => None,
            Outcome::Failed(failure) => Some(failure),
        };
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a probe, for a picture")]
        let past = Past {
            started: probe.started,
            duration: probe.duration as f32,
            reason: failure.map(|failure| failure.reason),
        };
        push(&mut self.probes, past, MOST_PROBES);
        if let Some(failure) = failure {
            let past = PastFailure {
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

    /// The last failures, the oldest first; they stay when probes after them are long forgotten.
    #[must_use]
    pub fn failures(&self) -> &[PastFailure] {
        &self.failures
    }

    /// How the answer of the last failure was read; empty when there was none to read.
    #[must_use]
    pub fn reading(&self) -> &[TraceLine] {
        &self.reading
    }
}

/// Few and small: moving them along is cheaper than a ring is to read.
fn push<T>(list: &mut Vec<T>, item: T, most: usize) {
    if list.len() == most {
        list.remove(0);
    }
    if list.capacity() == 0 {
        list.reserve_exact(most);
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
                Outcome::Issued(Issued { expiry: Expiry::Never, lifetime: None, fingerprint: 0 })
            };
            history.record(&probe(second, outcome));
        }
        let seconds: Vec<i64> =
            history.probes().iter().map(|past| past.started.as_second()).collect();
        assert_eq!(seconds, (976..1_000).collect::<Vec<_>>());
        let failures: Vec<i64> =
            history.failures().iter().map(|past| past.started.as_second()).collect();
        assert_eq!(failures, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    }
}
