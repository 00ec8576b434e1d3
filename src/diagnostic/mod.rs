//! Faults in files that a person wrote: where, what, and what to do about it.

mod show;
mod within;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use within::within;

/// A text with the name under which its author knows it. Never shown whole: it can hold secrets.
pub struct Source {
    /// The path as the user gave it, or `<built-in NAME>`.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Where each line begins.
    lines: OnceLock<Vec<usize>>,
    /// What is blanked wherever a line is shown.
    hidden: Mutex<Vec<Range<usize>>>,
    /// Whether nothing is known about what could be secret, so that next to nothing is shown.
    opaque: AtomicBool,
    /// Keys whose values may be shown even then.
    harmless: &'static [&'static str],
}

impl Source {
    /// A text of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            lines: OnceLock::new(),
            hidden: Mutex::default(),
            opaque: AtomicBool::new(false),
            harmless: &[],
        }
    }

    /// The same with keys whose values may be shown even when the text cannot be parsed.
    #[must_use]
    pub fn with_harmless(mut self, keys: &'static [&'static str]) -> Self {
        self.harmless = keys;
        self
    }

    /// Blanks these bytes wherever a line of the text is shown.
    pub fn hide(&self, span: Range<usize>) {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    /// Shows no values at all from now on: the text could not be parsed, so nobody knows what they
    /// are.
    pub fn hide_values(&self) {
        self.opaque.store(true, Ordering::Relaxed);
    }

    /// The line of a byte, from 0, and where it begins.
    fn line(&self, byte: usize) -> (usize, usize) {
        let starts = self.lines.get_or_init(|| {
            std::iter::once(0)
                .chain(self.text.match_indices('\n').map(|(place, _)| place + 1))
                .collect()
        });
        let line = starts.partition_point(|start| *start <= byte).saturating_sub(1);
        (line, starts[line])
    }
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but its author would want to know.
    Warning,
}

/// One finding in one file.
#[derive(Clone)]
pub struct Fault {
    /// Error or warning.
    pub severity: Severity,
    /// The file. `None` when there is none, such as for a wrong flag.
    pub source: Option<Arc<Source>>,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// An error at `span` of `source`.
    #[must_use]
    pub fn error(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            source: Some(Arc::clone(source)),
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning at `span` of `source`.
    #[must_use]
    pub fn warning(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(source, span, message) }
    }

    /// An error that is in no file.
    #[must_use]
    pub fn general(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            source: None,
            span: 0..0,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Line and column, both from 1, the column in characters. A byte order mark is no character.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        let Some(source) = &self.source else { return (1, 1) };
        let (line, start) = source.line(self.span.start);
        let end = floor_char_boundary(&source.text, self.span.start).max(start);
        let column =
            source.text[start..end].chars().filter(|character| *character != '\u{feff}').count()
                + 1;
        (line + 1, column)
    }

    /// `file:line:column`, for a log line.
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

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// The candidate that `word` was most likely meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().min(word.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?`` or, when nothing is near, the whole choice.
#[must_use]
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = nearest(word, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<String> =
        candidates.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    if all.is_empty() {
        "there is nothing to choose from here".into()
    } else {
        format!("expected one of {}", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("x.toml", text))
    }

    #[test]
    fn a_fault_shows_its_line_with_a_caret() {
        let source = source("[a]\nintervall = \"1m\"\n");
        let fault = Fault::error(&source, 4..13, "unknown key `intervall`")
            .hint("did you mean `interval`?");
        assert_eq!(
            fault.to_string(),
            "x.toml:2:1: error: unknown key `intervall`\n  |\n2 | intervall = \"1m\"\n  | ^^^^^^^^^\n  hint: did you mean `interval`?\n"
        );
    }

    #[test]
    fn columns_count_characters_and_spans_may_overrun() {
        let source = source("ä = é\n");
        let fault = Fault::error(&source, 5..99, "x");
        assert_eq!(fault.position(), (1, 5));
        assert!(fault.to_string().ends_with("| ä = é\n  |     ^\n"));
    }

    #[test]
    fn the_nearest_word_is_suggested_only_when_it_is_near() {
        assert_eq!(nearest("lables", ["labels", "timeout"]), Some("labels"));
        assert_eq!(nearest("zzz", ["labels", "timeout"]), None);
    }
}
