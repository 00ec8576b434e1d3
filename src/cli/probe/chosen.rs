//! Which providers of the configuration the command line means.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::flags::refused;
use super::super::print::complain_of;
use super::inputs::refuse;
use crate::config::{TrialInputs, load_with};
use crate::diagnostic::suggestion_of_names;
use crate::plan::{Limits, Plan};
use crate::provider::{Provider, Slot};

/// The providers to probe, and how many may be probed at the same time.
pub struct Several {
    pub providers: Vec<Arc<Provider>>,
    pub limits: Limits,
    /// The names of those that are paused, so they are not probed.
    pub paused: Vec<String>,
}

/// The provider that the inputs name, with these inputs.
pub fn one(file: &Path, inputs: &TrialInputs) -> Result<Arc<Provider>, ExitCode> {
    let plan = load_with(file, Some(inputs)).plan.map_err(|faults| refused(&faults))?;
    named(&plan, inputs.name.as_deref().unwrap_or_default(), inputs.slot, file)
}

/// The providers with these names, each once.
pub fn by_names(file: &Path, names: &[String], slot: Slot) -> Result<Several, ExitCode> {
    let plan = load_with(file, None).plan.map_err(|faults| refused(&faults))?;
    let mut providers: Vec<Arc<Provider>> = Vec::new();
    for name in names {
        let provider = named(&plan, name, slot, file)?;
        if !providers.iter().any(|known| Arc::ptr_eq(known, &provider)) {
            providers.push(provider);
        }
    }
    Ok(Several { providers, limits: plan.limits, paused: Vec::new() })
}

/// The providers that have all these labels, without those that are paused now; all providers
/// without a label.
pub fn by_labels(
    file: &Path,
    labels: &[String],
    slot: Slot,
    now: Timestamp,
) -> Result<Several, ExitCode> {
    let mut wanted = Vec::new();
    for label in labels {
        let Some(pair) = label.split_once('=') else {
            return Err(refuse("a label is written KEY=VALUE", "--label team=billing"));
        };
        wanted.push(pair);
    }
    let plan = load_with(file, None).plan.map_err(|faults| refused(&faults))?;
    let has = |provider: &Provider, (key, value): &(&str, &str)| {
        provider.labels.iter().any(|(own, text)| own == key && text == value)
    };
    let all = plan.providers.iter().filter(|provider| provider.slot == slot);
    let providers: Vec<_> =
        all.filter(|provider| wanted.iter().all(|pair| has(provider, pair))).cloned().collect();
    if providers.is_empty() {
        return Err(nothing(&plan, &wanted, slot, file));
    }
    let (paused, providers): (Vec<_>, Vec<_>) =
        providers.into_iter().partition(|provider| provider.pause(now).is_some());
    let paused = paused.iter().map(|provider| provider.name.clone()).collect();
    Ok(Several { providers, limits: plan.limits, paused })
}

fn nothing(plan: &Plan, wanted: &[(&str, &str)], slot: Slot, file: &Path) -> ExitCode {
    let file = file.display();
    let with = if slot == Slot::Next { " with `credentials_next`" } else { "" };
    if wanted.is_empty() {
        return refuse(
            &format!("there is no provider{with} in {file}"),
            "`credwatch recipes show NAME --provider` prints one to add",
        );
    }
    let labels: Vec<String> = wanted.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let problem = format!("no provider{with} in {file} has the label {}", labels.join(" and "));
    let pairs = plan.providers.iter().flat_map(|provider| provider.labels.iter());
    let known: BTreeSet<(&str, &str)> =
        pairs.map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let is_unknown = |wanted: &&(&str, &str)| !known.contains(wanted);
    let (key, value) = wanted.iter().find(is_unknown).unwrap_or(&wanted[0]);
    let values = known.iter().filter(|(name, _)| name == key).map(|(_, value)| *value);
    let keys: BTreeSet<&str> = known.iter().map(|(key, _)| *key).collect();
    let hint = if keys.contains(key) {
        suggestion_of_names(value, values)
    } else {
        suggestion_of_names(key, keys.iter().copied())
    };
    refuse(&problem, hint.as_str())
}

fn named(plan: &Plan, name: &str, slot: Slot, file: &Path) -> Result<Arc<Provider>, ExitCode> {
    let file = file.display();
    let mut matching = plan.providers.iter().filter(|provider| provider.name == name).peekable();
    if matching.peek().is_none() {
        let names = plan.providers.iter().map(|provider| provider.name.as_str());
        let problem = format!("there is no provider {name:?} in {file}");
        return Err(refuse(&problem, suggestion_of_names(name, names).as_str()));
    }
    matching.find(|provider| provider.slot == slot).cloned().ok_or_else(|| {
        complain_of(&format!("the provider {name:?} has no `credentials_next` in {file}"));
        ExitCode::from(2)
    })
}
