//! Reads the ends of configured credentials from an answer.

use std::sync::Arc;

use minijinja::{ErrorKind, Value};

use super::call::EndPlace;
use super::definition::Absent;
use super::expiry::{created_at, credential_ends_at};
use super::reader::Reader;
use super::trace::Found;
use crate::language::expression::explain;
use crate::outcome::{CredentialEnd, Expiry, Failure, malformed};

impl<'r> Reader<'_, 'r> {
    /// What a successful answer says about the end of a configured credential.
    ///
    /// # Errors
    /// When a value is no time.
    pub fn credential_end(&mut self) -> Result<Option<CredentialEnd>, Failure> {
        let call = self.call;
        let rules = &call.rules.ends;
        let received = self.response.received;
        let (mut never, mut end, mut created) = (None, None, None);
        for place in &rules.expiry {
            let expiry = match self.value_at("credential_expiry", place) {
                None if place.absent == Absent::Never => Expiry::Never,
                None => continue,
                Some(value) => {
                    let expiry = value.and_then(|it| credential_ends_at(&it, place.unit, received));
                    self.note("credential_expiry", place, &expiry);
                    expiry.map_err(|problem| unreadable("end", place, &problem))?
                }
            };
            if let Expiry::At(_) = expiry {
                end = Some((place, expiry));
                break;
            }
            never = never.or(Some((place, expiry)));
        }
        for place in &rules.created {
            let Some(value) = self.value_at("credential_created", place) else { continue };
            let time = value.and_then(|it| created_at(&it, place.unit, received));
            let shown = time.clone().map(|time| time.map_or(Expiry::Never, Expiry::At));
            self.note("credential_created", place, &shown);
            created = time.map_err(|problem| unreadable("creation", place, &problem))?;
            if created.is_some() {
                break;
            }
        }
        let found = end.or(never);
        let place = found.map(|(place, _)| place).or(rules.created.first());
        let is_known = found.is_some() || created.is_some();
        Ok(place.filter(|_| is_known).map(|place| CredentialEnd {
            credential: Arc::clone(&place.credential),
            source: place.source,
            expiry: found.map_or(Expiry::Unknown, |(_, expiry)| expiry),
            created,
        }))
    }

    /// The value at a place; `None` when it, or a value that it needs, is absent.
    fn value_at(
        &mut self,
        key: &'static str,
        place: &'r EndPlace,
    ) -> Option<Result<Value, String>> {
        let value = match self.evaluate(&place.rule) {
            Ok(value) if !value.is_undefined() => return Some(Ok(value)),
            Err(error) if error.kind() != ErrorKind::UndefinedError => {
                Some(Err(format!("nothing that can be worked out: {}", explain(&error))))
            }
            Ok(_) | Err(_) => None,
        };
        if value.is_none() || self.lacks_a_member(&place.rule) {
            self.trace.note(key, &place.rule.source, Found::Absent);
            return None;
        }
        value
    }

    fn note(&mut self, key: &'static str, place: &'r EndPlace, expiry: &Result<Expiry, String>) {
        let (received, unit) = (self.response.received, place.unit);
        let found = match expiry {
            Ok(Expiry::At(at)) => Found::End { at: Some(*at), received, unit },
            Ok(_) => Found::NoTime,
            Err(problem) => Found::NoEnd(unit, problem.clone()),
        };
        self.trace.note(key, &place.rule.source, found);
    }
}

fn unreadable(what: &str, place: &EndPlace, problem: &str) -> Failure {
    let message = format!("the {what} of the credential at `{}` is {problem}", place.rule.source);
    malformed("credential_expiry_unreadable", &message)
}
