//! A reader of YAML that returns JSON, for tests of the alert rules. Each scalar becomes a string.

use granit_parser::{Event, Parser};
use serde_json::{Map, Value as Json};

/// A collection whose end is not yet read.
enum Open {
    Array(Vec<Json>),
    Table(Map<String, Json>, Option<String>),
}

/// Reads a text with one document.
#[track_caller]
pub fn yaml(text: &str) -> Json {
    let mut open: Vec<Open> = Vec::new();
    let mut root = Json::Null;
    for event in Parser::new_from_str(text) {
        let value = match event.unwrap_or_else(|error| panic!("{error}")).0 {
            Event::Scalar(text, ..) => Json::String(text.into_owned()),
            Event::SequenceStart(..) => {
                open.push(Open::Array(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Table(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::Array(items)) => Json::Array(items),
                Some(Open::Table(entries, _)) => Json::Object(entries),
                None => unreachable!("the parser reports each start before its end"),
            },
            _ => continue,
        };
        match open.last_mut() {
            None => root = value,
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Table(entries, key)) => match key.take() {
                Some(key) => {
                    let previous = entries.insert(key.clone(), value);
                    assert!(previous.is_none(), "the key {key} appears twice");
                }
                None => *key = value.as_str().map(str::to_owned),
            },
        }
    }
    root
}
