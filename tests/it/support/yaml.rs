//! YAML as JSON, for tests that look into rules. Every scalar is a string.

use granit_parser::{Event, Parser};
use serde_json::{Map, Value as Json};

/// A collection that is still open.
enum Open {
    Array(Vec<Json>),
    Table(Map<String, Json>, Option<String>),
}

/// The one document of a text.
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
                None => unreachable!("nothing ends that did not begin"),
            },
            _ => continue,
        };
        match open.last_mut() {
            None => root = value,
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Table(entries, key)) => match key.take() {
                Some(key) => {
                    assert!(entries.insert(key.clone(), value).is_none(), "the key {key} twice");
                }
                None => *key = value.as_str().map(str::to_owned),
            },
        }
    }
    root
}
