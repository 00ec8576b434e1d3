//! The web pages: which credentials are broken, why, how long existing tokens stay valid, and what
//! to do.
//!
//! The address holds filters, search and page number, and the server applies them. Without scripts
//! only the automatic update is missing. A page is written on a separate thread, and reads all data
//! only of the providers that it shows, so that probes do not wait for it.

mod assets;
mod format;
mod handlers;
mod overview;
mod parts;
mod provider;
mod ranking;
mod reasons;
#[cfg(test)]
mod samples;
mod selection;

pub use assets::asset;
pub use handlers::{overview_page, provider_page, provider_page_by_query, reasons_page};
