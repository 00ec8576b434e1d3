//! Candidates for a line of a recipe.

use crate::recipe::definition::Unit;

/// A line for a recipe's `[response]`, with the reason.
#[derive(serde::Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The key that it sets: `token`, `expiry`, `code`, `message`, `issued` or `format`.
    pub rule: &'static str,
    /// The whole line.
    pub line: String,
    /// The reason. It repeats no value that could be secret.
    pub why: String,
    /// What the author of the recipe must check.
    #[serde(skip)]
    pub todo: Vec<String>,
    /// Other places that could be right, as a question for the same line.
    #[serde(skip)]
    pub or: Option<String>,
}

/// A part of a response that a rule could read.
pub struct Candidate {
    pub rule: &'static str,
    /// The expression that reads it.
    pub path: String,
    /// The TOML value; `None` for the path in quotes.
    pub value: Option<String>,
    pub why: String,
    /// The highest score of a rule is the likeliest.
    pub score: u32,
    pub todo: Vec<String>,
    /// Other places that could be right, as a question for the same line.
    pub or: Option<String>,
    /// The unit of an expiry.
    pub unit: Option<Unit>,
    /// The time that an expiry gives.
    pub end: Option<End>,
    /// The value of a code, to compare samples. It is never shown.
    pub sample: String,
}

/// When the token expires, by a candidate.
pub struct End {
    /// Seconds from now.
    pub seconds: f64,
    /// Whether the sample has a duration. For a date the age of the sample is unknown.
    pub from_now: bool,
    /// The path of the object that has the member.
    pub parent: String,
}

impl Suggestion {
    /// A line without a reason.
    pub fn plain(rule: &'static str, value: &str) -> Self {
        let line = format!("{rule} = {value}");
        Self { rule, line, why: String::new(), todo: Vec::new(), or: None }
    }
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
            or: None,
            unit: None,
            end: None,
            sample: String::new(),
        }
    }

    pub fn suggestion(self) -> Suggestion {
        let value = self.value.unwrap_or_else(|| quoted(&self.path));
        Suggestion {
            rule: self.rule,
            line: format!("{} = {value}", self.rule),
            why: self.why,
            todo: self.todo,
            or: self.or,
        }
    }
}

/// A text as a TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
