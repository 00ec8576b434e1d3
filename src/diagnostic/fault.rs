//! One fault in a file, with its place.

use std::ops::Range;
use std::sync::Arc;

use super::sentence::Sentence;
use super::source::{Source, floor_char_boundary};

/// How serious a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably does not do what its author wants.
    Warning,
}

/// What a fault is about, as far as the program decides by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Anything that only a person needs to know.
    #[default]
    Other,
    /// An expression uses a name that does not exist.
    UnknownName,
    /// No expression of a recipe uses an input.
    UnusedInput,
}

/// One fault in one file.
#[derive(Clone)]
pub struct Fault {
    /// Whether the fault is an error or a warning.
    pub severity: Severity,
    /// What the fault is about.
    pub kind: Kind,
    /// The file; `None` for a fault outside of files, such as a wrong flag.
    pub source: Option<Arc<Source>>,
    /// The bytes of the text that the fault is about.
    pub span: Range<usize>,
    /// What is wrong, and what was expected.
    pub message: Sentence,
    /// What the operator can do about it.
    pub hint: Option<Sentence>,
}

impl Fault {
    /// An error at `span` of `source`.
    #[must_use]
    pub fn error(source: &Arc<Source>, span: Range<usize>, message: impl Into<Sentence>) -> Self {
        Self {
            severity: Severity::Error,
            kind: Kind::Other,
            source: Some(Arc::clone(source)),
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning at `span` of `source`.
    #[must_use]
    pub fn warning(source: &Arc<Source>, span: Range<usize>, message: impl Into<Sentence>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(source, span, message) }
    }

    /// An error outside of files.
    #[must_use]
    pub fn general(message: impl Into<Sentence>) -> Self {
        Self {
            severity: Severity::Error,
            kind: Kind::Other,
            source: None,
            span: 0..0,
            message: message.into(),
            hint: None,
        }
    }

    /// The same fault with a hint: what the operator can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Sentence>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Line and column, both from 1. The column counts characters without the byte order mark.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        let Some(source) = &self.source else { return (1, 1) };
        let (line, start) = source.line(self.span.start);
        let end = floor_char_boundary(&source.text, self.span.start).max(start);
        let column =
            source.text[start..end].chars().filter(|character| *character != '\u{feff}').count()
                + 1;
        (source.start().0 + line + 1, column)
    }

    /// The byte of the file at which the fault begins; 0 for a fault outside of files.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.source.as_ref().map_or(0, |source| source.start().1) + self.span.start
    }

    /// `file:line:column`, or `credwatch` for a fault outside of files.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.source {
            Some(source) => {
                let (line, column) = self.position();
                format!("{}:{line}:{column}", source.name)
            }
            None => "credwatch".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Outline;

    fn source(text: &str, tokens: &[(Range<usize>, bool)]) -> Arc<Source> {
        let source = Source::new("x.toml", text);
        source.set_outline(Outline { tokens: Some(tokens.to_vec()), ..Outline::default() });
        Arc::new(source)
    }

    #[test]
    fn a_fault_shows_its_line_with_a_caret() {
        let source =
            source("[a]\nintervall = \"1m\"\n", &[(1..2, true), (4..13, true), (16..20, true)]);
        let fault = Fault::error(&source, 4..13, "unknown key `intervall`")
            .hint("did you mean `interval`?");
        assert_eq!(
            fault.to_string(),
            "x.toml:2:1: error: unknown key `intervall`\n  |\n2 | intervall = \"1m\"\n  | \
             ^^^^^^^^^\n  hint: did you mean `interval`?\n"
        );
    }

    #[test]
    fn columns_count_characters_and_spans_may_pass_the_end() {
        let source = source("ä = é\n", &[(0..7, true)]);
        let fault = Fault::error(&source, 5..99, "x");
        assert_eq!(fault.position(), (1, 5));
        assert!(fault.to_string().ends_with("| ä = é\n  |     ^\n"));
    }
}
