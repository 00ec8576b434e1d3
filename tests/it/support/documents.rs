//! Readers of the documents: lines, sections, tables, and marked code blocks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{files, repository};

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of the document with this path in the repository.
pub fn document(path: &str) -> String {
    read(&repository(path))
}

/// All Markdown files for users and contributors: path and text.
pub fn documents() -> BTreeMap<String, String> {
    let name = |path: &PathBuf| {
        let path = path.strip_prefix(repository("")).expect("below the repository");
        path.to_string_lossy().into_owned()
    };
    let at_the_top = std::fs::read_dir(repository(""))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"));
    let documents: BTreeMap<String, String> = at_the_top
        .chain(files("docs", "md", 15))
        .chain([repository("dashboards/README.md")])
        .map(|path| (name(&path), read(&path)))
        .collect();
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"] {
        assert!(documents.contains_key(name), "{name} is missing");
    }
    documents
}

/// The anchor of a heading, as GitHub and mdBook make it.
pub fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The lines of a document, each with whether it is in a code block.
pub fn lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut fenced = false;
    text.lines().map(move |line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        (line, fenced || fence)
    })
}

fn rank(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b'#').count()
}

/// The text below a heading, up to the next heading of the same rank or higher.
#[track_caller]
pub fn section(text: &str, heading: &str) -> String {
    let mut lines = lines(text).skip_while(|(line, fenced)| *fenced || *line != heading);
    assert!(lines.next().is_some(), "there is no heading {heading:?}");
    let ends = |line: &str| line.starts_with('#') && rank(line) <= rank(heading);
    let kept: Vec<&str> =
        lines.take_while(|(line, fenced)| *fenced || !ends(line)).map(|(line, _)| line).collect();
    kept.join("\n")
}

/// The rows of all tables whose first cell is code: the first cell without backticks, and the other
/// cells.
pub fn rows(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in
        lines(text).filter(|(_, fenced)| !fenced).filter_map(|(line, _)| line.strip_prefix("| `"))
    {
        let mut cells =
            line.trim_end().trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned());
        let name = cells.next().unwrap_or_default().trim_end_matches('`').to_owned();
        assert!(rows.insert(name.clone(), cells.collect()).is_none(), "`{name}` has two rows");
    }
    rows
}

/// The code blocks with this mark, each with the number of its first line.
pub fn blocks(text: &str, mark: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some((_, block)) => *block += &format!("{line}\n"),
            None if line == format!("```{mark}") => open = Some((index + 1, String::new())),
            None => {}
        }
    }
    blocks
}

/// The path before its first placeholder: `<case>.toml`, `*.toml`, `NAME.toml`.
pub fn without_placeholders(path: &str) -> PathBuf {
    let placeholder = |step: &str| {
        step.contains(['<', '*'])
            || step.split('.').next().is_some_and(|stem| {
                !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_uppercase())
            })
    };
    path.split('/').take_while(|step| !placeholder(step)).collect()
}
