//! What could become a line of a recipe.

use crate::recipe::definition::Unit;

/// A line for a recipe's `[response]`, with what speaks for it.
#[derive(serde::Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The key that it sets: `token`, `expiry`, `code`, `message`, `issued` or `format`.
    pub rule: &'static str,
    /// The line.
    pub line: String,
    /// Why, without any value that could be secret.
    pub why: String,
    /// What whoever writes the recipe has to look at.
    #[serde(skip)]
    pub todo: Vec<String>,
}

/// Something in an answer that one of the rules could read.
pub struct Candidate {
    pub rule: &'static str,
    /// The expression that reads it.
    pub path: String,
    /// What stands behind `=`, when it is more than the path in quotes.
    pub value: Option<String>,
    pub why: String,
    /// How likely it is, among those of its rule.
    pub score: u32,
    pub todo: Vec<String>,
    /// Of an expiry: how it is read.
    pub unit: Option<Unit>,
    /// Of an expiry: what it says.
    pub end: Option<End>,
}

/// When a candidate says that the token ends.
pub struct End {
    /// Seconds from now.
    pub seconds: f64,
    /// Whether it was told as a time from now: of a date in a sample nobody knows when the sample
    /// was taken.
    pub from_now: bool,
    /// Where it stands.
    pub parent: String,
}

impl Candidate {
    pub fn new(rule: &'static str, why: String, score: u32) -> Self {
        Self {
            rule,
            path: String::new(),
            value: None,
            why,
            score,
            todo: Vec::new(),
            unit: None,
            end: None,
        }
    }

    pub fn suggestion(self) -> Suggestion {
        let value = self.value.unwrap_or_else(|| quoted(&self.path));
        Suggestion {
            rule: self.rule,
            line: format!("{} = {value}", self.rule),
            why: self.why,
            todo: self.todo,
        }
    }
}

/// A text as TOML has it.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
