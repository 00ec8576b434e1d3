//! No decision depends on the text of an error, and only `files` reads files.

use super::sources;

/// The usual names of error texts.
const TEXTS: [&str; 9] = [
    "to_string()", "message", "message()", "detail", "detail()", "description()", "problem",
    "error", "reason()",
];

/// The ways to search in a text.
const LOOKS: [&str; 8] = [
    ".contains(", ".starts_with(", ".ends_with(", ".strip_prefix(", ".strip_suffix(",
    ".split_once(", ".find(", " == \"",
];

/// The lines of a source text, with each chain of calls joined to one line.
fn chains(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        match lines.last_mut() {
            Some(last) if line.starts_with('.') => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Whether a line searches in the text of an error.
fn looks_into_an_error(line: &str) -> bool {
    TEXTS.iter().flat_map(|text| LOOKS.iter().map(move |look| format!("{text}{look}"))).any(
        |wanted| {
            line.match_indices(&wanted).any(|(place, _)| {
                let before = line[..place].chars().next_back();
                before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
            })
        },
    )
}

#[test]
fn no_decision_depends_on_the_text_of_an_error() {
    for bad in [
        "if error.to_string().contains(\"refused\") {",
        "Some(detail) if detail.starts_with(\"unable\") => {",
        "let is_gone = fault\n    .message\n    .ends_with(\"gone\");",
    ] {
        assert!(chains(bad).iter().any(|line| looks_into_an_error(line)), "{bad}");
    }
    assert!(!looks_into_an_error("if commit_message.contains('x') || errors.find(x) {"));
    let mut found = Vec::new();
    for (_, path, text) in sources() {
        for line in chains(&text).into_iter().filter(|line| looks_into_an_error(line)) {
            found.push(format!("{}: {line}", path.display()));
        }
    }
    assert!(found.is_empty(), "an error needs a kind here:\n{}", found.join("\n"));
}

/// Files that may read other files than those of an operator.
const OWN_READERS: [(&str, &str); 2] = [
    ("src/files.rs", "the reader itself"),
    ("src/metrics/process.rs", "the kernel's figures in /proc"),
];

#[test]
fn one_reader_reads_all_files() {
    let mut found = Vec::new();
    for (_, path, text) in sources() {
        if OWN_READERS.iter().any(|(own, _)| path.ends_with(own)) {
            continue;
        }
        for word in ["fs::read(", "read_to_string(", "_from_file", "pem_file", "from_pem_file"] {
            for line in text.lines().filter(|line| line.contains(word)) {
                found.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "use `files::read`:\n{}", found.join("\n"));
}

#[test]
fn one_place_writes_files() {
    let mut found = Vec::new();
    for (_, path, text) in sources() {
        if ["folder.rs", "temporary.rs"]
            .iter()
            .any(|name| path.ends_with(format!("src/storage/{name}")))
        {
            continue;
        }
        let words = ["fs::write(", "File::create", ".write(true)", "OFlags::CREATE", "fs::rename("];
        for line in text.lines().filter(|line| words.iter().any(|word| line.contains(word))) {
            found.push(format!("{}: {}", path.display(), line.trim()));
        }
    }
    assert!(found.is_empty(), "write through `storage`:\n{}", found.join("\n"));
}
