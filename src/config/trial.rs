//! A recipe that is tried out before any configuration names it: from its file, with inputs from
//! the command line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{Loader, Role, open};
use super::resolve::Resolver;
use crate::diagnostic::{Fault, Severity, Source, suggestion};
use crate::provider::{Provider, Slot};
use crate::recipe::Recipe;
use crate::recipe::definition::Scalar;

/// What the command line says beside the file.
#[derive(Default)]
pub struct Given {
    /// The recipe, or a provider in the file; needed only where there are several.
    pub name: Option<String>,
    /// Parameters by name.
    pub parameters: Vec<(String, String)>,
    /// Where the credentials are, by name.
    pub credentials: Vec<(String, Place)>,
    /// The credentials that are to follow, instead of the current ones.
    pub slot: Slot,
}

/// Where a credential is.
pub enum Place {
    /// In an environment variable.
    Environment(String),
    /// In a file.
    File(PathBuf),
}

/// Why there is nothing to try.
pub enum Trial {
    /// The file has faults.
    Faulty(Vec<Fault>),
    /// The command line lacks something: what, and what to do about it.
    Lacking(String, String),
}

/// The provider that a file of recipes and the command line make together.
///
/// # Errors
/// As [`Trial`] says.
pub fn load_trial(path: &Path, given: &Given) -> Result<Arc<Provider>, Trial> {
    let mut loader = Loader::default();
    let source = open(path).map_err(|problem| Trial::Faulty(vec![Fault::general(problem)]))?;
    let parsed = loader.parse(&source, path, Role::Main);
    let shown = path.display();
    let by_hand = !given.parameters.is_empty() || !given.credentials.is_empty();
    if !parsed.file.providers.0.is_empty() {
        let plan = loader.finish(&parsed, path).map_err(Trial::Faulty)?;
        let providers: Vec<&Arc<Provider>> =
            plan.providers.iter().filter(|provider| provider.slot == given.slot).collect();
        if by_hand {
            let message = format!("{shown} has providers, so the inputs are taken from there");
            return Err(Trial::Lacking(
                message,
                "leave `--parameter` and `--credential` out, or the provider".into(),
            ));
        }
        let is_meant = |provider: &Provider| {
            given
                .name
                .as_deref()
                .is_none_or(|name| provider.name == name || provider.recipe.name == name)
        };
        let fitting: Vec<&Arc<Provider>> =
            providers.iter().copied().filter(|provider| is_meant(provider)).collect();
        return one(
            &fitting,
            &providers,
            given.name.as_deref(),
            |provider| &provider.name,
            "provider",
            &shown.to_string(),
        )
        .cloned();
    }
    let recipes = loader.recipes(std::iter::once(&parsed), false);
    let errors = loader.faults.iter().any(|fault| fault.severity == Severity::Error);
    if errors {
        return Err(Trial::Faulty(std::mem::take(&mut loader.faults)));
    }
    let in_order =
        |name: &str| parsed.file.recipes.0.iter().position(|(known, _)| known.get_ref() == name);
    let mut all: Vec<&Arc<Recipe>> = recipes.own.values().collect();
    all.sort_by_key(|recipe| in_order(&recipe.name));
    let fitting: Vec<&Arc<Recipe>> = all
        .iter()
        .copied()
        .filter(|recipe| given.name.as_deref().is_none_or(|name| recipe.name == name))
        .collect();
    let recipe = one(
        &fitting,
        &all,
        given.name.as_deref(),
        |recipe| &recipe.name,
        "recipe",
        &shown.to_string(),
    )?;
    refuse_missing(recipe, given)?;
    let text = provider_text(recipe, given);
    let source = Arc::new(Source::new("the command line", text));
    let typed = loader.parse(&source, Path::new(""), Role::Main);
    let mut faults = std::mem::take(&mut loader.faults);
    let mut resolver = Resolver::new(&recipes, &typed);
    let mut providers = Vec::new();
    for (name, provider) in &typed.file.providers.0 {
        let (made, more) = resolver.provider(&typed, name, provider);
        providers.extend(made);
        faults.extend(more);
    }
    providers.pop().ok_or(Trial::Faulty(faults))
}

/// The only one that fits, or what there is to choose from.
fn one<'a, T>(
    fitting: &[&'a T],
    all: &[&'a T],
    wanted: Option<&str>,
    name: impl Fn(&T) -> &str,
    what: &str,
    file: &str,
) -> Result<&'a T, Trial> {
    let names: Vec<&str> = all.iter().map(|one| name(one)).collect();
    match (fitting, wanted) {
        ([only], _) => Ok(only),
        ([], Some(wanted)) => Err(Trial::Lacking(
            format!("there is no {what} {wanted:?} in {file}"),
            suggestion(wanted, names),
        )),
        ([], None) => Err(Trial::Lacking(
            format!("there is no {what} in {file}"),
            "a recipe is a table [recipes.NAME]; `credwatch recipes new` drafts one".into(),
        )),
        _ => {
            let choice: BTreeSet<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let choice: Vec<String> = choice.into_iter().collect();
            Err(Trial::Lacking(
                format!("{file} has several: which {what}?"),
                format!("name one of {}", choice.join(", ")),
            ))
        }
    }
}

/// Tells all inputs that are missing at once, as they are to be typed.
fn refuse_missing(recipe: &Recipe, given: &Given) -> Result<(), Trial> {
    let mut missing = Vec::new();
    for (name, parameter) in &recipe.parameters {
        if parameter.default.is_none()
            && !parameter.optional
            && !given.parameters.iter().any(|(known, _)| known == name)
        {
            missing.push(format!("--parameter {name}=VALUE"));
        }
    }
    for (name, credential) in &recipe.credentials {
        if !credential.optional && !given.credentials.iter().any(|(known, _)| known == name) {
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
    Err(Trial::Lacking(format!("the recipe `{}` needs more than it was given", recipe.name), hint))
}

/// The table that somebody would have written.
fn provider_text(recipe: &Recipe, given: &Given) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!("[providers.{name}]\nrecipe = {name}\n", name = quoted(&recipe.name));
    for (name, value) in &given.parameters {
        // A command line has texts only; what the recipe has by default says what is meant.
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
        text.push_str(&format!(
            "parameters.{} = {}\n",
            quoted(name),
            if plain { value.clone() } else { quoted(value) }
        ));
    }
    for (name, place) in &given.credentials {
        let place = match place {
            Place::Environment(variable) => format!("env = {}", quoted(variable)),
            Place::File(path) => format!("file = {}", quoted(&path.to_string_lossy())),
        };
        text.push_str(&format!("credentials.{} = {{ {place} }}\n", quoted(name)));
    }
    text
}
