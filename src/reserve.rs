//! A reserve of threads, so that the tasks of a runtime seldom change their thread.
//!
//! Waking another thread costs about a third of the CPU time of a probe. So one thread of the
//! runtime works, and the others wait in reserve. A guard outside of the runtime tests it all the
//! time. When the working threads are stuck in a task, others take over all other tasks.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

/// The time between two tests of the runtime while there is work.
const PERIOD: Duration = Duration::from_millis(20);

/// When no thread of the runtime takes a new task for this long, all that work are stuck.
const STUCK: Duration = Duration::from_millis(20);

/// When a ready task waits longer than this, the runtime has too much to do.
const BUSY: Duration = Duration::from_millis(50);

/// A thread returns to the reserve when no test was late for this long. The pause doubles each time
/// a thread is called soon after that, up to the longest.
const CALM: Duration = Duration::from_secs(1);

const LONGEST_CALM: Duration = Duration::from_secs(32);

/// The threads that wait in reserve.
pub struct Reserve {
    /// The most that can wait.
    most: usize,
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
    /// An empty reserve of a runtime with so many threads. One of them always works.
    pub fn of(threads: usize) -> Self {
        Self { most: threads.saturating_sub(1), state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks the current thread until it is called. Returns at once when the reserve is full.
    fn wait(&self, begun: oneshot::Sender<()>) {
        let mut state = self.state();
        if state.waiting - state.called >= self.most {
            return;
        }
        state.waiting += 1;
        // The receiver is gone when the guard has ended.
        let _ = begun.send(());
        let waits = |state: &mut State| state.called == 0 && !state.closed;
        state = self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.called = state.called.saturating_sub(1);
    }

    /// Calls so many threads back to work, or all when there are fewer.
    fn call(&self, threads: usize) {
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

/// Lets all tasks run that are ready. Unlike after `yield_now` of tokio, another thread can go on
/// with the task when its own thread is stuck or returns to the reserve.
pub async fn let_others_run() {
    let mut first = true;
    poll_fn(|context| {
        if std::mem::replace(&mut first, false) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// Whether a runtime has work that must go on.
#[derive(Default)]
pub struct Activity {
    running: AtomicUsize,
    begun: Notify,
}

impl Activity {
    /// So many jobs run now.
    pub fn set(&self, running: usize) {
        if self.running.swap(running, Ordering::Relaxed) == 0 && running > 0 {
            self.begun.notify_one();
        }
    }

    fn is_any(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }
}

/// Tests a runtime from outside, and decides how many of its threads work.
pub struct Guard {
    /// The runtime.
    pub runtime: Handle,
    /// Its threads that do not work.
    pub reserve: Arc<Reserve>,
    /// What the runtime has to do.
    pub activity: Arc<Activity>,
}

impl Guard {
    /// Sends all threads but one into the reserve, and tests the runtime while it has work. Never
    /// returns.
    pub async fn watch(self, processors: usize) {
        while self.reserve.len() < self.reserve.most {
            self.send_one().await;
        }
        let mut judge = Judge::new(Instant::now());
        loop {
            self.activity.begun.notified().await;
            while self.activity.is_any() {
                let found = self.test().await;
                let working = self.reserve.most + 1 - self.reserve.len();
                match judge.decide(found, working, processors, Instant::now()) {
                    Decision::Call(threads) => self.reserve.call(threads),
                    Decision::SendOne => self.send_one().await,
                    Decision::Nothing => {}
                }
                if found == Finding::Well {
                    sleep(PERIOD).await;
                }
            }
        }
    }

    /// Sends one working thread into the reserve.
    async fn send_one(&self) {
        let (begun, is_waiting) = oneshot::channel();
        let reserve = Arc::clone(&self.reserve);
        self.runtime.spawn(async {
            // The thread wakes all tasks that it has put off. No other thread can do that.
            yield_now().await;
            // The inner task takes the slot of its thread that no other thread can take from.
            drop(tokio::spawn(async move { reserve.wait(begun) }));
        });
        let _ = timeout(STUCK, is_waiting).await;
        // The thread may have been the one that looked for timers and sockets. Another one does so
        // after this task.
        let _ = timeout(STUCK, self.runtime.spawn(async {})).await;
    }

    async fn test(&self) -> Finding {
        let (begun, has_begun) = oneshot::channel();
        let test = self.runtime.spawn(async move {
            let _ = begun.send(());
            // The newest task is run first. So the other one waits for all tasks that are ready.
            let last = tokio::spawn(async {});
            drop(tokio::spawn(async {}));
            last.await
        });
        if timeout(STUCK, has_begun).await.is_err() {
            return Finding::Stuck;
        }
        if timeout(BUSY, test).await.is_err() { Finding::Busy } else { Finding::Well }
    }
}

/// What a test has found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// All tasks that were ready have run in time.
    Well,
    /// Threads work, but tasks wait long for them.
    Busy,
    /// No thread looks for another task.
    Stuck,
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Nothing,
    /// So many threads more must work.
    Call(usize),
    /// A thread can return to the reserve.
    SendOne,
}

/// Decides what follows from the tests. Pure.
struct Judge {
    stuck_in_a_row: u32,
    /// Since then no test was late and no thread has returned.
    calm_since: Instant,
    calm: Duration,
    returned: Option<Instant>,
}

impl Judge {
    fn new(now: Instant) -> Self {
        Self { stuck_in_a_row: 0, calm_since: now, calm: CALM, returned: None }
    }

    /// Each next stuck test calls twice as many threads, because hostile answers can come together.
    /// Mere work gets as many threads as there are processors.
    fn decide(
        &mut self,
        found: Finding,
        working: usize,
        processors: usize,
        now: Instant,
    ) -> Decision {
        if found == Finding::Stuck {
            let threads = 1_usize.checked_shl(self.stuck_in_a_row).unwrap_or(usize::MAX);
            self.stuck_in_a_row += 1;
            self.late(now);
            return Decision::Call(threads);
        }
        self.stuck_in_a_row = 0;
        if found == Finding::Busy {
            self.late(now);
            return if working < processors { Decision::Call(1) } else { Decision::Nothing };
        }
        if working > 1 && now.duration_since(self.calm_since) >= self.calm {
            (self.calm_since, self.returned) = (now, Some(now));
            return Decision::SendOne;
        }
        Decision::Nothing
    }

    fn late(&mut self, now: Instant) {
        self.calm_since = now;
        if let Some(returned) = self.returned.take() {
            let soon = now.duration_since(returned) < 2 * self.calm;
            self.calm = if soon { (2 * self.calm).min(LONGEST_CALM) } else { CALM };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_next_stuck_test_calls_twice_as_many_threads() {
        let now = Instant::now();
        let mut judge = Judge::new(now);
        let mut calls = |found| judge.decide(found, 1, 2, now);
        assert_eq!([1, 2, 4].map(|_| calls(Finding::Stuck)), [1, 2, 4].map(Decision::Call));
        assert_eq!(calls(Finding::Well), Decision::Nothing);
        assert_eq!(calls(Finding::Stuck), Decision::Call(1));
    }

    #[test]
    fn mere_work_gets_no_more_threads_than_there_are_processors() {
        let now = Instant::now();
        let mut judge = Judge::new(now);
        assert_eq!(judge.decide(Finding::Busy, 1, 2, now), Decision::Call(1));
        assert_eq!(judge.decide(Finding::Busy, 2, 2, now), Decision::Nothing);
    }

    #[test]
    fn one_thread_after_the_other_returns_to_the_reserve_while_no_test_is_late() {
        let start = Instant::now();
        let mut judge = Judge::new(start);
        let mut after = |tenths: u64, found, working| {
            judge.decide(found, working, 2, start + Duration::from_millis(100 * tenths))
        };
        assert_eq!(after(9, Finding::Well, 3), Decision::Nothing);
        assert_eq!(after(10, Finding::Well, 3), Decision::SendOne);
        assert_eq!(after(19, Finding::Well, 2), Decision::Nothing);
        assert_eq!(after(20, Finding::Well, 2), Decision::SendOne);
        assert_eq!(after(99, Finding::Well, 1), Decision::Nothing);
    }

    #[test]
    fn a_thread_that_is_called_again_at_once_returns_later_each_time() {
        let mut now = Instant::now();
        let mut judge = Judge::new(now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let start = now;
            while judge.decide(Finding::Well, 2, 2, now) != Decision::SendOne {
                now += Duration::from_millis(100);
            }
            pauses.push((now - start).as_secs());
            assert_eq!(judge.decide(Finding::Busy, 1, 2, now), Decision::Call(1));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32]);
    }
}
