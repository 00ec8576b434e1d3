//! The state that the HTTP handlers share.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use crate::metrics::Exposition;
use crate::reload::Trigger;
use crate::schedule::{Control, Mode};
use crate::state::Ledger;
use crate::threads::Threads;

/// The maximum number of concurrent scrapes. Each uses a thread while it writes.
const MAX_SCRAPES: usize = 8;

/// The state that the HTTP handlers share.
#[derive(Clone)]
pub struct App {
    /// All providers.
    pub(super) ledger: Arc<Ledger>,
    /// Writes `/metrics`.
    pub(super) exposition: Arc<Exposition>,
    pub(super) scrapes: Arc<Semaphore>,
    pub(super) threads: Threads,
    /// Starts a reload; `None` when reloads over HTTP are not enabled.
    pub(super) reload: Option<mpsc::Sender<Trigger>>,
    /// Starts probes; `None` without a scheduler, as in a test of the server alone.
    pub(super) control: Option<Control>,
    pub(super) mode: Mode,
}

impl App {
    /// The state for one ledger. `reload` is `None` when reloads over HTTP are not enabled.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        exposition: Arc<Exposition>,
        reload: Option<mpsc::Sender<Trigger>>,
    ) -> Self {
        Self {
            ledger,
            exposition,
            scrapes: Arc::new(Semaphore::new(MAX_SCRAPES)),
            threads: Threads::default(),
            reload,
            control: None,
            mode: Mode::default(),
        }
    }

    /// Adds the scheduler that `/probe` uses, and its mode.
    #[must_use]
    pub fn probing(mut self, control: Control, mode: Mode) -> Self {
        (self.control, self.mode) = (Some(control), mode);
        self
    }
}
