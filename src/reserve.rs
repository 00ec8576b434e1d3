//! Threads of a runtime that wait until they are needed, and the decision when that is.
//!
//! Waking another thread costs more than a tenth of the CPU time of a probe. So few threads work,
//! and the others wait in reserve until one of these is stuck in a hostile answer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The time between two looks at the threads while there are tasks.
pub const PERIOD: Duration = Duration::from_millis(10);

/// A thread that works on one task for so many looks is stuck.
pub const LOOKS: u8 = 2;

/// The number of looks after which more work gets another thread.
const BUSY_LOOKS: u32 = 5;

/// The share of its time for which a thread can work before it needs the help of another one.
const BUSY: f64 = 0.85;

/// A smaller number of threads must have been enough for so many looks: ten seconds.
const CALM_LOOKS: usize = 1_000;

/// The threads that wait.
#[derive(Default)]
pub struct Reserve {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    /// How many of those may return to work.
    called: usize,
    closed: bool,
}

impl Reserve {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks the current thread until it is called.
    pub fn wait(&self) {
        let mut state = self.state();
        state.waiting += 1;
        let waits = |state: &mut State| state.called == 0 && !state.closed;
        state = self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.called = state.called.saturating_sub(1);
    }

    /// Calls so many threads to work, or all when there are fewer.
    pub fn call(&self, threads: usize) {
        let mut state = self.state();
        state.called = state.waiting.min(state.called + threads);
        self.changed.notify_all();
    }

    /// The threads that wait and are not called.
    pub fn len(&self) -> usize {
        let state = self.state();
        state.waiting - state.called
    }

    /// Ends the wait of all threads for good.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

/// What one look at the threads has found.
#[derive(Clone, Copy)]
pub struct Look {
    /// The threads that do not wait in reserve.
    pub working: usize,
    /// Those of them that are stuck.
    pub stuck: usize,
    /// How many threads were busy on average since the last look. A stuck one does not count.
    pub busy: f64,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Nothing,
    /// So many threads more must work.
    Call(usize),
    /// One thread is enough again.
    Rest,
}

/// Decides how many threads work. Pure.
pub struct Judge {
    /// The most threads for mere work.
    processors: usize,
    busy_looks: u32,
    /// How busy the threads were at the last looks; `None` when one was stuck.
    past: VecDeque<Option<f64>>,
}

impl Judge {
    /// A judge without a past.
    pub fn new(processors: usize) -> Self {
        Self { processors, busy_looks: 0, past: VecDeque::new() }
    }

    /// Mere work gets as many threads as there are processors. Each stuck thread calls two, because
    /// hostile answers can come together.
    pub fn decide(&mut self, look: Look) -> Decision {
        let Look { working, stuck, busy } = look;
        self.past.push_back((stuck == 0).then_some(busy));
        if self.past.len() > CALM_LOOKS {
            self.past.pop_front();
        }
        let free = working.saturating_sub(stuck);
        if free <= stuck {
            return Decision::Call(2 * stuck + 1 - free);
        }
        let threads = f64::from(u32::try_from(free).unwrap_or(u32::MAX));
        self.busy_looks = if busy > BUSY * threads { self.busy_looks + 1 } else { 0 };
        if self.busy_looks >= BUSY_LOOKS && free < self.processors {
            self.busy_looks = 0;
            return Decision::Call(1);
        }
        let is_calm = |busy: &Option<f64>| busy.is_some_and(|busy| busy < BUSY / 2.0);
        if working > 1 && self.past.len() == CALM_LOOKS && self.past.iter().all(is_calm) {
            self.past.clear();
            return Decision::Rest;
        }
        Decision::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(working: usize, stuck: usize, busy: f64) -> Look {
        Look { working, stuck, busy }
    }

    #[test]
    fn threads_are_called_until_more_are_free_than_stuck() {
        let mut judge = Judge::new(2);
        assert_eq!(judge.decide(look(1, 1, 0.0)), Decision::Call(3));
        assert_eq!(judge.decide(look(4, 4, 0.0)), Decision::Call(9));
        assert_eq!(judge.decide(look(13, 4, 0.0)), Decision::Nothing);
    }

    #[test]
    fn mere_work_gets_no_more_threads_than_there_are_processors() {
        let mut judge = Judge::new(2);
        let mut decisions = |working, busy| [(); 5].map(|()| judge.decide(look(working, 0, busy)));
        assert_eq!(decisions(1, 0.7), [Decision::Nothing; 5]);
        assert_eq!(decisions(1, 0.9)[3..], [Decision::Nothing, Decision::Call(1)]);
        assert_eq!(decisions(2, 2.0), [Decision::Nothing; 5]);
    }

    #[test]
    fn one_thread_is_enough_again_after_ten_seconds_with_little_work() {
        let mut judge = Judge::new(2);
        let mut rests_after = |first: Look| {
            judge.decide(first);
            let calm = look(2, 0, 0.1);
            1 + (0..2_000).take_while(|_| judge.decide(calm) != Decision::Rest).count()
        };
        assert_eq!(rests_after(look(2, 0, 0.1)), CALM_LOOKS - 1);
        assert_eq!(rests_after(look(2, 0, 0.5)), CALM_LOOKS);
        assert_eq!(rests_after(look(3, 1, 0.0)), CALM_LOOKS);
        assert_eq!(judge.decide(look(1, 0, 0.1)), Decision::Nothing);
    }
}
