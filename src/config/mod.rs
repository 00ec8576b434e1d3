//! From files to what the daemon runs on: everything read, merged, resolved and checked, every
//! fault told.
//!
//! Nothing but the command line imports this module; the rest of the program takes what comes out
//! of it.

mod conceal;
pub mod file;
mod inputs;
mod load;
mod resolve;
mod shared;
mod trial;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use crate::diagnostic::{Fault, Source};
use crate::document;
use crate::provider::Provider;
use crate::recipe::{Recipe, builtin};
use crate::watch::Files;
use file::{File, RecipeFile};

pub use trial::{Given, Place, Trial, load_trial};

/// A whole configuration, ready to run.
pub struct Configuration {
    /// Where to listen.
    pub listen_addresses: Vec<SocketAddr>,
    /// Probes at the same time, over all.
    pub probes_in_flight: usize,
    /// Probes at the same time, per host and port.
    pub probes_in_flight_per_host: usize,
    /// Upper bounds of the latency histogram, in seconds.
    pub duration_buckets: Vec<f64>,
    /// What is watched, in the order of the files.
    pub providers: Vec<Arc<Provider>>,
    /// What the author would want to know, though it can be run.
    pub warnings: Vec<Fault>,
}

/// Where metrics are served unless the operator says otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9797";

/// Upper bounds of the latency histogram unless the operator says otherwise, in seconds.
pub const DEFAULT_BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

static SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<File>);

/// The JSON Schema of a configuration file.
#[must_use]
pub fn schema() -> &'static Json {
    &SCHEMA
}

static RECIPE_SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<RecipeFile>);

/// The JSON Schema of a file with recipes and nothing else.
#[must_use]
pub fn recipe_schema() -> &'static Json {
    &RECIPE_SCHEMA
}

/// A configuration with the files that it came from, which are known also when it has faults.
pub struct Loaded {
    /// The configuration, or all faults in the order of files and lines; warnings are among them.
    pub outcome: Result<Configuration, Vec<Fault>>,
    /// The file itself and those that it names.
    pub files: Files,
}

/// Reads the configuration at `path`, with all files that it names.
#[must_use]
pub fn load(path: &Path) -> Loaded {
    load::from_file(path)
}

/// Reads a configuration once, from a pipe or a file. Relative paths in what comes from a pipe start
/// from the current directory.
///
/// # Errors
/// All faults, as in [`Loaded`].
pub fn load_once(path: &Path) -> Result<Configuration, Vec<Fault>> {
    if path.is_file() { load(path).outcome } else { load::from_stream(path) }
}

/// Reads a configuration from a text, for the demo; `name` stands for the file in messages.
///
/// # Errors
/// All faults, as in [`Loaded`].
pub fn load_text(name: &str, text: &str) -> Result<Configuration, Vec<Fault>> {
    load::from_text(name, text)
}

/// One file, read.
struct Parsed {
    source: Arc<Source>,
    /// The folder that relative paths in it start from.
    folder: PathBuf,
    file: File,
    /// The keys at its top level.
    top: Vec<(String, Range<usize>)>,
    /// Where each provider and recipe begins, sorted.
    starts: Vec<usize>,
    /// Where the structural faults are.
    faults: Vec<usize>,
}

impl Parsed {
    /// Whether something of the table that begins at `place` was taken out as faulty.
    fn is_damaged(&self, place: &Range<usize>) -> bool {
        let next = self.starts.partition_point(|start| *start <= place.start);
        let end = self.starts.get(next).copied().unwrap_or(usize::MAX);
        self.faults.iter().any(|fault| (place.start..end).contains(fault))
    }
}

/// The recipes that providers can choose from.
struct Recipes {
    own: HashMap<String, Arc<Recipe>>,
    /// Names of those that have faults.
    faulty: HashSet<String>,
    /// Whether a file of recipes could not be read.
    incomplete: bool,
}

impl Recipes {
    fn names(&self) -> Vec<&str> {
        let builtin = builtin::BUILTINS.iter().map(|(name, _)| *name);
        let mut names: Vec<&str> = self.own.keys().map(String::as_str).chain(builtin).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// `HOST:PORT` with a numeric host, or `:PORT` for all addresses, as Prometheus exporters take it.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => text.replacen("localhost:", "127.0.0.1:", 1),
    };
    full.parse().map_err(|_| format!("{text:?} is not an address to listen on: write \"127.0.0.1:9797\", \"[::1]:9797\" or \":9797\" for all addresses"))
}
