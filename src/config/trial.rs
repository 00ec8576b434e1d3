//! Makes a provider to probe from a recipe file and the inputs of the command line, without a
//! configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{Loader, Role, open};
use super::resolve::Resolver;
use crate::diagnostic::{Fault, Shown, Source, suggestion_of_names};
use crate::files;
use crate::provider::{Provider, Slot};
use crate::recipe::Recipe;
use crate::recipe::definition::Scalar;

/// The inputs of the command line.
#[derive(Default)]
pub struct TrialInputs {
    /// The name of the recipe, or of the provider in the file; needed only when it has several.
    pub name: Option<String>,
    /// Parameters by name.
    pub parameters: Vec<(String, String)>,
    /// The sources of the credentials, by name.
    pub credentials: Vec<(String, TrialSource)>,
    /// The current or the next credentials of a provider in the file.
    pub slot: Slot,
}

/// The source of a credential.
pub enum TrialSource {
    /// An environment variable.
    Environment(String),
    /// A file.
    File(PathBuf),
}

/// Why there is no provider to probe.
pub enum TrialError {
    /// The file has faults.
    Faulty(Vec<Fault>),
    /// The command line does not fit the file: the problem, and a hint.
    Inputs(String, String),
}

/// The provider that a recipe file and the inputs make.
///
/// # Errors
/// See [`TrialError`].
pub fn load_trial(path: &Path, inputs: &TrialInputs) -> Result<Arc<Provider>, TrialError> {
    let mut loader = Loader::default();
    let shown = Shown::outside_of_files(path.display());
    let source = open(path, files::CONFIGURATION, shown)
        .map_err(|problem| TrialError::Faulty(vec![Fault::general(problem)]))?;
    let parsed = loader.parse(&source, path, Role::Main);
    let (file, name) = (path.display().to_string(), inputs.name.as_deref());
    if !parsed.file.providers.0.is_empty() {
        let plan = loader.finish(&parsed, path).map_err(TrialError::Faulty)?;
        if !inputs.parameters.is_empty() || !inputs.credentials.is_empty() {
            return Err(TrialError::Inputs(
                format!("{file} has providers, so the inputs are taken from there"),
                "leave `--parameter` and `--credential` out, or the provider".into(),
            ));
        }
        let providers: Vec<&Arc<Provider>> =
            plan.providers.iter().filter(|provider| provider.slot == inputs.slot).collect();
        let names =
            |provider: &Arc<Provider>| [&provider.name, &provider.recipe.name].map(String::clone);
        return choose(&providers, name, names, "provider", &file).cloned();
    }
    let recipes = loader.recipes(&parsed, &[], false);
    if loader.errors() > 0 {
        return Err(TrialError::Faulty(std::mem::take(&mut loader.faults)));
    }
    let in_order = parsed.file.recipes.0.iter();
    let all: Vec<&Arc<Recipe>> =
        in_order.filter_map(|(name, _)| recipes.own.get(name.get_ref())).collect();
    let names = |recipe: &Arc<Recipe>| [&recipe.name, &recipe.name].map(String::clone);
    let recipe = choose(&all, name, names, "recipe", &file)?;
    refuse_missing(recipe, inputs)?;
    let source = Arc::new(Source::new("the command line", provider_text(recipe, inputs)));
    let typed = loader.parse(&source, Path::new(""), Role::Main);
    let mut faults = std::mem::take(&mut loader.faults);
    let mut resolver = Resolver::new(&recipes, &typed);
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

/// The inputs as a `[providers.NAME]` table.
fn provider_text(recipe: &Recipe, inputs: &TrialInputs) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!("[providers.{name}]\nrecipe = {name}\n", name = quoted(&recipe.name));
    for (name, value) in &inputs.parameters {
        // The type of the default decides whether the text is a number, a boolean or a string.
        let default = recipe
            .parameters
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, parameter)| parameter.default.as_ref());
        let plain = match default {
            Some(Scalar::Integer(_)) => value.parse::<i64>().is_ok(),
            Some(Scalar::Boolean(_)) => value.parse::<bool>().is_ok(),
            _ => false,
        };
        let value = if plain { value.clone() } else { quoted(value) };
        text.push_str(&format!("parameters.{} = {value}\n", quoted(name)));
    }
    for (name, source) in &inputs.credentials {
        let source = match source {
            TrialSource::Environment(variable) => format!("env = {}", quoted(variable)),
            TrialSource::File(path) => format!("file = {}", quoted(&path.to_string_lossy())),
        };
        text.push_str(&format!("credentials.{} = {{ {source} }}\n", quoted(name)));
    }
    text
}
