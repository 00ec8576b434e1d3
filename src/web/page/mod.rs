//! The web pages: which credentials are broken, why, how long existing tokens stay valid, and what
//! to do.
//!
//! The address holds filters, search and page number, and the server applies them. Without scripts
//! only the automatic update is missing. A page is written on a separate thread, and reads all data
//! only of the providers that it shows, so that probes do not wait for it.

mod assets;
mod choice;
mod ends;
mod expiring;
mod facet;
mod filter;
mod filters;
mod finding;
#[cfg(test)]
mod finding_tests;
mod format;
mod grouping;
mod groups;
mod handlers;
mod headline;
mod overview;
mod pager;
mod parts;
mod provider;
mod ranking;
mod reasons;
mod rows;
mod runway;
#[cfg(test)]
mod samples;
mod selection;
mod shape;
mod spark;

pub use assets::asset;
pub use handlers::{ends_page, overview_page, provider_page, provider_page_by_query, reasons_page};
