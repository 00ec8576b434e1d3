//! The state of all providers. The scheduler records probes here; metrics, pages, API and log read
//! it.

pub mod health;
pub mod histogram;
pub mod history;
mod kept_list;
mod ledger;
mod listed;
mod listing;
pub mod long;
mod moment;
mod questions;
mod roster;
pub mod saved;
mod sentences;
mod tally;
mod timeline;
mod transitions;

pub use health::{CodedFailures, Health, Recorded, State, StepHealth, Transition};
pub use ledger::Ledger;
pub use listed::{Listed, is_over};
pub use moment::Moment;
pub use roster::{Changes, Entry, Roster};
pub use tally::{Hour, Tally};
pub use timeline::{Incident, Timeline, Unsaved};
