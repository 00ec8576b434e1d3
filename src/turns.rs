//! Turns for costly work: a bounded number at the same time. The next turn gets the newest request,
//! and the turn after it one that waits at any place in the queue.
//!
//! In order of arrival each client would wait for the whole queue of a flood. With the newest
//! first, a client that arrives now waits for about one turn. But in a flood that never ends there
//! is always a newer request, so each second turn goes to any of those that wait.

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
    /// How many turns have gone to a waiting request.
    given: u64,
    /// The oldest is in front.
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to work. Dropping it gives it to a waiting request.
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

impl State {
    /// The request that gets the next turn.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        self.given = self.given.wrapping_add(1);
        if self.given % 2 == 1 {
            return self.waiting.pop_back();
        }
        // Multiples of the golden ratio come near every part of the queue soon.
        let fraction = (self.given / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let place = (fraction * self.waiting.len() as u64) >> 32;
        self.waiting.remove(usize::try_from(place).unwrap_or_default())
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
                let next = state.next();
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

    #[tokio::test]
    async fn a_flood_that_never_ends_does_not_keep_a_request_out() {
        // So many requests are more than the runtime lets a task poll at once.
        let turns = tokio::task::unconstrained(turns_until_the_user_has_one()).await;
        assert!(turns.is_some());
    }

    /// How many turns a flood has before a user who came before all others; `None` after 2,000.
    async fn turns_until_the_user_has_one() -> Option<usize> {
        let turns = Turns::new(1, 400);
        let mut turn = turns.take(LONG).await;
        let mut user = Box::pin(turns.take(LONG));
        assert!((&mut user).now_or_never().is_none());
        let mut flood = std::collections::VecDeque::new();
        for turns_of_flood in 0..2_000 {
            // As many guesses as there are connections, and a new one after each answer.
            while flood.len() < 384 {
                let mut guess = Box::pin(turns.take(LONG));
                assert!((&mut guess).now_or_never().is_none());
                flood.push_back(guess);
            }
            drop(turn.take());
            if (&mut user).now_or_never().is_some() {
                return Some(turns_of_flood);
            }
            flood.retain_mut(|guess| match guess.now_or_never() {
                Some(given) => {
                    turn = given;
                    false
                }
                None => true,
            });
            assert!(turn.is_some());
        }
        None
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
