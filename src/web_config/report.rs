//! The faults and warnings of one web config.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Fault, Source};

/// The faults and warnings of one file.
pub struct Report {
    pub source: Arc<Source>,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
}

impl Report {
    pub fn error(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.faults.push(Fault::error(&self.source, span.clone(), message).hint(hint));
    }

    pub fn warn(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.warnings.push(Fault::warning(&self.source, span.clone(), message).hint(hint));
    }
}
