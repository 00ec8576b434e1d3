//! Makes a provider to probe from a recipe file and the inputs of the command line, without a
//! configuration.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::command_line::TrialInputs;
use super::load::{Loader, open};
use super::maintenance::Maintenance;
use super::parsed::{Recipes, Role};
use super::resolve::Resolver;
use crate::diagnostic::{Fault, Shown, suggestion_of_names};
use crate::files;
use crate::provider::Provider;
use crate::recipe::Recipe;
use crate::recipe::builtin::{self, BUILTINS};

/// Why there is no provider to probe.
pub enum TrialError {
    /// The file has faults.
    Faulty(Vec<Fault>),
    /// The command line does not fit the file: the problem, and a hint.
    Inputs(String, String),
}

/// The provider that a recipe file, or the name of a built-in recipe, and the inputs make. The
/// inputs take precedence over those of a provider in the file.
///
/// # Errors
/// See [`TrialError`].
pub fn load_trial(path: &Path, inputs: &TrialInputs) -> Result<Arc<Provider>, TrialError> {
    let mut loader = Loader::default();
    if let Some(name) = path.to_str().filter(|name| is_name(name) && !path.exists()) {
        let Some(recipe) = builtin::recipe(name) else {
            return Err(TrialError::Inputs(
                format!("there is no file and no built-in recipe {name:?}"),
                suggestion_of_names(name, BUILTINS.iter().map(|(name, _)| *name)).to_string(),
            ));
        };
        let recipes = Recipes { own: HashMap::new(), faulty: HashSet::new(), incomplete: false };
        return from_inputs(&mut loader, &recipes, &recipe, inputs);
    }
    let shown = Shown::outside_of_files(path.display());
    let source = open(path, files::CONFIGURATION, shown)
        .map_err(|problem| TrialError::Faulty(vec![Fault::general(problem)]))?;
    let parsed = loader.parse(&source, path, Role::Main);
    let (file, name) = (path.display().to_string(), inputs.name.as_deref());
    if !parsed.file.providers.0.is_empty() {
        let plan = loader.finish(parsed, None, path, Some(inputs)).map_err(TrialError::Faulty)?;
        let providers: Vec<&Arc<Provider>> =
            plan.providers.iter().filter(|provider| provider.slot == inputs.slot).collect();
        let names =
            |provider: &Arc<Provider>| [&provider.name, &provider.recipe.name].map(String::clone);
        return choose(&providers, name, names, "provider", &file).cloned();
    }
    let recipes = loader.recipes(&parsed, &[], &HashSet::new(), false);
    if loader.errors() > 0 {
        return Err(TrialError::Faulty(std::mem::take(&mut loader.faults)));
    }
    let in_order = parsed.file.recipes.0.iter();
    let all: Vec<&Arc<Recipe>> =
        in_order.filter_map(|(name, _)| recipes.own.get(name.get_ref())).collect();
    let names = |recipe: &Arc<Recipe>| [&recipe.name, &recipe.name].map(String::clone);
    let recipe = choose(&all, name, names, "recipe", &file)?;
    from_inputs(&mut loader, &recipes, recipe, inputs)
}

/// Whether a text is like the name of a recipe and not like a path.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

/// The provider that a recipe and the inputs make.
fn from_inputs(
    loader: &mut Loader,
    recipes: &Recipes,
    recipe: &Recipe,
    inputs: &TrialInputs,
) -> Result<Arc<Provider>, TrialError> {
    refuse_missing(recipe, inputs)?;
    let typed = loader.parse_typed(recipe, inputs);
    let mut faults = std::mem::take(&mut loader.faults);
    let mut resolver = Resolver::new(recipes, &typed, Maintenance::default());
    let mut providers = Vec::new();
    for (name, provider) in &typed.file.providers.0 {
        let (made, more) = resolver.provider(&typed, name, provider);
        providers.extend(made);
        faults.extend(more);
    }
    providers.pop().ok_or(TrialError::Faulty(faults))
}

/// The only item that has the wanted name, or the only item. `names` returns the name of an item
/// and another name for it.
fn choose<'a, T>(
    all: &[&'a T],
    wanted: Option<&str>,
    names: impl Fn(&T) -> [String; 2],
    what: &str,
    file: &str,
) -> Result<&'a T, TrialError> {
    let matching: Vec<&T> = all
        .iter()
        .copied()
        .filter(|item| wanted.is_none_or(|wanted| names(item).iter().any(|name| name == wanted)))
        .collect();
    let all: BTreeSet<String> = all.iter().map(|item| names(item)[0].clone()).collect();
    match (&*matching, wanted) {
        ([only], _) => Ok(only),
        ([], Some(wanted)) => Err(TrialError::Inputs(
            format!("there is no {what} {wanted:?} in {file}"),
            suggestion_of_names(wanted, all.iter().map(String::as_str)).to_string(),
        )),
        ([], None) => Err(TrialError::Inputs(
            format!("there is no {what} in {file}"),
            "a recipe is a table [recipes.NAME]; `credwatch recipes new` drafts one".into(),
        )),
        _ => {
            let choice: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
            Err(TrialError::Inputs(
                format!("{file} has several: which {what}?"),
                format!("name one of {}", choice.join(", ")),
            ))
        }
    }
}

/// Refuses when required inputs are missing. The hint has the flags to add.
fn refuse_missing(recipe: &Recipe, inputs: &TrialInputs) -> Result<(), TrialError> {
    let mut missing = Vec::new();
    for (name, parameter) in &recipe.parameters {
        if parameter.default.is_none()
            && !parameter.optional
            && !inputs.parameters.iter().any(|(known, _)| known == name)
        {
            missing.push(format!("--parameter {name}=VALUE"));
        }
    }
    for (name, credential) in &recipe.credentials {
        if !credential.optional && !inputs.credentials.iter().any(|(known, _)| known == name) {
            missing.push(format!("--credential {name}=env:{}", name.to_ascii_uppercase()));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let hint = format!(
        "add {}; a secret can also come from a file: `--credential NAME=file:PATH`",
        missing.join(" ")
    );
    Err(TrialError::Inputs(format!("the recipe `{}` needs more inputs", recipe.name), hint))
}
