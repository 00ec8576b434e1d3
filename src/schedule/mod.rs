//! When each provider is probed.

pub mod cadence;
mod control;
pub mod lanes;
mod log;
mod probes;
mod rotation;
mod scheduler;
mod slot;
#[cfg(test)]
mod tests;

pub use control::{Control, FLOOR, Mode};
pub use probes::{Instruments, Probes};
pub use scheduler::Scheduler;
