//! All providers, the clock of the daemon, and the heartbeat of the scheduler.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::moment::Moment;
use super::roster::Roster;
use crate::provider::Provider;

/// All providers, and how long the daemon has been at it.
pub struct Ledger {
    /// Replaced as a whole by a reload; who reads holds on to the one that it began with.
    roster: RwLock<Arc<Roster>>,
    started: Instant,
    /// When the scheduler last turned, in milliseconds since the start.
    heartbeat: AtomicU64,
    /// How often it has turned.
    beats: AtomicU64,
}

impl Ledger {
    /// How long the scheduler may not turn before the daemon counts as stalled.
    pub const STALLED_AFTER: Duration = Duration::from_secs(10);

    /// One for these providers, with nothing known yet. `bounds` are those of the histogram, in
    /// seconds.
    #[must_use]
    pub fn new(providers: Vec<Arc<Provider>>, bounds: &[f64]) -> Self {
        let roster = RwLock::new(Arc::new(Roster::new(providers, bounds)));
        Self {
            roster,
            started: Instant::now(),
            heartbeat: AtomicU64::new(0),
            beats: AtomicU64::new(0),
        }
    }

    /// The providers as of now.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another roster in the place of the one before.
    pub fn replace(&self, roster: Arc<Roster>) {
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = roster;
    }

    /// Now, on both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment { wall: Timestamp::now(), uptime: self.started.elapsed() }
    }

    /// Says that the scheduler turns.
    pub fn beat(&self) {
        let uptime = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heartbeat.store(uptime, Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the scheduler has turned.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Whether the scheduler has not turned for [`Ledger::STALLED_AFTER`].
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.started
            .elapsed()
            .saturating_sub(Duration::from_millis(self.heartbeat.load(Ordering::Relaxed)))
            > Self::STALLED_AFTER
    }
}
