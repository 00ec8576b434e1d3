//! The faults and warnings of one web config.

use std::ops::Range;
use std::sync::Arc;

use super::definition::Text;
use crate::diagnostic::{Fault, Sentence, Shown, Source};

/// The faults and warnings of one file.
pub struct Report {
    pub source: Arc<Source>,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
}

impl Report {
    /// Lets faults show a text that is nearly one of the known words.
    pub fn reveal_near<'a>(&self, text: &Text, known: impl IntoIterator<Item = &'a str>) {
        if Shown::near(&text.value, known).is_some() {
            self.source.reveal(text.span.clone());
        }
    }

    pub fn error(
        &mut self,
        span: &Range<usize>,
        message: impl Into<Sentence>,
        hint: impl Into<Sentence>,
    ) {
        self.faults.push(Fault::error(&self.source, span.clone(), message).hint(hint));
    }

    pub fn warn(
        &mut self,
        span: &Range<usize>,
        message: impl Into<Sentence>,
        hint: impl Into<Sentence>,
    ) {
        self.warnings.push(Fault::warning(&self.source, span.clone(), message).hint(hint));
    }
}
