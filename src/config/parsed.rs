//! Configuration files that were read and are not resolved yet.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::file::File;
use super::schema::SCHEMA;
use crate::diagnostic::{Fault, Sentence, Source};
use crate::document;
use crate::recipe::{Recipe, builtin};

/// The most values of a text. A value takes up to 350 bytes while the text is read.
const MOST_VALUES: usize = 1_000_000;

/// Which tables a file may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Main,
    Providers,
    Recipes,
}

/// A file whose providers are not read yet.
pub struct Unread {
    pub source: Arc<Source>,
    pub path: PathBuf,
    pub role: Role,
}

/// The names of the providers so far, each with the name of its file.
pub type Names = HashMap<String, Arc<str>>;

/// One file, or a piece of a large one.
pub struct Parsed {
    pub source: Arc<Source>,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
    pub file: File,
    /// The keys at its top level.
    pub top: Vec<(String, Range<usize>)>,
    /// Where each provider, recipe and other table begins, sorted.
    pub starts: Vec<usize>,
    /// The places of the structural faults.
    pub faults: Vec<usize>,
}

impl Parsed {
    /// Reads a text, with its structural faults. Relative paths in it start from `folder`.
    pub fn read(source: &Arc<Source>, folder: &Path) -> (Self, Vec<Fault>) {
        let (mut top, mut starts) = (Vec::new(), Vec::new());
        let look = |tree: &DeTable<'_>| {
            for (key, value) in tree {
                top.push((key.get_ref().to_string(), key.span()));
                match (key.get_ref().as_ref(), value.get_ref()) {
                    ("providers" | "recipes", DeValue::Table(table)) => {
                        starts.extend(table.keys().map(|key| key.span().start));
                    }
                    ("providers" | "recipes", _) => {}
                    _ => starts.push(key.span().start),
                }
            }
        };
        let (file, faults): (File, _) = if has_too_many_values(&source.text) {
            let message = Sentence::fill("the file has more than {} values", [MOST_VALUES.into()]);
            (File::default(), vec![Fault::error(source, 0..0, message)])
        } else {
            document::read(source, &SCHEMA, look)
        };
        starts.sort_unstable();
        let parsed = Self {
            source: Arc::clone(source),
            folder: folder.to_owned(),
            file,
            top,
            starts,
            faults: faults.iter().map(|fault| fault.span.start).collect(),
        };
        (parsed, faults)
    }

    /// The names of the recipes whose providers verify a token with a request.
    pub fn verified(&self) -> impl Iterator<Item = String> {
        self.file.providers.0.iter().filter_map(|(_, provider)| {
            let verify = provider.verify.as_ref()?;
            let recipe = provider.recipe.as_ref().filter(|_| verify.makes_requests())?;
            Some(recipe.0.get_ref().clone())
        })
    }

    /// Whether the reader removed faulty keys from the table that begins at `place`.
    pub fn is_damaged(&self, place: &Range<usize>) -> bool {
        let next = self.starts.partition_point(|start| *start <= place.start);
        let end = self.starts.get(next).copied().unwrap_or(usize::MAX);
        self.faults.iter().any(|fault| (place.start..end).contains(fault))
    }
}

/// Whether a text of TOML has more values than are read.
pub fn has_too_many_values(text: &str) -> bool {
    let signs = || text.bytes().filter(|byte| matches!(byte, b'=' | b',' | b'['));
    // Most texts have fewer bytes.
    text.len() > MOST_VALUES && signs().count() > MOST_VALUES
}

/// The recipes that providers can choose from.
pub struct Recipes {
    pub own: HashMap<String, Arc<Recipe>>,
    /// The names of recipes with faults.
    pub faulty: HashSet<String>,
    /// Whether a recipe file could not be read.
    pub incomplete: bool,
}

impl Recipes {
    /// The names of all recipes, including the built-in ones.
    pub fn names(&self) -> Vec<&str> {
        let builtin = builtin::BUILTINS.iter().map(|(name, _)| *name);
        let mut names: Vec<&str> = self.own.keys().map(String::as_str).chain(builtin).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
