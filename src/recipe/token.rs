//! What the answer to the token request tells beyond its being a success: the token, how long it
//! lives, what it is good for.

use std::time::Duration;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::call::{Recipe, TokenRules};
use super::definition::Unit;
use super::expiry::ends_at;
use super::fingerprint::Fingerprints;
use super::response::Reader;
use super::response::TokenResponse;
use super::trace::Trace;
use super::values::{Values, hide};
use crate::language::expression::explain;
use crate::outcome::{Expiry, Failure, Issued, Message, Outcome, Reason, malformed};
use crate::secret::HIDDEN;
use crate::time::{human_duration, unix_seconds};

/// What one provider expects of a token beyond its being issued.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectations {
    /// Scopes that must be granted.
    pub required_scopes: Vec<String>,
    /// The shortest lifetime that is of use.
    pub min_lifetime: Option<Duration>,
}

struct TokenReader<'a> {
    reader: Reader<'a>,
    rules: &'a TokenRules,
    uses_token: bool,
}

impl Recipe {
    /// Reads the answer to the token request. The redactor of `values` knows the token afterwards;
    /// the token itself is kept there only when `keep` says that a later call needs it.
    #[must_use]
    pub fn read(
        &self,
        values: &mut Values,
        response: &TokenResponse,
        expectations: &Expectations,
        fingerprints: &Fingerprints,
        keep: bool,
        trace: &mut Trace,
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

impl TokenReader<'_> {
    /// Hides everything that is or could be a token before any text of the answer is taken up: what
    /// the token rules find, whatever the status.
    fn hide_tokens(&mut self) {
        for rule in &self.rules.token {
            if let Ok(value) = rule.evaluate(&self.reader.context) {
                hide(&value, self.reader.redactor);
            }
        }
    }

    /// The first token that is a string with something in it; else what is wrong with what is
    /// there.
    fn find_token(&mut self) -> Result<String, &'static str> {
        let mut problem = "token_missing";
        for rule in &self.rules.token {
            let value = rule.evaluate(&self.reader.context).unwrap_or(Value::UNDEFINED);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String).map(str::trim);
            self.reader.trace.note("token", &rule.source, || match (&text, value.kind()) {
                (Some(""), _) => "an empty string".into(),
                (Some(text), _) => {
                    format!("a string of {} characters {HIDDEN}", text.chars().count())
                }
                (None, ValueKind::Undefined) => "absent".into(),
                (None, kind) => format!("a {kind}, not a string"),
            });
            match text {
                Some("") => {}
                Some(text) => return Ok(text.to_owned()),
                None if matches!(value.kind(), ValueKind::Undefined | ValueKind::None) => {}
                None => problem = "token_not_a_string",
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
            self.reader.trace.note("never", &rule.source, || never.to_string());
            if never {
                return Ok(Expiry::Never);
            }
        }
        let received = self.reader.response.received;
        for (rule, unit) in &rules.expiry {
            let value = match rule.evaluate(&self.reader.context) {
                Ok(value) if value.is_undefined() || value.is_none() => {
                    self.reader.trace.note("expiry", &rule.source, || "absent".into());
                    continue;
                }
                // A token that is a number would be told as a time.
                Ok(value) if *unit != Unit::Jwt && value.to_string().trim() == token => {
                    Err("the token itself".into())
                }
                Ok(value) => ends_at(&value, *unit, received),
                Err(error) => Err(format!("nothing that can be worked out: {}", explain(&error))),
            };
            self.reader.trace.note("expiry", &rule.source, || match &value {
                Ok(end) => format!(
                    "{} ({}, {} from now)",
                    end.strftime("%Y-%m-%d %H:%M:%S UTC"),
                    unit.word(),
                    human_duration(unix_seconds(*end) - unix_seconds(received))
                ),
                Err(problem) => format!("{problem} ({})", unit.word()),
            });
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
        let Some(rule) = &self.rules.scopes else { return Vec::new() };
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
        self.reader.trace.note("scopes", &rule.source, || match &granted {
            Some(granted) => format!(
                "{} granted: {}",
                granted.len(),
                Message::clean(&self.reader.redactor.scrub(&granted.join(" "))).as_str()
            ),
            None => "not listed, so as requested".into(),
        });
        let Some(granted) = granted else { return Vec::new() };
        required.iter().filter(|scope| !granted.contains(scope)).cloned().collect()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|character: char| character.is_whitespace() || character == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
