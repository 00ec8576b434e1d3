//! What may be shown of a text that comes from outside.

mod pattern;
mod redactor;
mod search;
mod shape;
mod view;

pub use redactor::{HIDDEN, Redactor};
pub use shape::{is_told_secret, looks_random, names_a_secret};
