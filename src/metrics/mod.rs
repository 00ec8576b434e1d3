//! The exposition, in the Prometheus text format 0.0.4.
//!
//! The families about providers are written straight from the ledger by an encoder of our own: they
//! are what the program exists to expose, and many. The daemon's own go through the `prometheus`
//! crate.

mod daemon;
mod encode;
mod exposition;
pub mod families;
mod family;
mod process;
mod samples;

pub use daemon::Daemon;
pub use exposition::{CONTENT_TYPE, Exposition, write_one};
pub use process::started as process_started;
