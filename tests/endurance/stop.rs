//! A flag that stops all threads. A waiting thread wakes up at once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Whether a stop was requested.
#[derive(Default)]
pub struct Stop {
    requested: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Requests the stop and wakes up all threads that wait.
    pub fn request(&self) {
        *self.requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for a stop request. Returns false if there was none within this time.
    pub fn wait(&self, at_most: Duration) -> bool {
        let requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        *self
            .changed
            .wait_timeout_while(requested, at_most, |requested| !*requested)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// Requests the stop when it goes out of scope, so also when the campaign fails.
pub struct StopOnDrop<'a>(pub &'a Stop);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}
