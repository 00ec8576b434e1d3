//! What the answer to the token request tells beyond its being a success: the token, how long it
//! lives, what it is good for.

use std::time::Duration;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::call::{Recipe, TokenRules};
use super::definition::Unit;
use super::expiry::ends_at;
use super::fingerprint::Fingerprints;
use super::reader::Reader;
use super::refusal::NoToken;
use super::response::TokenResponse;
use super::trace::{Found, Trace};
use super::values::{Values, hide};
use crate::language::expression::explain;
use crate::outcome::{Expiry, Failure, Issued, Outcome, Reason, malformed};
use crate::time::{human_duration, unix_seconds};

/// What one provider expects of a token beyond its being issued.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectations {
    /// Scopes that must be granted.
    pub required_scopes: Vec<String>,
    /// The shortest lifetime that is of use.
    pub min_lifetime: Option<Duration>,
}

struct TokenReader<'a, 'r> {
    reader: Reader<'a, 'r>,
    rules: &'r TokenRules,
    uses_token: bool,
}

impl Recipe {
    /// Reads the answer to the token request. The redactor of `values` knows the token afterwards;
    /// the token itself is kept there only when `keep` says that a later call needs it.
    #[must_use]
    pub fn read<'r>(
        &'r self,
        values: &mut Values,
        response: &TokenResponse,
        expectations: &Expectations,
        fingerprints: &Fingerprints,
        keep: bool,
        trace: &mut Trace<'r>,
    ) -> Outcome {
        let reader = Reader {
            tokens: &self.reading.token,
            ..Reader::new(&self.token, values, response, trace)
        };
        let mut reader = TokenReader {
            reader,
            rules: &self.reading,
            uses_token: self.token.uses.contains("token"),
        };
        reader.hide_tokens();
        reader.reader.hide_given();
        let token = reader.reader.accepted().and_then(|()| {
            reader.find_token().map_err(|problem| reader.reader.refused(Some(problem)))
        });
        let token = match token {
            Ok(token) => token,
            Err(failure) => return Outcome::Failed(failure),
        };
        let given = reader.reader.given_if_there();
        let outcome = reader.token(&token, expectations, fingerprints);
        if keep || !self.cleanup.is_empty() {
            values.give("token", token.into());
            for (name, value) in given {
                values.give(&name, value);
            }
        }
        match outcome {
            Ok(issued) => Outcome::Issued(issued),
            Err(failure) => Outcome::Failed(failure),
        }
    }
}

impl TokenReader<'_, '_> {
    /// Hides everything that is or could be a token before any text of the answer is taken up: what
    /// the token rules find, whatever the status.
    fn hide_tokens(&mut self) {
        for rule in &self.rules.token {
            // An object is no token: a rule for it would hide all that a refusal says.
            if let Ok(value) = rule.evaluate(&self.reader.context)
                && matches!(value.kind(), ValueKind::String | ValueKind::Number)
            {
                hide(&value, self.reader.redactor);
            }
        }
    }

