//! The state that the HTTP handlers share.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::authority::External;
use super::documents::Documents;
use super::stream::Streams;
use crate::by_hand::ByHand;
use crate::metrics::Exposition;
use crate::reload::Trigger;
use crate::schedule::{Control, Mode};
use crate::state::long::LongHistory;
use crate::state::{Entry, Ledger};
use crate::storage::Storage;
use crate::threads::Threads;

/// The usual path of the metrics.
pub const TELEMETRY_PATH: &str = "/metrics";

/// The maximum number of concurrent scrapes. Each uses a thread while it writes.
const MAX_SCRAPES: usize = 8;

/// The maximum number of concurrent lists of the API.
const MAX_LISTS: usize = 2;

/// The state that the HTTP handlers share.
#[derive(Clone)]
pub struct App {
    /// All providers.
    pub(super) ledger: Arc<Ledger>,
    /// Writes `/metrics`.
    pub(super) exposition: Arc<Exposition>,
    pub(super) scrapes: Streams,
    /// Writes the lists of the API.
    pub(super) lists: Streams,
    /// Writes the export of the history, which can wait for a disk.
    pub(super) exports: Streams,
    /// The state directory, which has the history.
    pub(super) storage: Option<Arc<Storage>>,
    /// Writes pages and JSON.
    pub(super) documents: Documents,
    /// Writes `/healthz`, which must not wait for pages.
    pub(super) health: Documents,
    /// Starts a reload; `None` when reloads over HTTP are not enabled.
    pub(super) reload: Option<mpsc::Sender<Trigger>>,
    /// Starts probes; `None` without a scheduler, as in a test of the server alone.
    pub(super) control: Option<Control>,
    pub(super) mode: Mode,
    /// Whether operators may start probes over the API.
    pub(super) admin_api: bool,
    /// The path of the metrics.
    pub(super) telemetry_path: Arc<str>,
    /// The URL at which browsers reach the server; `None` without the flag.
    pub(super) external: Option<External>,
    /// The command line of a person who probes a provider.
    pub(super) by_hand: Arc<ByHand>,
}

impl App {
    /// The state for one ledger. `reload` is `None` when reloads over HTTP are not enabled.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        exposition: Arc<Exposition>,
        reload: Option<mpsc::Sender<Trigger>>,
    ) -> Self {
        let threads = Threads::default();
        Self {
            ledger,
            exposition,
            scrapes: Streams::new(MAX_SCRAPES, threads.clone()),
            lists: Streams::new(MAX_LISTS, Threads::with_low_priority()),
            exports: Streams::new(1, Threads::with_low_priority()),
            storage: None,
            documents: Documents::new(Threads::with_low_priority()),
            health: Documents::new(threads),
            reload,
            control: None,
            mode: Mode::default(),
            admin_api: false,
            telemetry_path: TELEMETRY_PATH.into(),
            external: None,
            by_hand: Arc::default(),
        }
    }

    /// Adds the scheduler that `/probe` uses, and its mode.
    #[must_use]
    pub fn probing(mut self, control: Control, mode: Mode) -> Self {
        (self.control, self.mode) = (Some(control), mode);
        self
    }

    /// Sets the path of the metrics.
    #[must_use]
    pub fn with_telemetry_path(self, path: &str) -> Self {
        Self { telemetry_path: path.into(), ..self }
    }

    /// Sets the URL at which browsers reach the server.
    #[must_use]
    pub fn with_external(self, external: Option<External>) -> Self {
        Self { external, ..self }
    }

    /// Sets the command line of a person who probes a provider.
    #[must_use]
    pub fn with_by_hand(self, by_hand: ByHand) -> Self {
        Self { by_hand: Arc::new(by_hand), ..self }
    }

    /// Adds the state directory, which has the history.
    #[must_use]
    pub fn with_history(self, storage: Option<Arc<Storage>>) -> Self {
        Self { storage, ..self }
    }

    /// The history of a provider until now.
    pub(super) async fn long_history(&self, entry: &Arc<Entry>, now: Timestamp) -> LongHistory {
        match self.storage.clone() {
            Some(storage) => storage.history(Arc::clone(entry), now).await,
            None => LongHistory::of(&entry.timeline_until(now), None, now),
        }
    }

    /// Sets whether operators may start probes over the API.
    #[must_use]
    pub fn with_admin_api(self, admin_api: bool) -> Self {
        Self { admin_api, ..self }
    }
}
