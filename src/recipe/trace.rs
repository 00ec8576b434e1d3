//! How each rule read an answer: facts, and their texts for people.

use jiff::Timestamp;
use minijinja::value::ValueKind;

use super::definition::Unit;
use crate::outcome::{Code, Message, TraceLine};
use crate::secret::{HIDDEN, Redactor};
use crate::time::{human_duration, unix_seconds};

/// What each rule found in one answer. It borrows from the recipe.
///
/// Every answer is traced, so a fact holds no text that only the trace needs.
#[derive(Default)]
pub struct Trace<'a> {
    notes: Vec<Note<'a>>,
}

/// What one rule found.
pub struct Note<'a> {
    /// The key of the rule in the recipe.
    pub rule: &'static str,
    /// Its expression.
    pub expression: &'a str,
    /// What it found.
    pub found: Found<'a>,
}

/// What a rule found in an answer. Can hold texts of the answer.
pub enum Found<'a> {
    /// Nothing.
    Absent,
    /// The HTTP status.
    Status(u16),
    /// Why the body is not whole or not readable.
    Damage(Message),
    /// Whether the condition is true.
    Truth(bool),
    /// Why the rule cannot be evaluated.
    Error(String),
    /// A token.
    Token,
    /// A value that a rule computed for the token, of any kind.
    Computed,
    /// A text without characters.
    Empty,
    /// A value of another kind where a token was expected.
    NotAString(ValueKind),
    /// The expiry of the token.
    End {
        /// When the token expires; `None` if it lives for more than 100 years.
        at: Option<Timestamp>,
        /// When the answer arrived.
        received: Timestamp,
        /// The unit of the value.
        unit: Unit,
    },
    /// A value that means that a credential has no end.
    NoTime,
    /// Why the value is no expiry in this unit.
    NoEnd(Unit, String),
    /// The scopes that were granted.
    Scopes(Vec<String>),
    /// No list of scopes.
    NoScopes,
    /// The provider's code.
    Code(Code),
    /// A code that holds a secret or looks like one.
    SecretCode,
    /// A sentence where a code was expected.
    Prose,
    /// The HTTP status once more.
    RepeatedStatus,
    /// A value that is no code of a failure, with its kind unless it is text or a number.
    NoCode(Option<ValueKind>),
    /// A code that decides the reason.
    Listed(&'a str),
    /// The provider's message, without secrets.
    Message(String),
    /// A value for later calls, with its name.
    Given(&'a str, Given),
}

/// A value that an answer gives to later calls.
pub enum Given {
    /// A text.
    Text,
    /// A value that a rule computed, of any kind.
    Computed,
    /// A value of another kind.
    Value(ValueKind),
    /// Nothing.
    Absent,
    /// A value that no call can use.
    Useless(ValueKind),
}

impl<'a> Trace<'a> {
    /// Adds what a rule found.
    pub(super) fn note(&mut self, rule: &'static str, expression: &'a str, found: Found<'a>) {
        self.notes.push(Note { rule, expression, found });
    }

    /// What the rules found, in order.
    #[must_use]
    pub fn notes(&self) -> &[Note<'a>] {
        &self.notes
    }

    /// The findings in words, without the secrets that this redactor knows.
    #[must_use]
    pub fn lines(&self, redactor: &Redactor) -> Vec<TraceLine> {
        let line = |note: &Note<'_>| TraceLine {
            rule: note.rule,
            expression: note.expression.to_owned(),
            result: redactor.scrub(&note.found.words(redactor)),
        };
        self.notes.iter().map(line).collect()
    }
}

impl Found<'_> {
    fn words(&self, redactor: &Redactor) -> String {
        match self {
            Self::Absent => "absent".into(),
            Self::Status(status) => status.to_string(),
            Self::Damage(problem) => problem.as_str().to_owned(),
            Self::Truth(holds) => holds.to_string(),
            Self::Error(problem) => format!("cannot be evaluated: {problem}"),
            Self::Token => format!("a string {HIDDEN}"),
            Self::Computed => format!("found {HIDDEN}"),
            Self::Empty => "an empty string".into(),
            Self::NotAString(kind) => format!("a {kind}, not a string"),
            Self::End { at: None, unit, .. } => {
                format!("never ({}, more than 100 years from now)", unit.word())
            }
            Self::End { at: Some(at), received, unit } => format!(
                "{} ({}, {} from now)",
                at.strftime("%Y-%m-%d %H:%M:%S UTC"),
                unit.word(),
                human_duration(unix_seconds(*at) - unix_seconds(*received))
            ),
            Self::NoTime => "never".into(),
            Self::NoEnd(unit, problem) => format!("{problem} ({})", unit.word()),
            Self::Scopes(granted) => format!(
                "{} granted: {}",
                granted.len(),
                Message::clean(&redactor.scrub(&granted.join(" "))).as_str()
            ),
            Self::NoScopes => "not listed, so as requested".into(),
            Self::Code(code) => code.to_string(),
            Self::Prose => "a sentence, so a message and no code".into(),
            Self::RepeatedStatus => {
                "the HTTP status, so it counts only if no other rule finds a code".into()
            }
            Self::SecretCode => "holds a secret or looks like one, so not used".into(),
            Self::NoCode(None) => "no code of a failure".into(),
            Self::NoCode(Some(kind)) => format!("a {kind}, so not used"),
            Self::Listed(code) => format!("the code {code}"),
            Self::Message(text) => Message::clean(text).as_str().to_owned(),
            Self::Given(name, given) => format!("{name}: {}", given.words()),
        }
    }
}

impl Given {
    fn words(&self) -> String {
        match self {
            Self::Text => format!("a string {HIDDEN}"),
            Self::Computed => format!("found {HIDDEN}"),
            Self::Value(kind) => format!("a {kind} {HIDDEN}"),
            Self::Absent => "absent".into(),
            Self::Useless(kind) => format!("an empty string or a {kind}, of no use"),
        }
    }
}
