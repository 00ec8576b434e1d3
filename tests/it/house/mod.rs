//! The rules of the code that a machine can check.

mod graph;
mod prose;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use credwatch::recipe::builtin::BUILTINS;

use crate::support::{files, repository};

/// The imports of all source files.
static GRAPH: LazyLock<graph::Graph> = LazyLock::new(graph::Graph::of_the_sources);

/// Each source file: its module at the top level, its path, and its text without unit tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = repository("src");
    files("src", "rs", 30)
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable");
            let text =
                text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            let first =
                path.strip_prefix(&root).expect("below src").components().next().expect("a name");
            let module = first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
            (module, path, text)
        })
        .collect()
}

/// Which top-level modules each top-level module imports.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, targets) in &GRAPH.imports {
        let Some(module) = file.first() else { continue };
        let others = targets.iter().map(|target| target[0].clone());
        edges.entry(module.clone()).or_default().extend(others.filter(|other| other != module));
    }
    edges
}

/// The picture of the modules in ARCHITECTURE.md, line by line from the top.
fn picture() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(repository("ARCHITECTURE.md")).expect("readable");
    let (_, modules) = text.split_once("## The modules").expect("the part about modules");
    let picture = modules.split("```").nth(1).expect("a picture");
    picture
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn each_module_imports_only_what_stands_below_it_in_the_picture() {
    let picture = picture();
    let level = |module: &str| {
        picture
            .iter()
            .position(|line| line.iter().any(|name| name == module))
            .unwrap_or_else(|| panic!("{module} is missing in the picture"))
    };
    let edges = imports();
    assert_eq!(
        picture.iter().flatten().collect::<BTreeSet<_>>(),
        edges.keys().collect::<BTreeSet<_>>(),
        "the picture has each module once"
    );
    for (module, targets) in &edges {
        for target in targets {
            assert!(level(module) < level(target), "{module} imports {target}, which is not below");
        }
    }
}

#[test]
fn only_the_command_line_imports_the_configuration() {
    let importers: Vec<String> = imports()
        .into_iter()
        .filter(|(_, targets)| targets.contains("config"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(importers, ["cli"]);
}

#[test]
fn no_provider_is_named_in_code() {
    let names: Vec<&str> =
        BUILTINS.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("oauth2")).collect();
    for (_, path, text) in sources() {
        let folded = text.to_lowercase();
        let words: BTreeSet<&str> =
            folded.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').collect();
        for name in names
            .iter()
            .flat_map(|name| [(*name).to_owned(), name.replace('-', "_"), name.replace('-', "")])
            .chain(["enablex".into(), "smscx".into()])
        {
            assert!(!words.contains(&*name), "{} names the provider {name}", path.display());
        }
    }
}

/// The most lines of a file, and the most columns of a line.
const LINES: usize = 420;
const COLUMNS: usize = 100;

/// Where lines have at most so many columns.
const NARROW: [&str; 3] = ["src", "tests", "benches"];

/// The Rust files of these folders, with their text.
fn rust(folders: &[&str]) -> impl Iterator<Item = (PathBuf, String)> {
    folders
        .iter()
        .flat_map(|folder| files(folder, "rs", 10))
        .filter(|path| !path.components().any(|part| part.as_os_str() == "node_modules"))
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("readable")))
}

#[test]
fn no_file_has_too_many_lines() {
    let long: Vec<String> = rust(&["src", "tests", "benches"])
        .filter(|(_, text)| text.lines().count() > LINES)
        .map(|(path, text)| format!("{}: {}", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn no_line_has_too_many_columns() {
    let mut long = Vec::new();
    for (path, text) in rust(&NARROW) {
        for (number, _) in
            text.lines().enumerate().filter(|(_, line)| line.chars().count() > COLUMNS)
        {
            long.push(format!("{}:{}", path.display(), number + 1));
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn no_page_has_unescaped_text() {
    let pages: Vec<_> = sources()
        .into_iter()
        .filter(|(_, path, _)| path.to_string_lossy().contains("web/page"))
        .collect();
    assert!(pages.len() >= 8, "the pages were found");
    for (_, path, text) in pages {
        for word in ["PreEscaped", "Markup(", "format!(\"<"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn only_the_module_that_escapes_every_text_writes_to_a_terminal() {
    for (_, path, text) in
        sources().into_iter().filter(|(_, path, _)| !path.ends_with("cli/print.rs"))
    {
        for word in ["print!(", "println!(", "dbg!(", "stdout()", "stderr()"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn no_test_sleeps() {
    for (path, text) in rust(&["tests/it", "tests/outside"]) {
        let sleeping = ["thread::", "time::"]
            .iter()
            .any(|module| text.contains(&format!("{module}{}", "sleep(")));
        assert!(!sleeping, "{} sleeps", path.display());
    }
}

#[test]
fn no_file_is_in_an_import_cycle() {
    let graph = &*GRAPH;
    let joined = |module: &graph::Module| module.join("::");
    let circles: Vec<String> = graph
        .circles()
        .into_iter()
        .map(|circle| {
            let arrows = circle.iter().flat_map(|from| {
                graph.imports[*from]
                    .iter()
                    .filter(|to| circle.contains(to))
                    .map(|to| format!("{} -> {}", joined(from), joined(to)))
            });
            arrows.collect::<Vec<_>>().join("\n  ")
        })
        .collect();
    assert!(circles.is_empty(), "{} circles:\n  {}", circles.len(), circles.join("\n\n  "));
}

#[test]
fn the_language_does_not_import_recipes_and_probe_does_not_import_authoring() {
    let graph = &*GRAPH;
    let imported_by = |room: &str| -> BTreeSet<String> {
        let files = graph
            .imports
            .iter()
            .filter(|(file, _)| file.first().is_some_and(|first| first == room));
        files.flat_map(|(_, targets)| targets.iter().map(|target| target[0].clone())).collect()
    };
    let known: BTreeSet<String> =
        ["diagnostic", "document", "language", "secret", "time", "tls"].map(String::from).into();
    let language = imported_by("language");
    assert!(language.contains("document"), "the imports were found: {language:?}");
    assert!(language.is_subset(&known), "{language:?}");
    let probe = imported_by("probe");
    assert!(probe.contains("recipe") && !probe.contains("authoring"), "{probe:?}");
}

/// What a probe does after what is written once: in the turns of a conversation.
#[test]
fn one_place_decides_when_a_cleanup_is_made() {
    let fuzzed = files("tests/fuzz/src", "rs", 3).into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).expect("readable");
        (path, text)
    });
    let all = sources().into_iter().map(|(_, path, text)| (path, text)).chain(fuzzed);
    let mut callers = Vec::new();
    for (path, text) in all {
        let calls = text.matches(".is_possible(").count() + text.matches(".cleanup.iter(").count();
        callers.extend(std::iter::repeat_n(path, calls));
    }
    let turns = repository("src/recipe/turns.rs");
    assert_eq!(
        callers,
        [turns.clone(), turns],
        "the list is read once, and each call is asked once"
    );
}
