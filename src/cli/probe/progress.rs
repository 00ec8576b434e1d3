//! How far the probes of several providers are, on a terminal.

use super::super::print::rewrite_line;

/// Counts the probes that have ended.
pub struct Progress {
    all: usize,
    ended: usize,
    failed: usize,
}

impl Progress {
    pub fn new(all: usize) -> Self {
        Self { all, ended: 0, failed: 0 }
    }

    /// One more has ended.
    pub fn ended(&mut self, failed: bool) {
        self.ended += 1;
        self.failed += usize::from(failed);
        rewrite_line(&format!("{} of {} probed, {} failed", self.ended, self.all, self.failed));
    }
}
