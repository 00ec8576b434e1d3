//! The exposition, in the Prometheus text format 0.0.4 or in `OpenMetrics`.
//!
//! The encoder in this folder writes the families about providers directly from the ledger, because
//! they have many series. The `prometheus` crate writes the metrics of the daemon.

mod daemon;
mod encode;
mod exposition;
pub mod families;
mod family;
mod format;
mod histogram;
mod listed;
mod names;
mod process;
mod samples;
mod snapshot;

pub use daemon::Daemon;
pub use encode::{Sink, piece};
pub use exposition::{Exposition, write_one};
pub use format::Format;
pub use process::started as process_started;