    /// The first token that is a string with something in it; else what is wrong with what is
    /// there.
    fn find_token(&mut self) -> Result<String, NoToken> {
        let mut problem = NoToken::Missing;
        let rules = self.rules;
        for rule in &rules.token {
            let value = rule.evaluate(&self.reader.context).unwrap_or(Value::UNDEFINED);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String).map(str::trim);
            let found = match (text, value.kind()) {
                (Some(""), _) => Found::Empty,
                (Some(text), _) => Found::Token(text.chars().count()),
                (None, ValueKind::Undefined) => Found::Absent,
                (None, kind) => Found::NotAString(kind),
            };
            self.reader.trace.note("token", &rule.source, found);
            match text {
                Some("") => {}
                Some(text) => return Ok(text.to_owned()),
                None if matches!(value.kind(), ValueKind::Undefined | ValueKind::None) => {}
                None => problem = NoToken::NotAString,
            }
        }
        Err(problem)
    }

    /// Expiry, lifetime and scopes of a token that is there.
    fn token(
        &mut self,
        token: &str,
        expectations: &Expectations,
        fingerprints: &Fingerprints,
    ) -> Result<Issued, Failure> {
        self.reader.redactor.hide(token);
        if self.uses_token {
            self.reader.names.add("token", Value::from(token));
            self.reader.context = self.reader.names.value();
        }
        let expiry = self.expiry(token)?;
        let received = self.reader.response.received;
        let lifetime = match expiry {
            Expiry::At(end) => Some(unix_seconds(end) - unix_seconds(received)),
            Expiry::Never | Expiry::Unknown => None,
        };
        if let Some(lifetime) = lifetime {
            let minimum = expectations.min_lifetime.unwrap_or_default().as_secs_f64();
            if lifetime <= 0.0 {
                return Err(Failure::new(
                    Reason::Expired,
                    &format!("the token expired {} before it arrived", human_duration(-lifetime)),
                ));
            }
            if lifetime < minimum {
                let message = format!(
                    "the token lives {}, less than min_lifetime {}",
                    human_duration(lifetime),
                    human_duration(minimum)
                );
                return Err(Failure::new(Reason::Expired, &message));
            }
        }
        let missing = self.missing_scopes(&expectations.required_scopes);
        if !missing.is_empty() {
            let mut failure =
                Failure::new(Reason::Scope, &format!("not granted: {}", missing.join(" ")));
            failure.missing_scopes = missing.len();
            return Err(failure);
        }
        Ok(Issued { expiry, lifetime, fingerprint: fingerprints.of(token) })
    }

    fn expiry(&mut self, token: &str) -> Result<Expiry, Failure> {
        let rules = self.rules;
        if let Some(rule) = &rules.never {
            let never = rule.evaluate(&self.reader.context).is_ok_and(|value| value.is_true());
            self.reader.trace.note("never", &rule.source, Found::Truth(never));
            if never {
                return Ok(Expiry::Never);
            }
        }
        let received = self.reader.response.received;
        for (rule, unit) in &rules.expiry {
            let value = match rule.evaluate(&self.reader.context) {
                Ok(value) if value.is_undefined() || value.is_none() => {
                    self.reader.trace.note("expiry", &rule.source, Found::Absent);
                    continue;
                }
                // A token that is a number would be told as a time.
                Ok(value) if *unit != Unit::Jwt && value.to_string().trim() == token => {
                    Err("the token itself".into())
                }
                Ok(value) => ends_at(&value, *unit, received),
                Err(error) => Err(format!("nothing that can be worked out: {}", explain(&error))),
            };
            let found = match &value {
                Ok(at) => Found::End { at: *at, received, unit: *unit },
                Err(problem) => Found::NoEnd(*unit, problem.clone()),
            };
            self.reader.trace.note("expiry", &rule.source, found);
            return value.map(Expiry::At).map_err(|problem| {
                let message = format!("the expiry at `{}` is {problem}", rule.source);
                malformed("expiry_unreadable", &message)
            });
        }
        Ok(Expiry::Unknown)
    }

    /// The required scopes that the answer does not list. An answer that lists none grants what was
    /// asked for (RFC 6749, section 5.1).
    fn missing_scopes(&mut self, required: &[String]) -> Vec<String> {
        let rules = self.rules;
        let Some(rule) = &rules.scopes else { return Vec::new() };
        let value = rule.evaluate(&self.reader.context).unwrap_or(Value::UNDEFINED);
        let granted: Option<Vec<String>> = match value.kind() {
            ValueKind::String => Some(words(value.as_str().unwrap_or_default())),
            // A list of anything but texts is no list of scopes.
            ValueKind::Seq => value.try_iter().ok().and_then(|items| {
                let items: Option<Vec<Vec<String>>> =
                    items.map(|item| item.as_str().map(words)).collect();
                items.map(|items| items.concat())
            }),
            _ => None,
        };
        let missing = granted.as_ref().map(|granted| {
            required.iter().filter(|scope| !granted.contains(scope)).cloned().collect()
        });
        let found = granted.map_or(Found::NoScopes, Found::Scopes);
        self.reader.trace.note("scopes", &rule.source, found);
        missing.unwrap_or_default()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|character: char| character.is_whitespace() || character == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
