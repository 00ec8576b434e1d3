//! A point in time on the two clocks of the daemon.

use std::time::Duration;

use jiff::Timestamp;

use crate::time::unix_seconds;

/// A point in time on both clocks: the wall clock, and the uptime, which never jumps.
#[derive(Clone, Copy)]
pub struct Moment {
    /// The wall clock.
    pub wall: Timestamp,
    /// Time since the start of the daemon.
    pub uptime: Duration,
}

impl Moment {
    /// The wall-clock time, in seconds since 1970, at which the uptime will be (or was) `due`.
    #[must_use]
    pub fn unix_seconds_at(&self, due: Duration) -> f64 {
        unix_seconds(self.wall) + due.as_secs_f64() - self.uptime.as_secs_f64()
    }
}
