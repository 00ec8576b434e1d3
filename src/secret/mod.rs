//! Secrets: a filter that keeps them out of texts that come from outside.

mod disguise;
mod needles;
mod redact;

pub use redact::{HIDDEN, Redactor, UNRESERVED, is_told_secret, looks_random, names_a_secret};
