//! Reads the files of a configuration and makes a plan of them.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use super::command_line::TrialInputs;
use super::file::{Credential, Provider};
use super::inputs;
use super::maintenance::Maintenance;
use super::parsed::{Names, Parsed, Recipes, Role, Unread};
use super::patterns::{matches, pattern_in};
use super::replaced;
use super::resolve::Resolver;
use super::schema::SCHEMA;
use super::settings::settings;
use super::shared::Context;
use crate::diagnostic::{Fault, Kind, Sentence, Severity, Shown, Source};
use crate::files::{self, FileError, Other};
use crate::plan::{Loaded, Plan};
use crate::recipe::definition::Text;
use crate::recipe::{Recipe, builtin};
use crate::watch::Files;

/// The most bytes of all files of `recipe_files`, and of all files of `provider_files`.
const MOST_RECIPES: u64 = 4 << 20;
const MOST_PROVIDERS: u64 = 128 << 20;

/// The most expressions and texts of all recipes of the operator. They take about 60 MB.
const MOST_EXPRESSIONS: usize = 5_000;

#[derive(Default)]
pub(super) struct Loader {
    pub(super) faults: Vec<Fault>,
    files: Files,
}

/// Reads the configuration at `path`, with all files that it names.
#[must_use]
pub fn load(path: &Path) -> Loaded {
    load_with(path, None)
}

/// As [`load`]. The inputs of the command line take precedence in the provider that they name.
#[must_use]
pub fn load_with(path: &Path, inputs: Option<&TrialInputs>) -> Loaded {
    let mut loader = Loader::default();
    loader.files.add(path);
    let plan = match files::read_text(path, files::CONFIGURATION) {
        Ok(text) => {
            let (main, rest) = loader.begin(source(path, text), path);
            loader.finish(main, rest, path, inputs)
        }
        Err(error) => {
            let mut fault =
                Fault::general(cannot_read(Shown::outside_of_files(path.display()), &error));
            if matches!(error, FileError::NotAFile(Other::Pipe)) {
                fault = fault.hint(
                    "only `credwatch check` reads a pipe; the daemon reads its files repeatedly",
                );
            }
            Err(vec![fault])
        }
    };
    Loaded { plan, files: loader.files }
}

/// Reads a configuration once, from a pipe or a file. In a configuration from a pipe, relative
/// paths start from the current directory.
///
/// # Errors
/// All faults, as in `Loaded`.
pub fn load_once(path: &Path) -> Result<Plan, Vec<Fault>> {
    if path.is_file() {
        return load(path).plan;
    }
    let text = files::read_stream(path, files::CONFIGURATION).map_err(|error| {
        vec![Fault::general(cannot_read(Shown::outside_of_files(path.display()), &error))]
    })?;
    load_text(&path.display().to_string(), &text)
}

/// Reads a configuration from a text; `name` stands for the file in messages. Relative paths start
/// from the current directory.
///
/// # Errors
/// All faults, as in `Loaded`.
pub fn load_text(name: &str, text: &str) -> Result<Plan, Vec<Fault>> {
    let mut loader = Loader::default();
    let source = source(Path::new(name), text.to_owned());
    let (main, rest) = loader.begin(source, Path::new(""));
    loader.finish(main, rest, Path::new(""), None)
}

pub(super) fn open(path: &Path, limit: u64, shown: Shown) -> Result<Arc<Source>, Sentence> {
    files::read_text(path, limit)
        .map(|text| source(path, text))
        .map_err(|error| cannot_read(shown, &error))
}

fn source(path: &Path, text: String) -> Arc<Source> {
    Arc::new(Source::new(path.display().to_string(), text))
}

fn cannot_read(path: Shown, error: &FileError) -> Sentence {
    Sentence::fill("cannot read {}: {}", [path, Shown::outside_of_files(error)])
}

