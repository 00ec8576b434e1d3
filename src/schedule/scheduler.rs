//! The scheduler: one task that starts the probe of each provider when it is due, and records it.
//!
//! A heap of due times needs less memory than a task for each provider. The clock does not jump,
//! and it stops while the machine sleeps. After a pause of the process alone, missed probes are put
//! off.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::cadence::{Grid, first_due, next_due, put_off, resumes};
use super::control::{Control, Event, Mode, Requested, Requester, least_age};
use super::ends::{End, Gathering};
use super::lanes::Lanes;
use super::log::EventLog;
use super::probes::{Instruments, Probes, panicked};
use super::rotation::Rotation;
use super::slot::Slot;
use crate::outcome::{Probe, Reason};
use crate::plan::{Limits, Plan};
use crate::provider;
use crate::state::{Changes, Entry, Ledger};

/// Wake-ups are rounded up to this. At a thousand probes a second it saves a fifth of the CPU time.
const TICK: Duration = Duration::from_millis(10);

/// The longest sleep. It must stay below [`Ledger::STALLED_AFTER`].
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How many events the scheduler takes before it looks at the clock again, so that clients cannot
/// keep it busy.
const EVENTS_AT_ONCE: usize = 256;

/// A longer pause of the loop is a standstill: a frozen container, a paused virtual machine,
/// SIGSTOP.
const STOOD_STILL: Duration = Duration::from_secs(3);

/// The scheduler.
pub struct Scheduler<P> {
    ledger: Arc<Ledger>,
    probes: Arc<P>,
    /// Where probes run: the current runtime when none is given.
    runtime: Option<Handle>,
    instruments: Instruments,
    start: Instant,
    lanes: Lanes,
    slots: Vec<Slot>,
    /// Slots without an entry.
    free: Vec<usize>,
    /// The slots of the current credentials, by the names of their providers.
    by_name: HashMap<String, usize>,
    heap: BinaryHeap<Reverse<(Duration, usize, u32)>>,
    events: (UnboundedSender<Event>, UnboundedReceiver<Event>),
    gathering: Gathering,
    log: EventLog,
    rotation: Rotation,
    /// When the loop last ran.
    turned: Duration,
    mode: Mode,
}

