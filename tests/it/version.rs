//! The version of `Cargo.toml` stands in all other places too.

use super::support::documents::{document, documents, read};
use super::support::files;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn lock_files_and_changelogs_have_the_version() {
    for file in ["Cargo.lock", "tests/fuzz/Cargo.lock"] {
        let entry = format!("name = \"credwatch\"\nversion = \"{VERSION}\"\n");
        assert!(document(file).contains(&entry), "{file}: cargo update --workspace");
    }
    let changelog = document("deploy/debian/changelog");
    assert!(changelog.starts_with(&format!("credwatch ({VERSION}-1) ")), "{changelog}");
    let changelog = document("CHANGELOG.md");
    let newest = changelog.lines().find(|line| line.starts_with("## ")).expect("a version");
    assert!(newest.starts_with(&format!("## [{VERSION}] - ")), "{newest}");
}

/// The words that begin behind a text, as far as they look like a version.
fn versions<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let version = rest[..end].trim_end_matches('.');
        (version.matches('.').count() == 2).then_some(version)
    })
}

#[test]
fn image_tags_and_tags_of_the_sources_have_the_version() {
    let mut texts: Vec<_> = documents().into_iter().collect();
    for (ending, least) in [("yaml", 1), ("yml", 1), ("libsonnet", 0)] {
        let files = files("deploy", ending, least).into_iter();
        texts.extend(files.map(|path| (path.display().to_string(), read(&path))));
    }
    let mut seen = 0;
    for (file, text) in texts.iter().filter(|(file, _)| file != "CHANGELOG.md") {
        for before in ["credwatch:", "newTag: ", "rev: v", "`v", "git tag --sign v"] {
            for version in versions(text, before) {
                assert_eq!(version, VERSION, "{file} names {before}{version}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 3, "{seen}");
}
