//! How an answer was read, rule by rule.

use crate::outcome::TraceLine;

/// How each rule read the answer, for `probe`. Off unless asked for.
#[derive(Default)]
pub struct Trace {
    lines: Option<Vec<TraceLine>>,
}

impl Trace {
    /// One that records.
    #[must_use]
    pub fn recording() -> Self {
        Self { lines: Some(Vec::new()) }
    }

    /// What was recorded.
    #[must_use]
    pub fn into_lines(self) -> Vec<TraceLine> {
        self.lines.unwrap_or_default()
    }

    /// Notes a step; what came out is worked out only when somebody wants to know.
    pub fn note(&mut self, rule: &'static str, expression: &str, result: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(TraceLine { rule, expression: expression.to_owned(), result: result() });
        }
    }
}
