//! The events that other tasks send to the scheduler.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::lanes::Runner;
use crate::outcome::Probe;
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

/// `/probe` starts at most one probe in this time, so that a client cannot use up a quota.
pub const FLOOR: Duration = Duration::from_secs(5);

/// An event for the scheduler.
pub enum Event {
    /// A probe has ended.
    Ended {
        /// The place of its provider in the lanes.
        runner: Runner,
        /// What it found.
        probe: Box<Probe>,
    },
    /// The credentials of these providers differ from those of their last probe.
    Rotated(Vec<(usize, Arc<Entry>)>),
    /// A request at `/probe` for this provider.
    Asked {
        /// Its name.
        name: String,
        /// Gets a value when the probe has ended.
        done: oneshot::Sender<()>,
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
    /// Applies another plan. `None` when the scheduler has ended.
    pub async fn apply(&self, plan: Arc<Plan>) -> Option<Changes> {
        let (done, changes) = oneshot::channel();
        self.0.send(Event::Apply { plan, done }).ok()?;
        changes.await.ok()
    }

    /// Starts a probe of a provider, and waits for its end. Requests that come while a probe runs
    /// share it. Ends at once, without a probe, when the last one is younger than
    /// [`FLOOR`], while a refused or throttled provider is left alone, and when there is no such
    /// provider.
    pub async fn probe(&self, name: &str) {
        let (done, ended) = oneshot::channel();
        if self.0.send(Event::Asked { name: name.to_owned(), done }).is_ok() {
            // An error means that there is nothing to wait for.
            let _ = ended.await;
        }
    }
}
