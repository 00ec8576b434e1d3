//! What is judged, and what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::control::Control;
use crate::events::{Event, Kind};
use crate::observer::Observer;
use crate::scale::{CONFIRM_AFTER, FAILURE_THRESHOLD, INTERVAL, TICK, TIMEOUT};
use crate::truth::World;

/// Everything that is judged.
pub struct Case<'a> {
    pub world: &'a World,
    pub observer: &'a Observer<'a>,
    pub control: &'a Control,
    pub events: &'a [Event],
    /// How many providers no reload touches.
    pub providers: usize,
    /// Those with timeouts that the machine has caused.
    pub late: &'a BTreeSet<usize>,
    pub faults: f64,
    /// Since when everything is judged, until when faults were drawn, and until when everything is
    /// judged.
    pub from: Duration,
    pub ended: Duration,
    pub to: Duration,
}

/// What was found.
#[derive(Default)]
pub struct Found {
    pub requests: usize,
    /// While faults were drawn.
    pub in_the_storm: usize,
    pub transient: usize,
    /// Called broken although only transient faults met it, so many in a row that the rules say so.
    pub unlucky: Vec<String>,
    pub of_the_credential: Vec<String>,
    pub unexplained: Vec<String>,
    /// Called broken after timeouts that the machine has caused.
    pub by_the_machine: usize,
    /// Pauses, breakages and recoveries that were out of their bounds while the machine was too
    /// busy.
    pub excused: [usize; 3],
    pub untold: Vec<String>,
    pub missed: Vec<String>,
    pub late: Vec<String>,
    pub unconcluded: usize,
    pub in_the_way: usize,
    pub told: BTreeMap<Kind, Vec<Duration>>,
    pub recovered: BTreeMap<Kind, Vec<Duration>>,
    pub not_recovered: Vec<String>,
    pub early_requests: Vec<String>,
    pub late_requests: Vec<String>,
    pub pauses: usize,
    /// Requests of each provider that nothing happened to.
    pub steady: Vec<usize>,
}

/// Within what a breakage is told of when nothing else happens.
pub fn told_within(kind: Kind) -> Duration {
    // The last of the tries that the threshold wants and the one that confirms it may take their
    // whole time.
    if kind.is_refusal() {
        INTERVAL + CONFIRM_AFTER + TIMEOUT + TICK
    } else {
        INTERVAL * FAILURE_THRESHOLD + TIMEOUT + CONFIRM_AFTER + TIMEOUT + 2 * TICK
    }
}
