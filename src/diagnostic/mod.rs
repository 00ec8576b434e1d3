//! Faults in files that an operator wrote: the place, the problem and a hint.

mod show;
mod within;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use secrecy::zeroize::Zeroize as _;

pub use within::within;

/// The text of a file with its name. It can hold secrets, so only parts of it are shown.
pub struct Source {
    /// The path as the user gave it, or `<built-in NAME>`.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The byte at which each line begins.
    lines: OnceLock<Vec<usize>>,
    /// The byte ranges that are blanked when a line is shown.
    hidden: Mutex<Vec<Range<usize>>>,
    /// Whether the text cannot be parsed. Any value could be a secret then, so none is shown.
    opaque: AtomicBool,
    /// Keys whose values are shown even when the text cannot be parsed.
    harmless: &'static [&'static str],
}

impl Source {
    /// A text with this name.
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

    /// The same source with keys whose values are shown even when the text cannot be parsed.
    #[must_use]
    pub fn with_harmless(mut self, keys: &'static [&'static str]) -> Self {
        self.harmless = keys;
        self
    }

    /// Blanks these bytes in every line that is shown from now on.
    pub fn hide(&self, span: Range<usize>) {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    /// Blanks all values from now on. For a text that cannot be parsed, because any value could be
    /// a secret.
    pub fn hide_values(&self) {
        self.opaque.store(true, Ordering::Relaxed);
    }

    /// The line that contains a byte, counted from 0, and the byte at which it begins.
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

/// Wipes the text.
impl Drop for Source {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

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
    pub message: String,
    /// What the operator can do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// An error at `span` of `source`.
    #[must_use]
    pub fn error(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
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
    pub fn warning(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(source, span, message) }
    }

    /// An error outside of files.
    #[must_use]
    pub fn general(message: impl Into<String>) -> Self {
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
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
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
        (line + 1, column)
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

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// A longer word is similar to nothing, in bytes.
const LONGEST_WORD: usize = 100;

/// The candidate that is most similar to `word`; `None` when no candidate is similar enough.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison takes time and memory for each pair of characters.
    if word.len() > LONGEST_WORD {
        return None;
    }
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

/// ``did you mean `x`?``, or the list of all candidates when none is similar.
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
            "x.toml:2:1: error: unknown key `intervall`\n  |\n2 | intervall = \"1m\"\n  | \
             ^^^^^^^^^\n  hint: did you mean `interval`?\n"
        );
    }

    #[test]
    fn columns_count_characters_and_spans_may_pass_the_end() {
        let source = source("ä = é\n");
        let fault = Fault::error(&source, 5..99, "x");
        assert_eq!(fault.position(), (1, 5));
        assert!(fault.to_string().ends_with("| ä = é\n  |     ^\n"));
    }

    #[test]
    fn a_word_is_suggested_only_when_it_is_similar() {
        assert_eq!(nearest("lables", ["labels", "timeout"]), Some("labels"));
        assert_eq!(nearest("zzz", ["labels", "timeout"]), None);
    }
}
