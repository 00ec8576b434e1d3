//! The data of the comparison, and its findings.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::delays::Delays;
use crate::events::{Event, Kind};
use crate::observer::Observer;
use crate::scale::{CONFIRM_AFTER, FAILURE_THRESHOLD, INTERVAL, TICK, TIMEOUT};
use crate::truth::World;

/// The data that the comparison needs.
pub struct Case<'a> {
    pub world: &'a World,
    pub observer: &'a Observer<'a>,
    pub delays: &'a Delays,
    pub events: &'a [Event],
    /// The number of providers that no reload changes.
    pub providers: usize,
    /// The providers with timeouts that the busy machine caused.
    pub late: &'a BTreeSet<usize>,
    /// The shares of requests with a transient fault and with a hostile answer.
    pub faults: [f64; 2],
    /// The judged time is `from` to `to`. Faults happened from `from` to `ended`.
    pub from: Duration,
    pub ended: Duration,
    pub to: Duration,
}

/// The findings of the comparison. Texts are examples for the report.
#[derive(Default)]
pub struct Found {
    pub requests: usize,
    /// Requests while faults happened.
    pub in_the_storm: usize,
    pub transient: usize,
    /// Reported as broken after only transient faults, but as the rules demand.
    pub broken_by_chance: Vec<String>,
    pub false_credential_alarms: Vec<String>,
    pub unexplained_alarms: Vec<String>,
    /// Reported as broken after timeouts that the busy machine caused.
    pub broken_by_machine: usize,
    /// Pauses, breakages and recoveries outside their bounds while the machine was too busy.
    pub excused: [usize; 3],
    /// Broken by the rules, but never reported.
    pub unreported: Vec<String>,
    /// Real breakages that the daemon never reported.
    pub missed: Vec<String>,
    pub late: Vec<String>,
    /// Real breakages that ended before the daemon had enough failures to decide.
    pub undecided: usize,
    /// Real breakages during which a transient fault or an irregular pause delayed the decision.
    pub delayed: usize,
    /// The time from each real breakage to its report.
    pub reported: BTreeMap<Kind, Vec<Duration>>,
    pub recovered: BTreeMap<Kind, Vec<Duration>>,
    pub not_recovered: Vec<String>,
    pub early_requests: Vec<String>,
    pub late_requests: Vec<String>,
    pub pauses: usize,
    /// The number of requests of each provider without an event.
    pub steady: Vec<usize>,
}

/// The longest time from a breakage to its report, if nothing else happens.
pub fn reported_within(kind: Kind) -> Duration {
    // The last try before the threshold and the confirming try may both use their whole timeout.
    if kind.is_refusal() {
        INTERVAL + CONFIRM_AFTER + TIMEOUT + TICK
    } else {
        INTERVAL * FAILURE_THRESHOLD + TIMEOUT + CONFIRM_AFTER + TIMEOUT + 2 * TICK
    }
}
