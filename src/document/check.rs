//! Checks a tree against a schema and finds every fault.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::schema::{MARK, Schemas};
use crate::diagnostic::{Fault, Sentence, Shown, Source, suggestion};
use crate::time::parse_duration;

/// The most faults of one file. The check ends there, and the file is not read any further.
pub const MOST_FAULTS: usize = 1_000;

/// The deepest nesting of values, because the reader recurses.
const DEEPEST: usize = 64;

/// Removes everything from a tree that the schema refuses, and returns the faults.
pub fn check(source: &Arc<Source>, schema: &Json, tree: &mut DeTable<'_>) -> Vec<Fault> {
    let mut check = Check { source, schemas: Schemas::new(schema), faults: Vec::new() };
    check.table(tree, schema, &(0..0));
    check.faults
}

struct Check<'a> {
    source: &'a Arc<Source>,
    schemas: Schemas<'a>,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn fault(&mut self, span: Range<usize>, message: impl Into<Sentence>) -> &mut Fault {
        self.faults.push(Fault::error(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }

    /// Checks every member, removes the faulty ones and reports the missing ones.
    fn table(&mut self, table: &mut DeTable<'_>, schema: &'a Json, place: &Range<usize>) {
        let schema = self.schemas.resolve(schema);
        let properties = schema.get("properties").and_then(Json::as_object);
        let additional = schema.get("additionalProperties");
        let mut bad: Vec<DeString<'_>> = Vec::new();
        for (key, value) in table.iter_mut() {
            if self.faults.len() >= MOST_FAULTS {
                return;
            }
            let name: &str = key.get_ref();
            let member = properties.and_then(|known| known.get(name));
            let member = match (member, additional) {
                (Some(member), _) => member,
                (None, Some(Json::Bool(false))) => {
                    let known: Vec<&str> =
                        properties.into_iter().flatten().map(|(known, _)| known.as_str()).collect();
                    let hint = suggestion(name, known.iter().copied());
                    let shown = Shown::near(name, known.iter().copied())
                        .or_else(|| self.schemas.has_key(name).then(|| Shown::name(name)));
                    let problem = Sentence::naming("unknown key `{}`", shown, "unknown key");
                    self.fault(key.span(), problem).hint = Some(hint);
                    bad.push(key.get_ref().clone());
                    continue;
                }
                (None, Some(member)) if member.is_object() => member,
                (None, _) => continue,
            };
            let span = key.span();
            if !self.value(value, member, &span) {
                bad.push(key.get_ref().clone());
            }
        }
        for required in schema.get("required").and_then(Json::as_array).into_iter().flatten() {
            let required = required.as_str().unwrap_or_default();
            if !table.contains_key(required) {
                let problem = Sentence::fill("the key `{}` is missing", [Shown::name(required)]);
                self.fault(place.clone(), problem);
            }
        }
        for key in bad {
            table.remove(key.as_ref());
        }
    }

    /// Checks one value; `false` when it cannot be kept.
    fn value(
        &mut self,
        value: &mut Spanned<DeValue<'_>>,
        schema: &'a Json,
        key: &Range<usize>,
    ) -> bool {
        if schema.get("properties").is_none() && depth(value.get_ref()) > DEEPEST {
            let problem =
                Sentence::fill("this is nested more than {} levels deep", [DEEPEST.into()]);
            self.fault(key.clone(), problem);
            return false;
        }
        let schema = self.schemas.alternative(value.get_ref(), schema);
        if !self.schemas.accepts(schema, value.get_ref()) {
            let expected = self.schemas.expected(schema);
            let found = kind(value.get_ref());
            let problem = Sentence::fill(
                "expected {}, found {}",
                [Shown::outside_of_files(expected), found.into()],
            );
            self.fault(value.span(), problem);
            return false;
        }
        if let Some(fault) = self.string_fault(value.get_ref(), schema) {
            let hint = fault.1;
            self.fault(value.span(), fault.0).hint = hint;
            return false;
        }
        let before = self.faults.len();
        match value.get_mut() {
            DeValue::Table(table) => {
                self.table(table, schema, key);
                // The type cannot read a table without a required key.
                let missing =
                    schema.get("required").and_then(Json::as_array).is_some_and(|required| {
                        required
                            .iter()
                            .any(|name| !table.contains_key(name.as_str().unwrap_or_default()))
                    });
                !missing
            }
            DeValue::Array(array) => {
                if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
                    for item in array.iter_mut() {
                        if self.faults.len() >= MOST_FAULTS {
                            break;
                        }
                        let span = item.span();
                        self.value(item, items, &span);
                    }
                }
                self.faults.len() == before
            }
            _ => true,
        }
    }

    /// What is wrong with the content of a string or number, and a hint: an unknown word, an
    /// invalid duration, a number out of range.
    fn string_fault(
        &self,
        value: &DeValue<'_>,
        schema: &'a Json,
    ) -> Option<(Sentence, Option<Sentence>)> {
        if let (Some(minimum), DeValue::Integer(number)) =
            (schema.get("minimum").and_then(Json::as_f64), value)
        {
            let number: f64 = number.as_str().replace('_', "").parse().unwrap_or(minimum);
            if number < minimum {
                let minimum = Shown::outside_of_files(minimum);
                return Some((
                    Sentence::fill("expected a whole number of at least {}", [minimum]),
                    None,
                ));
            }
            if number > f64::from(u32::MAX) {
                return Some(("expected a smaller number".into(), None));
            }
        }
        let text = value.as_str()?;
        if schema.get(MARK).is_some_and(|mark| mark == "duration") {
            let problem = "this is not a duration: write a number and a unit, such as \"90s\", \
                           \"5m\", \"1h30m\" or \"500ms\"";
            return parse_duration(text).err().map(|_| (problem.into(), None));
        }
        let words = self.schemas.words(schema);
        if words.is_empty() || words.contains(&text) {
            return None;
        }
        let shown = Shown::near(text, words.iter().copied());
        Some((
            Sentence::naming(
                "\"{}\" is not one of the words known here",
                shown,
                "this is not one of the words known here",
            ),
            Some(suggestion(text, words.iter().copied())),
        ))
    }
}

/// The depth of a value, computed without recursion.
fn depth(value: &DeValue<'_>) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1)];
    while let Some((value, level)) = open.pop() {
        deepest = deepest.max(level);
        match value {
            DeValue::Table(table) => {
                open.extend(table.values().map(|value| (value.get_ref(), level + 1)));
            }
            DeValue::Array(array) => {
                open.extend(array.iter().map(|value| (value.get_ref(), level + 1)));
            }
            _ => {}
        }
    }
    deepest
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
