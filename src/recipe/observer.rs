//! Seeing a conversation as it goes on, for people who want an explanation.

use super::call::Call;
use super::response::TokenResponse;
use super::trace::Trace;
use super::values::Values;
use crate::outcome::Outcome;
use crate::secret::Redactor;

/// Sees the calls of one conversation.
pub trait Observer: Send {
    /// A request is about to be rendered.
    fn request(&mut self, call: &Call, values: &Values);
    /// An answer was read.
    fn answer(&mut self, heard: &Heard<'_>);
    /// The conversation has ended, and this redactor knows all of its secrets.
    fn end(&mut self, redactor: &Redactor);
}

/// An answer and how it was read. Can hold a token.
pub struct Heard<'a> {
    /// The call that it answers.
    pub call: &'a Call,
    /// The answer.
    pub response: &'a TokenResponse,
    /// What each rule found in it.
    pub trace: &'a Trace<'a>,
    /// What the answer to the token request says; `None` for other calls.
    pub outcome: Option<&'a Outcome>,
    /// Knows the secrets so far.
    pub redactor: &'a Redactor,
}
