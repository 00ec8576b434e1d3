//! The explanation of a probe as text.

use std::fmt::Write as _;

use crate::authoring::explain::{ExplainedCall, Explanation};
use crate::outcome::{Expiry, Outcome, Phases, Probe};
use crate::provider::Provider;
use crate::recipe::Kind;
use crate::time::{human_duration, unix_seconds};

/// Whether the text has colours.
#[derive(Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
    fn head(self, text: &str) -> String {
        self.with("1", text)
    }
    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
    fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }
    fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }
}

pub fn as_text(
    provider: &Provider,
    probe: &Probe,
    explanation: &Explanation,
    paint: Paint,
) -> String {
    let mut out = String::new();
    let title = provider.recipe.title.as_deref().unwrap_or(&provider.recipe.name);
    let _ = writeln!(
        out,
        "{}  {}\n",
        paint.head(&provider.name),
        paint.dim(&format!("recipe {}: {title}", provider.recipe.name))
    );
    let token = explanation.calls.iter().position(|call| call.kind == Kind::Token);
    let (before, after) = explanation.calls.split_at(token.unwrap_or(explanation.calls.len()));
    for call in before {
        step(&mut out, call, paint);
    }
    if let Some((main, after)) = after.split_first() {
        let _ = writeln!(out, "{}", paint.head("Request"));
        request(&mut out, main, paint);
        connection(&mut out, provider, probe, paint);
        answer(&mut out, probe, main, paint);
        for call in after {
            step(&mut out, call, paint);
        }
    } else {
        connection(&mut out, provider, probe, paint);
    }
    steps(&mut out, probe, paint);
    result(&mut out, provider, probe, paint);
    out
}

fn request(out: &mut String, call: &ExplainedCall, paint: Paint) {
    let shown = &call.request;
    let _ = writeln!(out, "  {}", shown.line);
    for (name, value) in &shown.headers {
        let _ = writeln!(out, "  {name}: {value}");
    }
    for line in &shown.body {
        let _ = writeln!(out, "  {}", paint.dim(line));
    }
    out.push('\n');
}

/// A call other than the token request, in short.
fn step(out: &mut String, call: &ExplainedCall, paint: Paint) {
    let _ = writeln!(out, "{}", paint.head(&format!("Step {}", call.step)));
    request(out, call, paint);
    let Some(status) = call.status else { return };
    let _ = writeln!(out, "  HTTP {status}");
    read(out, call, paint);
    out.push('\n');
}

/// Duration and failure of each call, for probes with several calls.
fn steps(out: &mut String, probe: &Probe, paint: Paint) {
    if probe.steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", paint.head("Steps"));
    for step in &probe.steps {
        let failed = step.failure.as_ref().map(|failure| {
            let code = if failure.code.is_empty() {
                String::new()
            } else {
                format!(", code {}", failure.code)
            };
            format!(
                "  {} {}{code}: {}",
                paint.bad("failed"),
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

fn connection(out: &mut String, provider: &Provider, probe: &Probe, paint: Paint) {
    if probe.duration <= 0.0 {
        return;
    }
    let _ = writeln!(out, "{}", paint.head("Timing"));
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
            if bar.is_empty() { String::new() } else { paint.dim(&bar) }
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
        let _ = writeln!(out, "  {}", paint.bad("any certificate is accepted (tls.insecure)"));
    }
    out.push('\n');
}

fn answer(out: &mut String, probe: &Probe, call: &ExplainedCall, paint: Paint) {
    let Some(status) = probe.status else { return };
    let _ = writeln!(out, "{}\n  HTTP {status}", paint.head("Answer"));
    if let Some(skew) = probe.clock_skew
        && skew.abs() > 2.0
    {
        let direction = if skew > 0.0 { "ahead of" } else { "behind" };
        let _ = writeln!(
            out,
            "  {}",
            paint.bad(&format!(
                "the provider's clock is {} {direction} ours",
                human_duration(skew.abs())
            ))
        );
    }
    read(out, call, paint);
    out.push('\n');
}

/// An answer and the trace of how it was read.
fn read(out: &mut String, call: &ExplainedCall, paint: Paint) {
    for (name, value) in &call.headers {
        let _ = writeln!(out, "  {name}: {value}");
    }
    for line in &call.body {
        let _ = writeln!(out, "  {}", paint.dim(line));
    }
    if !call.reading.is_empty() {
        let _ = writeln!(out, "\n{}", paint.head("How it was read"));
        let width = call
            .reading
            .iter()
            .map(|line| line.expression.chars().count())
            .max()
            .unwrap_or_default()
            .min(48);
        for line in &call.reading {
            let _ =
                writeln!(out, "  {:<8} {:<width$}  → {}", line.rule, line.expression, line.result);
        }
    }
    if !call.suggestions.is_empty() {
        let _ = writeln!(out, "\n{}", paint.head("Not read"));
        for suggestion in &call.suggestions {
            let _ = writeln!(
                out,
                "  {}\n  {}",
                paint.dim(&format!("# {}", suggestion.why)),
                suggestion.line
            );
        }
    }
}

fn result(out: &mut String, provider: &Provider, probe: &Probe, paint: Paint) {
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
            let _ = writeln!(out, "{} a token was issued; {life}", paint.good("OK"));
            for step in probe.steps.iter().filter(|step| step.failure.is_some()) {
                let _ = writeln!(
                    out,
                    "  {} `{}` failed, so something stays behind at the provider",
                    paint.bad("but"),
                    step.name
                );
            }
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
                paint.bad("FAILED"),
                facts.class.word(),
                facts.word
            );
            if !failure.message.as_str().is_empty() {
                let _ = writeln!(out, "  {}", failure.message.as_str());
            }
            let _ = writeln!(out, "  {} {}", paint.head("Means"), facts.meaning);
            let _ = writeln!(out, "  {} {}", paint.head("Do"), facts.action);
            if let Some(documentation) = &provider.recipe.documentation
                && !failure.code.is_empty()
            {
                let _ = writeln!(out, "  {} {documentation}", paint.head("Codes"));
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
