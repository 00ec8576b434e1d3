//! `credwatch probe`: makes probes now. It explains a single one, so that no other tool is needed
//! to see why a credential fails, and shows several as a table.

mod chosen;
mod command;
mod inputs;
mod progress;
mod several;
mod table;

pub use command::{Flags, main};
