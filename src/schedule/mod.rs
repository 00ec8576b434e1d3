//! When each provider is probed.

pub mod cadence;
mod control;
mod ends;
mod held;
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
pub use held::read_held_ends;
pub use probes::{Instruments, panicked};
pub use scheduler::Scheduler;
