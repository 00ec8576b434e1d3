//! Reads the ends of configured credentials from an answer.

use std::sync::Arc;

use jiff::Timestamp;
use minijinja::{ErrorKind, Value};

use super::call::EndPlace;
use super::definition::Absent;
use super::expiry::{created_at, credential_ends_at};
use super::reader::Reader;
use super::trace::Found;
use crate::language::expression::explain;
use crate::outcome::{CredentialEnd, Expiry, Failure, malformed};

impl<'r> Reader<'_, 'r> {
    /// What a successful answer says about the ends of the configured credentials: one end for each
    /// credential and source. The first time that is found counts.
    ///
    /// # Errors
    /// When a value is no time.
    pub fn credential_ends(&mut self) -> Result<Vec<CredentialEnd>, Failure> {
        let rules = &self.call.rules.ends;
        let mut ends: Vec<CredentialEnd> = Vec::new();
        for place in &rules.expiry {
            let is_same = |end: &CredentialEnd| {
                end.credential == place.credential && end.source == place.source
            };
            let known = ends.iter().position(is_same);
            if known.is_some_and(|known| matches!(ends[known].expiry, Expiry::At(_))) {
                continue;
            }
            let Some(expiry) = self.end_at(place)? else { continue };
            match known {
                None => ends.push(place.end(expiry, None)),
                Some(known) => ends[known].expiry = expiry,
            }
        }
        for place in &rules.created {
            let is_same = |end: &&mut CredentialEnd| end.credential == place.credential;
            if ends.iter_mut().filter(is_same).any(|end| end.created.is_some()) {
                continue;
            }
            let created = self.created_at(place)?;
            if created.is_none() {
                continue;
            }
            let mut is_known = false;
            for end in ends.iter_mut().filter(is_same) {
                (end.created, is_known) = (created, true);
            }
            if !is_known {
                ends.push(place.end(Expiry::Unknown, created));
            }
        }
        Ok(ends)
    }

    /// The end at a place; `None` when the answer says nothing there.
    fn end_at(&mut self, place: &'r EndPlace) -> Result<Option<Expiry>, Failure> {
        const KEY: &str = "credential_expiry";
        let Some(value) = self.value_at(KEY, place) else {
            // An answer that is accepted although it is a refusal says nothing by what it lacks.
            let is_never = place.absent == Absent::Never && self.has_fine_status();
            return Ok(is_never.then_some(Expiry::Never));
        };
        let expiry =
            value.and_then(|it| credential_ends_at(&it, place.unit, self.response.received));
        self.note(KEY, place, &expiry);
        expiry.map(Some).map_err(|problem| unreadable("end", place, &problem))
    }

    /// The time of creation at a place; `None` when the answer says nothing there.
    fn created_at(&mut self, place: &'r EndPlace) -> Result<Option<Timestamp>, Failure> {
        const KEY: &str = "credential_created";
        let Some(value) = self.value_at(KEY, place) else { return Ok(None) };
        let time = value.and_then(|it| created_at(&it, place.unit, self.response.received));
        let shown = time.clone().map(|time| time.map_or(Expiry::Never, Expiry::At));
        self.note(KEY, place, &shown);
        time.map_err(|problem| unreadable("creation", place, &problem))
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

impl EndPlace {
    fn end(&self, expiry: Expiry, created: Option<Timestamp>) -> CredentialEnd {
        let credential = Arc::clone(&self.credential);
        CredentialEnd { credential, source: self.source, expiry, created }
    }
}

fn unreadable(what: &str, place: &EndPlace, problem: &str) -> Failure {
    let message = format!("the {what} of the credential at `{}` is {problem}", place.rule.source);
    malformed("credential_expiry_unreadable", &message)
}
