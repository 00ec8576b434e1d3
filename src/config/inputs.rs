//! The inputs of a recipe as a provider gives them: parameters and credentials.

use std::os::unix::fs::PermissionsExt;

use minijinja::Value;
use secrecy::SecretString;
use toml::Spanned;
use url::Url;

use super::file::{self, Credential, From};
use super::shared::Context;
use super::shown::built_in;
use crate::credentials::SecretSource;
use crate::diagnostic::{Sentence, Shown, suggestion_of_names};
use crate::files;
use crate::recipe::definition::{Ordered, Scalar};
use crate::recipe::{LONGEST_URL, Recipe};

fn find<'a, T>(table: &'a Ordered<T>, name: &str) -> Option<&'a (Spanned<String>, T)> {
    table.0.iter().find(|(known, _)| known.get_ref() == name)
}

/// The parameters with a value. `whole` is false when the reader removed faulty keys from the
/// table: then a missing key is no fault.
pub fn parameters(
    recipe: &Recipe,
    file: &file::Provider,
    whole: bool,
    context: &mut Context<'_>,
) -> Vec<(String, Value)> {
    for (name, _) in &file.parameters.0 {
        let text = name.get_ref().as_str();
        if recipe.parameters.iter().any(|(known, _)| known == text) {
            continue;
        }
        let hint = if recipe.credentials.iter().any(|(known, _)| known == text) {
            Sentence::fill("it is a credential: `credentials.{}`", [Shown::name(text)])
        } else {
            suggestion_of_names(text, recipe.parameters.iter().map(|(known, _)| known.as_str()))
        };
        context.error(name.span(), unknown_input(recipe, text, "parameter")).hint = Some(hint);
    }
    let mut values = Vec::new();
    for (name, parameter) in &recipe.parameters {
        let given = find(&file.parameters, name).map(|(_, value)| &value.0);
        if let Some(value) = given {
            if !parameter.one_of.is_empty() {
                one_of(name, value, &parameter.one_of, context);
            }
            let is_truth = matches!(parameter.default, Some(Scalar::Boolean(_)));
            if is_truth && !matches!(value.get_ref(), Scalar::Boolean(_)) {
                let problem =
                    Sentence::fill("the parameter `{}` is true or false", [Shown::name(name)]);
                context.error(value.span(), problem).hint =
                    Some("write `true` or `false` without quotes".into());
            }
            if name.ends_with("_url") {
                check_url(name, value, context);
            }
        }
        match given.map(Spanned::get_ref).or(parameter.default.as_ref()) {
            // The recipe appends a path that begins with a slash.
            Some(Scalar::Text(text)) if name == "base_url" => {
                values.push((name.clone(), Value::from(text.trim().trim_end_matches('/'))));
            }
            Some(Scalar::Text(text)) => values.push((name.clone(), Value::from(text.trim()))),
            Some(scalar) => values.push((name.clone(), Value::from(scalar))),
            None if parameter.optional || !whole || find(&file.credentials, name).is_some() => {}
            None => {
                let parts = [Shown::name(&recipe.name), Shown::name(name)];
                let problem = Sentence::fill("the recipe `{}` needs the parameter `{}`", parts);
                let comment = parameter.description.as_ref().and_then(|text| built_in(text));
                context.error(context.place.clone(), problem).hint = Some(match comment {
                    Some(text) => {
                        Sentence::fill("parameters.{} = \"…\"  # {}", [Shown::name(name), text])
                    }
                    None => Sentence::fill("parameters.{} = \"…\"", [Shown::name(name)]),
                });
            }
        }
    }
    values
}

