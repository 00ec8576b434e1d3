//! `credwatch probe`: makes one probe and explains it, so that no other tool is needed to see why a
//! credential fails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::explanation::{as_json, as_text};
use super::flags::{ConfigFlag, refused};
use super::print::{complain_of, say, say_styled};
use crate::authoring::explain::Explanation;
use crate::config::{TrialError, TrialInputs, TrialSource, load_with};
use crate::diagnostic::suggestion_of_names;
use crate::probe::Prober;
use crate::provider::{Provider, Slot};
use crate::runtime::block_on;

#[derive(Args)]
pub struct Flags {
    /// The provider, by its name in the configuration. With `--recipe` the recipe or the provider
    /// in that file, needed only when it has several.
    #[arg(required_unless_present = "recipe")]
    name: Option<String>,
    #[command(flatten)]
    config: ConfigFlag,
    /// Try a recipe without a configuration: one from this file, or a built-in one by its name.
    /// Its inputs come from `--parameter` and `--credential`, or from a table `[providers.NAME]`
    /// in the file.
    #[arg(long, value_name = "FILE|NAME", conflicts_with = "file")]
    recipe: Option<PathBuf>,
    /// A parameter, in place of that of the provider.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// The source of a credential, in place of that of the provider: `NAME=env:VARIABLE`,
    /// `NAME=file:PATH` or `NAME=command:PROGRAM ARGUMENTS` with blanks between.
    #[arg(long = "credential", value_name = "NAME=PLACE")]
    credentials: Vec<String>,
    /// Show the request, the answer and how each rule read it. This is what `probe` always does.
    #[arg(long)]
    explain: bool,
    /// Probe the next credentials (`credentials_next`).
    #[arg(long)]
    next: bool,
    /// The format of the explanation.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people, with colour on a terminal.
    Text,
    /// For programs.
    Json,
}

fn refuse(problem: &str, hint: &str) -> ExitCode {
    complain_of(&format!("{problem}\n  hint: {hint}"));
    ExitCode::from(2)
}

/// The provider with this name in the configuration.
fn configured(flags: &Flags, inputs: &TrialInputs) -> Result<Arc<Provider>, ExitCode> {
    let name = flags.name.as_deref().unwrap_or_default();
    let plan =
        load_with(&flags.config.file, Some(inputs)).plan.map_err(|faults| refused(&faults))?;
    let file = flags.config.file.display();
    let mut matching = plan.providers.iter().filter(|provider| provider.name == name).peekable();
    if matching.peek().is_none() {
        let names = plan.providers.iter().map(|provider| provider.name.as_str());
        let problem = format!("there is no provider {name:?} in {file}");
        return Err(refuse(&problem, suggestion_of_names(name, names).as_str()));
    }
    matching.find(|provider| provider.slot == inputs.slot).cloned().ok_or_else(|| {
        complain_of(&format!("the provider {name:?} has no `credentials_next` in {file}"));
        ExitCode::from(2)
    })
}

/// The inputs of the command line.
fn inputs(flags: &Flags) -> Result<TrialInputs, ExitCode> {
    let slot = if flags.next { Slot::Next } else { Slot::Current };
    let mut inputs = TrialInputs { name: flags.name.clone(), slot, ..TrialInputs::default() };
    for text in &flags.parameters {
        let Some((name, value)) = text.split_once('=') else {
            return Err(refuse(
                "a parameter is written NAME=VALUE",
                "--parameter base_url=https://api.example",
            ));
        };
        inputs.parameters.push((name.to_owned(), value.to_owned()));
    }
    for text in &flags.credentials {
        let Some(credential) = credential(text) else {
            // The text is not shown, because it may be the secret itself.
            return Err(refuse(
                "a credential is written NAME=env:VARIABLE, NAME=file:PATH or \
                 NAME=command:PROGRAM",
                "a secret on a command line can be read by everybody on the host",
            ));
        };
        inputs.credentials.push(credential);
    }
    Ok(inputs)
}

/// The provider that a recipe and the flags make.
fn trial(file: &Path, inputs: &TrialInputs) -> Result<Arc<Provider>, ExitCode> {
    crate::config::load_trial(file, inputs).map_err(|error| match error {
        TrialError::Inputs(problem, hint) => refuse(&problem, &hint),
        TrialError::Faulty(faults) => refused(&faults),
    })
}

fn credential(text: &str) -> Option<(String, TrialSource)> {
    let (name, source) = text.split_once('=')?;
    let (kind, place) = source.split_once(':').filter(|(_, place)| !place.is_empty())?;
    let source = match kind.to_ascii_lowercase().as_str() {
        "env" => TrialSource::Environment(place.to_owned()),
        "file" => TrialSource::File(place.into()),
        "command" => TrialSource::Command(place.split_whitespace().map(str::to_owned).collect()),
        _ => return None,
    };
    Some((name.to_owned(), source))
}

pub fn main(flags: &Flags) -> ExitCode {
    let provider = inputs(flags).and_then(|inputs| match &flags.recipe {
        None => configured(flags, &inputs),
        Some(file) => trial(file, &inputs),
    });
    let provider = match provider {
        Ok(provider) => provider,
        Err(code) => return code,
    };
    let mut explanation = Explanation::default();
    let probe = match block_on(Prober::new().observe(&provider, &mut explanation)) {
        Ok(probe) => probe,
        Err(error) => {
            complain_of(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match flags.output {
        Output::Json => say(&format!("{:#}", as_json(&provider, &probe, &explanation))),
        Output::Text => say_styled(as_text(&provider, &probe, &explanation).trim_end()),
    }
    if probe.outcome.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
