//! What is known of all providers: the one place that probes are recorded in and every face reads from.

pub mod health;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::outcome::Probe;
use crate::provider::Provider;
use crate::time::unix_seconds;
pub use health::{Health, State, Transition};

/// One provider and its health.
pub struct Entry {
    /// The provider.
    pub provider: Arc<Provider>,
    health: Mutex<Health>,
}

impl Entry {
    /// The health, locked. Hold it briefly: a probe may be waiting to be recorded.
    pub fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All providers.
pub struct Ledger {
    entries: Vec<Arc<Entry>>,
    bounds: Vec<f64>,
    started: Instant,
    /// When the scheduler last turned, in milliseconds since the start.
    heartbeat: AtomicU64,
}

/// A moment on both clocks: the one that people read, and the one that never jumps.
#[derive(Clone, Copy)]
pub struct Moment {
    /// The wall clock.
    pub wall: Timestamp,
    /// Time since the start of the daemon.
    pub uptime: Duration,
}

impl Ledger {
    /// How long the scheduler may not turn before the daemon counts as stalled.
    pub const STALLED_AFTER: Duration = Duration::from_secs(10);

    /// One for these providers, with nothing known yet. `bounds` are those of the histogram, in seconds.
    #[must_use]
    pub fn new(providers: Vec<Arc<Provider>>, bounds: Vec<f64>) -> Self {
        let entry = |provider| Arc::new(Entry { provider, health: Mutex::new(Health::new(bounds.len())) });
        Self { entries: providers.into_iter().map(entry).collect(), bounds, started: Instant::now(), heartbeat: AtomicU64::new(0) }
    }

    /// All entries, in the order of the configuration.
    #[must_use]
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Arc<Entry>> {
        self.entries.iter().find(|entry| entry.provider.name == name)
    }

    /// The upper bounds of the latency histogram, in seconds.
    #[must_use]
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Now, on both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment { wall: Timestamp::now(), uptime: self.started.elapsed() }
    }

    /// Takes a probe in.
    pub fn record(&self, entry: &Entry, probe: &Probe) -> Option<Transition> {
        entry.health().record(probe, &entry.provider.cadence, &self.bounds)
    }

    /// Says that the scheduler turns.
    pub fn beat(&self) {
        let uptime = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heartbeat.store(uptime, Ordering::Relaxed);
    }

    /// Whether the scheduler has not turned for [`Ledger::STALLED_AFTER`].
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        let beat = Duration::from_millis(self.heartbeat.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(beat) > Self::STALLED_AFTER
    }
}

impl Moment {
    /// The wall-clock time, in seconds since 1970, at which the uptime will be (or was) `due`.
    #[must_use]
    pub fn unix_seconds_at(&self, due: Duration) -> f64 {
        unix_seconds(self.wall) + due.as_secs_f64() - self.uptime.as_secs_f64()
    }
}
