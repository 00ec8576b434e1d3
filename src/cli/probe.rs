//! `credwatch probe`: one probe, explained so that nobody needs another tool to see why a
//! credential fails.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::explanation::{Paint, as_json, as_text};
use super::flags::{ConfigFlag, load};
use super::print::{EXIT_CONFIG, complain, say};
use super::runtime::{end, runtime};
use crate::authoring::explain::Explanation;
use crate::config::{Given, Place, Trial};
use crate::diagnostic::suggestion;
use crate::outcome::Outcome;
use crate::probe::Prober;
use crate::provider::{Provider, Slot};

#[derive(Args)]
pub struct Flags {
    /// The provider, by its name in the configuration. With `--recipe` the recipe or the provider
    /// in that file, needed only when it has several.
    #[arg(required_unless_present = "recipe")]
    name: Option<String>,
    #[command(flatten)]
    config: ConfigFlag,
    /// Try a recipe from this file, without a configuration. Its inputs come from a table
    /// `[providers.NAME]` in the file, or from `--parameter` and `--credential`.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    recipe: Option<PathBuf>,
    /// A parameter of the recipe that is tried.
    #[arg(long = "parameter", value_name = "NAME=VALUE", requires = "recipe")]
    parameters: Vec<String>,
    /// Where a credential of the recipe that is tried is: `NAME=env:VARIABLE` or `NAME=file:PATH`.
    #[arg(long = "credential", value_name = "NAME=PLACE", requires = "recipe")]
    credentials: Vec<String>,
    /// Show the request, the answer and how each rule read it. This is what `probe` always does.
    #[arg(long)]
    explain: bool,
    /// Probe the credentials that are to follow (`credentials_next`).
    #[arg(long)]
    next: bool,
    /// The form of the explanation.
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people, with colour on a terminal.
    Text,
    /// For programs.
    Json,
}

/// A provider to probe, or the exit status.
fn provider(flags: &Flags) -> Result<Arc<Provider>, ExitCode> {
    let name = flags.name.as_deref().unwrap_or_default();
    let slot = if flags.next { Slot::Next } else { Slot::Current };
    let plan = load(&flags.config)?;
    let is_named = |provider: &&Arc<Provider>| provider.name == name;
    if flags.next
        && plan.providers.iter().any(|provider| is_named(&provider))
        && !plan.providers.iter().any(|provider| is_named(&provider) && provider.slot == slot)
    {
        eprintln!(
            "error: the provider {name:?} has no `credentials_next` in {}",
            flags.config.file.display()
        );
        return Err(ExitCode::from(2));
    }
    plan.providers
        .iter()
        .filter(is_named)
        .find(|provider| provider.slot == slot)
        .cloned()
        .ok_or_else(|| {
            let hint =
                suggestion(name, plan.providers.iter().map(|provider| provider.name.as_str()));
            eprintln!(
                "error: there is no provider {name:?} in {}\n  hint: {hint}",
                flags.config.file.display()
            );
            ExitCode::from(2)
        })
}

/// What a recipe in a file makes with the inputs of the command line.
fn trial(flags: &Flags, file: &Path) -> Result<Arc<Provider>, ExitCode> {
    let refuse = |problem: &str, hint: &str| {
        eprintln!("error: {problem}\n  hint: {hint}");
        ExitCode::from(2)
    };
    let mut given = Given {
        name: flags.name.clone(),
        slot: if flags.next { Slot::Next } else { Slot::Current },
        ..Given::default()
    };
    for text in &flags.parameters {
        let Some((name, value)) = text.split_once('=') else {
            return Err(refuse(
                "a parameter is written NAME=VALUE",
                "--parameter base_url=https://api.example",
            ));
        };
        given.parameters.push((name.to_owned(), value.to_owned()));
    }
    for text in &flags.credentials {
        // What is no place may be the secret itself, so it is not repeated.
        let place =
            text.split_once('=').and_then(|(name, place)| Some((name, place.split_once(':')?)));
        let place =
            place.and_then(|(name, (kind, place))| match kind.to_ascii_lowercase().as_str() {
                "env" if !place.is_empty() => {
                    Some((name.to_owned(), Place::Environment(place.to_owned())))
                }
                "file" if !place.is_empty() => Some((name.to_owned(), Place::File(place.into()))),
                _ => None,
            });
        let Some(place) = place else {
            return Err(refuse(
                "a credential is written NAME=env:VARIABLE or NAME=file:PATH",
                "a secret on a command line can be read by everybody on the host",
            ));
        };
        given.credentials.push(place);
    }
    crate::config::load_trial(file, &given).map_err(|trial| match trial {
        Trial::Lacking(problem, hint) => refuse(&problem, &hint),
        Trial::Faulty(faults) => {
            complain(&faults);
            ExitCode::from(EXIT_CONFIG)
        }
    })
}

pub fn main(flags: &Flags) -> ExitCode {
    let provider =
        match flags.recipe.as_deref().map_or_else(|| provider(flags), |file| trial(flags, file)) {
            Ok(provider) => provider,
            Err(code) => return code,
        };
    let provider = &provider;
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut explanation = Explanation::default();
    let probe = runtime.block_on(Prober::new().observe(provider, &mut explanation));
    end(runtime);
    match flags.output {
        Output::Json => say(&format!("{:#}", as_json(provider, &probe, &explanation))),
        Output::Text => {
            let colour = std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            say(as_text(provider, &probe, &explanation, Paint(colour)).trim_end());
        }
    }
    if matches!(probe.outcome, Outcome::Issued(_)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
