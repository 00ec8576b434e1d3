//! `credwatch check`: everything that can be known without the network.

use std::process::ExitCode;

use clap::Args;

use super::flags::{ConfigFlag, WebConfigFlag, load_door, load_once};
use super::print::{EXIT_CONFIG, complain, say};
use super::transports::transports;
use crate::config::Configuration;
use crate::diagnostic::Fault;
use crate::probe::Prober;
use crate::provider::Slot;

#[derive(Args)]
pub struct Flags {
    #[command(flatten)]
    config: ConfigFlag,
    #[command(flatten)]
    web_config: WebConfigFlag,
}

pub fn main(flags: &Flags) -> ExitCode {
    // Both are read before either can end this, so that the faults of both are told.
    let (configuration, door) = match (load_once(&flags.config), load_door(&flags.web_config)) {
        (Ok(configuration), Ok(door)) => (configuration, door),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let faults = transports(&configuration, &Prober::new());
    if !faults.is_empty() {
        complain(&faults);
        return ExitCode::from(EXIT_CONFIG);
    }
    let mut warnings = configuration.warnings.clone();
    warnings.extend(unreadable(&configuration));
    warnings.extend_from_slice(door.warnings());
    if !warnings.is_empty() {
        complain(&warnings);
    }
    let count =
        configuration.providers.iter().filter(|provider| provider.slot == Slot::Current).count();
    say(&format!(
        "{}: fine, {count} provider{}",
        flags.config.file.display(),
        if count == 1 { "" } else { "s" }
    ));
    if let Some(file) =
        flags.web_config.web_file.as_ref().filter(|file| !file.as_os_str().is_empty())
    {
        let (lock, users) = (if door.is_locked() { "TLS" } else { "no TLS" }, door.users());
        say(&format!(
            "{}: fine, {lock}, {users} user{}",
            file.display(),
            if users == 1 { "" } else { "s" }
        ));
    }
    ExitCode::SUCCESS
}

/// Secrets that cannot be read by whoever checks. Only a warning: the daemon may run as somebody
/// else.
fn unreadable(configuration: &Configuration) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for provider in &configuration.providers {
        for (name, source) in provider.credentials.iter() {
            // Programs are not run: they may ask somebody, or be metered.
            let Some(Err(error)) = source.read() else { continue };
            let mut fault = Fault::general(format!(
                "the provider `{}`: the credential `{name}`: {error}",
                provider.name
            ));
            fault.severity = crate::diagnostic::Severity::Warning;
            warnings.push(fault.hint("the daemon runs all the same; until it can be read, the provider fails with the reason `secret`"));
        }
    }
    warnings
}