fn one_of(name: &str, value: &Spanned<Scalar>, choice: &[String], context: &mut Context<'_>) {
    let text = match value.get_ref() {
        Scalar::Text(text) => text.clone(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(truth) => truth.to_string(),
    };
    if !choice.contains(&text) {
        let problem = Sentence::fill("this is no value of the parameter `{}`", [Shown::name(name)]);
        if Shown::near_name(&text, choice.iter().map(String::as_str)).is_some() {
            context.source.reveal(value.span());
        }
        let all = Shown::list(choice.iter().map(String::as_str));
        context.error(value.span(), problem).hint =
            all.map(|all| Sentence::fill("expected one of {}", [all]));
    }
}

/// Checks a URL. A base URL must end with its path, because the recipe appends to it.
fn check_url(name: &str, value: &Spanned<Scalar>, context: &mut Context<'_>) {
    let Scalar::Text(text) = value.get_ref() else {
        context
            .error(
                value.span(),
                Sentence::fill("the parameter `{}` must be a URL in quotes", [Shown::name(name)]),
            )
            .hint = Some("write it as \"https://api.example\"".into());
        return;
    };
    let text = text.trim();
    let (problem, hint) = match Url::parse(text) {
        _ if text.len() > LONGEST_URL => {
            let most = Shown::outside_of_files(LONGEST_URL / 1024);
            (Sentence::fill("this URL is longer than {} KiB", [most]), "write a shorter one")
        }
        _ if !text.contains("://") => {
            ("this is no URL".into(), "write it with its scheme, as \"https://api.example\"")
        }
        Err(error) => (
            Sentence::fill("this is no URL: {}", [Shown::outside_of_files(error)]),
            "write it as \"https://api.example\"",
        ),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => (
            "the scheme is not supported: use https or http".into(),
            "write it as \"https://api.example\"",
        ),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => (
            "a URL must not contain credentials: every server on the way logs it".into(),
            "remove them from the URL and put them under `credentials`",
        ),
        Ok(url) if name == "base_url" && (url.query().is_some() || url.fragment().is_some()) => (
            "a base URL must end with its path: the recipe appends its own path".into(),
            "remove `?…` and `#…`",
        ),
        Ok(_) => return,
    };
    context.error(value.span(), problem).hint = Some(hint.into());
}

/// The next credentials: those of `credentials_next`, and the current ones for all others. `None`
/// when `credentials_next` is empty.
pub fn credentials_next(
    recipe: &Recipe,
    file: &file::Provider,
    current: &[(String, SecretSource)],
    context: &mut Context<'_>,
) -> Option<Vec<(String, SecretSource)>> {
    let given = &file.credentials_next;
    let first = given.0.first()?;
    for (key, _) in &given.0 {
        check_known(recipe, key, "credentials_next", context);
    }
    let mut sources = Vec::new();
    for (name, _) in &recipe.credentials {
        let current = current.iter().find(|(known, _)| known == name).map(|(_, source)| source);
        let source = find(given, name)
            .and_then(|(key, value)| source(key, value, context))
            .or_else(|| current.cloned());
        sources.extend(source.map(|source| (name.clone(), source)));
    }
    let known =
        |key: &Spanned<String>| recipe.credentials.iter().any(|(name, _)| name == key.get_ref());
    if given.0.iter().all(|(key, _)| known(key)) && sources.iter().eq(current) {
        context
            .warn(
                first.0.span(),
                "these are the current credentials, so credwatch would probe them twice",
            )
            .hint = Some("leave `credentials_next` out until there is a new secret".into());
    }
    Some(sources)
}

/// Checks that the recipe has a credential with this name.
fn check_known(recipe: &Recipe, key: &Spanned<String>, table: &str, context: &mut Context<'_>) {
    let text = key.get_ref().as_str();
    if recipe.credentials.iter().any(|(known, _)| known == text) {
        return;
    }
    let hint = if table == "credentials" && recipe.parameters.iter().any(|(known, _)| known == text)
    {
        Sentence::fill("it is a parameter: `parameters.{}`", [Shown::name(text)])
    } else {
        suggestion_of_names(text, recipe.credentials.iter().map(|(known, _)| known.as_str()))
    };
    context.error(key.span(), unknown_input(recipe, text, "credential")).hint = Some(hint);
}

/// The message about an input that the recipe does not have.
fn unknown_input(recipe: &Recipe, name: &str, kind: &'static str) -> Sentence {
    let names = recipe.parameters.iter().map(|(known, _)| known.as_str());
    let names = names.chain(recipe.credentials.iter().map(|(known, _)| known.as_str()));
    let shown = Shown::name(&recipe.name);
    match Shown::near_name(name, names) {
        Some(name) => Sentence::fill("the recipe `{}` has no {} `{}`", [shown, kind.into(), name]),
        None => Sentence::fill("the recipe `{}` has no {} of this name", [shown, kind.into()]),
    }
}

/// The sources of the credentials. `whole` as for [`parameters`].
pub fn credentials(
    recipe: &Recipe,
    file: &file::Provider,
    whole: bool,
    context: &mut Context<'_>,
) -> Vec<(String, SecretSource)> {
    for (key, _) in &file.credentials.0 {
        check_known(recipe, key, "credentials", context);
    }
    let mut sources = Vec::new();
    for (name, credential) in &recipe.credentials {
        if let Some((key, value)) = find(&file.credentials, name) {
            sources.extend(source(key, value, context).map(|source| (name.clone(), source)));
        } else if !credential.optional && whole && find(&file.parameters, name).is_none() {
            let parts = [Shown::name(&recipe.name), Shown::name(name)];
            let problem = Sentence::fill("the recipe `{}` needs the credential `{}`", parts);
            context.error(context.place.clone(), problem).hint = Some(Sentence::fill(
                "credentials.{} = { file = \"…\" }, { systemd = \"…\" }, { env = \"…\" } or a \
                 plain string",
                [Shown::name(name)],
            ));
        }
    }
    sources
}

fn source(
    key: &Spanned<String>,
    value: &Credential,
    context: &mut Context<'_>,
) -> Option<SecretSource> {
    let name = key.get_ref();
    let From { env, file, systemd, command } = match value {
        Credential::Inline(text) if text.trim().is_empty() => {
            context.error(
                key.span(),
                Sentence::fill("the credential `{}` is empty", [Shown::name(name)]),
            );
            return None;
        }
        Credential::Inline(text) if text.len() as u64 > files::SECRET => {
            let most = Shown::outside_of_files(files::SECRET / 1024);
            let parts = [Shown::name(name), most];
            let problem = Sentence::fill("the credential `{}` is larger than {} KiB", parts);
            context.error(key.span(), problem);
            return None;
        }
        Credential::Inline(text) => {
            return Some(SecretSource::Inline(SecretString::from(text.trim())));
        }
        Credential::From(from) => from,
    };
    match (env, file, systemd, command) {
        (Some(variable), None, None, None)
            if !variable.is_empty() && !variable.contains(['=', '\0']) =>
        {
            Some(SecretSource::Environment(variable.clone()))
        }
        (None, Some(path), None, None) if !path.as_os_str().is_empty() => {
            Some(SecretSource::File(context.folder.join(path)))
        }
        (None, None, Some(credential), None) => {
            if credential.is_empty() || credential.contains('/') || credential.starts_with('.') {
                let problem = "this cannot be the name of a systemd credential";
                context.error(key.span(), problem).hint = Some(
                    "it is the name before the colon in LoadCredential=NAME:PATH, without a path"
                        .into(),
                );
                return None;
            }
            Some(SecretSource::Systemd(credential.clone()))
        }
        (None, None, None, Some(arguments)) => {
            check_command(key, arguments, context)?;
            Some(SecretSource::Command(arguments.clone()))
        }
        _ => {
            let problem = Sentence::fill(
                "the credential `{}` needs exactly one of `env`, `file`, `systemd` and \
                 `command`, with a value",
                [Shown::name(name)],
            );
            context.error(key.span(), problem);
            None
        }
    }
}

/// Checks that the program exists. Its path must be absolute, because a service and a shell have
/// different values of `PATH`.
fn check_command(
    key: &Spanned<String>,
    arguments: &[String],
    context: &mut Context<'_>,
) -> Option<()> {
    let program = arguments.first().map_or("", String::as_str);
    if !program.starts_with('/') {
        context
            .error(key.span(), "a command must begin with the absolute path of a program")
            .hint =
            Some("as in { command = [\"/usr/bin/pass\", \"show\", \"api/secret\"] }".into());
        return None;
    }
    let meta = std::fs::metadata(program);
    if !meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0) {
        context.error(key.span(), "there is no program at the path of this command");
        return None;
    }
    Some(())
}
