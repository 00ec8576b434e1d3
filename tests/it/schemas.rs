//! The JSON Schemas that editors read: as a public catalogue of schemas wants them, and the same in
//! the sources as in the program.

use credwatch::config::{recipe_schema, schema};
use serde_json::Value as Json;

use super::support::documents::{blocks, document, read};
use super::support::repository;

/// Where the project publishes its files.
const PUBLISHED: &str = "https://raw.githubusercontent.com/credwatch/credwatch/main/";

/// The schemas, with their files in the sources.
fn schemas() -> [(&'static str, &'static Json); 2] {
    [("docs/schema/credwatch.json", schema()), ("docs/schema/recipes.json", recipe_schema())]
}

#[test]
fn a_schema_is_of_draft_7_with_an_address_a_title_and_a_description() {
    for (file, schema) in schemas() {
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "{file}");
        assert_eq!(schema["$id"], format!("{PUBLISHED}{file}"), "{file}");
        for key in ["title", "description"] {
            assert!(schema[key].as_str().is_some_and(|text| text.len() > 10), "{file} {key}");
        }
        // Of the meta-schema that `$schema` names.
        let valid = jsonschema::meta::validate(schema);
        assert!(valid.is_ok(), "{file}: {valid:?}");
        assert!(jsonschema::draft7::new(schema).is_ok(), "{file}");
    }
}

/// Words of later drafts, which readers of draft 7 pass over without a message.
#[test]
fn a_schema_has_no_words_of_later_drafts() {
    for (file, schema) in schemas() {
        let text = schema.to_string();
        for word in ["$defs", "prefixItems", "unevaluatedProperties", "dependentRequired"] {
            assert!(!text.contains(&format!("\"{word}\"")), "{file} has {word}");
        }
        // Draft 7 passes over what stands beside `$ref`.
        let mut open = vec![schema];
        while let Some(part) = open.pop() {
            match part {
                Json::Object(members) => {
                    assert!(
                        !members.contains_key("$ref") || members.len() == 1,
                        "{file}: {members:?}"
                    );
                    // Strict readers refuse keys that no draft knows.
                    assert!(!members.contains_key("x-credwatch"), "{file}: {members:?}");
                    open.extend(members.values());
                }
                Json::Array(items) => open.extend(items),
                _ => {}
            }
        }
    }
}

#[test]
fn the_files_of_the_sources_are_what_the_program_prints() {
    for (file, schema) in schemas() {
        let (path, text) = (repository(file), format!("{schema:#}\n"));
        if std::env::var_os("WRITE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::write(&path, &text).expect("written");
        }
        assert!(path.is_file() && read(&path) == text, "{file}: WRITE_SCHEMA=1 writes it anew");
    }
}

/// An editor marks what the schema refuses, so it must accept what the program accepts.
#[test]
fn the_schema_accepts_the_examples_of_this_version_and_of_version_0_1() {
    let validator = jsonschema::draft7::new(schema()).expect("a schema");
    for file in [
        "config.example.toml",
        "tests/version-0.1/config.example.toml",
        "tests/version-0.1/every-recipe.toml",
        "tests/version-0.1/own-recipes.toml",
    ] {
        let document: toml::Table = document(file).parse().expect(file);
        let document = serde_json::to_value(document).expect("JSON");
        let faults: Vec<String> =
            validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{file}: {faults:?}");
    }
    let unknown =
        serde_json::json!({ "providers": { "p": { "recipe": "zoom", "intervall": "1m" } } });
    assert!(!validator.is_valid(&unknown));
}

#[test]
fn the_entry_for_the_catalogue_has_the_address_of_the_schema() {
    let blocks = blocks(&document("CONTRIBUTING.md"), "json catalogue");
    let entry: Json = serde_json::from_str(&blocks[0].1).expect("JSON");
    assert_eq!(entry["url"], schema()["$id"]);
    assert_eq!(entry["fileMatch"], serde_json::json!(["credwatch.toml"]));
    let page = document("docs/configuration.md");
    assert!(page.contains(&format!("#:schema {}\n", schema()["$id"].as_str().expect("a text"))));
}
