//! The place of one provider in the schedule.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::control::Requested;
use super::log::ProviderLog;
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
    /// Before this time a request at `/probe` starts no probe.
    pub closed_until: Duration,
    /// Before this time a request of an operator starts no probe.
    pub closed_to_operators_until: Duration,
    /// The requests that wait for the running probe.
    pub waiting: Vec<oneshot::Sender<Requested>>,
    /// How much of this provider was logged.
    pub log: ProviderLog,
}
