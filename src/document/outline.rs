//! Decides which parts of a document a fault may show: the keys of the format, and values of types
//! that hold no secret.

use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::schema::{MARK, Schemas, keys, types};
use crate::diagnostic::{Outline, nearest};
use crate::secret::{is_like_a_duration, is_like_an_address, is_plain_name, is_plain_path};

/// The most digits of a number that is shown.
const MOST_DIGITS: usize = 5;

/// The outline of a document. When the text cannot be parsed, it has only the keys of the format.
pub fn outline(text: &str, schema: &Json) -> Outline {
    let words = keys(schema).map(str::to_owned).collect();
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut walk =
        Walk { text, schemas: Schemas::new(schema), outline: Outline { words, tokens: None } };
    if errors.is_empty() {
        let mut tokens = Vec::new();
        walk.table(tree.get_ref(), Some(schema), &mut tokens);
        tokens.sort_by_key(|(place, _)| place.start);
        walk.outline.tokens = Some(tokens);
    }
    walk.outline
}

type Tokens = Vec<(Range<usize>, bool)>;

struct Walk<'a> {
    text: &'a str,
    schemas: Schemas<'a>,
    outline: Outline,
}

impl<'a> Walk<'a> {
    /// Without a schema the key of the table is unknown, so everything in it can be a secret.
    fn table(&mut self, table: &DeTable<'_>, schema: Option<&'a Json>, tokens: &mut Tokens) {
        let schema = schema.map(|schema| self.schemas.resolve(schema));
        let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
        let additional = schema.and_then(|schema| schema.get("additionalProperties"));
        // A JSON body has any members.
        let any = properties.is_none() && additional.is_none();
        let closed = schema.is_none() || additional == Some(&Json::Bool(false));
        for (key, value) in table {
            let name: &str = key.get_ref();
            let known = properties.and_then(|known| known.get(name));
            let names = || properties.into_iter().flatten().map(|(name, _)| name.as_str());
            let shown = known.is_some()
                || self.outline.words.contains(name)
                || !closed && is_plain_name(name)
                || name.len() <= 40 && nearest(name, names()).is_some();
            if shown && !self.outline.words.contains(name) {
                self.outline.words.insert(name.to_owned());
            }
            tokens.push((key.span(), shown));
            let member = known.or(additional).filter(|schema| schema.is_object());
            self.value(value, member.or(any.then_some(schema).flatten()), tokens);
        }
    }

    fn value(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        schema: Option<&'a Json>,
        tokens: &mut Tokens,
    ) {
        let schema = schema.map(|schema| self.schemas.alternative(value.get_ref(), schema));
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, schema, tokens),
            DeValue::Array(items) => {
                let mark = schema.and_then(|schema| schema.get(MARK)?.as_str());
                let schema = schema.and_then(|schema| schema.get("items"));
                for item in items {
                    match (item.get_ref(), mark) {
                        (DeValue::String(text), Some(mark)) => {
                            tokens.push((item.span(), has_form(text, mark)));
                        }
                        _ => self.value(item, schema, tokens),
                    }
                }
            }
            scalar => {
                let shown = schema.is_some_and(|schema| self.shows(scalar, &value.span(), schema));
                tokens.push((value.span(), shown));
            }
        }
    }

    /// Whether the value of a key with this schema is harmless and has the form that belongs there.
    fn shows(&self, value: &DeValue<'_>, place: &Range<usize>, schema: &Json) -> bool {
        let mark = schema.get(MARK).and_then(Json::as_str);
        let is_number = || matches!(types(schema).as_slice(), ["integer" | "number"]);
        match value {
            DeValue::Boolean(_) => types(schema) == ["boolean"],
            DeValue::Datetime(_) => mark == Some("date"),
            DeValue::Integer(_) | DeValue::Float(_) => {
                let written = self.text.get(place.clone()).unwrap_or_default();
                written.bytes().filter(u8::is_ascii_alphanumeric).count() <= MOST_DIGITS
                    && (mark.is_some() || is_number())
            }
            DeValue::String(text) => {
                text.is_empty() && place.len() == 2
                    || mark.is_some_and(|mark| has_form(text, mark))
                    || is_number() && text.len() <= MOST_DIGITS && text.parse::<f64>().is_ok()
                    || nearest(text, self.schemas.words(schema)).is_some()
            }
            DeValue::Array(_) | DeValue::Table(_) => false,
        }
    }
}

/// Whether a string has the form that its key asks for.
fn has_form(text: &str, mark: &str) -> bool {
    let is_date = || text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    match mark {
        "duration" => is_like_a_duration(text),
        "date" => is_date(),
        "path" => is_plain_path(text),
        "name" => is_plain_name(text),
        "address" => is_like_an_address(text),
        _ => false,
    }
}