impl<P: Probes> Scheduler<P> {
    /// Plans the first probe of every provider: soon, or when its saved back-off ends. The clock
    /// starts here.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        probes: Arc<P>,
        limits: Limits,
        instruments: Instruments,
        mode: Mode,
    ) -> Self {
        let events = unbounded_channel();
        let mut scheduler = Self {
            probes,
            runtime: None,
            instruments,
            start: Instant::now(),
            lanes: Lanes::new(limits),
            slots: Vec::new(),
            free: Vec::new(),
            by_name: HashMap::new(),
            heap: BinaryHeap::new(),
            gathering: Gathering::new(events.0.clone()),
            events,
            log: EventLog::default(),
            rotation: Rotation::default(),
            turned: Duration::ZERO,
            mode,
            ledger,
        };
        let roster = scheduler.ledger.roster();
        let count = roster.all().count();
        scheduler.slots.reserve_exact(count);
        for entry in roster.all() {
            scheduler.settle(entry, count, Duration::ZERO);
        }
        scheduler
    }

    /// Runs the probes in this runtime, so that the work on their answers holds up nothing else.
    #[must_use]
    pub fn probing_in(self, runtime: Handle) -> Self {
        Self { runtime: Some(runtime), ..self }
    }

    /// Takes the events of this handle, which was made before the scheduler.
    #[must_use]
    pub fn taking(self, control: Control, events: UnboundedReceiver<Event>) -> Self {
        let gathering = Gathering::new(control.0.clone());
        Self { events: (control.0, events), gathering, ..self }
    }

    /// Runs until the future ends, then drops running probes.
    pub async fn run(mut self, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        self.turned = self.start.elapsed();
        loop {
            self.ledger.beat();
            let now = self.start.elapsed();
            self.record_ends(now);
            self.put_off(now);
            self.release(now);
            let times = (self.ledger.now().wall, now);
            self.rotation.look(&mut self.slots, &self.probes, &self.events.0, times);
            self.log.sum_up(now);
            let wake = self.start + self.next_wake(now);
            tokio::select! {
                biased;
                () = &mut end => return,
                Some(event) = self.events.1.recv() => {
                    self.take(event);
                    for _ in 0..EVENTS_AT_ONCE {
                        let Ok(event) = self.events.1.try_recv() else { break };
                        self.take(event);
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Gives a new entry a slot. The first probes of all `count` new entries are spread.
    fn settle(&mut self, entry: &Arc<Entry>, count: usize, now: Duration) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        let provider = &entry.provider;
        if provider.slot == provider::Slot::Current {
            self.by_name.insert(provider.name.clone(), index);
        }
        let soon = now + first_due(&provider.turn(), &provider.cadence, count);
        let slot = &mut self.slots[index];
        *slot = Slot::of(entry, slot.round);
        let due = soon.max(slot.closed_until);
        self.plan_next(index, Some(due));
    }

    /// Plans the next probe that no client requests; `None` when there is none for now.
    fn plan_next(&mut self, index: usize, due: Option<Duration>) {
        match due.filter(|_| self.mode == Mode::Scheduled) {
            Some(due) => self.plan(index, due),
            None => self.slots[index].entry.iter().for_each(|entry| entry.planned(None)),
        }
    }

    fn plan(&mut self, index: usize, due: Duration) {
        let slot = &mut self.slots[index];
        slot.due = due;
        slot.round = slot.round.wrapping_add(1);
        if let Some(entry) = &slot.entry {
            entry.planned(Some(due));
        }
        self.heap.push(Reverse((due, index, slot.round)));
    }

    /// After a standstill, missed probes do not start at the same time.
    fn put_off(&mut self, now: Duration) {
        let stood_still = now.saturating_sub(std::mem::replace(&mut self.turned, now));
        if stood_still < STOOD_STILL {
            return;
        }
        let mut missed = Vec::new();
        while let Some(Reverse((due, index, round))) =
            self.heap.peek().copied().filter(|Reverse((due, ..))| *due <= now)
        {
            self.heap.pop();
            let slot = &self.slots[index];
            if let Some(entry) =
                slot.entry.as_ref().filter(|_| slot.round == round && !slot.running)
            {
                missed.push((index, put_off(&entry.provider, due, stood_still, now)));
            }
        }
        tracing::warn!(
            seconds = stood_still.as_secs_f64(),
            put_off = missed.len(),
            "the daemon stood still"
        );
        for (index, due) in missed {
            self.plan(index, due);
        }
    }

    /// Moves all due providers into the lanes, and starts the probes that the limits allow.
    fn release(&mut self, now: Duration) {
        while let Some(Reverse((due, index, round))) = self.heap.peek().copied() {
            if due > now {
                break;
            }
            self.heap.pop();
            let slot = &mut self.slots[index];
            let Some(entry) = slot.entry.as_ref().filter(|_| slot.round == round && !slot.running)
            else {
                continue;
            };
            let hung = entry.health().fails_for(Reason::Timeout);
            self.lanes.arrive(index, entry.provider.endpoint.clone(), hung);
            slot.running = true;
        }
        while let Some(runner) = self.lanes.start() {
            let slot = &mut self.slots[runner.index];
            let Some(entry) = slot.entry.clone() else {
                // A reload removed the entry while it waited.
                self.lanes.end(&runner);
                self.leave(runner.index);
                continue;
            };
            let wall = self.ledger.now().wall;
            if let Some(pause) = entry.provider.pause(wall) {
                self.lanes.end(&runner);
                slot.running = false;
                slot.answer(Requested::Paused(pause));
                self.plan_next(runner.index, resumes(&entry.provider, &pause, wall, now));
                entry.paused();
                continue;
            }
            let late = self.start.elapsed().saturating_sub(slot.due).as_secs_f64();
            self.instruments.lateness.observe(late);
            let (probes, ends) = (Arc::clone(&self.probes), Arc::clone(&self.gathering.ends));
            // In a box, because the runtime moves a task six times, and this one is large.
            let probing = Box::pin(async move {
                // After a panic of our own code, the provider must still be probed again.
                let started = jiff::Timestamp::now();
                let probe = async {
                    let reads_list = entry.health().list_is_due(&entry.provider, started);
                    probes.probe(&entry.provider, reads_list).await
                };
                let probe = AssertUnwindSafe(probe).catch_unwind().await;
                let probe = probe.unwrap_or_else(|_| panicked(started));
                ends.push(End { runner, probe, at: Instant::now() });
            });
            match &self.runtime {
                Some(runtime) => runtime.spawn(probing),
                None => tokio::spawn(probing),
            };
        }
        self.instruments.in_flight.set(i64::try_from(self.lanes.in_flight()).unwrap_or(i64::MAX));
    }

    /// Records the probes that have ended.
    fn record_ends(&mut self, now: Duration) {
        for End { runner, probe, at } in self.gathering.take(now) {
            self.lanes.end(&runner);
            self.ended(runner.index, &probe, at.duration_since(self.start));
        }
    }

    /// Frees a slot without an entry and without a running probe.
    fn leave(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        *slot = Slot { round: slot.round.wrapping_add(1), ..Slot::default() };
        self.free.push(index);
    }

    fn take(&mut self, event: Event) {
        let now = self.start.elapsed();
        match event {
            Event::Ended => {} // The loop takes them next.
            Event::SecretsRead(read) => {
                let mut found_new = false;
                for (index, entry, fingerprint) in read {
                    if self.slots[index].ends_back_off(&entry, fingerprint, now) {
                        let provider = &entry.provider.name;
                        tracing::info!(%provider, "the secret has changed, probing at once");
                        self.plan(index, now);
                    }
                    found_new |= self.slots[index].changed.is_some();
                }
                self.rotation.looked(found_new, now);
            }
            Event::Requested { name, requester, done } => {
                self.requested(&name, requester, done, now);
            }
            Event::Apply { plan, done } => {
                // The plan is applied even when the sender no longer waits.
                let _ = done.send(self.apply(&plan, now));
            }
        }
    }

    fn requested(
        &mut self,
        name: &str,
        requester: Requester,
        done: oneshot::Sender<Requested>,
        now: Duration,
    ) {
        // Without an entry, dropping `done` ends the wait.
        let Some(index) = self.by_name.get(name).copied() else { return };
        let slot = &mut self.slots[index];
        let wall = self.ledger.now().wall;
        if let Some(refusal) = slot.refuses(requester, wall, now) {
            let _ = done.send(refusal); // The client may have closed its connection.
            return;
        }
        slot.waiting.retain(|done| !done.is_closed());
        slot.waiting.push(done);
        if !slot.running {
            self.plan(index, now);
        }
    }

    fn ended(&mut self, index: usize, probe: &Probe, now: Duration) {
        let slot = &mut self.slots[index];
        slot.running = false;
        let Some(entry) = slot.entry.clone() else {
            // A reload removed the entry, so its outcome is dropped.
            self.leave(index);
            return;
        };
        let recorded = entry.record(probe);
        let due = {
            let health = entry.health();
            self.log.write(&entry.provider, probe, recorded, &health, &mut slot.log, now);
            next_due(
                &Grid::of(&entry.provider),
                &entry.provider.cadence,
                &probe.outcome,
                &health,
                slot.due,
                now,
            )
        };
        let least_age = least_age(self.mode, entry.provider.cadence.interval);
        slot.close(&probe.outcome, least_age, due, now);
        // The requests read the state next, so the outcome is recorded before.
        slot.answer(Requested::Ended);
        self.plan_next(index, Some(due));
    }

    /// Applies another plan. Unchanged entries keep their slots, so they are not probed twice.
    /// Removed entries leave their slots. New and changed entries are probed at once.
    fn apply(&mut self, plan: &Plan, now: Duration) -> Changes {
        let (providers, bounds) = (plan.providers.clone(), &plan.duration_buckets);
        let (roster, changes) = self.ledger.successor(providers, bounds);
        let roster = roster.compact(plan.compact_metrics).with_created(plan.created_metrics);
        let roster = Arc::new(roster.linking(Arc::clone(&plan.links)));
        self.lanes.limit(plan.limits);
        let address = |entry: &Arc<Entry>| Arc::as_ptr(entry) as usize;
        // Requests that wait for a replaced entry get the probe of the new one.
        let mut waiting = HashMap::new();
        let mut coming: HashMap<usize, &Arc<Entry>> =
            roster.all().map(|entry| (address(entry), entry)).collect();
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let Some(entry) = &slot.entry else { continue };
            if coming.remove(&address(entry)).is_some() {
                continue;
            }
            if entry.provider.slot == provider::Slot::Current {
                self.by_name.remove(&entry.provider.name);
                waiting.insert(entry.provider.name.clone(), std::mem::take(&mut slot.waiting));
            }
            slot.entry = None;
            if !slot.running {
                self.leave(index);
            }
        }
        for entry in roster.all().filter(|entry| coming.contains_key(&address(entry))) {
            self.settle(entry, coming.len(), now);
        }
        for (name, waiting) in waiting.into_iter().filter(|(_, waiting)| !waiting.is_empty()) {
            if let Some(index) = self.by_name.get(&name).copied() {
                self.slots[index].waiting = waiting;
                self.plan(index, now);
            }
        }
        self.ledger.replace(roster);
        changes
    }

    fn next_wake(&self, now: Duration) -> Duration {
        let due = self
            .heap
            .peek()
            .map_or(Duration::MAX, |Reverse((due, ..))| *due)
            .min(self.rotation.wakes_at().unwrap_or(Duration::MAX))
            .min(now + LONGEST_SLEEP);
        let due = self.gathering.next(now, &self.lanes).map_or(due, |gathered| due.min(gathered));
        let ticks = due.as_nanos().div_ceil(TICK.as_nanos());
        Duration::from_nanos(u64::try_from(ticks * TICK.as_nanos()).unwrap_or(u64::MAX))
    }
}
