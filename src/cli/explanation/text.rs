//! The explanation of a probe as text.

use std::fmt::Write as _;

use super::super::print::Style::{Bad, Dim, Good, Head};
use super::ends::told;
use super::list;
use crate::authoring::explain::{ExplainedCall, Explanation};
use crate::next_step::{Known, PastEnd, Retry, explains, next_step};
use crate::outcome::{Expiry, Issued, Outcome, Phases, Probe};
use crate::printable::printable;
use crate::provider::{Provider, Slot};
use crate::time::{human_duration, unix_seconds};

pub fn as_text(
    provider: &Provider,
    probe: &Probe,
    explanation: &Explanation,
    retry: Retry,
) -> String {
    let mut out = String::new();
    let title = provider.recipe.title.as_deref().unwrap_or(&provider.recipe.name);
    let _ = writeln!(
        out,
        "{}  {}\n",
        Head.paint(&printable(&provider.name)),
        Dim.paint(&printable(&format!("recipe {}: {title}", provider.recipe.name)))
    );
    let token = explanation.calls.iter().position(|call| call.kind.is_main());
    let (before, after) = explanation.calls.split_at(token.unwrap_or(explanation.calls.len()));
    for call in before {
        step(&mut out, call);
    }
    if let Some((main, after)) = after.split_first() {
        let _ = writeln!(out, "{}", Head.paint("Request"));
        request(&mut out, main);
        connection(&mut out, provider, probe);
        answer(&mut out, probe, main);
        for call in after {
            step(&mut out, call);
        }
    } else {
        connection(&mut out, provider, probe);
    }
    steps(&mut out, probe);
    beside(&mut out, provider, explanation);
    result(&mut out, provider, probe, retry);
    out
}

fn request(out: &mut String, call: &ExplainedCall) {
    let shown = &call.request;
    let _ = writeln!(out, "  {}", printable(&shown.line));
    for (name, value) in &shown.headers {
        let _ = writeln!(out, "  {name}: {}", printable(value));
    }
    for line in &shown.body {
        let _ = writeln!(out, "  {}", Dim.paint(&printable(line)));
    }
    out.push('\n');
}

/// A call other than the token request, in short.
fn step(out: &mut String, call: &ExplainedCall) {
    let _ = writeln!(out, "{}", Head.paint(&format!("Step {}", call.step)));
    request(out, call);
    let Some(status) = call.status else { return };
    let _ = writeln!(out, "  HTTP {status}");
    read(out, call);
    out.push('\n');
}

/// Duration and failure of each call, for probes with several calls.
fn steps(out: &mut String, probe: &Probe) {
    if probe.steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", Head.paint("Steps"));
    for step in &probe.steps {
        let failed = step.failure.as_ref().map(|failure| {
            let code = if failure.code.is_empty() {
                String::new()
            } else {
                format!(", code {}", failure.code)
            };
            format!(
                "  {} {}{code}: {}",
                Bad.paint("failed"),
                failure.reason.word(),
                failure.message.as_str()
            )
        });
        let _ = writeln!(
            out,
            "  {:<16} {:>8.1} ms{}",
            step.name,
            step.duration * 1e3,
            failed.unwrap_or_default()
        );
    }
    out.push('\n');
}

/// What the probe leaves behind at the provider, or does there beside issuing a token.
fn beside(out: &mut String, provider: &Provider, explanation: &Explanation) {
    if !explanation.skipped.is_empty() {
        let _ = writeln!(out, "{}", Head.paint("Cleanup that was not made"));
        for call in &explanation.skipped {
            let names: Vec<String> = call.missing.iter().map(|name| format!("`{name}`")).collect();
            let why = if names.is_empty() {
                "its URL needs an input that is not set".to_owned()
            } else {
                format!("no answer gave {}", names.join(" and "))
            };
            let _ = writeln!(out, "  {:<16} {why}", call.step);
        }
        out.push('\n');
    }
    if let Some(text) = &provider.recipe.side_effects {
        let _ = writeln!(out, "{}\n  {}\n", Head.paint("Side effects"), printable(text));
    }
}

fn connection(out: &mut String, provider: &Provider, probe: &Probe) {
    if probe.duration <= 0.0 {
        return;
    }
    let _ = writeln!(out, "{}", Head.paint("Timing"));
    let longest = probe.phases.values().into_iter().fold(0.0, f64::max).max(1e-9);
    for (word, seconds) in Phases::WORDS.iter().zip(probe.phases.values()) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 24"
        )]
        let bar = "█".repeat((seconds / longest * 24.0).round() as usize);
        let gap = if bar.is_empty() { "" } else { "  " };
        let _ = writeln!(
            out,
            "  {word:<11} {:>8.1} ms{gap}{}",
            seconds * 1e3,
            if bar.is_empty() { String::new() } else { Dim.paint(&bar) }
        );
    }
    let _ = writeln!(
        out,
        "  {:<11} {:>8.1} ms  of {:?} allowed",
        "total",
        probe.duration * 1e3,
        provider.timeout
    );
    if let Some(end) = probe.certificate_expiry {
        let left = unix_seconds(end) - unix_seconds(probe.started);
        let _ = writeln!(
            out,
            "  certificate ends {} ({})",
            end.strftime("%Y-%m-%d"),
            human_duration(left)
        );
    }
    if provider.transport.insecure {
        let _ = writeln!(out, "  {}", Bad.paint("any certificate is accepted (tls.insecure)"));
    }
    out.push('\n');
}

