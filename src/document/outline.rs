//! Decides which parts of a document a fault may show: the keys of the format, and values of types
//! that hold no secret.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::schema::{Additional, Form, Part, Schema, Type};
use crate::diagnostic::{Outline, nearest};
use crate::secret::{is_like_a_duration, is_like_an_address, is_plain_name, is_plain_path};

/// The most digits of a number that is shown.
const MOST_DIGITS: usize = 5;

/// The outline of a document. When the text cannot be parsed, it has only the keys of the format.
pub fn outline(text: &str, schema: &Schema) -> Outline {
    let words = schema.keys().clone();
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk { text, schema, outline: Outline { words, tokens: None } };
    if errors.is_empty() {
        let mut tokens = Vec::new();
        walk.table(tree.get_ref(), Some(schema.root()), &mut tokens);
        tokens.sort_by_key(|(place, _)| place.start);
        walk.outline.tokens = Some(tokens);
    }
    walk.outline
}

type Tokens = Vec<(Range<usize>, bool)>;

struct Walk<'a> {
    text: &'a str,
    schema: &'a Schema,
    outline: Outline,
}

impl<'a> Walk<'a> {
    /// Without a schema the key of the table is unknown, so everything in it can be a secret.
    fn table(&mut self, table: &DeTable<'_>, part: Option<&'a Part>, tokens: &mut Tokens) {
        let additional = part.map_or(Additional::Nothing, |part| part.additional);
        // A JSON body has any members.
        let any = part.filter(|part| {
            part.properties.is_none() && matches!(part.additional, Additional::Unsaid)
        });
        let closed = matches!(additional, Additional::Nothing);
        for (key, value) in table {
            let name: &str = key.get_ref();
            let known = part.and_then(|part| part.property(name));
            let names = || part.into_iter().flat_map(Part::names);
            let shown = known.is_some()
                || self.outline.words.contains(name)
                || !closed && is_plain_name(name)
                || name.len() <= 40 && nearest(name, names()).is_some();
            if shown && !self.outline.words.contains(name) {
                self.outline.words.insert(name.to_owned());
            }
            tokens.push((key.span(), shown));
            let member = match (known, additional) {
                (Some(member), _) | (None, Additional::Of(member)) => {
                    Some(self.schema.part(member)).filter(|part| !part.is_open)
                }
                _ => any,
            };
            self.value(value, member, tokens);
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, part: Option<&'a Part>, tokens: &mut Tokens) {
        let part = part.map(|part| self.schema.alternative(value.get_ref(), part));
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, part, tokens),
            DeValue::Array(items) => {
                let form = part.and_then(|part| part.form);
                let part = part.and_then(|part| part.items).map(|id| self.schema.part(id));
                for item in items {
                    match (item.get_ref(), form) {
                        (DeValue::String(text), Some(form)) => {
                            tokens.push((item.span(), has_form(text, form)));
                        }
                        _ => self.value(item, part, tokens),
                    }
                }
            }
            scalar => {
                let shown = part.is_some_and(|part| self.shows(scalar, &value.span(), part));
                tokens.push((value.span(), shown));
            }
        }
    }

    /// Whether the value of a key with this schema is harmless and has the form that belongs there.
    fn shows(&self, value: &DeValue<'_>, place: &Range<usize>, part: &Part) -> bool {
        let is_number = || matches!(part.types.as_slice(), [Type::Integer | Type::Number]);
        match value {
            DeValue::Boolean(_) => part.types == [Type::Boolean],
            DeValue::Datetime(_) => part.form == Some(Form::Date),
            DeValue::Integer(_) | DeValue::Float(_) => {
                let written = self.text.get(place.clone()).unwrap_or_default();
                written.bytes().filter(u8::is_ascii_alphanumeric).count() <= MOST_DIGITS
                    && (part.form.is_some() || is_number())
            }
            DeValue::String(text) => {
                text.is_empty() && place.len() == 2
                    || part.form.is_some_and(|form| has_form(text, form))
                    || is_number() && text.len() <= MOST_DIGITS && text.parse::<f64>().is_ok()
                    || nearest(text, part.words.iter().map(String::as_str)).is_some()
            }
            DeValue::Array(_) | DeValue::Table(_) => false,
        }
    }
}

/// Whether a string has the form that its key asks for.
fn has_form(text: &str, form: Form) -> bool {
    let is_date = || text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    match form {
        Form::Duration => is_like_a_duration(text),
        Form::Date => is_date(),
        Form::Path => is_plain_path(text),
        Form::Name => is_plain_name(text),
        Form::Address => is_like_an_address(text),
    }
}
