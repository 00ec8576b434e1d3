//! The pages for people: who is broken, why, how long there is, and what to do.
//!
//! The server does all the work: order, filters, search and pages are in the address, and a browser
//! without a script misses nothing but the quiet renewal. A page reads a few numbers of every
//! provider and the whole of those that it shows; it is written on a thread of its own kind, so
//! that ten thousand providers keep no probe waiting.

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
