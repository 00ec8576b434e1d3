//! The machine's own delay: whatever else runs here delays the daemon, the endpoint and whoever
//! measures them, and no bound can be tighter than that.
//!
//! A thread that does nothing but sleep notes when it is woken late. As the kernel prefers those
//! who sleep, it also asks how long the threads of the daemon and of this process have waited for a
//! processor.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::pause_until;
use crate::stop::Stop;
use crate::truth::World;

/// How long each sleep is.
const NAP: Duration = Duration::from_millis(10);

/// Shorter delays are no delays.
const LEAST: Duration = Duration::from_millis(5);

/// From one question for the waits of all threads to the next.
const ASKED: Duration = Duration::from_millis(250);

/// What every bound allows on a machine that does nothing else: several processes and threads take
/// their turns.
const ALWAYS: Duration = Duration::from_millis(300);

/// How often the delay is allowed for: request, answer, conclusion and question each can meet it.
const TIMES: u32 = 3;

/// With longer delays than this, a quarter of the timeout, nothing about time can be judged: probes
/// miss their deadline, and the rules take other turns than the endpoint knows of.
const MOST: Duration = Duration::from_millis(250);

/// How much around a time is looked at.
const AROUND: Duration = Duration::from_secs(1);

/// The delays so far.
#[derive(Default)]
pub struct Control(Mutex<Vec<(Duration, Duration)>>);

impl Control {
    /// Measures until it is told to stop; `daemon` is the id of the other process.
    pub fn run(&self, world: &World, daemon: u32, stop: &Stop) {
        let folders =
            [PathBuf::from("/proc/self/task"), PathBuf::from(format!("/proc/{daemon}/task"))];
        let mut waited = HashMap::new();
        let (mut next, mut ask) = (world.now() + NAP, world.now());
        while pause_until(world, next, stop) {
            let now = world.now();
            let mut delay = now.saturating_sub(next);
            if now >= ask {
                ask = now + ASKED;
                delay = delay.max(longest_wait(&folders, &mut waited));
            }
            if delay > LEAST {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push((now, delay));
            }
            next = world.now() + NAP;
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

    /// Whether what happened between two times can be judged.
    pub fn is_calm(&self, from: Duration, to: Duration) -> bool {
        self.worst(from.saturating_sub(AROUND), to + AROUND) <= MOST
    }

    /// What a bound on something that happened between two times must allow for.
    pub fn allowance(&self, from: Duration, to: Duration) -> Duration {
        ALWAYS + self.worst(from.saturating_sub(AROUND), to + AROUND) * TIMES
    }
}

/// How long any thread has waited for a processor since the last question. `before` are the waits
/// at that time.
fn longest_wait(folders: &[PathBuf], before: &mut HashMap<PathBuf, Duration>) -> Duration {
    let mut waits = HashMap::new();
    for task in
        folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten()
    {
        // A thread may end meanwhile, and a kernel may not count; the second number is nanoseconds.
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
