//! The time that the calls of a probe may use together.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::outcome::{Failure, Reason};

/// A deadline that waits for other probes move, by as much again as the timeout at most.
pub struct Budget {
    timeout: Duration,
    end: Instant,
    waited: Duration,
}

impl Budget {
    /// A budget that begins now.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, end: Instant::now() + timeout, waited: Duration::ZERO }
    }

    /// The time without waits for other probes.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When the calls have to end.
    pub fn deadline(&self) -> Instant {
        self.end + self.waited
    }

    /// How long the probe has waited for others.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Waits for a turn that other probes hold, and moves the deadline by the wait. `None` when all
    /// waits together are as long as the timeout.
    pub async fn wait<T>(&mut self, turn: impl Future<Output = T>) -> Option<T> {
        let start = Instant::now();
        let left = self.timeout.saturating_sub(self.waited);
        let turn = timeout(left, turn).await.ok();
        self.waited += start.elapsed().min(left);
        turn
    }
}

/// The failure of a probe that got no turn to work on an answer.
pub fn crowded() -> Failure {
    let message = "credwatch had too many large answers to read at the same time, and this one \
                   waited for longer than `timeout`; the provider had no part in it";
    Failure::new(Reason::Local, message)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::probe::body::{MOST_LARGE_BODIES, Places};

    #[tokio::test(start_paused = true)]
    async fn a_probe_waits_for_others_as_long_as_its_timeout_in_total() {
        let (places, mut held) = (Places::default(), Vec::new());
        for _ in 0..MOST_LARGE_BODIES {
            held.push(places.place().await);
        }
        let (second, start) = (Duration::from_secs(1), Instant::now());
        let mut budget = Budget::new(10 * second);
        let slow = async {
            tokio::time::sleep(4 * second).await;
            held.clear();
            places.place().await
        };
        assert!(budget.wait(slow).await.is_some());
        assert_eq!(budget.deadline(), start + 14 * second);
        assert!(budget.wait(pending::<()>()).await.is_none());
        assert_eq!(start.elapsed(), 10 * second, "4 s and 6 s");
        assert!(budget.wait(pending::<()>()).await.is_none());
        assert_eq!((start.elapsed(), budget.waited()), (10 * second, 10 * second));
        assert_eq!(budget.deadline(), start + 20 * second);
        assert!(budget.wait(places.place()).await.is_some(), "a free place needs no wait");
    }
}
