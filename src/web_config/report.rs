//! The faults of one web config.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Fault, Source};

/// What was found in one file.
pub struct Report {
    /// The file.
    pub source: Arc<Source>,
    /// Why it cannot be used.
    pub faults: Vec<Fault>,
    /// What its author would want to know all the same.
    pub warnings: Vec<Fault>,
}

impl Report {
    /// Adds an error.
    pub fn error(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.faults.push(Fault::error(&self.source, span.clone(), message).hint(hint));
    }

    /// Adds a warning.
    pub fn warn(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.warnings.push(Fault::warning(&self.source, span.clone(), message).hint(hint));
    }
}
