//! A JSON Schema that is compiled once for the check of documents: references are followed, and
//! each part has what the check asks for.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value as Json;
use toml::de::DeValue;

/// The JSON Schema of `T`.
fn schema_of<T: JsonSchema>() -> Json {
    schemars::schema_for!(T).to_value()
}

/// The JSON Schema of `T` in draft 7, the newest one that editors of TOML know, with its address.
#[must_use]
pub fn schema_for_editors<T: JsonSchema>(address: &str) -> Json {
    // Strict readers refuse our own key, and `format` with the names of Rust's numbers.
    let plain = RecursiveTransform(|part: &mut schemars::Schema| {
        part.remove(MARK);
        part.remove("format");
    });
    let generator = SchemaSettings::draft07().with_transform(plain).into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    let mut members = serde_json::Map::new();
    members.extend(schema.remove("$schema").map(|draft| ("$schema".to_owned(), draft)));
    members.insert("$id".to_owned(), address.into());
    members.extend(std::mem::take(schema.ensure_object()));
    Json::Object(members)
}

/// The key in a schema that says which [`Form`] a text has. The standard key `format` has none of
/// these forms.
const MARK: &str = "x-credwatch";

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Duration,
    Date,
    Path,
    Name,
    Address,
}

/// The types of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// What a table may have beside its properties.
#[derive(Clone, Copy, Debug, Default)]
pub enum Additional {
    /// The schema says nothing, so it can have anything.
    #[default]
    Unsaid,
    /// Anything.
    Any,
    /// Nothing.
    Nothing,
    /// Values of this schema.
    Of(Id),
}

/// The place of a part in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(usize);

/// A part of a schema, for the values at one place of a document.
#[derive(Debug, Default)]
pub struct Part {
    /// The keys of a table, in the order of the type; `None` when it lists none.
    pub properties: Option<Vec<(String, Id)>>,
    /// What a table may have beside them.
    pub additional: Additional,
    /// The keys that a table must have.
    pub required: Vec<String>,
    /// The items of an array.
    pub items: Option<Id>,
    /// The allowed types, without null beside others; any type when empty.
    pub types: Vec<Type>,
    /// The form of a text.
    pub form: Option<Form>,
    /// The smallest number.
    pub minimum: Option<f64>,
    /// The words of a closed choice; none when any text is allowed.
    pub words: Vec<String>,
    /// The alternatives of a choice, also those inside alternatives; empty when it is no choice.
    alternatives: Vec<Id>,
    /// Whether each alternative is a word or null.
    is_choice_of_words: bool,
    /// Whether it says nothing at all.
    pub is_open: bool,
}

impl Part {
    /// The schema of a key.
    pub fn property(&self, name: &str) -> Option<Id> {
        let mut known = self.properties.iter().flatten();
        known.find(|(known, _)| known == name).map(|(_, id)| *id)
    }

    /// The names of the known keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().flatten().map(|(name, _)| name.as_str())
    }

    fn is_null(&self) -> bool {
        self.types == [Type::Null]
    }

    /// Whether a part without alternatives allows the kind of the value.
    fn allows(&self, value: &DeValue<'_>) -> bool {
        let date = self.form == Some(Form::Date);
        self.types.is_empty()
            || self.types.iter().any(|kind| match value {
                DeValue::String(_) => *kind == Type::String && !date,
                DeValue::Datetime(_) => date,
                DeValue::Integer(_) => matches!(kind, Type::Integer | Type::Number),
                DeValue::Float(_) => *kind == Type::Number,
                DeValue::Boolean(_) => *kind == Type::Boolean,
                DeValue::Array(_) => *kind == Type::Array,
                DeValue::Table(_) => *kind == Type::Object,
            })
    }
}

/// A compiled schema.
pub struct Schema {
    parts: Vec<Part>,
    keys: HashSet<String>,
}

impl Schema {
    /// The compiled JSON Schema of `T`.
    #[must_use]
    pub fn of<T: JsonSchema>() -> Self {
        Self::compile(&schema_of::<T>())
    }

