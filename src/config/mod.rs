//! From files to what the daemon runs on: everything read, merged, resolved and checked, every fault told.
//!
//! Nothing but the command line imports this module; the rest of the program takes what comes out of it.

pub mod file;
mod resolve;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use crate::diagnostic::{Fault, Severity, Source};
use crate::document;
use crate::provider::Provider;
use crate::recipe::definition::Text;
use crate::recipe::{Recipe, builtin};
use file::{Credential, File};

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

/// Reads the configuration at `path`, with all files that it names.
///
/// # Errors
/// All faults, in the order of files and lines. Warnings are among them.
pub fn load(path: &Path) -> Result<Configuration, Vec<Fault>> {
    let mut loader = Loader::default();
    let Some(main) = loader.open(path) else { return Err(loader.faults) };
    let parsed = loader.parse(&main, path, Role::Main);
    loader.finish(&parsed)
}

/// Reads a configuration from a text, for the demo; `name` stands for the file in messages.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &str, text: &str) -> Result<Configuration, Vec<Fault>> {
    let mut loader = Loader::default();
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let parsed = loader.parse(&source, Path::new(name), Role::Main);
    loader.finish(&parsed)
}

/// What a file may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Main,
    Providers,
    Recipes,
}

/// One file, read.
struct Parsed {
    source: Arc<Source>,
    /// The folder that relative paths in it start from.
    folder: PathBuf,
    file: File,
}

#[derive(Default)]
struct Loader {
    faults: Vec<Fault>,
}

