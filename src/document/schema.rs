//! Questions to a JSON Schema: which alternative fits a value, and what it expects, in words.

use schemars::JsonSchema;
use serde_json::Value as Json;
use toml::de::DeValue;

/// The JSON Schema of `T`.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Json {
    schemars::schema_for!(T).to_value()
}

/// The key in a schema that says which form a text has: `duration`, `date`, `path`, `name` or
/// `address`. The standard key `format` has none of these forms.
pub const MARK: &str = "x-credwatch";

/// A schema with the definitions for its references.
#[derive(Clone, Copy)]
pub struct Schemas<'a> {
    root: &'a Json,
}

impl<'a> Schemas<'a> {
    /// The definitions of a whole schema.
    pub fn new(root: &'a Json) -> Self {
        Self { root }
    }

    /// Follows `$ref` to the definition it names.
    pub fn resolve(self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        while let Some(path) = schema.get("$ref").and_then(Json::as_str) {
            match self.root.pointer(path.trim_start_matches('#')) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// All alternatives of a schema, also those inside alternatives.
    pub fn branches(self, schema: &'a Json) -> Vec<&'a Json> {
        let schema = self.resolve(schema);
        match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
            Some(branches) => branches.iter().flat_map(|branch| self.branches(branch)).collect(),
            None => vec![schema],
        }
    }

    /// The alternative that the author of the value most likely meant.
    pub fn alternative(self, value: &DeValue<'_>, schema: &'a Json) -> &'a Json {
        let whole = self.resolve(schema);
        if whole.get("anyOf").or_else(|| whole.get("oneOf")).is_none() {
            return whole;
        }
        let branches = self.branches(schema);
        // A list of words, with or without null, is one choice.
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
            // For an optional value the message names the type of the value.
            (None, [only, null] | [null, only]) if is_null(null) => only,
            _ => whole,
        }
    }

    /// Whether any part of the format has this key.
    pub fn has_key(self, name: &str) -> bool {
        keys(self.root).any(|key| key == name)
    }

    /// The words of a closed choice; none when any text is allowed.
    pub fn words<'s>(self, schema: &'s Json) -> Vec<&'s str>
    where
        'a: 's,
    {
        let mut words = Vec::new();
        for branch in self.branches(schema) {
            let listed = branch.get("enum").and_then(Json::as_array).into_iter().flatten();
            words.extend(listed.chain(branch.get("const")).filter_map(Json::as_str));
        }
        words
    }

    /// Whether the schema allows the kind of the value. It does not check the content.
    pub fn accepts(self, schema: &'a Json, value: &DeValue<'_>) -> bool {
        if schema.get("anyOf").or_else(|| schema.get("oneOf")).is_some() {
            return self.branches(schema).iter().any(|branch| accepts(branch, value));
        }
        accepts(schema, value)
    }

    /// What the schema accepts, in words.
    pub fn expected(self, schema: &'a Json) -> String {
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

/// The keys of all parts of a schema.
pub fn keys(schema: &Json) -> impl Iterator<Item = &str> {
    let mut open = vec![schema];
    std::iter::from_fn(move || {
        let part = open.pop()?;
        match part {
            Json::Object(members) => open.extend(members.values()),
            Json::Array(items) => open.extend(items),
            _ => {}
        }
        Some(part)
    })
    .filter_map(|part| part.get("properties")?.as_object())
    .flat_map(|properties| properties.keys().map(String::as_str))
}

/// The JSON types that a schema without alternatives allows, without null.
pub fn types(schema: &Json) -> Vec<&str> {
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

/// Whether a schema without alternatives allows the kind of the value.
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
