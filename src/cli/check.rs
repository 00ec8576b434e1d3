//! `credwatch check`: checks the configuration without the network.

use std::process::ExitCode;

use clap::Args;

use super::flags::{ConfigFlag, WebConfigFlag, load_once, load_web_config, refused};
use super::plan::check_transports;
use super::print::{complain, counted, say};
use crate::diagnostic::{Fault, Sentence, Severity, Shown};
use crate::plan::Plan;
use crate::provider::Slot;

#[derive(Args)]
pub struct Flags {
    #[command(flatten)]
    config: ConfigFlag,
    #[command(flatten)]
    web_config: WebConfigFlag,
}

pub fn main(flags: &Flags) -> ExitCode {
    // Both are loaded first, so that the faults of both are shown.
    let (plan, web) = match (load_once(&flags.config), load_web_config(&flags.web_config)) {
        (Ok(plan), Ok(web)) => (plan, web),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let ending = match check_transports(&plan) {
        Ok(warnings) => warnings,
        Err(faults) => return refused(&faults),
    };
    let mut warnings = plan.warnings.clone();
    warnings.extend(ending);
    warnings.extend(unreadable(&plan));
    warnings.extend_from_slice(web.warnings());
    if !warnings.is_empty() {
        complain(&warnings);
    }
    let count = plan.providers.iter().filter(|provider| provider.slot == Slot::Current).count();
    say(&format!("{}: fine, {}", flags.config.file.display(), counted(count, "provider")));
    if let Some(file) = flags.web_config.path() {
        let (tls, users) =
            (if web.uses_tls() { "TLS" } else { "no TLS" }, counted(web.users(), "user"));
        say(&format!("{}: fine, {tls}, {users}", file.display()));
    }
    ExitCode::SUCCESS
}

/// Warnings about secrets that this user cannot read. The daemon may run as another user.
fn unreadable(plan: &Plan) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for provider in &plan.providers {
        for (name, source) in provider.credentials.iter() {
            // `read` runs no programs: they may ask a person, or each run may cost money.
            let Some(Err(error)) = source.read() else { continue };
            let parts =
                [Shown::name(&provider.name), Shown::name(name), Shown::outside_of_files(error)];
            let mut fault =
                Fault::general(Sentence::fill("the provider `{}`: the credential `{}`: {}", parts));
            fault.severity = Severity::Warning;
            warnings.push(fault.hint(
                "the daemon runs all the same; until it can be read, the provider fails with the \
                 reason `secret`",
            ));
        }
    }
    warnings
}
