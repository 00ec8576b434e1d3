//! Errors of filters and limits. Their source has a type that the engine's errors do not have.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use minijinja::{Error, ErrorKind};

/// Marks an error of credwatch. Its message quotes no value.
#[derive(Debug)]
struct Ours;

impl fmt::Display for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused by credwatch")
    }
}

impl StdError for Ours {}

/// The error for a value that a filter or a limit refuses. The message must not quote the value.
pub fn refused(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message).with_source(Ours)
}

/// Whether [`refused`] made this error.
#[must_use]
pub fn is_refusal(error: &Error) -> bool {
    error.source().is_some_and(<dyn StdError>::is::<Ours>)
}
