//! The command and its flags.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use super::super::explanation::{as_json, as_text};
use super::super::flags::{ConfigFlag, Output, refused};
use super::super::print::{complain_of, say, say_styled};
use super::chosen::{self, Several};
use super::inputs::{InputFlags, refuse};
use super::several;
use crate::authoring::explain::Explanation;
use crate::config::{TrialError, TrialInputs, load_trial};
use crate::next_step::Retry;
use crate::probe::Prober;
use crate::provider::Provider;
use crate::runtime::block_on;

#[derive(Args)]
pub struct Flags {
    /// The providers, by their names in the configuration. With `--recipe` the recipe or the
    /// provider in that file, needed only when it has several.
    #[arg(value_name = "NAME", required_unless_present_any = ["recipe", "all", "labels"],
          conflicts_with_all = ["all", "labels"])]
    names: Vec<String>,
    #[command(flatten)]
    config: ConfigFlag,
    /// Probe all providers.
    #[arg(long, conflicts_with = "recipe")]
    all: bool,
    /// Probe the providers with this label; can be repeated, for providers that have them all.
    #[arg(long = "label", value_name = "KEY=VALUE", conflicts_with = "recipe")]
    labels: Vec<String>,
    /// Try a recipe without a configuration: one from this file, or a built-in one by its name.
    /// Its inputs come from `--parameter` and `--credential`, or from a table `[providers.NAME]`
    /// in the file.
    #[arg(long, value_name = "FILE|NAME", conflicts_with = "file")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    inputs: InputFlags,
    /// Show the request, the answer and how each rule read it. This is what a probe of one
    /// provider always does.
    #[arg(long)]
    explain: bool,
    /// The format of the result; `json` is an object, or one line for each of several providers.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// What the command line means.
enum Chosen {
    One(Arc<Provider>),
    Several(Several),
}

fn chosen(flags: &Flags) -> Result<Chosen, ExitCode> {
    let inputs = flags.inputs.read(flags.names.first())?;
    if let Some(recipe) = &flags.recipe {
        if flags.names.len() > 1 {
            return Err(refuse("with --recipe one provider is probed", "name one or none"));
        }
        return trial(recipe, &inputs).map(Chosen::One);
    }
    let file = flags.config.find()?;
    if flags.names.len() == 1 {
        return chosen::one(&file, &inputs).map(Chosen::One);
    }
    if inputs.has_inputs() {
        return Err(refuse(
            "--parameter and --credential belong to one provider",
            "name one provider",
        ));
    }
    let several = if flags.names.is_empty() {
        chosen::by_labels(&file, &flags.labels, inputs.slot, Timestamp::now())
    } else {
        chosen::by_names(&file, &flags.names, inputs.slot)
    };
    several.map(Chosen::Several)
}

/// The provider that a recipe and the flags make.
fn trial(file: &Path, inputs: &TrialInputs) -> Result<Arc<Provider>, ExitCode> {
    load_trial(file, inputs).map_err(|error| match error {
        TrialError::Inputs(problem, hint) => refuse(&problem, &hint),
        TrialError::Faulty(faults) => refused(&faults),
    })
}

pub fn main(flags: &Flags) -> ExitCode {
    let failed = match chosen(flags) {
        Ok(Chosen::One(provider)) => one(flags, &provider),
        Ok(Chosen::Several(several)) => several::probe(&several, flags.output == Output::Json),
        Err(code) => return code,
    };
    match failed {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            complain_of(&format!("cannot start: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Probes a provider and explains it. Returns how many probes failed.
fn one(flags: &Flags, provider: &Provider) -> std::io::Result<usize> {
    let mut explanation = Explanation::default();
    let probe = block_on(Prober::new().observe(provider, &mut explanation))?;
    match flags.output {
        Output::Json => say(&format!("{:#}", as_json(provider, &probe, &explanation))),
        Output::Text => {
            let retry = if flags.recipe.is_some() { Retry::Person } else { Retry::Daemon };
            say_styled(as_text(provider, &probe, &explanation, retry).trim_end());
        }
    }
    Ok(usize::from(!probe.outcome.is_success()))
}
