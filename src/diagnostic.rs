//! Faults in files that a person wrote: where, what, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text with the name under which its author knows it. Never logged whole: it can hold secrets.
pub struct Source {
    /// The path as the user gave it, or `<built-in NAME>`.
    pub name: String,
    /// The whole text.
    pub text: String,
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
        Self { severity: Severity::Error, source: Some(Arc::clone(source)), span, message: message.into(), hint: None }
    }

    /// A warning at `span` of `source`.
    #[must_use]
    pub fn warning(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(source, span, message) }
    }

    /// An error that is in no file.
    #[must_use]
    pub fn general(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, source: None, span: 0..0, message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Line and column, both from 1, the column in characters.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        let Some(source) = &self.source else { return (1, 1) };
        let before = &source.text[..floor_char_boundary(&source.text, self.span.start)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
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

/// `file:line:column: error: message`, the line with a caret below it, and the hint.
///
/// A value that stands under `credentials` is blanked in the line shown.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{}: {word}: {}", self.place(), self.message)?;
        if let Some(source) = &self.source {
            let (line, column) = self.position();
            let text = source.text.lines().nth(line - 1).unwrap_or_default();
            let shown = hide_values(&source.text, line, text);
            let width = self.caret_width(text, column);
            let margin = line.to_string().len();
            writeln!(f, "{:margin$} |", "")?;
            writeln!(f, "{line} | {}", shown.replace('\t', " "))?;
            writeln!(f, "{:margin$} | {:indent$}{}", "", "", "^".repeat(width), indent = column - 1)?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Fault {
    /// How many carets: the length of the span on its first line, at least one.
    fn caret_width(&self, line: &str, column: usize) -> usize {
        let Some(source) = &self.source else { return 1 };
        let start = floor_char_boundary(&source.text, self.span.start);
        let end = floor_char_boundary(&source.text, self.span.end).max(start);
        let spanned = source.text[start..end].lines().next().unwrap_or_default().chars().count();
        let room = line.chars().count().saturating_sub(column - 1).max(1);
        spanned.clamp(1, room)
    }
}

/// Blanks what could be a secret in the line that a message shows: every value on a line that assigns to
/// `credentials`, or that stands inside a table whose header ends in `.credentials`.
fn hide_values<'a>(text: &str, line: usize, shown: &'a str) -> std::borrow::Cow<'a, str> {
    let header = text.lines().take(line).filter(|candidate| candidate.trim_start().starts_with('[')).last();
    let in_table = header.is_some_and(|header| header.contains("credentials"));
    let Some(equals) = shown.find('=') else { return shown.into() };
    if !in_table && !shown.contains("credentials") {
        return shown.into();
    }
    let start = if in_table { equals } else { shown.find("credentials").unwrap_or(equals) };
    let mut out = String::with_capacity(shown.len());
    let mut quote = None;
    for (index, character) in shown.char_indices() {
        match quote {
            _ if index < start => out.push(character),
            None => {
                if matches!(character, '"' | '\'') {
                    quote = Some(character);
                }
                out.push(character);
            }
            Some(open) if character == open => {
                quote = None;
                out.push(character);
            }
            Some(_) => out.push('*'),
        }
    }
    out.into()
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
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(word.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?`` or, when nothing is near, the whole choice.
#[must_use]
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = nearest(word, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<String> = candidates.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    if all.is_empty() { "there is nothing to choose from here".into() } else { format!("expected one of {}", all.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { name: "x.toml".into(), text: text.into() })
    }

    #[test]
    fn a_fault_shows_its_line_with_a_caret() {
        let source = source("[a]\nintervall = \"1m\"\n");
        let fault = Fault::error(&source, 4..13, "unknown key `intervall`").hint("did you mean `interval`?");
        assert_eq!(
            fault.to_string(),
            "x.toml:2:1: error: unknown key `intervall`\n  |\n2 | intervall = \"1m\"\n  | ^^^^^^^^^\n  hint: did you mean `interval`?\n"
        );
    }

    #[test]
    fn values_of_credentials_are_not_shown() {
        let source = source("credentials.app_key = \"s3cret\"\n[p.credentials]\nkey = 's3cret'\n");
        for span in [0..11, 47..50] {
            let text = Fault::error(&source, span, "x").to_string();
            assert!(!text.contains("s3cret"), "{text}");
        }
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
