//! The links of the documents lead to files and headings, and the operations page has all log
//! lines.

use std::collections::BTreeSet;

use super::support::documents::{
    anchor, document, documents, lines, read, section, without_placeholders,
};
use super::support::{files, repository};

/// The texts of all log lines above `debug` in the code.
fn logged() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for path in files("src", "rs", 30) {
        let text = read(&path);
        for call in ["info", "warn", "error"].iter().flat_map(|level| {
            text.split(&format!("tracing::{level}!(")).skip(1).collect::<Vec<_>>()
        }) {
            // The text is the last string before the end of the call. No value before it contains
            // `);`.
            let call = call.split(");").next().unwrap_or_default();
            let message = call.rsplit('"').nth(1).unwrap_or_default();
            // A long text goes on in the next line.
            let lines: Vec<&str> = message.split("\\\n").map(str::trim_start).collect();
            let message = lines.concat();
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
    let page = document("docs/operations.md");
    let section = section(&page, "### What the log says").replace(['‘', '’'], "");
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
    }
    assert!(seen > 10, "{seen}");
}

/// The URL of the repository. Pages use it for links to files outside `docs`, because the site has
/// only the pages.
const HOME: &str = "https://github.com/credwatch/credwatch/";

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut seen = 0;
    for (file, text) in documents() {
        let prose = lines(&text).filter(|(_, fenced)| !fenced).map(|(line, _)| line);
        let targets = prose.flat_map(|line| line.split("](").skip(1));
        for target in targets.map(|rest| rest.split(')').next().unwrap_or_default()) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let in_docs = file.starts_with("docs/");
            let linked = match path.strip_prefix(HOME) {
                Some(path) => {
                    let path = path.split_once("/main/").expect("a file of the main branch").1;
                    assert!(
                        !(in_docs && path.starts_with("docs/")),
                        "{file} links to {target}, which the site has itself"
                    );
                    repository(path)
                }
                None if path.contains("://") => continue,
                None if path.is_empty() => repository(&file),
                None => repository(&file).parent().expect("a folder").join(path),
            };
            let found = linked.canonicalize();
            let found = found.unwrap_or_else(|_| panic!("{file} links to {target}"));
            let is_of_the_site = found.starts_with(repository("docs").canonicalize().expect("it"));
            assert!(
                !in_docs || is_of_the_site || path.starts_with(HOME),
                "{file} links to {target}, which the site does not have"
            );
            if !heading.is_empty() {
                let linked = read(&found);
                let mut headings =
                    lines(&linked).filter(|(line, fenced)| !fenced && line.starts_with('#'));
                assert!(
                    headings.any(|(line, _)| anchor(line) == heading),
                    "{file} links to {target}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 150, "{seen}");
}

#[test]
fn the_table_of_contents_lists_every_page_once() {
    let contents = document("docs/SUMMARY.md");
    let mut listed: Vec<&str> =
        contents.lines().filter_map(|line| line.split_once("](")?.1.strip_suffix(')')).collect();
    listed.sort_unstable();
    let documents = documents();
    let pages = documents.keys().filter_map(|name| name.strip_prefix("docs/"));
    let pages: Vec<&str> = pages.filter(|name| *name != "SUMMARY.md").collect();
    assert_eq!(listed, pages, "the table of contents on the left, the files on the right");
    for page in pages {
        assert!(
            page == "README.md" || documents["docs/README.md"].contains(&format!("]({page})")),
            "docs/README.md does not say for whom {page} is"
        );
    }
}
