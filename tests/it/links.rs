//! What documents point at: files, headings of each other, and every line that the log can have.

use std::collections::BTreeSet;

use super::support::documents::{documents, lines, read, section, without_placeholders};
use super::support::{files, repository};

/// The texts of all log lines above `debug`, as they stand in the code.
fn logged() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for path in files("src", "rs", 30) {
        let text = read(&path);
        for call in ["info", "warn", "error"].iter().flat_map(|level| {
            text.split(&format!("tracing::{level}!(")).skip(1).collect::<Vec<_>>()
        }) {
            // The text is the last string before the end of the call; values before it have no `);`
            // in them.
            let call = call.split(");").next().unwrap_or_default();
            let message = call.rsplit('"').nth(1).unwrap_or_default();
            if !message.contains('{') {
                texts.insert(message.replace('`', "").trim_end_matches('\\').to_owned());
            }
        }
    }
    assert!(texts.len() > 15, "{texts:?}");
    texts
}

#[test]
fn every_log_line_is_in_the_operations_page() {
    let page = read(&repository("docs/operations.md"));
    let section = section(&page, "## What the log says").replace(['‘', '’'], "");
    let missing: Vec<String> =
        logged().into_iter().filter(|text| !section.contains(&format!("`{text}`"))).collect();
    assert!(missing.is_empty(), "the page lacks {missing:?}");
}

#[test]
fn every_file_that_a_document_names_exists() {
    let mut seen = 0;
    for (file, text) in documents() {
        for (place, _) in text.match_indices("src/").chain(text.match_indices("tests/")) {
            if text[..place].ends_with(|before: char| {
                before.is_alphanumeric() || matches!(before, '/' | '-' | '_' | '.')
            }) {
                continue;
            }
            let path: String = text[place..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "_-./<>*".contains(*c))
                .collect();
            let path = path.trim_end_matches(['.', '/']);
            assert!(
                repository("").join(without_placeholders(path)).exists(),
                "{file} names {path}"
            );
            seen += 1;
        }
        for (place, _) in text.match_indices("](") {
            let target = text[place + 2..].split(')').next().unwrap_or_default();
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = repository(&file).parent().expect("a folder").to_owned();
            let linked = if path.is_empty() { repository(&file) } else { folder.join(path) };
            assert!(linked.exists(), "{file} links to {target}");
            if !anchor.is_empty() {
                let linked = read(&linked);
                let mut anchors =
                    lines(&linked).filter(|(line, fenced)| !fenced && line.starts_with('#'));
                let found = anchors.any(|(line, _)| {
                    line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-") == anchor
                });
                assert!(found, "{file} links to {target}");
            }
        }
    }
    assert!(seen > 10, "{seen}");
}