impl Loader {
    pub(super) fn parse(&mut self, source: &Arc<Source>, path: &Path, role: Role) -> Parsed {
        let folder = path.parent().unwrap_or(Path::new(""));
        let (parsed, faults) = Parsed::read(source, folder);
        self.faults.extend(faults);
        self.check_role(&parsed, role);
        self.check_permissions(&parsed, path);
        parsed
    }

    /// An included file may only have providers or only recipes. All other settings belong into the
    /// main file.
    pub(super) fn check_role(&mut self, parsed: &Parsed, role: Role) {
        let allowed = match role {
            Role::Main => return,
            Role::Providers => "providers",
            Role::Recipes => "recipes",
        };
        // Other keys are unknown in every file, which is a fault already.
        for (name, span) in
            parsed.top.iter().filter(|(name, _)| name != allowed && SCHEMA.has_top_key(name))
        {
            let message = Sentence::fill(
                "`{}` does not belong here: an included file of this kind holds [{}.NAME] tables \
                 only",
                [Shown::name(name), allowed.into()],
            );
            let fault = Fault::error(&parsed.source, span.clone(), message);
            self.faults.push(fault.hint("put it into the main file"));
        }
    }

    /// Warns about a secret in a file that everybody can read. Returns whether the file has one.
    pub(super) fn check_permissions(&mut self, parsed: &Parsed, path: &Path) -> bool {
        let providers = parsed.file.providers.0.iter().map(|(_, provider)| provider);
        let mut credentials = providers
            .flat_map(|provider| provider.credentials.0.iter().chain(&provider.credentials_next.0));
        let inline = credentials.find(
            |(_, value)| matches!(value, Credential::Inline(text) if !text.trim().is_empty()),
        );
        let Some((key, _)) = inline else { return false };
        if std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0) {
            let message = "this file holds a secret and everybody on this host can read it";
            self.faults.push(Fault::warning(&parsed.source, key.span(), message).hint(
                "chmod o-r, or move the secret out: { file = \"…\" }, { systemd = \"…\" } or \
                 { env = \"…\" }",
            ));
        }
        true
    }

    /// Opens the files that `provider_files` or `recipe_files` name, without those in `seen`.
    fn include(
        &mut self,
        main: &Parsed,
        patterns: &[Text],
        role: Role,
        seen: &mut HashSet<PathBuf>,
    ) -> Vec<Unread> {
        let (limit, most_bytes) = match role {
            Role::Recipes => (files::RECIPES, MOST_RECIPES),
            Role::Main | Role::Providers => (files::CONFIGURATION, MOST_PROVIDERS),
        };
        let (mut included, mut bytes) = (Vec::new(), 0);
        for pattern in patterns {
            let span = pattern.0.span();
            self.files.add_pattern(pattern_in(&main.folder, pattern.0.get_ref()));
            let paths = match matches(&main.folder, pattern.0.get_ref()) {
                Ok(paths) => paths,
                Err(problem) => {
                    self.faults.push(Fault::error(&main.source, span, problem));
                    continue;
                }
            };
            if paths.is_empty() {
                let message = "no file matches this";
                self.faults.push(Fault::warning(&main.source, span.clone(), message));
            }
            for path in paths {
                if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                    continue;
                }
                match open(&path, limit, Shown::path(&path, pattern.0.get_ref())) {
                    Ok(source) => {
                        bytes += source.text.len() as u64;
                        if bytes > most_bytes {
                            let problem = Sentence::fill(
                                "these files are together larger than {} MiB",
                                [Shown::outside_of_files(most_bytes >> 20)],
                            );
                            self.faults.push(Fault::error(&main.source, span, problem));
                            return included;
                        }
                        included.push(Unread { source, path, role });
                    }
                    Err(problem) => {
                        self.faults.push(Fault::error(&main.source, span.clone(), problem));
                    }
                }
            }
        }
        included
    }

    /// The plan. `rest` is the main file, when its providers are not read yet. `inputs` replace
    /// those of the only provider that they mean.
    pub(super) fn finish(
        &mut self,
        mut main: Parsed,
        rest: Option<Unread>,
        path: &Path,
        inputs: Option<&TrialInputs>,
    ) -> Result<Plan, Vec<Fault>> {
        let mut seen: HashSet<PathBuf> = path.canonicalize().into_iter().collect();
        let before = self.errors();
        let recipe_files = self.include(&main, &main.file.recipe_files, Role::Recipes, &mut seen);
        let recipe_files = self.parse_all(recipe_files);
        let incomplete = self.errors() > before;
        let included = self.include(&main, &main.file.provider_files, Role::Providers, &mut seen);
        let mut unread: Vec<Unread> = rest.into_iter().chain(included).collect();
        let inputs = inputs.filter(|inputs| inputs.has_inputs());
        // What providers say about a recipe decides about its faults.
        let has_recipes = !main.file.recipes.0.is_empty() || !recipe_files.is_empty();
        let may_verify = |unread: &Unread| unread.source.text.contains("verify");
        let mut parsed = Vec::new();
        if inputs.is_some() || has_recipes && unread.iter().any(may_verify) {
            parsed = self.parse_all(std::mem::take(&mut unread));
        }
        let verified = std::iter::once(&main).chain(&parsed).flat_map(Parsed::verified).collect();
        let recipes = self.recipes(&main, &recipe_files, &verified, incomplete);
        if let Some(inputs) = inputs {
            self.replace(&mut main, &mut parsed, &recipes, inputs);
        }
        let mut plan = settings(&main, &mut self.faults);
        let mut names = Names::new();
        let (maintenance, faults) = Maintenance::new(&main);
        self.faults.extend(faults);
        let mut resolver = Resolver::new(&recipes, &main, maintenance);
        self.faults.extend(resolver.check_defaults());
        for parsed in std::iter::once(&main).chain(&parsed) {
            let file = parsed.source.name.as_str().into();
            self.resolve(parsed, &file, &mut resolver, &mut names, &mut plan);
        }
        for unread in unread {
            self.resolve_unread(&unread, &mut resolver, &mut names, &mut plan);
        }
        if self.errors() == 0 {
            self.faults.extend(resolver.maintenance.unused(&main, &names));
        }
        if names.is_empty() && self.errors() == 0 {
            let message = "no provider is configured, so nothing is watched";
            self.faults.push(Fault::warning(&main.source, 0..0, message).hint(
                "add a table [providers.NAME]; `credwatch recipes list` shows what is built in",
            ));
        }
        let own = &main.source.name;
        self.faults.sort_by_cached_key(|fault| {
            let name = fault.source.as_ref().map(|source| source.name.clone());
            (name.as_ref() != Some(own), name, fault.offset())
        });
        let failed = self.errors() > 0;
        plan.warnings = std::mem::take(&mut self.faults);
        if failed { Err(plan.warnings) } else { Ok(plan) }
    }

    fn parse_all(&mut self, files: Vec<Unread>) -> Vec<Parsed> {
        let files = files.into_iter();
        files.map(|Unread { source, path, role }| self.parse(&source, &path, role)).collect()
    }

    /// Adds the providers of a file to the plan.
    pub(super) fn resolve(
        &mut self,
        parsed: &Parsed,
        file: &Arc<str>,
        resolver: &mut Resolver<'_>,
        names: &mut Names,
        plan: &mut Plan,
    ) {
        for (name, provider) in &parsed.file.providers.0 {
            if let Some(first) = names.get(name.get_ref()) {
                let parts = [Shown::name(name.get_ref()), Shown::outside_of_files(first)];
                let message = Sentence::fill("the provider `{}` is already in {}", parts);
                self.faults.push(Fault::error(&parsed.source, name.span(), message));
                continue;
            }
            names.insert(name.get_ref().clone(), Arc::clone(file));
            let (providers, faults) = resolver.provider(parsed, name, provider);
            plan.providers.extend(providers);
            self.faults.extend(faults);
        }
    }

    /// The inputs of the command line as a file with one provider.
    pub(super) fn parse_typed(&mut self, recipe: &Recipe, inputs: &TrialInputs) -> Parsed {
        let source = Arc::new(Source::new("the command line", inputs.text(recipe)));
        self.parse(&source, Path::new(""), Role::Main)
    }

    /// Replaces the inputs of the only provider that the command line means.
    fn replace(
        &mut self,
        main: &mut Parsed,
        provider_files: &mut [Parsed],
        recipes: &Recipes,
        inputs: &TrialInputs,
    ) {
        let all = std::iter::once(main).chain(provider_files);
        let all = all.flat_map(|parsed| &mut parsed.file.providers.0);
        let mut meant: Vec<&mut (Spanned<String>, Provider)> = all.collect();
        if meant.iter().any(|(name, _)| inputs.names(name.get_ref())) {
            meant.retain(|(name, _)| inputs.names(name.get_ref()));
        } else {
            meant.retain(|(_, provider)| inputs.names_recipe(provider));
        }
        let [(name, provider)] = meant.as_mut_slice() else { return };
        let Some(recipe) = provider.recipe.as_ref().map(|text| text.0.get_ref()) else { return };
        let known = recipes.own.get(recipe).cloned();
        let Some(recipe) = known.or_else(|| builtin::recipe(recipe).map(Arc::new)) else { return };
        let mut typed = self.parse_typed(&recipe, inputs);
        let Some((own, file)) = typed.file.providers.0.pop() else { return };
        let mut context = Context::new(&typed, own.span());
        inputs::parameters(&recipe, &file, false, &mut context);
        inputs::credentials(&recipe, &file, false, &mut context);
        if !context.faults.is_empty() {
            self.faults.extend(context.faults);
            return;
        }
        inputs.replace(provider, file, name.span());
    }

    pub(super) fn errors(&self) -> usize {
        self.faults.iter().filter(|fault| fault.severity == Severity::Error).count()
    }

    /// The recipes of all files, by name. The requests that verify a token can use the inputs of
    /// the recipes in `verified` too.
    pub(super) fn recipes(
        &mut self,
        main: &Parsed,
        recipe_files: &[Parsed],
        verified: &HashSet<String>,
        incomplete: bool,
    ) -> Recipes {
        self.faults.extend(replaced::faults(main, recipe_files, incomplete));
        let mut recipes = Recipes { own: HashMap::new(), faulty: HashSet::new(), incomplete };
        let mut expressions = 0;
        for parsed in std::iter::once(main).chain(recipe_files) {
            for (name, definition) in &parsed.file.recipes.0 {
                let mut faults = Vec::new();
                let recipe = Recipe::compile(
                    name.get_ref(),
                    definition,
                    &parsed.source,
                    &name.span(),
                    &mut faults,
                );
                // The reader may have removed the faulty definition of a name.
                if parsed.is_damaged(&name.span()) {
                    recipes.faulty.insert(name.get_ref().clone());
                    faults.retain(|fault| {
                        fault.span.start != name.span().start && fault.kind == Kind::Other
                    });
                }
                if verified.contains(name.get_ref()) {
                    faults.retain(|fault| fault.kind != Kind::UnusedInput);
                }
                if !faults.is_empty() {
                    recipes.faulty.insert(name.get_ref().clone());
                }
                self.faults.extend(faults);
                expressions += recipe.expressions;
                if expressions > MOST_EXPRESSIONS {
                    let message = Sentence::fill(
                        "the recipes have together more than {} expressions and texts",
                        [MOST_EXPRESSIONS.into()],
                    );
                    self.faults.push(Fault::error(&parsed.source, name.span(), message));
                    recipes.incomplete = true;
                    return recipes;
                }
                if recipes.own.insert(name.get_ref().clone(), Arc::new(recipe)).is_some() {
                    let shown = Shown::name(name.get_ref());
                    let message = Sentence::fill("the recipe `{}` is defined twice", [shown]);
                    self.faults.push(Fault::error(&parsed.source, name.span(), message));
                }
            }
        }
        recipes
    }
}
