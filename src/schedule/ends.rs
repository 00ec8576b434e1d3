//! The probes that have ended, until the scheduler records them.
//!
//! Waking the scheduler costs several per cent of the CPU time of a probe. So it is woken for many
//! probes at once while many end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::control::Event;
use super::lanes::{Lanes, Runner};
use crate::outcome::Probe;

/// Probes that wait for a place get it when so many others have ended, or a quarter of all.
const ENDS_AT_ONCE: usize = 8;

/// How long the scheduler gathers ends.
const PAUSE: Duration = Duration::from_millis(5);

/// A probe that has ended.
pub struct End {
    /// The place of its provider in the lanes.
    pub runner: Runner,
    /// What it found.
    pub probe: Probe,
    /// When it ended.
    pub at: Instant,
}

/// The ends that the scheduler has not taken yet.
pub struct Ends {
    list: Mutex<Vec<End>>,
    /// The scheduler is woken for so many.
    enough: AtomicUsize,
    is_woken: AtomicBool,
    events: UnboundedSender<Event>,
}

impl Ends {
    /// No ends. The scheduler is woken with these events.
    pub fn new(events: UnboundedSender<Event>) -> Self {
        let (enough, is_woken) = (AtomicUsize::new(1), AtomicBool::default());
        Self { list: Mutex::default(), enough, is_woken, events }
    }

    fn list(&self) -> MutexGuard<'_, Vec<End>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an end.
    pub fn push(&self, end: End) {
        self.list().push(end);
        self.wake();
    }

    /// Takes all ends.
    pub fn take(&self) -> Vec<End> {
        self.is_woken.store(false, Ordering::SeqCst);
        std::mem::take(&mut *self.list())
    }

    /// Wakes the scheduler for so many ends from now on, also when they are here already.
    pub fn wake_for(&self, enough: usize) {
        self.enough.store(enough, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        if self.list().len() >= self.enough.load(Ordering::SeqCst)
            && !self.is_woken.swap(true, Ordering::SeqCst)
        {
            // Sending fails only when the daemon stops.
            let _ = self.events.send(Event::Ended);
        }
    }
}

/// The ends, and whether the scheduler gathers them.
pub struct Gathering {
    /// The ends.
    pub ends: Arc<Ends>,
    until: Duration,
}

impl Gathering {
    /// Gathers nothing yet. The scheduler is woken with these events.
    pub fn new(events: UnboundedSender<Event>) -> Self {
        Self { ends: Arc::new(Ends::new(events)), until: Duration::ZERO }
    }

    /// Takes all ends. When there are some, more are expected soon.
    pub fn take(&mut self, now: Duration) -> Vec<End> {
        let ends = self.ends.take();
        if !ends.is_empty() {
            self.until = now + PAUSE;
        }
        ends
    }

    /// Decides for how many ends the scheduler is woken. Returns when it looks for ends without
    /// being woken.
    pub fn next(&self, now: Duration, lanes: &Lanes) -> Option<Duration> {
        let gathers = now < self.until;
        self.ends.wake_for(match (gathers, lanes.is_any_waiting()) {
            (false, _) => 1,
            (true, true) => (lanes.in_flight() / 4).clamp(1, ENDS_AT_ONCE),
            (true, false) => usize::MAX,
        });
        (gathers && lanes.in_flight() > 0).then_some(self.until)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::outcome::Outcome;
    use crate::plan::Limits;

    fn end() -> End {
        let mut lanes = Lanes::new(Limits { in_flight: 1, per_host: 1 });
        lanes.arrive(0, None, false);
        let runner = lanes.start().expect("it may start");
        let probe = Probe::new(Outcome::Accepted, Timestamp::UNIX_EPOCH);
        End { runner, probe, at: Instant::now() }
    }

    #[test]
    fn the_scheduler_is_woken_once_for_as_many_ends_as_it_asks_for() {
        let (events, mut woken) = unbounded_channel();
        let ends = Ends::new(events);
        let mut wakes = || std::iter::from_fn(|| woken.try_recv().ok()).count();
        ends.push(end());
        ends.push(end());
        assert_eq!((wakes(), ends.take().len()), (1, 2));
        ends.wake_for(2);
        ends.push(end());
        assert_eq!(wakes(), 0);
        ends.push(end());
        assert_eq!((wakes(), ends.take().len()), (1, 2));
        ends.wake_for(usize::MAX);
        ends.push(end());
        assert_eq!(wakes(), 0);
        ends.wake_for(1);
        assert_eq!((wakes(), ends.take().len()), (1, 1));
    }
}
