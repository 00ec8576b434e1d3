//! Writes the samples of families with more labels than `provider`.

use std::sync::LazyLock;
use std::time::Duration;

use super::encode::label;
use super::family::{Rests, Subject, Writer, rest};
use crate::outcome::{Code, Expiry, Phases, Reason};
use crate::provider::{CredentialPolicy, Provider};
use crate::state::{State, StepHealth};
use crate::time::unix_seconds;

/// The labels of each state, phase, and reason without a code, computed once.
pub static STATES: Rests =
    LazyLock::new(|| State::ALL.map(|it| labelled("state", it.word())).into());
pub static PHASES: Rests = LazyLock::new(|| Phases::WORDS.map(|it| labelled("phase", it)).into());
pub static REASONS: Rests =
    LazyLock::new(|| Reason::ALL.map(|it| rest(&failure_labels(it, &Code::default()))).into());

fn labelled(name: &str, value: &str) -> String {
    rest(&label(name, value))
}

/// One sample with the recipe and the configured labels.
pub fn info(provider: &Provider, writer: &mut Writer<'_>) {
    let mut more = label("recipe", &provider.recipe.name);
    let facts = &provider.facts;
    let known = [
        ("api_host", provider.api_host.as_deref()),
        ("owner", facts.owner.as_deref()),
        ("renew_url", facts.renew_url.as_deref()),
        ("vendor_url", facts.vendor_url.as_deref()),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let own = provider.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in known.chain(own) {
        more.push(',');
        more.push_str(&label(name, value));
    }
    writer.sample(&more, 1.0);
}

/// Whether the provider is paused; `None` when its configuration has no pause.
pub fn paused(subject: &Subject<'_>) -> Option<f64> {
    let pauses = subject.entry.provider.pauses.as_ref()?;
    Some(flag(pauses.at(subject.now.wall).is_some()))
}

/// The end of each credential, from each source that is known.
pub fn credential_expiries(subject: &Subject<'_>, writer: &mut Writer<'_>) {
    let provider = &subject.entry.provider;
    if let Some(end) = provider.secret_expires {
        let credential = label("credential", provider.declared_label());
        writer.sample(&format!("{credential},source=\"declared\""), unix_seconds(end));
    }
    for (end, expiry) in subject.health.credential_ends(provider) {
        if let Some(time) = expiry.time() {
            let (credential, source) = (label("credential", &end.credential), end.source.word());
            let more = format!("{credential},source=\"{source}\"");
            writer.sample(&more, unix_seconds(time));
        }
    }
    if let Some(end) = subject.health.client_certificate_expiry(provider) {
        let more = "credential=\"tls.client_certificate_file\",source=\"certificate\"";
        writer.sample(more, unix_seconds(end));
    }
}

/// Whether each credential has no end, where that is known.
pub fn endless_credentials(subject: &Subject<'_>, writer: &mut Writer<'_>) {
    let ends = || subject.health.credential_ends(&subject.entry.provider);
    for (number, (end, expiry)) in ends().enumerate() {
        // One sample for each credential, also when several sources tell its end.
        let is_repeated = ends()
            .take(number)
            .any(|(other, expiry)| other.credential == end.credential && expiry != Expiry::Unknown);
        if expiry != Expiry::Unknown && !is_repeated {
            let more = label("credential", &end.credential);
            writer.sample(&more, flag(expiry == Expiry::Never));
        }
    }
}

/// A duration of the policy in seconds; `None` for a provider of whose credentials no end is known.
pub fn where_an_end_is_known(
    subject: &Subject<'_>,
    duration: fn(&CredentialPolicy) -> Duration,
) -> Option<f64> {
    let (health, provider) = (subject.health, &subject.entry.provider);
    let is_known = provider.secret_expires.is_some()
        || health.client_certificate_expiry(provider).is_some()
        || provider.recipe.list_interval().is_some()
        || health.credential_ends(provider).any(|(_, end)| end.time().is_some());
    is_known.then(|| duration(&provider.policy).as_secs_f64())
}

/// The value of a family about tokens; `None` for a provider that issues none.
pub fn of_a_token(subject: &Subject<'_>, value: f64) -> Option<f64> {
    subject.entry.provider.recipe.issues_tokens().then_some(value)
}

/// How many required scopes are missing; `None` in compact metrics when none is required.
pub fn missing_scopes(subject: &Subject<'_>) -> Option<f64> {
    let is_required = !subject.entry.provider.expectations.required_scopes.is_empty();
    (is_required || !subject.is_compact)
        .then(|| of_a_token(subject, count(subject.health.missing_scopes() as u64)))
        .flatten()
}

/// 1 for the state that the provider is in, 0 for the others.
pub fn states(subject: &Subject<'_>, values: &mut [f64], _: &mut Writer<'_>) {
    for (value, state) in values.iter_mut().zip(State::ALL) {
        *value = flag(subject.health.state() == state);
    }
}

/// The current failure with its sentence. Both codes and sentences are bounded.
pub fn failure(subject: &Subject<'_>, writer: &mut Writer<'_>) {
    let health = subject.health;
    if let (Some(current), Some(code)) =
        (health.current_failure(), health.failure_code_in_metrics())
    {
        let labels = failure_labels(current.failure.reason, &code);
        writer.sample(&format!("{labels},{}", label("message", &current.sentence)), 1.0);
    }
}

/// Failures by reason, which exist at zero from the start unless the metrics are compact, and by
/// reason and code.
pub fn failures(subject: &Subject<'_>, values: &mut [f64], writer: &mut Writer<'_>) {
    for (value, number) in values.iter_mut().zip(subject.health.failures()) {
        if *number > 0 || !subject.is_compact {
            *value = count(*number);
        }
    }
    for (reason, code, counted) in subject.health.counted_codes() {
        let labels = failure_labels(reason, code);
        writer.sample_since(&labels, count(counted.number), counted.since);
    }
}

/// How long each phase of the last probe took, in seconds.
pub fn phases(subject: &Subject<'_>, values: &mut [f64], _: &mut Writer<'_>) {
    if subject.health.last_attempt().is_some() {
        values.copy_from_slice(&subject.health.phases().values());
    }
}

/// The calls of probes with several calls. Each call exists at zero from the start.
pub fn steps(
    subject: &Subject<'_>,
    writer: &mut Writer<'_>,
    value: fn(&StepHealth) -> Option<f64>,
) {
    for name in subject.entry.provider.steps.iter() {
        if let Some(value) = value(&subject.health.step(name)) {
            writer.sample(&label("step", name), value);
        }
    }
}

/// The labels of a failure.
fn failure_labels(reason: Reason, code: &Code) -> String {
    format!(
        "class=\"{}\",reason=\"{}\",{}",
        reason.class().word(),
        reason.word(),
        label("code", code.as_str())
    )
}

/// A counter as the value of a sample.
#[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
pub fn count(number: u64) -> f64 {
    number as f64
}

/// 1 for yes, 0 for no.
pub fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

/// Rounds to milliseconds. More digits of a time difference have no meaning.
pub fn millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
