//! The scheduler: one task that knows when each provider is due, starts its probe and takes the outcome in.
//!
//! One task, not one per provider: a timer heap over indexes costs a few dozen bytes a provider. Times come
//! from a clock that neither jumps nor runs while the machine sleeps, so a step of the wall clock or a suspend
//! neither bursts nor stalls anything.

pub mod cadence;
pub mod lanes;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use prometheus::{Histogram, IntGauge};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::outcome::{Class, Code, Expiry, Failure, Outcome, Phases, Probe, Reason};
use crate::provider::Provider;
use crate::state::{Entry, Ledger, Transition};
use crate::time::{human_duration, unix_seconds};
use cadence::{Grid, first_due, next_due};
use lanes::{Lanes, Limits, Runner};

/// What the scheduler needs of the outside: somebody who probes.
pub trait Probes: Send + Sync + 'static {
    /// Probes a provider once.
    fn probe(&self, provider: &Arc<Provider>) -> impl Future<Output = Probe> + Send;
    /// Fingerprint of the credentials as they can be read now; `None` when they cannot. May block.
    fn credentials(&self, provider: &Provider) -> Option<u128>;
}

impl Probes for crate::probe::Prober {
    fn probe(&self, provider: &Arc<Provider>) -> impl Future<Output = Probe> + Send {
        crate::probe::Prober::probe(self, provider)
    }
    fn credentials(&self, provider: &Provider) -> Option<u128> {
        crate::probe::Prober::credentials(self, provider)
    }
}

/// What the scheduler tells about itself.
#[derive(Clone)]
pub struct Instruments {
    /// How much later than due probes start, in seconds.
    pub lateness: Histogram,
    /// Probes that run now.
    pub in_flight: IntGauge,
}

/// Wake-ups are gathered to this grain: at a thousand probes a second it saves a fifth of the CPU time.
const TICK: Duration = Duration::from_millis(10);

/// The longest sleep: the daemon counts as stalled when the scheduler does not turn for much longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How often the secrets of refused providers are looked at, to notice a rotation long before the back-off ends.
const LOOK_AT_SECRETS: Duration = Duration::from_secs(2);

/// The scheduler.
pub struct Scheduler<P> {
    ledger: Arc<Ledger>,
    probes: Arc<P>,
    instruments: Instruments,
    start: Instant,
    lanes: Lanes,
    plans: Vec<Plan>,
    heap: BinaryHeap<Reverse<(Duration, usize, u32)>>,
    events: (UnboundedSender<Event>, UnboundedReceiver<Event>),
    next_look: Duration,
    looking: bool,
}

struct Plan {
    grid: Grid,
    host: Option<usize>,
    due: Duration,
    /// Counts the times it was planned, so that an outdated place in the heap is known as such.
    round: u32,
    running: bool,
}

enum Event {
    Ended {
        runner: Runner,
        probe: Box<Probe>,
    },
    /// Providers whose credentials are other than those of their last probe.
    Rotated(Vec<usize>),
}

