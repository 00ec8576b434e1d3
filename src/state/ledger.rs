//! All providers, the clock of the daemon, and the heartbeat of the scheduler.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::moment::Moment;
use super::roster::{Changes, Roster};
use crate::provider::Provider;

/// All providers, the clock of the daemon, and the heartbeat of the scheduler.
pub struct Ledger {
    /// A reload replaces the roster as a whole. A reader keeps the roster that it started with.
    roster: RwLock<Arc<Roster>>,
    started: Instant,
    /// When the scheduler's loop last ran, in milliseconds since the start.
    heartbeat: AtomicU64,
    /// How often the scheduler's loop has run.
    beats: AtomicU64,
}

impl Ledger {
    /// The scheduler counts as stalled when its loop has not run for this long.
    pub const STALLED_AFTER: Duration = Duration::from_secs(10);

    /// A ledger of these providers, all in the state `unknown`. `bounds` are those of the
    /// histogram, in seconds.
    #[must_use]
    pub fn new(providers: Vec<Arc<Provider>>, bounds: &[f64]) -> Self {
        Self::of(Roster::new(providers, bounds, Timestamp::now()))
    }

    /// A ledger of this roster.
    #[must_use]
    pub fn of(roster: Roster) -> Self {
        let roster = RwLock::new(Arc::new(roster));
        let (heartbeat, beats) = (AtomicU64::default(), AtomicU64::default());
        Self { roster, started: Instant::now(), heartbeat, beats }
    }

    /// The current providers.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The roster after a reload now: see [`Roster::succeed`].
    #[must_use]
    pub fn successor(&self, providers: Vec<Arc<Provider>>, bounds: &[f64]) -> (Roster, Changes) {
        self.roster().succeed(providers, bounds, self.now().wall)
    }

    /// Replaces the roster.
    pub fn replace(&self, roster: Arc<Roster>) {
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = roster;
    }

    /// Now, on both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment { wall: Timestamp::now(), uptime: self.started.elapsed() }
    }

    /// The scheduler's loop runs.
    pub fn beat(&self) {
        let uptime = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heartbeat.store(uptime, Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the scheduler's loop has run.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Whether the scheduler's loop has not run for [`Ledger::STALLED_AFTER`].
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        let heartbeat = Duration::from_millis(self.heartbeat.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(heartbeat) > Self::STALLED_AFTER
    }
}
