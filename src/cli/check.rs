//! `credwatch check`: checks the configuration without the network.

use std::collections::HashSet;
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::configuration::EXIT_CONFIG;
use super::flags::{ConfigFlag, Output, WebConfigFlag};
use super::plan::check_transports;
use super::print::{complain, counted, say};
use super::readers::everybody_reads;
use crate::by_hand::shell_word;
use crate::config::load_once;
use crate::credentials::SecretSource;
use crate::diagnostic::{Fault, Sentence, Severity, Shown};
use crate::plan::Plan;
use crate::provider::{Provider, Slot};
use crate::recipe::held_ends;
use crate::time::unix_seconds;
use crate::web_config::WebConfig;

#[derive(Args)]
pub struct Flags {
    #[command(flatten)]
    config: ConfigFlag,
    #[command(flatten)]
    web_config: WebConfigFlag,
    /// Take warnings for errors.
    #[arg(long)]
    strict: bool,
    /// The format of the result; `json` is one object with all errors and warnings.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// What the check found.
#[derive(Default)]
struct Checked {
    /// Errors and warnings.
    faults: Vec<Fault>,
    /// Lines about what is fine.
    lines: Vec<String>,
    /// The number of providers, when the configuration can be used.
    providers: usize,
}

pub fn main(flags: &Flags) -> ExitCode {
    let file = match flags.config.find() {
        Ok(file) => file,
        Err(code) => return code,
    };
    let mut checked = check(&file, &flags.web_config);
    if flags.strict {
        for fault in &mut checked.faults {
            fault.severity = Severity::Error;
        }
    }
    let is_fine = checked.faults.iter().all(|fault| fault.severity == Severity::Warning);
    match flags.output {
        Output::Json => say(&format!("{:#}", as_json(&checked, is_fine))),
        Output::Text => {
            if !checked.faults.is_empty() {
                complain(&checked.faults);
            }
            for line in checked.lines.iter().filter(|_| is_fine) {
                say(line);
            }
        }
    }
    if is_fine { ExitCode::SUCCESS } else { ExitCode::from(EXIT_CONFIG) }
}

fn as_json(checked: &Checked, is_fine: bool) -> Value {
    let fault = |fault: &Fault| {
        let place = fault.source.as_ref().map(|source| (source.name.as_str(), fault.position()));
        json!({
            "file": place.map(|(name, _)| name),
            "line": place.map(|(_, (line, _))| line),
            "column": place.map(|(_, (_, column))| column),
            "severity": if fault.severity == Severity::Error { "error" } else { "warning" },
            "message": fault.message.as_str(),
            "hint": fault.hint.as_ref().map(Sentence::as_str),
        })
    };
    json!({
        "fine": is_fine,
        "providers": checked.providers,
        "faults": checked.faults.iter().map(fault).collect::<Vec<_>>(),
    })
}

/// Checks both files, so that the faults of both are told.
fn check(file: &Path, web_config: &WebConfigFlag) -> Checked {
    let (plan, web) = (load_once(file), WebConfig::load(web_config.path()));
    let mut checked = Checked::default();
    match plan.and_then(|plan| Ok((check_transports(&plan)?, plan))) {
        Ok((ending, plan)) => check_plan(&mut checked, file, &plan, ending),
        Err(faults) => checked.faults.extend(faults),
    }
    match web {
        Ok(web) => {
            checked.faults.extend_from_slice(web.warnings());
            if let Some(file) = web_config.path() {
                let tls = if web.uses_tls() { "TLS" } else { "no TLS" };
                let users = counted(web.users(), "user");
                checked.lines.push(format!("{}: fine, {tls}, {users}", file.display()));
            }
        }
        Err(faults) => checked.faults.extend(faults),
    }
    checked
}

/// Checks what can be used: its warnings, and the ends that stand in its credentials.
fn check_plan(checked: &mut Checked, file: &Path, plan: &Plan, ending: Vec<Fault>) {
    checked.faults.extend_from_slice(&plan.warnings);
    checked.faults.extend(ending);
    for provider in &plan.providers {
        let credentials = readable(provider, &mut checked.faults);
        let ends = held(provider, &credentials, &mut checked.faults);
        checked.lines.extend(ends);
        checked.faults.extend(hidden_names(provider));
    }
    checked.faults.extend(open_secrets(&plan.providers, everybody_reads));
    let current = plan.providers.iter().filter(|provider| provider.slot == Slot::Current);
    checked.providers = current.count();
    let providers = counted(checked.providers, "provider");
    checked.lines.push(format!("{}: fine, {providers}", file.display()));
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

/// A warning for each secret file that everybody can read: once, for the first provider with it.
fn open_secrets(providers: &[Arc<Provider>], is_open: impl Fn(&Path) -> bool) -> Vec<Fault> {
    let mut known = HashSet::new();
    let mut warnings = Vec::new();
    for provider in providers {
        let files = provider.credentials.iter().filter_map(|(_, source)| match source {
            SecretSource::File(path) => Some(path),
            _ => None,
        });
        let key = provider.transport.client_certificate.as_ref().map(|(_, key)| key);
        for path in files.chain(key) {
            if !known.insert(path) || !is_open(path) {
                continue;
            }
            // The path leads to a file, so it is no secret in the place of one.
            let shown = |text: &str| Shown::outside_of_files(text);
            let parts = [Shown::name(&provider.name), shown(&path.to_string_lossy())];
            let mut fault = Fault::general(Sentence::fill(
                "the provider `{}`: every user of this host can read the secret in {}",
                parts,
            ));
            fault.severity = Severity::Warning;
            warnings.push(fault.hint(Sentence::fill(
                "chmod 600 {}, as the user that runs the daemon",
                [shown(&shell_word(&path.to_string_lossy()))],
            )));
        }
    }
    warnings
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;

    #[test]
    fn a_secret_file_that_everybody_can_read_is_told_once() {
        let text = |name: &str| {
            format!(
                "[providers.{name}]\nrecipe = \"sendgrid-key\"\ncredentials.api_key = {{ file = \
                 \"/srv/the key\" }}\n"
            )
        };
        let plan = load_text("test", &(text("a") + &text("b")));
        let plan = plan.unwrap_or_else(|faults| panic!("{}", faults[0]));
        let warnings = open_secrets(&plan.providers, |path| path == Path::new("/srv/the key"));
        let [warning] = &warnings[..] else { panic!("{}", warnings.len()) };
        assert_eq!(
            warning.message.as_str(),
            "the provider `a`: every user of this host can read the secret in /srv/the key"
        );
        let hint = warning.hint.as_ref().map(Sentence::as_str);
        assert_eq!(hint, Some("chmod 600 '/srv/the key', as the user that runs the daemon"));
        assert!(warning.severity == Severity::Warning);
        assert!(open_secrets(&plan.providers, |_| false).is_empty());
    }
}
