//! The thread for reads of the database.

use crate::threads::Threads;
use crate::turns::Turns;

/// The most requests that wait for a history.
const MOST_WAITING: usize = 256;

/// The thread that reads the history of one provider after the other.
pub struct Readers {
    pub(super) turns: Turns,
    pub(super) threads: Threads,
}

impl Default for Readers {
    fn default() -> Self {
        Self { turns: Turns::new(1, MOST_WAITING), threads: Threads::with_low_priority() }
    }
}
