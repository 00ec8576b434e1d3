//! TOML documents read against the schema of the type they become, so that *every* fault is told
//! with its place, not only the first that a deserializer meets.
//!
//! One definition serves three ends: the serde type with its doc comments is the reader, its JSON
//! Schema is what `credwatch schema` prints, and the same schema drives the check here. What is
//! faulty is taken out of the tree, so that the rest can still be read and checked for meaning.

mod forms;

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::diagnostic::{Fault, Source, suggestion};
use crate::time::parse_duration;

pub use forms::{At, Expressions, Node, Ordered, Text};

/// The JSON Schema of `T`.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Json {
    schemars::schema_for!(T).to_value()
}

/// The key in a schema that marks a notation of our own: `duration` or `date`. The standard's
/// `format` has other ideas of both.
pub const MARK: &str = "x-credwatch";

/// The deepest that values may nest: the reader recurses.
const DEEPEST: usize = 64;

/// Reads `source` as a `T`, which must be able to be read from an empty document. `look` sees the
/// tree first.
///
/// All structural faults are returned: broken syntax, unknown keys, wrong types, missing keys.
pub fn read<T>(
    source: &Arc<Source>,
    schema: &LazyLock<Json>,
    look: impl FnOnce(&DeTable<'_>),
) -> (T, Vec<Fault>)
where
    T: DeserializeOwned + JsonSchema + Default,
{
    let (mut tree, errors) = DeTable::parse_recoverable(&source.text);
    // A tree recovered from broken syntax is good for nothing but more confusing messages, and so
    // are the faults that follow from the first one on the same line.
    if !errors.is_empty() {
        source.hide_values();
        let end = source.text.len();
        let mut faults: Vec<Fault> = errors
            .into_iter()
            .map(|error| {
                Fault::error(source, error.span().unwrap_or(end..end), syntax(error.message()))
            })
            .collect();
        faults.dedup_by_key(|fault| fault.position().0);
        return (T::default(), faults);
    }
    look(tree.get_ref());
    let root: &Json = schema;
    let mut check = Check { source, root, faults: Vec::new() };
    check.table(tree.get_mut(), root, &(0..0));
    let mut faults = check.faults;
    match T::deserialize(toml::de::Deserializer::from(tree)) {
        Ok(value) => (value, faults),
        Err(error) => {
            // The check above covers the schema; what a type refuses beyond it lands here.
            let end = source.text.len();
            faults.push(Fault::error(
                source,
                error.span().unwrap_or(end..end),
                without_values(error.message()),
            ));
            (T::default(), faults)
        }
    }
}

/// What the parser says, in one line, with the usual causes added.
fn syntax(message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join(", ");
    if message.contains("string values must be quoted") {
        return "a value is missing here, or a text without quotes".into();
    }
    if message.contains("duplicate key") {
        return format!(
            "{message}: it is given above already, also where `a.x = …` stands beside `a = {{ … }}`"
        );
    }
    if message.contains("escape") {
        return format!("{message}; a text in single quotes needs no escapes");
    }
    message
}

/// A message of the deserializer without what it quotes, which can be a secret.
fn without_values(message: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    for character in message.lines().next().unwrap_or_default().chars() {
        match (quote, character) {
            (None, '"' | '`') => {
                quote = Some(character);
                out.push('…');
            }
            (None, _) => out.push(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    format!("this value cannot be read: {out}")
}

/// How deep a value nests, without recursion.
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

struct Check<'a> {
    source: &'a Arc<Source>,
    root: &'a Json,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn fault(&mut self, span: Range<usize>, message: String) -> &mut Fault {
        self.faults.push(Fault::error(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }

    /// Follows `$ref` to the definition it names.
    fn resolve(&self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        while let Some(path) = schema.get("$ref").and_then(Json::as_str) {
            match self.root.pointer(path.trim_start_matches('#')) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// Checks every member, takes the faulty ones out, and tells the missing ones.
    fn table(&mut self, table: &mut DeTable<'_>, schema: &'a Json, place: &Range<usize>) {
        let schema = self.resolve(schema);
        let properties = schema.get("properties").and_then(Json::as_object);
        let additional = schema.get("additionalProperties");
        let mut bad: Vec<DeString<'_>> = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            let member = properties.and_then(|known| known.get(name));
            let member = match (member, additional) {
                (Some(member), _) => member,
                (None, Some(Json::Bool(false))) => {
                    let known: Vec<&str> =
                        properties.into_iter().flatten().map(|(known, _)| known.as_str()).collect();
                    let hint = suggestion(name, known.iter().copied());
                    self.fault(key.span(), format!("unknown key `{name}`")).hint = Some(hint);
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
                self.fault(place.clone(), format!("the key `{required}` is missing"));
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
            self.fault(key.clone(), format!("this is nested more than {DEEPEST} levels deep"));
            return false;
        }
        let schema = self.alternative(value.get_ref(), schema);
        if !self.accepts(schema, value.get_ref()) {
            let expected = self.expected(schema);
            let found = kind(value.get_ref());
            self.fault(value.span(), format!("expected {expected}, found {found}"));
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
                // A table of which a required key is missing cannot be read; one with less in it
                // can.
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
                        let span = item.span();
                        self.value(item, items, &span);
                    }
                }
                self.faults.len() == before
            }
            _ => true,
        }
    }

    /// The schemas that a value may fit, with alternatives inside alternatives spread out.
    fn branches(&self, schema: &'a Json) -> Vec<&'a Json> {
        let schema = self.resolve(schema);
        match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
            Some(branches) => branches.iter().flat_map(|branch| self.branches(branch)).collect(),
            None => vec![schema],
        }
    }

    /// Of several alternatives the one that the value was most likely meant as.
    fn alternative(&self, value: &DeValue<'_>, schema: &'a Json) -> &'a Json {
        let whole = self.resolve(schema);
        if whole.get("anyOf").or_else(|| whole.get("oneOf")).is_none() {
            return whole;
        }
        let branches = self.branches(schema);
        // Words that are told apart by their text are one choice, and stay together; it may be left
        // out.
        let is_null = |branch: &Json| branch.get("type").is_some_and(|kind| kind == "null");
        if branches.iter().all(|branch| branch.get("const").is_some() || is_null(branch)) {
            return whole;
        }
        let overlap =
            |branch: &Json| match (value, branch.get("properties").and_then(Json::as_object)) {
                (DeValue::Table(table), Some(known)) => {
                    table.keys().filter(|key| known.contains_key(key.get_ref().as_ref())).count()
                }
                _ => 0,
            };
        let fitting = branches
            .iter()
            .filter(|branch| self.accepts(branch, value))
            .max_by_key(|branch| (overlap(branch), branch.get("properties").is_some()));
        match (fitting, branches.as_slice()) {
            (Some(fitting), _) => fitting,
            // An optional value: what it is when it is there makes the better message.
            (None, [only, null] | [null, only]) if is_null(null) => only,
            _ => whole,
        }
    }

    /// Whether the kind of the value is one that the schema allows; its content is looked at
    /// elsewhere.
    fn accepts(&self, schema: &'a Json, value: &DeValue<'_>) -> bool {
        if schema.get("anyOf").or_else(|| schema.get("oneOf")).is_some() {
            return self.branches(schema).iter().any(|branch| accepts(branch, value));
        }
        accepts(schema, value)
    }

    /// What is wrong with a string beyond its being one: not in the list of words, or not a
    /// duration.
    fn string_fault(
        &self,
        value: &DeValue<'_>,
        schema: &'a Json,
    ) -> Option<(String, Option<String>)> {
        if let (Some(minimum), DeValue::Integer(number)) =
            (schema.get("minimum").and_then(Json::as_f64), value)
        {
            let number: f64 = number.as_str().replace('_', "").parse().unwrap_or(minimum);
            if number < minimum {
                return Some((
                    format!("expected a whole number of at least {minimum}, found {number}"),
                    None,
                ));
            }
            if number > f64::from(u32::MAX) {
                return Some((format!("expected a smaller number than {number}"), None));
            }
        }
        let text = value.as_str()?;
        if schema.get(MARK).is_some_and(|mark| mark == "duration") {
            return parse_duration(text).err().map(|message| (message, None));
        }
        let mut words = Vec::new();
        for branch in self.branches(schema) {
            words.extend(branch.get("const").and_then(Json::as_str));
            words.extend(
                branch
                    .get("enum")
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Json::as_str),
            );
        }
        if words.is_empty() || words.contains(&text) {
            return None;
        }
        Some((
            format!("{text:?} is not one of the words known here"),
            Some(suggestion(text, words.iter().copied())),
        ))
    }

    /// What the schema accepts, in words.
    fn expected(&self, schema: &'a Json) -> String {
        if schema.get("anyOf").or_else(|| schema.get("oneOf")).is_some() {
            let mut words: Vec<String> = Vec::new();
            for branch in self.branches(schema) {
                let word = self.expected(branch);
                if branch.get("type").is_none_or(|kind| kind != "null") && !words.contains(&word) {
                    words.push(word);
                }
            }
            return words.join(" or ");
        }
        match (schema.get(MARK).and_then(Json::as_str), types(schema).first().copied()) {
            (Some("duration"), _) => "a duration such as \"60s\"".into(),
            (Some("date"), _) => "a date without quotes, such as 2027-01-31".into(),
            (_, Some("object")) => {
                let keys: Vec<&str> = schema
                    .get("properties")
                    .and_then(Json::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| key.as_str())
                    .collect();
                match keys.as_slice() {
                    [] => "a table".into(),
                    [key] => format!("a table `{{ {key} = … }}`"),
                    many if many.len() > 6 => "a table".into(),
                    keys => format!("a table with {}", keys.join(", ")),
                }
            }
            (_, Some("string")) => "a string".into(),
            (_, Some("integer")) => "a whole number".into(),
            (_, Some("number")) => "a number".into(),
            (_, Some("boolean")) => "true or false".into(),
            (_, Some("array")) => "an array".into(),
            _ => "something else".into(),
        }
    }
}

fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(only)) => vec![only],
        Some(Json::Array(several)) => {
            several.iter().filter_map(Json::as_str).filter(|kind| *kind != "null").collect()
        }
        _ => match schema.get("const").or_else(|| schema.get("enum")) {
            Some(_) => vec!["string"],
            None => Vec::new(),
        },
    }
}

/// Whether the value is of one of the kinds that a schema without alternatives allows.
fn accepts(schema: &Json, value: &DeValue<'_>) -> bool {
    let types = types(schema);
    let date = schema.get(MARK).is_some_and(|mark| mark == "date");
    types.is_empty()
        || types.iter().any(|kind| match value {
            DeValue::String(_) => *kind == "string" && !date,
            DeValue::Datetime(_) => date,
            DeValue::Integer(_) => matches!(*kind, "integer" | "number"),
            DeValue::Float(_) => *kind == "number",
            DeValue::Boolean(_) => *kind == "boolean",
            DeValue::Array(_) => *kind == "array",
            DeValue::Table(_) => *kind == "object",
        })
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
