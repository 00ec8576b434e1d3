//! The place of one provider in the schedule.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::control::{FLOOR, Requested, Requester};
use super::log::ProviderLog;
use crate::outcome::{BackOff, Outcome, Reason};
use crate::state::Entry;

/// What the scheduler knows of one entry. Its index stays while a probe of it is on the way.
#[derive(Default)]
pub struct Slot {
    /// `None` when it is free, or when a reload took the entry away while a probe of it was on the
    /// way.
    pub entry: Option<Arc<Entry>>,
    pub due: Duration,
    /// How often it was planned. A place in the heap with another number is outdated.
    pub round: u32,
    /// Whether it is in the lanes: waiting for its turn, or being probed.
    pub running: bool,
    /// When its secrets may be looked at again.
    pub next_look: Duration,
    /// The fingerprint of changed secrets that one look has seen. A second look must confirm it.
    pub changed: Option<u128>,
    /// When changed secrets ended the back-off after refusals, since the last token.
    pub back_off_ended: Option<Duration>,
    /// Before this time a request at `/probe` starts no probe.
    pub closed_until: Duration,
    /// Before this time a request of an operator starts no probe.
    pub closed_to_operators_until: Duration,
    /// The requests that wait for the running probe.
    pub waiting: Vec<oneshot::Sender<Requested>>,
    /// How much of this provider was logged.
    pub log: ProviderLog,
}

impl Slot {
    /// The slot of a new entry. A restored health can close it, so that a restart does not end the
    /// pause of a provider.
    #[must_use]
    pub fn of(entry: &Arc<Entry>, round: u32) -> Self {
        let (closed_until, throttled) = {
            let health = entry.health();
            (health.next_due().unwrap_or_default(), health.fails_for(Reason::Throttled))
        };
        Self {
            entry: Some(Arc::clone(entry)),
            round,
            closed_until,
            closed_to_operators_until: if throttled { closed_until } else { Duration::ZERO },
            ..Self::default()
        }
    }

    /// Why a request starts no probe; `None` when it starts one or waits for the running one.
    #[must_use]
    pub fn refuses(
        &self,
        requester: Requester,
        wall: Timestamp,
        now: Duration,
    ) -> Option<Requested> {
        if self.running {
            return None;
        }
        if let Some(entry) = &self.entry
            && let Some(pause) = entry.provider.pause(wall)
        {
            // Without a schedule, nothing else notices that the pause has begun.
            entry.is_not_observed();
            return Some(Requested::Paused(pause));
        }
        let closed_until = match requester {
            Requester::Scraper => self.closed_until,
            Requester::Operator => self.closed_to_operators_until,
        };
        let wait = closed_until.checked_sub(now).filter(|wait| !wait.is_zero());
        wait.map(Requested::Refused)
    }

    /// Answers the requests that wait.
    pub fn answer(&mut self, answer: Requested) {
        for done in self.waiting.drain(..) {
            // Sending fails when the client has closed its connection.
            let _ = done.send(answer);
        }
    }

    /// Closes the slot after a probe that ended now. The next one is due at `due`, and a result is
    /// young for `least_age`.
    ///
    /// While credwatch backs off from a provider, `/probe` starts no probe either. An operator must
    /// wait only when the provider itself asks credwatch to wait.
    pub fn close(&mut self, outcome: &Outcome, least_age: Duration, due: Duration, now: Duration) {
        if outcome.is_success() {
            self.back_off_ended = None;
        }
        let (backs_off, must_wait) = match outcome {
            Outcome::Issued(_) | Outcome::Accepted => (false, false),
            Outcome::Failed(failure) => {
                let must_wait =
                    failure.retry_after.is_some() || failure.reason == Reason::Throttled;
                (must_wait || failure.reason.back_off() != BackOff::Never, must_wait)
            }
        };
        let until = |closed: bool, least: Duration| if closed { due.max(least) } else { least };
        self.closed_until = until(backs_off, now + least_age);
        self.closed_to_operators_until = until(must_wait, now + FLOOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Failure, Probe};
    use crate::pause::{Cause, Pause, Pauses};
    use crate::provider::Provider;
    use crate::state::Roster;

    #[test]
    fn a_request_in_a_pause_is_refused_and_the_time_of_the_pause_is_not_observed() {
        let at =
            |text: &str| -> Timestamp { format!("2026-01-01T{text}Z").parse().expect("a time") };
        let until = Some(at("00:30:00"));
        let pauses = Some(Arc::new(Pauses::new(false, until, Vec::new())));
        let provider = Arc::new(Provider { pauses, ..Provider::sample("p") });
        let roster = Roster::new(vec![provider], &[1.0], at("00:00:00"));
        let entry = &roster.entries()[0];
        let slot = Slot::of(entry, 0);
        let ask = |text: &str| slot.refuses(Requester::Scraper, at(text), Duration::ZERO);
        let probe = |text: &str| entry.record(&Probe::new(Outcome::Accepted, at(text)));
        let minutes = || {
            let hours = entry.timeline_until(at("00:40:00"));
            hours.hours().iter().map(|hour| hour.tally().observed / 60_000).sum::<u64>()
        };
        let _ = probe("00:00:00");
        assert_eq!(ask("00:29:59"), Some(Requested::Paused(Pause { cause: Cause::Until, until })));
        assert_eq!(ask("00:30:00"), None);
        let _ = probe("00:30:00");
        assert_eq!(minutes(), 10);
        let busy = Slot { running: true, ..Slot::of(entry, 0) };
        assert_eq!(busy.refuses(Requester::Operator, at("00:10:00"), Duration::ZERO), None);
    }

    #[test]
    fn no_probe_that_a_client_requests_comes_before_the_shortest_age() {
        let seconds = Duration::from_secs;
        let (now, age) = (seconds(100), seconds(6));
        for (reason, due, scrapers, operators) in [
            (Reason::Rejected, 101, 106, 105),
            (Reason::Rejected, 400, 400, 105),
            (Reason::Throttled, 101, 106, 105),
            (Reason::Throttled, 400, 400, 400),
            (Reason::Timeout, 101, 106, 105),
        ] {
            let mut slot = Slot::default();
            slot.close(&Outcome::Failed(Failure::new(reason, "")), age, seconds(due), now);
            assert_eq!(slot.closed_until, seconds(scrapers), "{reason:?} {due}");
            assert_eq!(slot.closed_to_operators_until, seconds(operators), "{reason:?} {due}");
        }
    }
}
