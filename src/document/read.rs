//! Reads a document: first the syntax, then the schema, then the type.

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use toml::de::DeTable;

use super::check::{MOST_FAULTS, check};
use super::outline;
use super::schema::Schema;
use super::syntax;
use crate::diagnostic::{Fault, Source};

/// Reads `source` as a `T`. `T` must accept an empty document. `look` gets the tree before the
/// check.
///
/// Returns all structural faults: broken syntax, unknown keys, wrong types, missing keys.
pub fn read<T>(
    source: &Arc<Source>,
    schema: &'static LazyLock<Schema>,
    look: impl FnOnce(&DeTable<'_>),
) -> (T, Vec<Fault>)
where
    T: DeserializeOwned + JsonSchema + Default,
{
    source.make_outline_with(|text| outline::outline(text, schema));
    let (mut tree, errors) = DeTable::parse_recoverable(&source.text);
    // A tree from broken syntax would only cause confusing messages. So would a second fault on the
    // same line.
    if !errors.is_empty() {
        let end = source.text.len();
        let mut faults: Vec<Fault> = errors
            .into_iter()
            .take(MOST_FAULTS)
            .map(|error| {
                let span = error.span().unwrap_or(end..end);
                let message = syntax::explain(&source.text, &span, error.message());
                Fault::error(source, span, message)
            })
            .collect();
        faults.dedup_by_key(|fault| fault.position().0);
        return (T::default(), faults);
    }
    look(tree.get_ref());
    let mut faults = check(source, schema, tree.get_mut());
    if faults.len() >= MOST_FAULTS {
        return (T::default(), faults);
    }
    match T::deserialize(toml::de::Deserializer::from(tree)) {
        Ok(value) => (value, faults),
        Err(error) => {
            // A type can refuse more than its schema does.
            let end = source.text.len();
            let span = error.span().unwrap_or(end..end);
            let message = syntax::unreadable(&source.text, &span);
            faults.push(Fault::error(source, span, message));
            (T::default(), faults)
        }
    }
}