fn answer(out: &mut String, probe: &Probe, call: &ExplainedCall) {
    let Some(status) = probe.status else { return };
    let _ = writeln!(out, "{}\n  HTTP {status}", Head.paint("Answer"));
    if let Some(skew) = probe.clock_skew
        && skew.abs() > 2.0
    {
        let direction = if skew > 0.0 { "ahead of" } else { "behind" };
        let _ = writeln!(
            out,
            "  {}",
            Bad.paint(&format!(
                "the provider's clock is {} {direction} ours",
                human_duration(skew.abs())
            ))
        );
    }
    read(out, call);
    out.push('\n');
}

/// An answer and the trace of how it was read.
fn read(out: &mut String, call: &ExplainedCall) {
    for (name, value) in &call.headers {
        let _ = writeln!(out, "  {name}: {}", printable(value));
    }
    for line in &call.body {
        let _ = writeln!(out, "  {}", Dim.paint(&printable(line)));
    }
    if !call.reading.is_empty() {
        let _ = writeln!(out, "\n{}", Head.paint("How it was read"));
        let width = call
            .reading
            .iter()
            .map(|line| printable(&line.expression).chars().count())
            .max()
            .unwrap_or_default()
            .min(48);
        for line in &call.reading {
            let (expression, result) = (printable(&line.expression), printable(&line.result));
            let _ = writeln!(out, "  {:<8} {expression:<width$}  → {result}", line.rule);
        }
    }
    if !call.suggestions.is_empty() {
        let _ = writeln!(out, "\n{}", Head.paint("Not read"));
        for suggestion in &call.suggestions {
            let _ = writeln!(
                out,
                "  {}\n  {}",
                Dim.paint(&printable(&format!("# {}", suggestion.why))),
                printable(&suggestion.line)
            );
        }
    }
}

/// The ends of the configured credentials, as far as the answers or the credentials tell them.
fn ends(out: &mut String, provider: &Provider, probe: &Probe) {
    for end in probe.known_ends() {
        let name = if end.credential.is_empty() { "credential" } else { &*end.credential };
        let told = told(end.with_max_age(provider.policy.max_age), probe.started);
        let created = end.created.map_or_else(String::new, |created| {
            format!("; it was created {}", created.strftime("%Y-%m-%d"))
        });
        let _ = writeln!(out, "  the {} {told} ({}){created}", printable(name), end.source.word());
    }
}

/// The cleanup calls that failed after a success.
fn left_behind(out: &mut String, probe: &Probe) {
    for step in probe.steps.iter().filter(|step| step.failure.is_some()) {
        let _ = writeln!(
            out,
            "  {} `{}` failed, so something stays behind at the provider",
            Bad.paint("but"),
            step.name
        );
    }
}

/// What is known beside the failure of a probe.
fn known(provider: &Provider, probe: &Probe) -> Known {
    let max_age = provider.policy.max_age;
    let found =
        probe.known_ends().filter_map(|end| Some((end.with_max_age(max_age).time()?, false)));
    // The configured date is about the current credential.
    let declared = provider.secret_expires.filter(|_| provider.slot == Slot::Current);
    let first = found.chain(declared.map(|at| (at, true))).min();
    let ended = first.filter(|(at, _)| *at <= probe.started);
    let ended = ended.map(|(at, is_declared)| PastEnd { at, is_declared });
    Known { status: probe.status, ended }
}

fn result(out: &mut String, provider: &Provider, probe: &Probe, retry: Retry) {
    match &probe.outcome {
        Outcome::Issued(issued) => {
            let life = match (issued.expiry, issued.lifetime) {
                (Expiry::At(end), Some(lifetime)) => format!(
                    "it lives {}, until {}",
                    human_duration(lifetime),
                    end.strftime("%Y-%m-%d %H:%M:%S UTC")
                ),
                (Expiry::Never, _) => "it never expires".into(),
                _ => "the answer does not say how long it lives".into(),
            };
            let _ = writeln!(out, "{} a token was issued; {life}", Good.paint("OK"));
            let beyond = issued.disagreement.filter(|seconds| seconds.abs() > Issued::AGREE);
            if let Some(seconds) = beyond {
                let _ = writeln!(
                    out,
                    "  {} the end in the token (`exp`) is {} {} that",
                    Bad.paint("but"),
                    human_duration(seconds.abs()),
                    if seconds > 0.0 { "after" } else { "before" }
                );
            }
            ends(out, provider, probe);
            left_behind(out, probe);
        }
        Outcome::Accepted => {
            let _ = writeln!(out, "{} the key was accepted", Good.paint("OK"));
            ends(out, provider, probe);
            list::write(out, provider, probe);
            left_behind(out, probe);
        }
        Outcome::Failed(failure) => {
            let facts = failure.reason.facts();
            let code = if failure.code.is_empty() {
                String::new()
            } else {
                format!(", code {}", failure.code)
            };
            let _ = writeln!(
                out,
                "{} {} / {}{code}",
                Bad.paint("FAILED"),
                facts.class.word(),
                facts.word
            );
            if !failure.message.as_str().is_empty() {
                let _ = writeln!(out, "  {}", failure.message.as_str());
            }
            let _ = writeln!(out, "  {} {}", Head.paint("Means"), facts.meaning);
            let next = next_step(provider, failure, known(provider, probe), retry);
            let _ = writeln!(out, "  {} {}", Head.paint("Next"), printable(&next));
            if let Some(documentation) = &provider.recipe.documentation
                && explains(provider, failure)
            {
                let _ = writeln!(out, "  {} {}", Head.paint("Codes"), printable(documentation));
            }
            if let Some(wait) = failure.retry_after {
                let _ = writeln!(
                    out,
                    "  the provider asks to wait {}",
                    human_duration(wait.as_secs_f64())
                );
            }
        }
    }
}
