//! Reads the answer to the token request: the token, its expiry and its scopes.

use std::time::Duration;

use jiff::Timestamp;
use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};

use super::call::{Recipe, TokenRules};
use super::definition::Unit;
use super::expiry::{ends_at, is_absent};
use super::fingerprint::Fingerprints;
use super::held::own_end;
use super::list::ListReading;
use super::reader::{Reader, TokenResponse};
use super::refusal::NoToken;
use super::retry::{LARGEST_SKEW, clock_skew, clocks_differ};
use super::trace::{Found, Trace};
use super::values::Values;
use crate::language::charset::UNREADABLE;
use crate::language::context::Context;
use crate::language::expression::{Compiled, explain};
use crate::language::names::Secrecy;
use crate::language::taint::paths;
use crate::outcome::{Expiry, Failure, Issued, Outcome, Reason, malformed};
use crate::secret::Redactor;
use crate::time::{human_duration, unix_seconds};

/// The most bytes of an answer that is read plainly first. Another reading may have to follow.
const LARGEST_PLAIN: usize = 16 * 1024;

/// The requirements of one provider for an issued token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectations {
    /// Scopes that must be granted.
    pub required_scopes: Vec<String>,
    /// The shortest acceptable lifetime.
    pub min_lifetime: Option<Duration>,
}

impl Recipe {
    /// The token that an answer plainly issues: without an input of the attempt, and without a text
    /// that would be shown. `None` when the answer is anything else, or when only a whole reading
    /// can tell; [`Self::read`] then tells what it is.
    #[must_use]
    pub fn plainly_issued(
        &self,
        response: &TokenResponse,
        expectations: &Expectations,
        fingerprints: &Fingerprints,
    ) -> Option<Issued> {
        if !self.main.reads_only_members || response.body.len() > LARGEST_PLAIN {
            return None;
        }
        let (rules, mut trace) = (&self.reading, Trace::default());
        let mut secrets = Redactor::default();
        let known = (Context::default(), &mut secrets);
        let mut reader = Reader::of(&self.main, &rules.token, known, response, &mut trace);
        reader.accept().ok()?;
        let token = reader.find_token().ok()?;
        reader.token(&token, rules, expectations, fingerprints).ok()
    }

    /// Reads the answer to the token request. Afterwards the redactor of `values` knows the token.
    /// `values` keep the token itself only with `keep`, or when the cleanup needs it.
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
        let rules = &self.reading;
        let mut reader = Reader::new(&self.main, &rules.token, values, response, trace);
        let token = reader
            .accept()
            .and_then(|()| reader.find_token().map_err(|problem| reader.refused(Some(problem))));
        let token = match token {
            Ok(token) => token,
            Err(failure) => return Outcome::Failed(failure),
        };
        reader.redactor.hide(&token);
        let (given, _) = reader.given();
        let outcome = reader.token(&token, rules, expectations, fingerprints);
        let outcome = outcome.and_then(|issued| Ok((issued, reader.credential_ends()?)));
        if keep || !self.cleanup.is_empty() {
            values.give("token", token.into());
            for (name, rule, value) in given {
                values.give_found(name, rule, value);
            }
        }
        match outcome {
            Ok((issued, ends)) => {
                values.add_ends(ends);
                Outcome::Issued(issued)
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }
}

impl Recipe {
    /// Reads the answer to the read that presents a static credential, and the first page of its
    /// list if that is wanted.
    #[must_use]
    pub fn read_static<'r>(
        &'r self,
        values: &mut Values,
        response: &TokenResponse,
        expectations: &Expectations,
        list: Option<&mut ListReading<'_>>,
        trace: &mut Trace<'r>,
    ) -> Outcome {
        let mut reader = Reader::new(&self.main, &[], values, response, trace);
        if let Err(failure) = reader.accept() {
            return Outcome::Failed(failure);
        }
        // The cleanup needs them, also when a scope is missing.
        let given = if self.cleanup.is_empty() { Vec::new() } else { reader.given().0 };
        let ends = reader
            .check_scopes(&self.reading, &expectations.required_scopes)
            .and_then(|()| reader.credential_ends());
        if let (Some(list), Ok(_)) = (list, &ends) {
            list.read(&reader);
        }
        for (name, rule, value) in given {
            values.give_found(name, rule, value);
        }
        match ends {
            Ok(ends) => {
                values.add_ends(ends);
                Outcome::Accepted
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }
}

impl<'r> Reader<'_, 'r> {
    /// The first token that is a string and not blank; otherwise why there is none.
    fn find_token(&mut self) -> Result<String, NoToken> {
        let mut problem = NoToken::Missing;
        for rule in self.tokens {
            let value = self.found(rule);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String).map(str::trim);
            let is_computed = rule.secrecy != Secrecy::Whole;
            let found = match (text, value.kind()) {
                (Some(""), _) if is_computed => Found::Absent,
                (Some(""), _) => Found::Empty,
                (_, ValueKind::Undefined | ValueKind::None) if is_computed => Found::Absent,
                _ if is_computed => Found::Computed,
                (Some(_), _) => Found::Token,
                (None, ValueKind::Undefined) => Found::Absent,
                (None, kind) => Found::NotAString(kind),
            };
            self.trace.note("token", &rule.source, found);
            match text {
                Some("") => {}
                Some(text) if text.contains(UNREADABLE) => problem = NoToken::Damaged,
                Some(text) => return Ok(text.to_owned()),
                None if matches!(value.kind(), ValueKind::Undefined | ValueKind::None) => {}
                None => problem = NoToken::NotAString,
            }
        }
        Err(problem)
    }

