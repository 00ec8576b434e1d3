//! `credwatch check`: checks the configuration without the network.

use std::fmt::Display;
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use secrecy::SecretString;

use super::flags::{ConfigFlag, WebConfigFlag, load_once, load_web_config, refused};
use super::plan::check_transports;
use super::print::{complain, counted, say};
use crate::diagnostic::{Fault, Sentence, Severity, Shown};
use crate::provider::{Provider, Slot};
use crate::recipe::held_ends;
use crate::time::unix_seconds;

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
    let mut ends = Vec::new();
    for provider in &plan.providers {
        let credentials = readable(provider, &mut warnings);
        ends.extend(held(provider, &credentials, &mut warnings));
        warnings.extend(hidden_names(provider));
    }
    warnings.extend_from_slice(web.warnings());
    if !warnings.is_empty() {
        complain(&warnings);
    }
    for line in &ends {
        say(line);
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

/// The secrets of a provider that this user can read, and warnings about the others. The daemon
/// may run as another user.
fn readable(provider: &Provider, warnings: &mut Vec<Fault>) -> Vec<(String, SecretString)> {
    let mut credentials = Vec::new();
    for (name, source) in provider.credentials.iter() {
        // `read` runs no programs: they may ask a person, or each run may cost money.
        match source.read() {
            None => {}
            Some(Ok(secret)) => credentials.push((name.clone(), secret)),
            Some(Err(error)) => warnings.push(warning(provider, name, error).hint(
                "the daemon runs all the same; until it can be read, the provider fails with the \
                 reason `secret`",
            )),
        }
    }
    credentials
}

/// A line for each end that stands in a credential itself, and a warning for one that is near.
fn held(
    provider: &Provider,
    credentials: &[(String, SecretString)],
    warnings: &mut Vec<Fault>,
) -> Vec<String> {
    let now = Timestamp::now();
    let mut lines = Vec::new();
    for end in held_ends(credentials, provider.policy.critical, now) {
        let Some(time) = end.expiry.time() else { continue };
        let day = time.strftime("%Y-%m-%d %H:%M:%S UTC");
        let left = unix_seconds(time) - unix_seconds(now);
        if left < provider.policy.warning.as_secs_f64() {
            let ended = if left > 0.0 { "it ends on" } else { "it ended on" };
            let fault = warning(provider, &end.credential, format_args!("{ended} {day}"));
            warnings.push(fault.hint("renew the credential; it tells its own end"));
        } else {
            let (name, word) = (&provider.name, end.source.word());
            lines.push(format!(
                "{name}: the credential `{}` ends on {day} ({word})",
                end.credential
            ));
        }
    }
    lines
}

/// A warning for each name in the list that most answers would not show.
fn hidden_names(provider: &Provider) -> Vec<Fault> {
    let warning = |rule: &str| {
        let parts = [Shown::name(&provider.name), Shown::outside_of_files(rule)];
        let mut fault = Fault::general(Sentence::fill(
            "the provider `{}`: `{}` names the listed credentials, and the name of that member \
             says that it is secret, so a value that looks secret is hidden",
            parts,
        ));
        fault.severity = Severity::Warning;
        fault.hint("choose another member for `list.name` or `list.id`, such as an id")
    };
    let is_current = provider.slot == Slot::Current;
    let rules = if is_current { provider.recipe.hidden_names() } else { Vec::new() };
    rules.into_iter().map(warning).collect()
}

fn warning(provider: &Provider, credential: &str, problem: impl Display) -> Fault {
    let parts =
        [Shown::name(&provider.name), Shown::name(credential), Shown::outside_of_files(problem)];
    let mut fault =
        Fault::general(Sentence::fill("the provider `{}`: the credential `{}`: {}", parts));
    fault.severity = Severity::Warning;
    fault
}
