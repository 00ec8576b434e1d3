//! The imports of all source files, and the import cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Item, UseTree, Visibility};

use crate::support::{files, repository};

/// The path of a module below the crate: `["language", "scan"]`.
pub type Module = Vec<String>;

/// The imports of each file, without tests. A re-export counts as an import of its target.
pub struct Graph {
    pub imports: BTreeMap<Module, BTreeSet<Module>>,
}

/// The paths, re-exports and child modules of one file.
#[derive(Default)]
struct Source {
    /// The paths that the file uses, relative to the crate.
    paths: Vec<Vec<String>>,
    /// The names that the file re-exports with `pub use`, and the path of each.
    exports: BTreeMap<String, Vec<String>>,
    /// The child modules of the file.
    children: BTreeSet<String>,
}

impl Graph {
    /// Reads all files below `src`.
    pub fn of_the_sources() -> Self {
        let root = repository("src");
        let mut sources = BTreeMap::new();
        for path in files("src", "rs", 30) {
            let module = module_of(path.strip_prefix(&root).expect("below src"));
            if module.last().is_some_and(|name| name == "tests") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("readable");
            let file = syn::parse_file(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            sources.insert(module.clone(), Source::of(&module, &file.items));
        }
        let mut imports: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, source) in &sources {
            let targets = imports.entry(module.clone()).or_default();
            for path in &source.paths {
                targets.extend(target(&sources, path, 0).filter(|target| target != module));
            }
        }
        Self { imports }
    }

    /// The import cycles, each as a set of files.
    pub fn circles(&self) -> Vec<BTreeSet<&Module>> {
        let reach: BTreeMap<&Module, BTreeSet<&Module>> =
            self.imports.keys().map(|from| (from, self.reachable(from))).collect();
        let mut circles: Vec<BTreeSet<&Module>> = Vec::new();
        for (from, targets) in &reach {
            if circles.iter().any(|circle| circle.contains(from)) {
                continue;
            }
            let circle: BTreeSet<&Module> =
                targets.iter().filter(|to| reach[*to].contains(from)).copied().collect();
            if circle.contains(from) {
                circles.push(circle);
            }
        }
        circles
    }

    fn reachable(&self, from: &Module) -> BTreeSet<&Module> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in self.imports.get(module).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    }
}

/// The module of a file such as `language/scan.rs` or `language/mod.rs`.
fn module_of(path: &Path) -> Module {
    let mut module: Module = path
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
    module
}

/// The file that defines the item at a path.
fn target(sources: &BTreeMap<Module, Source>, path: &[String], depth: usize) -> Option<Module> {
    assert!(depth < 16, "re-exports lead in a circle: {path:?}");
    let length = (0..=path.len()).rev().find(|length| sources.contains_key(&path[..*length]))?;
    let (module, rest) = path.split_at(length);
    let exported = rest.first().and_then(|name| sources[module].exports.get(name));
    match exported {
        Some(path) => target(sources, &[path, &rest[1..]].concat(), depth + 1),
        // For a path to a folder, the code has another path with the item.
        None => Some(module.to_vec()).filter(|module| !module.is_empty()),
    }
}

impl Source {
    fn of(module: &Module, items: &[Item]) -> Self {
        let mut source = Self::default();
        for item in items {
            if let Item::Mod(child) = item {
                source.children.insert(child.ident.to_string());
            }
        }
        for item in items {
            match item {
                Item::Use(item) => {
                    let mut found = Vec::new();
                    flatten(&item.tree, &mut Vec::new(), &mut found);
                    for (name, path) in found {
                        let Some(path) = source.absolute(module, &path) else { continue };
                        if matches!(item.vis, Visibility::Inherited) {
                            source.paths.push(path);
                        } else {
                            source.exports.insert(name, path);
                        }
                    }
                }
                Item::Mod(child) if child.content.is_none() => {}
                item if is_test(item) => {}
                item => source.scan(module, item.to_token_stream()),
            }
        }
        source
    }

    /// The path relative to the crate. `None` for a path into another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" => {
                let mut at = &module[..];
                let mut rest = path;
                while let [first, next @ ..] = rest
                    && first == "super"
                {
                    at = &at[..at.len().saturating_sub(1)];
                    rest = next;
                }
                Some([at, rest].concat())
            }
            name if self.children.contains(name) => Some([module, path].concat()),
            _ => None,
        }
    }

    /// Collects all paths in code, also in macros.
    fn scan(&mut self, module: &Module, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.scan(module, group.stream()),
                TokenTree::Ident(_) => {
                    let (path, end) = path_at(&tokens, at);
                    if path.len() > 1
                        && let Some(path) = self.absolute(module, &path)
                    {
                        self.paths.push(path);
                    }
                    at = end;
                    continue;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }
}

/// The path that starts at this token, and the index after it.
fn path_at(tokens: &[TokenTree], start: usize) -> (Vec<String>, usize) {
    let colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(sign)) if sign.as_char() == ':');
    let mut path = vec![tokens[start].to_string()];
    let mut at = start + 1;
    while colon(at) && colon(at + 1) && matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
        path.push(tokens[at + 2].to_string());
        at += 3;
    }
    (path, at)
}

/// All names that a `use` imports, and the path of each.
fn flatten(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    let mut take = |name: String, last: Option<String>, before: &[String]| {
        found.push((name, before.iter().cloned().chain(last).collect()));
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            take(before.last().cloned().unwrap_or_default(), None, before);
        }
        UseTree::Name(name) => take(name.ident.to_string(), Some(name.ident.to_string()), before),
        UseTree::Rename(name) => {
            take(name.rename.to_string(), Some(name.ident.to_string()), before);
        }
        UseTree::Glob(_) => take("*".into(), None, before),
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| flatten(tree, before, found));
        }
    }
}

fn is_test(item: &Item) -> bool {
    let Item::Mod(item) = item else { return false };
    item.attrs.iter().any(|attribute| attribute.to_token_stream().to_string().contains("test"))
}
