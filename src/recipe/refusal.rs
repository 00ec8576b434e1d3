//! Reads a refusal: its reason, code and message.

use minijinja::Value;
use minijinja::value::ValueKind;

use super::reader::Reader;
use super::status;
use super::trace::Found;
use crate::language::answer;
use crate::language::convert::scalar;
use crate::outcome::{Code, Failure, Reason};
use crate::secret::looks_random;

/// Whether this text in the place of a code means success, as zeros of any number do. It is never
/// the code of a failure.
pub fn means_success(code: &str) -> bool {
    let is_zero = code.contains('0') && code.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    is_zero
        || matches!(code.to_ascii_lowercase().as_str(), "200" | "201" | "ok" | "success" | "true")
}

/// Whether this text in the place of a code is prose: more than one word, or a word in letters that
/// a label cannot have. It is a message and no code.
fn is_prose(text: &str) -> bool {
    let text = text.trim();
    text.contains(char::is_whitespace)
        || text.chars().any(|sign| !sign.is_ascii() && sign.is_alphabetic())
}

/// Why a successful answer holds no token.
#[derive(Clone, Copy)]
pub enum NoToken {
    /// No rule finds a token.
    Missing,
    /// A rule finds a value that is not a string.
    NotAString,
    /// A rule finds a text with bytes that its character set does not have.
    Damaged,
}

impl NoToken {
    fn code_and_message(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => ("token_missing", "the answer says success but holds no token"),
            Self::Damaged => {
                ("token_damaged", "the token in the answer has bytes that cannot be read")
            }
            Self::NotAString => ("token_not_a_string", "the token in the answer is not a string"),
        }
    }
}

impl Reader<'_, '_> {
    /// The failure that an answer without a token reports. `problem` says why an otherwise
    /// successful answer holds no token. It decides only if the answer has no code.
    pub fn refused(&mut self, problem: Option<NoToken>) -> Failure {
        let status = self.response.status;
        let code = self.code();
        let prose = self.prose();
        let message = self.message().or_else(|| prose.map(|text| self.redactor.scrub(&text)));
        let is_own = self.call.kind.leads_to_the_outcome();
        let waiting = self.waiting();
        let fine = self.has_fine_status();
        // A condition of the recipe says more than the status of a redirect.
        let by_status = status::reason(status).filter(|_| !fine && !self.was_dead);
        let told = self.told();
        let problem = problem.filter(|_| code.is_none() && told.is_none());
        let reason = match told {
            // 429 says more than a code for any fault.
            Some(Reason::Unavailable) if by_status == Some(Reason::Throttled) => Reason::Throttled,
            Some(reason) => reason,
            None if problem.is_some() => {
                // What is missing may have been in the part of the body that did not arrive.
                if let Some(damage) = &self.response.damage {
                    return damage.clone();
                }
                Reason::Malformed
            }
            None if waiting.throttles && by_status == Some(Reason::Rejected) => Reason::Throttled,
            None => by_status.unwrap_or(Reason::Rejected),
        };
        // The message of an answer that says success would mislead here.
        let message = message.filter(|_| problem.is_none());
        let problem = problem.map(NoToken::code_and_message);
        let message = message.unwrap_or_else(|| match problem {
            Some((_, message)) => message.into(),
            None if fine => match &code {
                Some(code) if is_own && *code != Code::http(status) => {
                    format!("HTTP status {status} with the error code {code}")
                }
                _ => "the answer tells a failure".into(),
            },
            None if told.is_none() && by_status == Some(Reason::Local) => {
                format!("HTTP status {status}: the request is too large for the server")
            }
            None => format!("HTTP status {status}"),
        });
        let code = code
            .or_else(|| problem.map(|(code, _)| Code::word(code)))
            .unwrap_or_else(|| Code::http(status));
        let mut failure = Failure::new(reason, &message).code(code);
        failure.retry_after = self.wait(&waiting, reason);
        failure
    }

    /// The first usable code: a word or number that does not mean success and is no secret. One
    /// that repeats the HTTP status counts only if no other rule finds a code. When the rules find
    /// only prose, the code is `http_<status>`.
    pub fn code(&mut self) -> Option<Code> {
        let call = self.call;
        let status = self.response.status;
        let (mut repeated, mut has_prose) = (None, false);
        for rule in &call.rules.code {
            let value = self.shown(rule);
            let text = code_text(&value);
            let meant = text.as_deref().filter(|text| !means_success(text.trim()));
            let is_prose = meant.is_some_and(is_prose);
            let code = meant.filter(|_| !is_prose).and_then(Code::clean);
            has_prose |= is_prose;
            // Both the text of the answer and the text that would be shown.
            let secret = text
                .as_deref()
                .is_some_and(|text| self.redactor.is_secret(text) || looks_random(text.trim()))
                || code.as_ref().is_some_and(|code| self.redactor.is_secret(code.as_str()));
            let code = code.filter(|_| !secret);
            let repeats = code.as_ref().is_some_and(|code| code.as_str() == status.to_string());
            let found = match (&code, value.kind()) {
                (Some(_), _) if repeats => Found::RepeatedStatus,
                (Some(code), _) => Found::Code(code.clone()),
                (None, ValueKind::Undefined) => Found::Absent,
                (None, _) if secret => Found::SecretCode,
                (None, _) if is_prose => Found::Prose,
                (None, ValueKind::String | ValueKind::Number) => Found::NoCode(None),
                (None, kind) => Found::NoCode(Some(kind)),
            };
            self.trace.note("code", &rule.source, found);
            if repeats {
                repeated = repeated.or(code);
            } else if code.is_some() {
                return code;
            }
        }
        repeated.or_else(|| has_prose.then(|| Code::http(status)))
    }

    /// The first prose in the place of a code. It is a message and no code. A whole body is
    /// neither, because it can hold secrets that only its structure would show.
    fn prose(&self) -> Option<String> {
        self.call.rules.code.iter().find_map(|rule| {
            let value = self.shown(rule);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String)?;
            let is_shown = is_prose(text)
                && !self.redactor.is_secret(text)
                && text.trim() != answer::text(&self.body).trim();
            is_shown.then(|| text.to_owned())
        })
    }

    fn message(&mut self) -> Option<String> {
        let call = self.call;
        call.rules.message.iter().find_map(|rule| {
            let value = self.shown(rule);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String);
            let text =
                text.filter(|text| !text.trim().is_empty()).map(|text| self.redactor.scrub(text));
            let found = text.clone().map_or(Found::Absent, Found::Message);
            self.trace.note("message", &rule.source, found);
            text
        })
    }
}

/// The text of a value in the place of a code; `None` for other values than texts and numbers.
pub fn code_text(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::String => value.as_str().map(str::to_owned),
        ValueKind::Number => number(value),
        _ => None,
    }
}

/// The digits of a number. `None` for one that has lost digits: the redactor would not find them.
fn number(value: &Value) -> Option<String> {
    const EXACT_DIGITS: usize = 15;
    let text = scalar(value).ok()?;
    (value.is_integer() || text.len() <= EXACT_DIGITS).then_some(text)
}
