//! The machine's own delay: a thread that does nothing but sleep, and notes when it is woken late.
//!
//! Whatever else runs here delays the daemon, the endpoint and whoever measures them; no bound can be tighter than that.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::pause_until;
use crate::truth::World;

/// How long each sleep is.
const NAP: Duration = Duration::from_millis(10);

/// Shorter delays are no delays.
const LEAST: Duration = Duration::from_millis(5);

/// What every bound allows on a machine that does nothing else: several processes and threads take their turns.
const ALWAYS: Duration = Duration::from_millis(300);

/// How often the delay is allowed for: request, answer, conclusion and question each can meet it.
const TIMES: u32 = 4;

/// The delays so far.
#[derive(Default)]
pub struct Control(Mutex<Vec<(Duration, Duration)>>);

impl Control {
    /// Measures until it is told to stop.
    pub fn run(&self, world: &World, stop: &AtomicBool) {
        let mut next = world.now() + NAP;
        while pause_until(world, next, stop) {
            let now = world.now();
            let delay = now.saturating_sub(next);
            if delay > LEAST {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push((now, delay));
            }
            next = now + NAP;
        }
    }

    /// The longest delay between two times.
    pub fn worst(&self, from: Duration, to: Duration) -> Duration {
        let delays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = delays.partition_point(|(at, _)| *at < from);
        delays[start..].iter().take_while(|(at, delay)| *at <= to + *delay).map(|(_, delay)| *delay).max().unwrap_or_default()
    }

    /// What a bound on something that happened between two times must allow for.
    pub fn allowance(&self, from: Duration, to: Duration) -> Duration {
        const AROUND: Duration = Duration::from_secs(1);
        ALWAYS + self.worst(from.saturating_sub(AROUND), to + AROUND) * TIMES
    }
}
