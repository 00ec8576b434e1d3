//! When each provider is probed.

pub mod cadence;
mod control;
mod ends;
pub mod lanes;
mod log;
mod probes;
mod rotation;
mod scheduler;
#[cfg(test)]
mod scripted;
mod slot;
#[cfg(test)]
mod tests;

pub use control::{Control, Mode, Requested, Requester};
pub use probes::Instruments;
pub use scheduler::Scheduler;
