//! `/providers/NAME`: everything about one provider.

mod facts;
mod history;
mod last_probe;
mod listed;
mod now;
mod page;
mod uptime;
mod view;

pub use page::page;