    /// Checks expiry, lifetime and scopes of a token.
    fn token(
        &mut self,
        token: &str,
        rules: &'r TokenRules,
        expectations: &Expectations,
        fingerprints: &Fingerprints,
    ) -> Result<Issued, Failure> {
        if self.call.uses.contains("token") {
            self.names.add("token", Value::from(token));
        }
        let (mut expiry, mut unit) = self.expiry(token, rules)?;
        let received = self.response.received;
        let own = own_end(token, received);
        let disagreement = own.and_then(|own| self.disagreement(own, expiry, unit));
        // The end in the token is all that there is.
        if let (Expiry::Unknown, Some(at)) = (expiry, own) {
            (expiry, unit) = (Expiry::At(at), Some(Unit::Jwt));
            let found = Found::End { at: own, received, unit: Unit::Jwt };
            self.trace.note("expiry", "token", found);
        }
        let lifetime = expiry.time().map(|end| unix_seconds(end) - unix_seconds(received));
        if let Some(lifetime) = lifetime {
            let minimum = expectations.min_lifetime.unwrap_or_default().as_secs_f64();
            let is_short = |lifetime: f64| lifetime <= 0.0 || lifetime < minimum;
            if is_short(lifetime)
                && unit.is_some_and(|unit| !unit.is_duration())
                && let Some(skew) = clock_skew(&self.response.headers, received)
                && -skew > LARGEST_SKEW
                && !is_short(lifetime - skew)
            {
                let message =
                    format!("{}, so the token seems to end too soon", clocks_differ(skew));
                return Err(Failure::new(Reason::Local, &message));
            }
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
        self.check_scopes(rules, &expectations.required_scopes)?;
        Ok(Issued { expiry, lifetime, disagreement, fingerprint: fingerprints.of(token) })
    }

    /// The token's own end minus that in the answer, in seconds, by the provider's clock; `None`
    /// where the answer tells none.
    fn disagreement(&self, own: Timestamp, said: Expiry, unit: Option<Unit>) -> Option<f64> {
        let said = said.time().filter(|_| unit != Some(Unit::Jwt))?;
        let seconds = unix_seconds(own) - unix_seconds(said);
        // A duration counts from our clock on, and the token's end is a time of the provider's.
        let counts = unit.is_some_and(Unit::is_duration) && seconds.abs() > Issued::AGREE;
        let skew = counts.then(|| clock_skew(&self.response.headers, self.response.received));
        Some(seconds - skew.flatten().unwrap_or_default())
    }

    /// When the token expires, and the unit of the value that says so.
    fn expiry(
        &mut self,
        token: &str,
        rules: &'r TokenRules,
    ) -> Result<(Expiry, Option<Unit>), Failure> {
        if let Some(rule) = &rules.never {
            let never = self.value(rule).is_true();
            self.trace.note("never", &rule.source, Found::Truth(never));
            if never {
                return Ok((Expiry::Never, None));
            }
        }
        let received = self.response.received;
        for (rule, unit) in &rules.expiry {
            let value = match self.evaluate(rule) {
                Ok(value) if is_absent(&value) => {
                    self.trace.note("expiry", &rule.source, Found::Absent);
                    continue;
                }
                // A numeric token would be shown as a time.
                Ok(value) if *unit != Unit::Jwt && value.to_string().trim() == token => {
                    Err("the token itself".into())
                }
                Ok(value) => ends_at(&value, *unit, received),
                Err(error) if error.kind() == ErrorKind::UndefinedError => {
                    self.trace.note("expiry", &rule.source, Found::Absent);
                    continue;
                }
                Err(error) => Err(format!("nothing that can be worked out: {}", explain(&error))),
            };
            if value.is_err() && self.lacks_a_member(rule) {
                self.trace.note("expiry", &rule.source, Found::Absent);
                continue;
            }
            let found = match &value {
                Ok(Expiry::At(at)) => Found::End { at: Some(*at), received, unit: *unit },
                Ok(_) => Found::End { at: None, received, unit: *unit },
                Err(problem) => Found::NoEnd(*unit, problem.clone()),
            };
            self.trace.note("expiry", &rule.source, found);
            return value.map(|expiry| (expiry, Some(*unit))).map_err(|problem| {
                let message = format!("the expiry at `{}` is {problem}", rule.source);
                malformed("expiry_unreadable", &message)
            });
        }
        Ok((Expiry::Unknown, None))
    }

    /// Whether a rule uses a member that the answer does not have.
    pub fn lacks_a_member(&self, rule: &Compiled) -> bool {
        let names = self.names.value();
        let member = |path: &Vec<String>| {
            path.iter().try_fold(names.clone(), |value, name| {
                let item = name.parse::<usize>().map_or_else(|_| Value::from(name), Value::from);
                value.get_item(&item)
            })
        };
        paths(&rule.source).iter().any(|path| member(path).is_ok_and(|value| is_absent(&value)))
    }

    /// Checks that the answer grants the required scopes. An answer without a list grants the
    /// requested scopes (RFC 6749, section 5.1).
    fn check_scopes(&mut self, rules: &'r TokenRules, required: &[String]) -> Result<(), Failure> {
        let Some(rule) = &rules.scopes else { return Ok(()) };
        let value = self.shown(rule);
        let Some(granted) = scopes(&value) else {
            self.trace.note("scopes", &rule.source, Found::NoScopes);
            return if required.is_empty() || is_absent(&value) {
                Ok(())
            } else {
                let message = "the scopes are neither a text nor a list of texts";
                Err(malformed("scopes_unreadable", message))
            };
        };
        let missing: Vec<&str> =
            required.iter().filter(|scope| !granted.contains(scope)).map(String::as_str).collect();
        self.trace.note("scopes", &rule.source, Found::Scopes(granted));
        if missing.is_empty() {
            return Ok(());
        }
        let message = match missing[..] {
            [scope] => format!("lacks the scope {scope}"),
            _ => format!("lacks the scopes {}", missing.join(" ")),
        };
        Err(Failure { missing_scopes: missing.len(), ..Failure::new(Reason::Scope, &message) })
    }
}

/// The scopes in a text, or in a list of texts. Absent items count as left out.
fn scopes(value: &Value) -> Option<Vec<String>> {
    match value.kind() {
        ValueKind::String => value.as_str().map(words),
        ValueKind::Seq => {
            let items = value.try_iter().ok()?.filter(|item| !is_absent(item));
            let items: Option<Vec<Vec<String>>> =
                items.map(|item| item.as_str().map(words)).collect();
            items.map(|items| items.concat())
        }
        _ => None,
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|character: char| character.is_whitespace() || character == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
