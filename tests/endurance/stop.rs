//! One thread tells all others to stop, and none of them sleeps over it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Whether it was told to stop.
#[derive(Default)]
pub struct Stop {
    told: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Tells everybody.
    pub fn tell(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits to be told; false when that did not happen within this time.
    pub fn wait(&self, at_most: Duration) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *self
            .changed
            .wait_timeout_while(told, at_most, |told| !*told)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// Tells everybody to stop when it goes out of scope, also when the campaign fails.
pub struct AtTheEnd<'a>(pub &'a Stop);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.tell();
    }
}
