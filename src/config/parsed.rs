//! Configuration files that were read and are not resolved yet.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::File;
use crate::diagnostic::Source;
use crate::recipe::{Recipe, builtin};

/// One file.
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
    /// Whether the reader removed faulty keys from the table that begins at `place`.
    pub fn is_damaged(&self, place: &Range<usize>) -> bool {
        let next = self.starts.partition_point(|start| *start <= place.start);
        let end = self.starts.get(next).copied().unwrap_or(usize::MAX);
        self.faults.iter().any(|fault| (place.start..end).contains(fault))
    }
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
