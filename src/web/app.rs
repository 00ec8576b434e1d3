//! What the handlers share.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use crate::metrics::Exposition;
use crate::reload::Trigger;
use crate::schedule::{Control, Mode};
use crate::state::Ledger;
use crate::threads::Threads;

/// Scrapes at the same time; each has a thread while it writes.
const MOST_SCRAPES: usize = 8;

/// What the handlers read.
#[derive(Clone)]
pub struct App {
    /// All providers.
    pub(super) ledger: Arc<Ledger>,
    /// The exposition.
    pub(super) exposition: Arc<Exposition>,
    pub(super) scrapes: Arc<Semaphore>,
    pub(super) threads: Threads,
    /// Has the configuration read again; `None` when that is not allowed over HTTP.
    pub(super) reload: Option<mpsc::Sender<Trigger>>,
    /// Has providers probed; `None` where there is no scheduler, as in a test of the server alone.
    pub(super) control: Option<Control>,
    pub(super) mode: Mode,
}

impl App {
    /// For one ledger. `reload` is given when reloads over HTTP are allowed.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        exposition: Arc<Exposition>,
        reload: Option<mpsc::Sender<Trigger>>,
    ) -> Self {
        Self {
            ledger,
            exposition,
            scrapes: Arc::new(Semaphore::new(MOST_SCRAPES)),
            threads: Threads::default(),
            reload,
            control: None,
            mode: Mode::default(),
        }
    }

    /// With the scheduler that `/probe` asks, and whether it probes only then.
    #[must_use]
    pub fn probing(mut self, control: Control, mode: Mode) -> Self {
        (self.control, self.mode) = (Some(control), mode);
        self
    }
}
