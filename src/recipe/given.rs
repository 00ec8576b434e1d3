//! What an answer gives to the calls after it.

use minijinja::Value;
use minijinja::value::ValueKind;

use super::reader::Reader;
use super::telling;
use super::trace::{Found, Given};
use super::values::hide;
use crate::language::answer;
use crate::language::scan::members;
use crate::outcome::{Failure, malformed};
use crate::secret::is_address;

impl<'r> Reader<'_, 'r> {
    /// Hides what the answer gives before any text of it is taken up, whatever its status and even
    /// where it cannot be read.
    pub fn hide_given(&mut self) {
        // What is no tree, or is shown as it is, has names and values all the same.
        if self.call.uses.contains("body") || self.trees.is_empty() {
            let rules = self.call.gives.iter().map(|(_, rule)| rule).chain(self.tokens);
            let names: Vec<&str> = rules
                .flat_map(|rule| members(&rule.source))
                .filter_map(telling::last_name)
                .collect();
            let body = String::from_utf8_lossy(&self.response.body);
            telling::hide_in_text(&body, &names, self.redactor);
            // Text in two bytes a letter is read as if every other were a zero.
            if body.contains('\0') {
                telling::hide_in_text(&body.replace('\0', ""), &names, self.redactor);
            }
        }
        let names = self.names.clone();
        for (name, rule) in &self.call.gives {
            let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
            if !value.as_str().is_some_and(is_address) {
                hide(&value, self.redactor);
            }
            self.names.add(name, value);
            self.context = self.names.value();
        }
        self.names = names;
        self.context = self.names.value();
    }

    /// What the answer gives to the calls after this one; all of it must be there.
    pub fn given(&mut self) -> Result<Vec<(String, Value)>, Failure> {
        let (given, missing) = self.give();
        match missing {
            None => Ok(given),
            Some(name) => {
                let body = answer::describe(&self.response.body);
                Err(malformed(
                    "value_missing",
                    &format!("the answer, {body}, does not give `{name}`"),
                ))
            }
        }
    }

    /// What the answer gives, as far as it is there.
    pub fn given_if_there(&mut self) -> Vec<(String, Value)> {
        self.give().0
    }

    /// What the answer gives, and the first value that it lacks.
    fn give(&mut self) -> (Vec<(String, Value)>, Option<&'r str>) {
        let (mut given, mut missing) = (Vec::new(), None);
        let call = self.call;
        for (name, rule) in &call.gives {
            let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
            let there = match value.kind() {
                ValueKind::String => value.as_str().is_some_and(|text| !text.trim().is_empty()),
                ValueKind::Number | ValueKind::Bool | ValueKind::Bytes => true,
                _ => false,
            };
            let found = match value.kind() {
                ValueKind::String if there => {
                    Given::Text(value.as_str().unwrap_or_default().chars().count())
                }
                ValueKind::Undefined => Given::Absent,
                kind if there => Given::Value(kind),
                kind => Given::Useless(kind),
            };
            self.trace.note("gives", &rule.source, Found::Given(name, found));
            if there {
                self.names.add(name, value.clone());
                self.context = self.names.value();
                given.push((name.clone(), value));
            } else {
                missing = missing.or(Some(name.as_str()));
            }
        }
        (given, missing)
    }
}
