//! Checks a tree against a schema and finds every fault.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::schema::{Additional, Form, Id, Part, Schema};
use crate::diagnostic::{Fault, Sentence, Shown, Source, nearest, suggestion};
use crate::time::parse_duration;

/// The most faults of one file. The check ends there, and the file is not read any further.
pub const MOST_FAULTS: usize = 1_000;

/// The deepest nesting of values, because the reader recurses.
const DEEPEST: usize = 64;

/// Removes everything from a tree that the schema refuses, and returns the faults.
pub fn check(source: &Arc<Source>, schema: &Schema, tree: &mut DeTable<'_>) -> Vec<Fault> {
    let mut check = Check { source, schema, faults: Vec::new() };
    check.table(tree, schema.root(), &(0..0), false);
    check.faults
}

struct Check<'a> {
    source: &'a Arc<Source>,
    schema: &'a Schema,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, span: Range<usize>, message: impl Into<Sentence>) -> &mut Fault {
        self.faults.push(Fault::error(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }

    /// Checks every member, removes the faulty ones and reports the missing ones. `flat` says that
    /// the nesting is known to be in bounds.
    fn table(&mut self, table: &mut DeTable<'_>, part: &Part, place: &Range<usize>, flat: bool) {
        let mut bad: Vec<DeString<'_>> = Vec::new();
        for (key, value) in table.iter_mut() {
            if self.faults.len() >= MOST_FAULTS {
                return;
            }
            let member = match (part.property(key.get_ref()), part.additional) {
                (Some(member), _) | (None, Additional::Of(member)) => member,
                (None, Additional::Nothing) => {
                    self.unknown(key, part);
                    bad.push(key.get_ref().clone());
                    continue;
                }
                (None, Additional::Any | Additional::Unsaid) => continue,
            };
            let span = key.span();
            if !self.value(value, member, &span, flat) {
                bad.push(key.get_ref().clone());
            }
        }
        for required in &part.required {
            if !table.contains_key(required.as_str()) {
                let problem = Sentence::fill("the key `{}` is missing", [Shown::name(required)]);
                self.fault(place.clone(), problem);
            }
        }
        for key in bad {
            table.remove(key.as_ref());
        }
    }

    fn unknown(&mut self, key: &Spanned<DeString<'_>>, part: &Part) {
        let name: &str = key.get_ref();
        let known: Vec<&str> = part.names().collect();
        let hint = self.hint(name, part, &known);
        let shown = Shown::near(name, known)
            .or_else(|| self.schema.keys().contains(name).then(|| Shown::name(name)));
        let problem = Sentence::naming("unknown key `{}`", shown, "unknown key");
        self.fault(key.span(), problem).hint = Some(hint);
    }

    /// Where an unknown key belongs, or which keys this table has.
    fn hint(&self, name: &str, part: &Part, known: &[&str]) -> Sentence {
        let here = suggestion(name, known.iter().copied());
        if nearest(name, known.iter().copied()).is_some() {
            return here;
        }
        if self.schema.has_top_key(name) {
            return "it is a key of the whole file: move it above the first [table]".into();
        }
        let tables = self.schema.tables_with(name);
        if !tables.is_empty() {
            let tables = Shown::outside_of_files(tables.join(" or "));
            return Sentence::fill("it is a key of {}: move it there", [tables]);
        }
        if part.property("labels").is_some() {
            let here = Shown::outside_of_files(here);
            return Sentence::fill("your own labels go into `labels = { … }`; {}", [here]);
        }
        here
    }

    /// Checks one value; `false` when it cannot be kept.
    fn value(
        &mut self,
        value: &mut Spanned<DeValue<'_>>,
        id: Id,
        key: &Range<usize>,
        flat: bool,
    ) -> bool {
        if !flat && depth(value.get_ref()) > DEEPEST {
            let problem =
                Sentence::fill("this is nested more than {} levels deep", [DEEPEST.into()]);
            self.fault(key.clone(), problem);
            return false;
        }
        let schema = self.schema;
        let part = schema.alternative(value.get_ref(), schema.part(id));
        if !schema.accepts(part, value.get_ref()) {
            let found = kind(value.get_ref());
            let problem = Sentence::fill(
                "expected {}, found {}",
                [Shown::outside_of_files(schema.expected(part)), found.into()],
            );
            self.fault(value.span(), problem);
            return false;
        }
        if let Some((problem, hint)) = scalar_fault(value.get_ref(), part) {
            self.fault(value.span(), problem).hint = hint;
            return false;
        }
        let before = self.faults.len();
        match value.get_mut() {
            DeValue::Table(table) => {
                self.table(table, part, key, true);
                // The type cannot read a table without a required key.
                part.required.iter().all(|name| table.contains_key(name.as_str()))
            }
            DeValue::Array(array) => {
                if let Some(items) = part.items {
                    for item in array.iter_mut() {
                        if self.faults.len() >= MOST_FAULTS {
                            break;
                        }
                        let span = item.span();
                        self.value(item, items, &span, true);
                    }
                }
                self.faults.len() == before
            }
            _ => true,
        }
    }
}

/// What is wrong with the content of a string or number, and a hint: an unknown word, an invalid
/// duration, a number out of range.
fn scalar_fault(value: &DeValue<'_>, part: &Part) -> Option<(Sentence, Option<Sentence>)> {
    if let (Some(minimum), DeValue::Integer(number)) = (part.minimum, value) {
        let number: f64 = number.as_str().replace('_', "").parse().unwrap_or(minimum);
        if number < minimum {
            let minimum = Shown::outside_of_files(minimum);
            let problem = Sentence::fill("expected a whole number of at least {}", [minimum]);
            return Some((problem, None));
        }
        if number > f64::from(u32::MAX) {
            return Some(("expected a smaller number".into(), None));
        }
    }
    let text = value.as_str()?;
    if part.form == Some(Form::Duration) {
        let problem = "this is not a duration: write a number and a unit, such as \"90s\", \
                       \"5m\", \"1h30m\" or \"500ms\"";
        return parse_duration(text).err().map(|_| (problem.into(), None));
    }
    if part.words.is_empty() || part.words.iter().any(|word| word == text) {
        return None;
    }
    let words = part.words.iter().map(String::as_str);
    let problem = Sentence::naming(
        "\"{}\" is not one of the words known here",
        Shown::near(text, words.clone()),
        "this is not one of the words known here",
    );
    Some((problem, Some(suggestion(text, words))))
}

/// The depth of a value, computed without recursion.
fn depth(value: &DeValue<'_>) -> usize {
    if !matches!(value, DeValue::Table(_) | DeValue::Array(_)) {
        return 1;
    }
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
