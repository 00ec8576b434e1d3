//! Reads lists of credentials: the rows of an answer, and the pages that they stand on.

mod pages;
mod rows;

pub use pages::ListReading;