impl Loader {
    fn open(&mut self, path: &Path) -> Option<Arc<Source>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(Arc::new(Source { name: path.display().to_string(), text })),
            Err(error) => {
                self.faults.push(Fault::general(format!("cannot read {}: {error}", path.display())));
                None
            }
        }
    }

    fn parse(&mut self, source: &Arc<Source>, path: &Path, role: Role) -> Parsed {
        let (file, mut faults): (File, _) = document::read(source, &SCHEMA);
        self.faults.append(&mut faults);
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let parsed = Parsed { source: Arc::clone(source), folder, file };
        self.check_role(&parsed, role);
        self.check_permissions(&parsed, path);
        parsed
    }

    /// Included files hold providers or recipes, nothing else: one place for everything that holds for all.
    fn check_role(&mut self, parsed: &Parsed, role: Role) {
        let file = &parsed.file;
        let stray = match role {
            Role::Main => return,
            Role::Providers => (!file.recipes.0.is_empty()).then(|| file.recipes.0[0].0.span()),
            Role::Recipes => (!file.providers.0.is_empty()).then(|| file.providers.0[0].0.span()),
        };
        let text = &parsed.source.text;
        let header = |name: &str| text.lines().any(|line| line.trim_start().starts_with(&format!("[{name}")));
        let settings = ["web", "limits", "metrics", "defaults"].into_iter().find(|name| header(name));
        let what = if role == Role::Providers { "[providers.NAME]" } else { "[recipes.NAME]" };
        if let Some(span) = stray {
            self.faults.push(Fault::error(&parsed.source, span, format!("an included file of this kind holds {what} tables only")));
        } else if let Some(name) = settings {
            let start = text.find(&format!("[{name}")).unwrap_or_default();
            self.faults.push(Fault::error(
                &parsed.source,
                start..start + name.len() + 2,
                format!("`{name}` belongs into the main file; an included file holds {what} tables only"),
            ));
        }
    }

    fn check_permissions(&mut self, parsed: &Parsed, path: &Path) {
        let inline =
            parsed.file.providers.0.iter().find_map(|(name, provider)| {
                provider.credentials.0.iter().find(|(_, value)| matches!(value, Credential::Inline(_))).map(|(key, _)| (name, key))
            });
        let Some((_, key)) = inline else { return };
        let readable = std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0);
        if readable {
            self.faults.push(
                Fault::warning(&parsed.source, key.span(), "this file holds a secret and everybody on this host can read it")
                    .hint("chmod o-r, or move the secret out: { file = \"…\" }, { systemd = \"…\" } or { env = \"…\" }"),
            );
        }
    }

    /// Opens what `provider_files` or `recipe_files` name. A pattern may match nothing, a path must exist.
    fn include(&mut self, parsed: &Parsed, patterns: &[Text], role: Role) -> Vec<Parsed> {
        let mut included = Vec::new();
        for pattern in patterns {
            let text = pattern.0.get_ref();
            let full = parsed.folder.join(text);
            let mut paths: Vec<PathBuf> = match glob::glob(&full.to_string_lossy()) {
                Ok(paths) => paths.filter_map(Result::ok).collect(),
                Err(error) => {
                    self.faults.push(Fault::error(&parsed.source, pattern.0.span(), format!("{text:?} is no path or pattern: {error}")));
                    continue;
                }
            };
            paths.sort();
            if paths.is_empty() && !text.contains(['*', '?', '[']) {
                self.faults.push(Fault::error(&parsed.source, pattern.0.span(), format!("there is no file {}", full.display())));
            }
            for path in paths {
                if let Some(source) = self.open(&path) {
                    let file = self.parse(&source, &path, role);
                    included.push(file);
                }
            }
        }
        included
    }

    fn finish(mut self, main: &Parsed) -> Result<Configuration, Vec<Fault>> {
        let recipe_files = self.include(main, &main.file.recipe_files, Role::Recipes);
        let provider_files = self.include(main, &main.file.provider_files, Role::Providers);
        let recipes = self.recipes(std::iter::once(main).chain(&recipe_files));
        let mut configuration = self.settings(main);
        let mut seen: HashMap<&str, String> = HashMap::new();
        let mut resolver = resolve::Resolver::new(&recipes, main);
        for parsed in std::iter::once(main).chain(&provider_files) {
            for (name, provider) in &parsed.file.providers.0 {
                if let Some(first) = seen.get(name.get_ref().as_str()) {
                    self.faults.push(Fault::error(&parsed.source, name.span(), format!("the provider `{name}` is already in {first}")));
                    continue;
                }
                seen.insert(name.get_ref(), parsed.source.name.clone());
                configuration.providers.extend(resolver.provider(parsed, name, provider, &mut self.faults));
            }
        }
        if configuration.providers.is_empty() && self.faults.iter().all(|fault| fault.severity == Severity::Warning) {
            self.faults.push(
                Fault::warning(&main.source, 0..0, "no provider is configured, so nothing is watched")
                    .hint("add a table [providers.NAME]; `credwatch recipes list` shows what is built in"),
            );
        }
        self.faults.sort_by_key(|fault| {
            (fault.source.as_ref().map(|source| source.name != main.source.name), fault.source.as_ref().map(|source| source.name.clone()), fault.span.start)
        });
        if self.faults.iter().any(|fault| fault.severity == Severity::Error) {
            return Err(self.faults);
        }
        configuration.warnings = self.faults;
        Ok(configuration)
    }

    /// All recipes by name: those of the files, and the built-in ones that a provider asks for.
    fn recipes<'a>(&mut self, files: impl Iterator<Item = &'a Parsed>) -> Recipes {
        let mut own = HashMap::new();
        for parsed in files {
            for (name, definition) in &parsed.file.recipes.0 {
                let recipe = Recipe::compile(name.get_ref(), definition, &parsed.source, &name.span(), &mut self.faults);
                if own.insert(name.get_ref().clone(), Arc::new(recipe)).is_some() {
                    self.faults.push(Fault::error(&parsed.source, name.span(), format!("the recipe `{name}` is defined twice")));
                }
            }
        }
        Recipes { own }
    }

    fn settings(&mut self, main: &Parsed) -> Configuration {
        let file = &main.file;
        let mut listen_addresses = Vec::new();
        for text in &file.web.listen_addresses {
            match parse_address(text.0.get_ref()) {
                Ok(address) => listen_addresses.push(address),
                Err(message) => self.faults.push(Fault::error(&main.source, text.0.span(), message)),
            }
        }
        if file.web.listen_addresses.is_empty() {
            listen_addresses.extend(DEFAULT_ADDRESS.parse::<SocketAddr>());
        }
        let mut duration_buckets = DEFAULT_BUCKETS.to_vec();
        if let Some(buckets) = &file.metrics.duration_buckets {
            let bounds = buckets.0.get_ref();
            let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
            if bounds.is_empty() || bounds.len() > 50 || !rising || bounds.iter().any(|bound| !bound.is_finite() || *bound <= 0.0) {
                self.faults.push(Fault::error(&main.source, buckets.0.span(), "the buckets must be 1 to 50 positive numbers of seconds, rising"));
            } else {
                duration_buckets.clone_from(bounds);
            }
        }
        Configuration {
            listen_addresses,
            probes_in_flight: file.limits.probes_in_flight.unwrap_or(500),
            probes_in_flight_per_host: file.limits.probes_in_flight_per_host.unwrap_or(32),
            duration_buckets,
            providers: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// The recipes that providers can choose from.
struct Recipes {
    own: HashMap<String, Arc<Recipe>>,
}

impl Recipes {
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.own.keys().map(String::as_str).chain(builtin::BUILTINS.iter().map(|(name, _)| *name)).collect::<HashSet<_>>().into_iter().collect();
        names.sort_unstable();
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
