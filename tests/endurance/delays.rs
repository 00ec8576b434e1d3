//! The delay of the machine. Other programs delay the daemon, the endpoint and this campaign, so
//! each bound must allow for that.
//!
//! A thread that only sleeps measures how late it wakes up. The kernel prefers threads that sleep,
//! so the campaign also reads how long all threads have waited for a processor.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::pause_until;
use crate::stop::Stop;
use crate::truth::World;

/// The length of each sleep.
const SLEEP: Duration = Duration::from_millis(10);

/// Shorter delays are ignored.
const LEAST: Duration = Duration::from_millis(5);

/// The time between two readings of the waits of all threads.
const READ_EVERY: Duration = Duration::from_millis(250);

/// Each bound allows this even on an idle machine, because several threads share the processors.
const ALWAYS: Duration = Duration::from_millis(300);

/// Each bound allows the delay so many times: request, answer and scrape can each be delayed.
const TIMES: u32 = 3;

/// A quarter of the timeout. With longer delays no time can be judged: probes miss their deadline,
/// and the endpoint does not know it.
const MOST: Duration = Duration::from_millis(250);

/// Delays so long before and after a time count as well.
const AROUND: Duration = Duration::from_secs(1);

/// The delays so far: when, and how long.
#[derive(Default)]
pub struct Delays(Mutex<Vec<(Duration, Duration)>>);

impl Delays {
    /// Measures until a stop is requested. `daemon` is the process id of the daemon.
    pub fn run(&self, world: &World, daemon: u32, stop: &Stop) {
        let folders =
            [PathBuf::from("/proc/self/task"), PathBuf::from(format!("/proc/{daemon}/task"))];
        let mut waited = HashMap::new();
        let (mut next, mut next_reading) = (world.now() + SLEEP, world.now());
        while pause_until(world, next, stop) {
            let now = world.now();
            let mut delay = now.saturating_sub(next);
            if now >= next_reading {
                next_reading = now + READ_EVERY;
                delay = delay.max(longest_wait(&folders, &mut waited));
            }
            if delay > LEAST {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push((now, delay));
            }
            next = world.now() + SLEEP;
        }
    }

    /// The longest delay between two times.
    pub fn worst(&self, from: Duration, to: Duration) -> Duration {
        let delays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = delays.partition_point(|(at, _)| *at < from);
        delays[start..]
            .iter()
            .take_while(|(at, delay)| *at <= to + *delay)
            .map(|(_, delay)| *delay)
            .max()
            .unwrap_or_default()
    }

    /// Whether the delays between these times were short enough to judge what happened.
    pub fn is_calm(&self, from: Duration, to: Duration) -> bool {
        self.worst(from.saturating_sub(AROUND), to + AROUND) <= MOST
    }

    /// The time that a bound must allow for delays between these two times.
    pub fn allowance(&self, from: Duration, to: Duration) -> Duration {
        ALWAYS + self.worst(from.saturating_sub(AROUND), to + AROUND) * TIMES
    }
}

/// The longest time that a thread has waited for a processor since the last reading. `before` has
/// the waits of that reading.
fn longest_wait(folders: &[PathBuf], before: &mut HashMap<PathBuf, Duration>) -> Duration {
    let mut waits = HashMap::new();
    for task in
        folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten()
    {
        // A thread may end meanwhile, and some kernels have no such file. The second number is
        // nanoseconds.
        let Ok(text) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
        let wait = text
            .split_whitespace()
            .nth(1)
            .and_then(|nanos| nanos.parse().ok())
            .map(Duration::from_nanos);
        waits.extend(wait.map(|wait| (task.path(), wait)));
    }
    let since = |(task, wait): (&PathBuf, &Duration)| {
        before.get(task).map(|before| wait.saturating_sub(*before))
    };
    let longest = waits.iter().filter_map(since).max().unwrap_or_default();
    *before = waits;
    longest
}
