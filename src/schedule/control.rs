//! The events that other tasks send to the scheduler.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::pause::Pause;
use crate::plan::Plan;
use crate::state::{Changes, Entry};

/// What starts probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The schedule, and requests at `/probe`.
    #[default]
    Scheduled,
    /// Requests at `/probe` only.
    OnDemand,
}

/// The shortest time between the end of a probe and a probe that a client requests, so that clients
/// cannot use up a quota.
pub const FLOOR: Duration = Duration::from_secs(5);

/// How old a result must be before a request at `/probe` starts another probe.
///
/// With a schedule, `/probe` makes at most ten probes in an interval. In on-demand mode Prometheus
/// sets the pace.
#[must_use]
pub fn least_age(mode: Mode, interval: Duration) -> Duration {
    match mode {
        Mode::Scheduled => FLOOR.max(interval / 10),
        Mode::OnDemand => FLOOR.min(interval),
    }
}

/// Which client requests a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// A scraper at `/probe`. It gets the last result while that is young and during a back-off.
    Scraper,
    /// An operator at the admin API. A back-off after refusals does not stop this probe.
    Operator,
}

/// How the scheduler answers a request for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requested {
    /// A probe has ended.
    Ended,
    /// No probe starts before this time is over.
    Refused(Duration),
    /// The provider is paused.
    Paused(Pause),
}

/// An event for the scheduler.
pub enum Event {
    /// Probes have ended: see [`super::ends::Ends`].
    Ended,
    /// The secrets of these providers were read again: the slot, the entry and the fingerprint.
    SecretsRead(Vec<(usize, Arc<Entry>, u128)>),
    /// A client requests a probe of this provider.
    Requested {
        /// Its name.
        name: String,
        /// Which client.
        requester: Requester,
        /// Gets a value when a probe has ended, or at once when none starts.
        done: oneshot::Sender<Requested>,
    },
    /// A reload applies another plan.
    Apply {
        /// The plan.
        plan: Arc<Plan>,
        /// Gets what the plan changes.
        done: oneshot::Sender<Changes>,
    },
}

/// Sends events to the scheduler.
#[derive(Clone)]
pub struct Control(pub UnboundedSender<Event>);

impl Control {
    /// A handle with the events that are sent by it.
    #[must_use]
    pub fn new() -> (Self, UnboundedReceiver<Event>) {
        let (sender, events) = unbounded_channel();
        (Self(sender), events)
    }

    /// Applies another plan. `None` when the scheduler has ended.
    pub async fn apply(&self, plan: Arc<Plan>) -> Option<Changes> {
        let (done, changes) = oneshot::channel();
        self.0.send(Event::Apply { plan, done }).ok()?;
        changes.await.ok()
    }

    /// Starts a probe of a provider, and waits for its end. Requests during a probe share it.
    /// `None` when there is no such provider.
    pub async fn probe(&self, name: &str, requester: Requester) -> Option<Requested> {
        let (done, ended) = oneshot::channel();
        self.0.send(Event::Requested { name: name.to_owned(), requester, done }).ok()?;
        ended.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_young_for_a_tenth_of_its_interval_and_at_least_five_seconds() {
        let age = |mode, seconds| least_age(mode, Duration::from_secs(seconds)).as_secs();
        let scheduled = [1, 30, 50, 60, 3_600].map(|seconds| age(Mode::Scheduled, seconds));
        assert_eq!(scheduled, [5, 5, 5, 6, 360]);
        let on_demand = [1, 5, 60, 3_600].map(|seconds| age(Mode::OnDemand, seconds));
        assert_eq!(on_demand, [1, 5, 5, 5]);
    }
}
