//! How the running scheduler is reached: what is told to it, and by whom.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::lanes::{Limits, Runner};
use crate::outcome::Probe;
use crate::provider::Provider;
use crate::state::{Changes, Entry};

/// Who decides when a provider is probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Its own cadence, and whoever asks.
    #[default]
    Scheduled,
    /// Whoever asks, and nobody else.
    OnDemand,
}

/// Whoever asks for a probe gets the last one when it is not older than this: a caller must not be
/// able to spend a quota.
pub const FLOOR: Duration = Duration::from_secs(5);

/// What reaches the scheduler from outside its own task.
pub enum Event {
    /// A probe has ended.
    Ended {
        /// Whose.
        runner: Runner,
        /// What it found.
        probe: Box<Probe>,
    },
    /// Those whose credentials are other than those of their last probe.
    Rotated(Vec<(usize, Arc<Entry>)>),
    /// Somebody asks for a probe of this provider.
    Asked {
        /// Its name.
        name: String,
        /// Told when the probe has ended.
        done: oneshot::Sender<()>,
    },
    /// Other providers from now on.
    Adopt {
        /// Which.
        adopted: Box<Adopted>,
        /// Told what that changes.
        done: oneshot::Sender<Changes>,
    },
}

/// What a reload hands to the scheduler.
pub struct Adopted {
    /// Who is watched from now on.
    pub providers: Vec<Arc<Provider>>,
    /// Upper bounds of the latency histogram, in seconds.
    pub bounds: Vec<f64>,
    /// Probes at the same time.
    pub limits: Limits,
}

/// Reaches a scheduler that runs.
#[derive(Clone)]
pub struct Control(pub UnboundedSender<Event>);

impl Control {
    /// Has other providers watched from now on. `None` when the scheduler has ended.
    pub async fn adopt(&self, adopted: Adopted) -> Option<Changes> {
        let (done, changes) = oneshot::channel();
        self.0.send(Event::Adopt { adopted: Box::new(adopted), done }).ok()?;
        changes.await.ok()
    }

    /// Has a provider probed now, and waits for the end of that probe. All who ask while one is on
    /// the way share it. Ends at once, without a probe, when the last one is younger than
    /// [`FLOOR`], while a refused or throttled provider is left alone, and when there is no such
    /// provider.
    pub async fn probe(&self, name: &str) {
        let (done, ended) = oneshot::channel();
        if self.0.send(Event::Asked { name: name.to_owned(), done }).is_ok() {
            // An error says the same: there is nothing to wait for.
            let _ = ended.await;
        }
    }
}
