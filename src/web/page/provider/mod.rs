//! `/providers/NAME`: everything about one provider.

mod facts;
mod failure;
mod history;
mod last_probe;
mod listed;
mod page;
mod uptime;
mod view;

pub use page::page;
