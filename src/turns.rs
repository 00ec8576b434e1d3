//! Turns for costly work: a bounded number at the same time, and the newest request is next.
//!
//! In order of arrival each client would wait for the whole queue of a flood. With the newest
//! first, a client that arrives now waits for about one turn, and the flood waits for itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// A bounded number of turns.
#[derive(Clone)]
pub struct Turns(Arc<Inner>);

struct Inner {
    at_once: usize,
    most_waiting: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    /// The oldest is in front.
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to work. Dropping it gives it to the newest request.
pub struct Turn(Option<Arc<Inner>>);

impl Turns {
    /// At most `at_once` turns at the same time, and at most `most_waiting` requests that wait.
    #[must_use]
    pub fn new(at_once: usize, most_waiting: usize) -> Self {
        Self(Arc::new(Inner { at_once, most_waiting, state: Mutex::default() }))
    }

    /// Waits for a turn. `None` after `longest`, and when newer requests have filled the queue.
    pub async fn take(&self, longest: Duration) -> Option<Turn> {
        let turn = {
            let mut state = self.0.state();
            if state.running < self.0.at_once {
                state.running += 1;
                return Some(Turn(Some(Arc::clone(&self.0))));
            }
            if state.waiting.len() >= self.0.most_waiting {
                state.waiting.retain(|request| !request.is_closed());
            }
            if state.waiting.len() >= self.0.most_waiting {
                state.waiting.pop_front();
            }
            let (request, turn) = oneshot::channel();
            state.waiting.push_back(request);
            turn
        };
        tokio::time::timeout(longest, turn).await.ok()?.ok()
    }

    /// Whether a request waits for a turn.
    #[must_use]
    pub fn are_wanted(&self) -> bool {
        self.0.state().waiting.iter().any(|request| !request.is_closed())
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(inner) = self.0.take() else { return };
        loop {
            let next = {
                let mut state = inner.state();
                let next = state.waiting.pop_back();
                state.running -= usize::from(next.is_none());
                next
            };
            let Some(next) = next else { return };
            // A request that no longer waits returns the turn.
            match next.send(Self(Some(Arc::clone(&inner)))) {
                Ok(()) => return,
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_newest_request_is_next_and_the_oldest_is_refused_when_too_many_wait() {
        let turns = Turns::new(1, 2);
        let first = turns.take(LONG).await.expect("a free turn");
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(turns.take(LONG))).collect();
        for request in &mut waiting {
            assert!(request.now_or_never().is_none());
        }
        assert!(turns.are_wanted());
        drop(first);
        let [oldest, older, newest] = &mut waiting[..] else { panic!("three") };
        assert!(oldest.as_mut().now_or_never().expect("it was refused").is_none());
        assert!(older.as_mut().now_or_never().is_none());
        let second = newest.as_mut().now_or_never().expect("its turn");
        drop(second);
        assert!(older.as_mut().now_or_never().expect("its turn").is_some());
        assert!(!turns.are_wanted());
        assert!(turns.take(LONG).now_or_never().is_some(), "all turns came back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_no_longer_waits_does_not_lose_the_turn() {
        let turns = Turns::new(1, 9);
        let first = turns.take(LONG).await.expect("a free turn");
        assert!(turns.take(Duration::from_secs(1)).await.is_none(), "it timed out");
        let mut given_but_not_taken = Box::pin(turns.take(LONG));
        assert!((&mut given_but_not_taken).now_or_never().is_none());
        drop(first);
        drop(given_but_not_taken);
        assert!(turns.take(LONG).now_or_never().is_some());
    }
}
