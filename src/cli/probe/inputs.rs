//! The inputs of a provider on the command line.

use std::process::ExitCode;

use clap::Args;

use super::super::print::complain_of;
use crate::config::{TrialInputs, TrialSource};
use crate::provider::Slot;

#[derive(Args)]
pub struct InputFlags {
    /// A parameter, in place of that of the provider.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// The source of a credential, in place of that of the provider: `NAME=env:VARIABLE`,
    /// `NAME=file:PATH` or `NAME=command:PROGRAM ARGUMENTS` with blanks between.
    #[arg(long = "credential", value_name = "NAME=PLACE")]
    credentials: Vec<String>,
    /// Probe the next credentials (`credentials_next`).
    #[arg(long)]
    next: bool,
}

impl InputFlags {
    /// Whether the credentials are the current or the next ones.
    pub fn slot(&self) -> Slot {
        if self.next { Slot::Next } else { Slot::Current }
    }

    /// The inputs of the provider or recipe with this name.
    pub fn read(&self, name: Option<&String>) -> Result<TrialInputs, ExitCode> {
        let (name, slot) = (name.cloned(), self.slot());
        let mut inputs = TrialInputs { name, slot, ..TrialInputs::default() };
        for text in &self.parameters {
            let Some((name, value)) = text.split_once('=') else {
                return Err(refuse(
                    "a parameter is written NAME=VALUE",
                    "--parameter base_url=https://api.example",
                ));
            };
            inputs.parameters.push((name.to_owned(), value.to_owned()));
        }
        for text in &self.credentials {
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
}

/// Says what is wrong with the command line. Returns the exit status.
pub fn refuse(problem: &str, hint: &str) -> ExitCode {
    complain_of(&format!("{problem}\n  hint: {hint}"));
    ExitCode::from(2)
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