impl<P: Probes> Scheduler<P> {
    /// Plans the first probe of every provider. The clock starts here.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, probes: Arc<P>, limits: Limits, instruments: Instruments) -> Self {
        let mut scheduler = Self {
            probes,
            instruments,
            start: Instant::now(),
            lanes: Lanes::new(limits),
            plans: Vec::with_capacity(ledger.entries().len()),
            heap: BinaryHeap::with_capacity(ledger.entries().len()),
            events: unbounded_channel(),
            next_look: LOOK_AT_SECRETS,
            looking: false,
            ledger,
        };
        let ledger = Arc::clone(&scheduler.ledger);
        for (index, entry) in ledger.entries().iter().enumerate() {
            let provider = &entry.provider;
            let host = provider.endpoint.as_ref().map(|endpoint| scheduler.lanes.host(endpoint));
            let grid = Grid::new(&provider.name, provider.cadence.interval);
            let due = first_due(&provider.name, &provider.cadence, ledger.entries().len());
            scheduler.plans.push(Plan { grid, host, due, round: 0, running: false });
            scheduler.plan(index, entry, due);
        }
        scheduler
    }

    /// Turns until the future ends, then lets running probes go.
    pub async fn run(mut self, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        loop {
            self.ledger.beat();
            let now = self.start.elapsed();
            self.release(now);
            self.look_at_secrets(now);
            let wake = self.start + self.next_wake(now);
            tokio::select! {
                biased;
                () = &mut end => return,
                Some(event) = self.events.1.recv() => {
                    self.take(event);
                    while let Ok(event) = self.events.1.try_recv() {
                        self.take(event);
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    fn plan(&mut self, index: usize, entry: &Entry, due: Duration) {
        let plan = &mut self.plans[index];
        plan.due = due;
        plan.round = plan.round.wrapping_add(1);
        entry.health().next_due = Some(due);
        self.heap.push(Reverse((due, index, plan.round)));
    }

    /// Moves all that are due into the lanes and starts those that may.
    fn release(&mut self, now: Duration) {
        while let Some(Reverse((due, index, round))) = self.heap.peek().copied() {
            if due > now {
                break;
            }
            self.heap.pop();
            let plan = &mut self.plans[index];
            if plan.round != round || plan.running {
                continue;
            }
            plan.running = true;
            let host = plan.host;
            let health = self.ledger.entries()[index].health();
            let slow = health.trouble.as_ref().is_some_and(|trouble| trouble.failure.reason == Reason::Timeout);
            drop(health);
            self.lanes.arrive(index, host, slow);
        }
        while let Some(runner) = self.lanes.start() {
            let due = self.plans[runner.index].due;
            self.instruments.lateness.observe(self.start.elapsed().saturating_sub(due).as_secs_f64());
            let entry = Arc::clone(&self.ledger.entries()[runner.index]);
            let (probes, events) = (Arc::clone(&self.probes), self.events.0.clone());
            tokio::spawn(async move {
                // An answer that makes our own code panic must not leave its provider unwatched for ever.
                let started = jiff::Timestamp::now();
                let probe = AssertUnwindSafe(probes.probe(&entry.provider)).catch_unwind().await;
                let probe = Box::new(probe.unwrap_or_else(|_| panicked(started)));
                // The receiver is gone only when the daemon ends.
                let _ = events.send(Event::Ended { runner, probe });
            });
        }
        self.instruments.in_flight.set(i64::try_from(self.lanes.in_flight()).unwrap_or(i64::MAX));
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Ended { runner, probe } => {
                self.lanes.end(runner);
                let (index, ended) = (runner.index, self.start.elapsed());
                let entry = Arc::clone(&self.ledger.entries()[index]);
                let transition = self.ledger.record(&entry, &probe);
                let plan = &mut self.plans[index];
                plan.running = false;
                let due = {
                    let health = entry.health();
                    tell(&entry.provider, &probe, transition, &health);
                    next_due(&plan.grid, &entry.provider.cadence, &probe.outcome, &health, plan.due, ended)
                };
                self.plan(index, &entry, due);
            }
            Event::Rotated(indexes) => {
                self.looking = false;
                let now = self.start.elapsed();
                for index in indexes {
                    if !self.plans[index].running && self.plans[index].due > now {
                        let entry = Arc::clone(&self.ledger.entries()[index]);
                        tracing::info!(provider = %entry.provider.name, "the secret has changed, probing at once");
                        self.plan(index, &entry, now);
                    }
                }
            }
        }
    }

    /// Lets somebody else read the secrets of all that wait because theirs was refused or unreadable.
    fn look_at_secrets(&mut self, now: Duration) {
        if now < self.next_look || self.looking {
            return;
        }
        self.next_look = now + LOOK_AT_SECRETS;
        let waits = |index: &usize| {
            let entry = &self.ledger.entries()[*index];
            if self.plans[*index].running || !entry.provider.reads_files() {
                return false;
            }
            let health = entry.health();
            health.trouble.as_ref().is_some_and(|trouble| matches!(trouble.failure.reason, Reason::Rejected | Reason::Secret))
        };
        let waiting: Vec<usize> = (0..self.plans.len()).filter(waits).collect();
        if waiting.is_empty() {
            return;
        }
        self.looking = true;
        let (ledger, probes, events) = (Arc::clone(&self.ledger), Arc::clone(&self.probes), self.events.0.clone());
        tokio::task::spawn_blocking(move || {
            let changed = |index: &usize| {
                let entry = &ledger.entries()[*index];
                let used = entry.health().credentials;
                probes.credentials(&entry.provider).is_some_and(|now| used != Some(now))
            };
            let rotated = waiting.into_iter().filter(changed).collect();
            let _ = events.send(Event::Rotated(rotated));
        });
    }

    fn next_wake(&self, now: Duration) -> Duration {
        let due = self.heap.peek().map_or(Duration::MAX, |Reverse((due, ..))| *due).min(now + LONGEST_SLEEP);
        let ticks = due.as_nanos().div_ceil(TICK.as_nanos());
        Duration::from_nanos(u64::try_from(ticks * TICK.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// What is recorded for a probe that panicked.
fn panicked(started: jiff::Timestamp) -> Probe {
    let failure = Failure::new(Reason::Malformed, "credwatch itself failed at this answer; please report it").code(Code::word("internal_error"));
    Probe {
        outcome: Outcome::Failed(failure),
        started,
        duration: 0.0,
        phases: Phases::default(),
        status: None,
        certificate_expiry: None,
        clock_skew: None,
        credentials: None,
    }
}

/// One line for each change of state, none for a healthy probe.
fn tell(provider: &Provider, probe: &Probe, transition: Option<Transition>, health: &crate::state::Health) {
    let Some(transition) = transition else {
        if let Outcome::Failed(failure) = &probe.outcome {
            tracing::debug!(provider = %provider.name, reason = failure.reason.word(), code = %failure.code, "probe failed");
        } else {
            tracing::debug!(provider = %provider.name, seconds = probe.duration, "token issued");
        }
        return;
    };
    let (from, to) = (transition.from.word(), transition.to.word());
    match &probe.outcome {
        Outcome::Issued(issued) => {
            let lifetime = match (issued.expiry, issued.lifetime) {
                (_, Some(seconds)) => human_duration(seconds),
                (Expiry::Never, None) => "for ever".to_owned(),
                _ => "not known".to_owned(),
            };
            tracing::info!(provider = %provider.name, from, state = to, lifetime = %lifetime, "token issued");
        }
        Outcome::Failed(failure) => {
            let facts = failure.reason.facts();
            let runway = runway(health, probe);
            if transition.to == crate::state::State::Broken {
                let what = if facts.class == Class::Credential { "credential" } else { "provider" };
                tracing::error!(provider = %provider.name, from, state = to, class = facts.class.word(), reason = facts.word, code = %failure.code, runway = %runway, detail = failure.message.as_str(), "{what} broken");
            } else {
                tracing::warn!(provider = %provider.name, from, state = to, class = facts.class.word(), reason = facts.word, code = %failure.code, runway = %runway, detail = failure.message.as_str(), "probe failed");
            }
        }
    }
}

/// How long the last good token still lives, for people.
fn runway(health: &crate::state::Health, probe: &Probe) -> String {
    match health.token.map(|token| token.expiry) {
        Some(Expiry::At(end)) => human_duration(unix_seconds(end) - unix_seconds(probe.started)),
        Some(Expiry::Never) => "for ever".into(),
        Some(Expiry::Unknown) => "not known".into(),
        None => "none".into(),
    }
}
