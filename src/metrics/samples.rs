//! Writes the samples of families with more labels than `provider`.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use super::encode::label;
use super::family::{Subject, Writer};
use crate::outcome::{Code, Expiry, Phases, Reason};
use crate::provider::CredentialPolicy;
use crate::recipe::definition::CredentialKind;
use crate::state::{State, StepHealth};
use crate::time::unix_seconds;

/// The labels of each state, phase, and reason without a code, computed once.
static STATES: LazyLock<[String; State::ALL.len()]> =
    LazyLock::new(|| State::ALL.map(|state| format!(",{}", label("state", state.word()))));
static PHASES: LazyLock<[String; Phases::WORDS.len()]> =
    LazyLock::new(|| Phases::WORDS.map(|word| format!(",{}", label("phase", word))));
static REASONS: LazyLock<[String; Reason::ALL.len()]> =
    LazyLock::new(|| Reason::ALL.map(|reason| failure_labels(reason, &Code::default())));

/// One sample with the recipe and the configured labels.
pub fn info(subject: &Subject<'_>, writer: &mut Writer<'_, '_>) -> io::Result<()> {
    let provider = &subject.entry.provider;
    let mut more = format!(",{}", label("recipe", &provider.recipe.name));
    for (name, value) in provider.labels.iter() {
        more.push(',');
        more.push_str(&label(name, value));
    }
    writer.sample(&more, 1.0)
}

/// The end of each credential, from each source that is known.
pub fn credential_expiries(subject: &Subject<'_>, writer: &mut Writer<'_, '_>) -> io::Result<()> {
    let provider = &subject.entry.provider;
    if let Some(end) = provider.secret_expires {
        writer.sample(",credential=\"\",source=\"declared\"", unix_seconds(end))?;
    }
    for (end, expiry) in subject.health.credential_ends(provider) {
        if let Expiry::At(time) = expiry {
            let (credential, source) = (label("credential", &end.credential), end.source.word());
            let more = format!(",{credential},source=\"{source}\"");
            writer.sample(&more, unix_seconds(time))?;
        }
    }
    if let Some(end) = subject.health.client_certificate_expiry(provider) {
        let more = ",credential=\"tls.client_certificate_file\",source=\"certificate\"";
        writer.sample(more, unix_seconds(end))?;
    }
    Ok(())
}

/// Whether each credential has no end, where that is known.
pub fn endless_credentials(subject: &Subject<'_>, writer: &mut Writer<'_, '_>) -> io::Result<()> {
    let ends = || subject.health.credential_ends(&subject.entry.provider);
    for (number, (end, expiry)) in ends().enumerate() {
        // One sample for each credential, also when several sources tell its end.
        let is_repeated = ends()
            .take(number)
            .any(|(other, expiry)| other.credential == end.credential && expiry != Expiry::Unknown);
        if expiry != Expiry::Unknown && !is_repeated {
            let more = format!(",{}", label("credential", &end.credential));
            writer.sample(&more, flag(expiry == Expiry::Never))?;
        }
    }
    Ok(())
}

/// A duration of the policy in seconds; `None` for a provider of whose credentials no end is known.
pub fn where_an_end_is_known(
    subject: &Subject<'_>,
    duration: fn(&CredentialPolicy) -> Duration,
) -> Option<f64> {
    let (health, provider) = (subject.health, &subject.entry.provider);
    let is_known = provider.secret_expires.is_some()
        || health.client_certificate_expiry(provider).is_some()
        || health.credential_ends(provider).any(|(_, end)| matches!(end, Expiry::At(_)));
    is_known.then(|| duration(&provider.policy).as_secs_f64())
}

/// The value of a family about tokens; `None` for a provider that issues none.
pub fn of_a_token(subject: &Subject<'_>, value: f64) -> Option<f64> {
    let kind = subject.entry.provider.recipe.kind();
    (kind == CredentialKind::Issued).then_some(value)
}

/// How many required scopes are missing; `None` in compact metrics when none is required.
pub fn missing_scopes(subject: &Subject<'_>) -> Option<f64> {
    let is_required = !subject.entry.provider.expectations.required_scopes.is_empty();
    (is_required || !subject.is_compact)
        .then(|| of_a_token(subject, count(subject.health.missing_scopes() as u64)))
        .flatten()
}

/// 1 for the state that the provider is in, 0 for the others.
pub fn states(subject: &Subject<'_>, writer: &mut Writer<'_, '_>) -> io::Result<()> {
    for (state, more) in State::ALL.into_iter().zip(STATES.iter()) {
        writer.sample(more, flag(subject.health.state() == state))?;
    }
    Ok(())
}

/// The current failure. Its codes are bounded as those of the counters are.
pub fn failure(subject: &Subject<'_>, writer: &mut Writer<'_, '_>) -> io::Result<()> {
    match (subject.health.failure(), subject.health.failure_code_in_metrics()) {
        (Some(failure), Some(code)) => writer.sample(&failure_labels(failure.reason, &code), 1.0),
        _ => Ok(()),
    }
}

/// Failures by reason, which exist at zero from the start unless the metrics are compact, and by
/// reason and code.
pub fn failures(subject: &Subject<'_>, writer: &mut Writer<'_, '_>) -> io::Result<()> {
    for (more, number) in REASONS.iter().zip(subject.health.failures()) {
        if *number > 0 || !subject.is_compact {
            writer.sample(more, count(*number))?;
        }
    }
    for (reason, code, number) in subject.health.coded_failures() {
        writer.sample(&failure_labels(reason, code), count(number))?;
    }
    Ok(())
}

/// How long each phase of the last probe took, in seconds.
pub fn phases(subject: &Subject<'_>, writer: &mut Writer<'_, '_>) -> io::Result<()> {
    if subject.health.last_attempt().is_none() {
        return Ok(());
    }
    for (more, seconds) in PHASES.iter().zip(subject.health.phases().values()) {
        writer.sample(more, seconds)?;
    }
    Ok(())
}

/// The calls of probes with several calls. Each call exists at zero from the start.
pub fn steps(
    subject: &Subject<'_>,
    writer: &mut Writer<'_, '_>,
    value: fn(&StepHealth) -> Option<f64>,
) -> io::Result<()> {
    for name in subject.entry.provider.steps.iter() {
        if let Some(value) = value(&subject.health.step(name)) {
            writer.sample(&format!(",{}", label("step", name)), value)?;
        }
    }
    Ok(())
}

/// The labels of a failure, as the continuation of an open label set.
fn failure_labels(reason: Reason, code: &Code) -> String {
    format!(
        ",class=\"{}\",reason=\"{}\",{}",
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