    pub(super) fn compile(root: &Json) -> Self {
        let mut compiler = Compiler { root, parts: Vec::new(), known: HashMap::new() };
        compiler.part(root);
        Self { parts: compiler.parts, keys: keys(root).map(str::to_owned).collect() }
    }

    /// The part for the whole document.
    pub(super) fn root(&self) -> &Part {
        &self.parts[0]
    }

    /// Whether a document may have this key at its top level.
    #[must_use]
    pub fn has_top_key(&self, name: &str) -> bool {
        self.root().property(name).is_some()
    }

    /// The tables of a document that can have this key, as headers such as `[providers.NAME]`.
    pub(super) fn tables_with(&self, key: &str) -> Vec<String> {
        let forms = |id: Id| {
            let part = self.part(id);
            std::iter::once(part).chain(self.alternatives(part))
        };
        let has = |part: &Part| part.property(key).is_some();
        let mut tables = Vec::new();
        for (name, id) in self.root().properties.iter().flatten() {
            if forms(*id).any(has) {
                tables.push(format!("[{name}]"));
            }
            let named = forms(*id).filter_map(|part| match part.additional {
                Additional::Of(member) => Some(member),
                _ => None,
            });
            if named.flat_map(forms).any(has) {
                tables.push(format!("[{name}.NAME]"));
            }
        }
        tables
    }

    pub(super) fn part(&self, id: Id) -> &Part {
        &self.parts[id.0]
    }

    /// The keys of all parts.
    pub(super) fn keys(&self) -> &HashSet<String> {
        &self.keys
    }

    fn alternatives<'a>(&'a self, part: &'a Part) -> impl DoubleEndedIterator<Item = &'a Part> {
        part.alternatives.iter().map(|id| self.part(*id))
    }

    /// The alternative that the author of the value most likely meant.
    pub(super) fn alternative<'a>(&'a self, value: &DeValue<'_>, whole: &'a Part) -> &'a Part {
        // A list of words, with or without null, is one choice.
        if whole.alternatives.is_empty() || whole.is_choice_of_words {
            return whole;
        }
        let overlap = |part: &Part| match value {
            DeValue::Table(table) => {
                table.keys().filter(|key| part.property(key.get_ref()).is_some()).count()
            }
            _ => 0,
        };
        let fitting = self
            .alternatives(whole)
            .filter(|part| part.allows(value))
            .max_by_key(|part| (overlap(part), part.properties.is_some()));
        match (fitting, whole.alternatives.as_slice()) {
            (Some(fitting), _) => fitting,
            // For an optional value the message names the type of the value.
            (None, [only, null] | [null, only]) if self.part(*null).is_null() => self.part(*only),
            _ => whole,
        }
    }

    /// Whether the part allows the kind of the value. It does not check the content.
    pub(super) fn accepts(&self, part: &Part, value: &DeValue<'_>) -> bool {
        if part.alternatives.is_empty() {
            return part.allows(value);
        }
        self.alternatives(part).any(|part| part.allows(value))
    }

    /// What the part accepts, in words.
    pub(super) fn expected(&self, part: &Part) -> String {
        if !part.alternatives.is_empty() {
            let mut words: Vec<String> = Vec::new();
            for part in self.alternatives(part).filter(|part| !part.is_null()) {
                let word = self.expected(part);
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            return words.join(" or ");
        }
        match (part.form, part.types.first()) {
            (Some(Form::Duration), _) => "a duration such as \"60s\"".into(),
            (Some(Form::Date), _) => "a date without quotes, such as 2027-01-31".into(),
            (_, Some(Type::Object)) => match part.names().collect::<Vec<_>>().as_slice() {
                [] => "a table".into(),
                [key] => format!("a table `{{ {key} = … }}`"),
                many if many.len() > 6 => "a table".into(),
                keys => format!("a table with {}", keys.join(", ")),
            },
            (_, Some(Type::String)) => "a string".into(),
            (_, Some(Type::Integer)) => "a whole number".into(),
            (_, Some(Type::Number)) => "a number".into(),
            (_, Some(Type::Boolean)) => "true or false".into(),
            (_, Some(Type::Array)) => "an array".into(),
            _ => "something else".into(),
        }
    }
}

