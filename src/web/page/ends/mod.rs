//! `/ends`: when the credentials and certificates of all providers end, the earliest first.

mod earliest;
mod found;
mod page;
mod query;
#[cfg(test)]
mod tests;
mod what;

pub use page::page;
pub use query::Query;
pub use what::{Band, Margins, Source};