struct Compiler<'a> {
    root: &'a Json,
    parts: Vec<Part>,
    /// The parts that are compiled, or being compiled: a schema can contain itself.
    known: HashMap<*const Json, Id>,
}

impl<'a> Compiler<'a> {
    /// Follows `$ref` to the definition it names.
    fn resolve(&self, mut schema: &'a Json) -> &'a Json {
        while let Some(path) = schema.get("$ref").and_then(Json::as_str) {
            match self.root.pointer(path.trim_start_matches('#')) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// All alternatives of a schema, also those inside alternatives; itself when it is no choice.
    fn branches(&self, schema: &'a Json) -> Vec<&'a Json> {
        let schema = self.resolve(schema);
        match choice(schema) {
            Some(branches) => branches.iter().flat_map(|branch| self.branches(branch)).collect(),
            None => vec![schema],
        }
    }

    fn part(&mut self, schema: &'a Json) -> Id {
        let schema = self.resolve(schema);
        if let Some(id) = self.known.get(&std::ptr::from_ref(schema)) {
            return *id;
        }
        let id = Id(self.parts.len());
        self.known.insert(schema, id);
        self.parts.push(Part::default());
        let branches = self.branches(schema);
        let strings = |key: &str| {
            let listed = schema.get(key).and_then(Json::as_array).into_iter().flatten();
            listed.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let words = branches.iter().flat_map(|branch| {
            let listed = branch.get("enum").and_then(Json::as_array).into_iter().flatten();
            listed.chain(branch.get("const")).filter_map(Json::as_str).map(str::to_owned)
        });
        let is_word = |branch: &&Json| {
            branch.get("const").is_some() || branch.get("type").is_some_and(|kind| kind == "null")
        };
        let properties = schema.get("properties").and_then(Json::as_object);
        self.parts[id.0] = Part {
            properties: properties.map(|properties| {
                properties.iter().map(|(name, part)| (name.clone(), self.part(part))).collect()
            }),
            additional: match schema.get("additionalProperties") {
                None => Additional::Unsaid,
                Some(Json::Bool(false)) => Additional::Nothing,
                Some(part) if part.is_object() => Additional::Of(self.part(part)),
                Some(_) => Additional::Any,
            },
            required: strings("required"),
            items: schema.get("items").map(|items| self.part(items)),
            types: types(schema),
            form: schema.get(MARK).and_then(Json::as_str).and_then(form),
            minimum: schema.get("minimum").and_then(Json::as_f64),
            words: words.collect(),
            is_choice_of_words: branches.iter().all(is_word),
            alternatives: match choice(schema) {
                Some(_) => branches.into_iter().map(|branch| self.part(branch)).collect(),
                None => Vec::new(),
            },
            is_open: !schema.is_object(),
        };
        id
    }
}

fn choice(schema: &Json) -> Option<&Vec<Json>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()
}

/// The JSON types that a schema without alternatives allows, without null beside others.
fn types(schema: &Json) -> Vec<Type> {
    match schema.get("type") {
        Some(Json::String(only)) => type_of(only).into_iter().collect(),
        Some(Json::Array(several)) => {
            let several = several.iter().filter_map(Json::as_str).filter_map(type_of);
            several.filter(|kind| *kind != Type::Null).collect()
        }
        _ => match schema.get("const").or_else(|| schema.get("enum")) {
            Some(_) => vec![Type::String],
            None => Vec::new(),
        },
    }
}

fn type_of(word: &str) -> Option<Type> {
    Some(match word {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "string" => Type::String,
        "array" => Type::Array,
        "object" => Type::Object,
        _ => return None,
    })
}

fn form(word: &str) -> Option<Form> {
    Some(match word {
        "duration" => Form::Duration,
        "date" => Form::Date,
        "path" => Form::Path,
        "name" => Form::Name,
        "address" => Form::Address,
        _ => return None,
    })
}

/// The keys of all parts of a schema.
fn keys(schema: &Json) -> impl Iterator<Item = &str> {
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
