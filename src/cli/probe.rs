//! `credwatch probe`: one probe, explained so that nobody needs another tool to see why a
//! credential fails.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::ConfigFlag;
use crate::authoring::explain::{Explanation, Told};
use crate::config::{Given, Place, Trial};
use crate::diagnostic::suggestion;
use crate::outcome::{Expiry, Outcome, Phases, Probe};
use crate::probe::Prober;
use crate::provider::{Provider, Slot};
use crate::time::{human_duration, unix_seconds};

#[derive(Args)]
pub struct Flags {
    /// The provider, by its name in the configuration. With `--recipe` the recipe or the provider
    /// in that file, needed only when it has several.
    #[arg(required_unless_present = "recipe")]
    name: Option<String>,
    #[command(flatten)]
    config: ConfigFlag,
    /// Try a recipe from this file, without a configuration. Its inputs come from a table
    /// `[providers.NAME]` in the file, or from `--parameter` and `--credential`.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    recipe: Option<PathBuf>,
    /// A parameter of the recipe that is tried.
    #[arg(long = "parameter", value_name = "NAME=VALUE", requires = "recipe")]
    parameters: Vec<String>,
    /// Where a credential of the recipe that is tried is: `NAME=env:VARIABLE` or `NAME=file:PATH`.
    #[arg(long = "credential", value_name = "NAME=PLACE", requires = "recipe")]
    credentials: Vec<String>,
    /// Show the request, the answer and how each rule read it. This is what `probe` always does.
    #[arg(long)]
    explain: bool,
    /// Probe the credentials that are to follow (`credentials_next`).
    #[arg(long)]
    next: bool,
    /// The form of the explanation.
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people, with colour on a terminal.
    Text,
    /// For programs.
    Json,
}

/// A provider to probe, or the exit status.
fn provider(flags: &Flags) -> Result<Arc<Provider>, ExitCode> {
    let name = flags.name.as_deref().unwrap_or_default();
    let slot = if flags.next { Slot::Next } else { Slot::Current };
    let configuration = super::load(&flags.config)?;
    let is_named = |provider: &&Arc<Provider>| provider.name == name;
    if flags.next
        && configuration.providers.iter().any(|provider| is_named(&provider))
        && !configuration
            .providers
            .iter()
            .any(|provider| is_named(&provider) && provider.slot == slot)
    {
        eprintln!(
            "error: the provider {name:?} has no `credentials_next` in {}",
            flags.config.file.display()
        );
        return Err(ExitCode::from(2));
    }
    configuration
        .providers
        .iter()
        .filter(is_named)
        .find(|provider| provider.slot == slot)
        .cloned()
        .ok_or_else(|| {
            let hint = suggestion(
                name,
                configuration.providers.iter().map(|provider| provider.name.as_str()),
            );
            eprintln!(
                "error: there is no provider {name:?} in {}\n  hint: {hint}",
                flags.config.file.display()
            );
            ExitCode::from(2)
        })
}

/// What a recipe in a file makes with the inputs of the command line.
fn trial(flags: &Flags, file: &Path) -> Result<Arc<Provider>, ExitCode> {
    let refuse = |problem: &str, hint: &str| {
        eprintln!("error: {problem}\n  hint: {hint}");
        ExitCode::from(2)
    };
    let mut given = Given {
        name: flags.name.clone(),
        slot: if flags.next { Slot::Next } else { Slot::Current },
        ..Given::default()
    };
    for text in &flags.parameters {
        let Some((name, value)) = text.split_once('=') else {
            return Err(refuse(
                "a parameter is written NAME=VALUE",
                "--parameter base_url=https://api.example",
            ));
        };
        given.parameters.push((name.to_owned(), value.to_owned()));
    }
    for text in &flags.credentials {
        // What is no place may be the secret itself, so it is not repeated.
        let place =
            text.split_once('=').and_then(|(name, place)| Some((name, place.split_once(':')?)));
        let place =
            place.and_then(|(name, (kind, place))| match kind.to_ascii_lowercase().as_str() {
                "env" if !place.is_empty() => {
                    Some((name.to_owned(), Place::Environment(place.to_owned())))
                }
                "file" if !place.is_empty() => Some((name.to_owned(), Place::File(place.into()))),
                _ => None,
            });
        let Some(place) = place else {
            return Err(refuse(
                "a credential is written NAME=env:VARIABLE or NAME=file:PATH",
                "a secret on a command line can be read by everybody on the host",
            ));
        };
        given.credentials.push(place);
    }
    crate::config::load_trial(file, &given).map_err(|trial| match trial {
        Trial::Lacking(problem, hint) => refuse(&problem, &hint),
        Trial::Faulty(faults) => {
            super::complain(&faults);
            ExitCode::from(super::EXIT_CONFIG)
        }
    })
}

pub fn main(flags: &Flags) -> ExitCode {
    let provider =
        match flags.recipe.as_deref().map_or_else(|| provider(flags), |file| trial(flags, file)) {
            Ok(provider) => provider,
            Err(code) => return code,
        };
    let provider = &provider;
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (probe, explanation) = runtime.block_on(Prober::new().explain(provider));
    super::end(runtime);
    match flags.output {
        Output::Json => super::say(&format!("{:#}", as_json(provider, &probe, &explanation))),
        Output::Text => {
            let colour = std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            super::say(as_text(provider, &probe, &explanation, Paint(colour)).trim_end());
        }
    }
    if matches!(probe.outcome, Outcome::Issued(_)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn as_json(provider: &Provider, probe: &Probe, explanation: &Explanation) -> serde_json::Value {
    let phases: serde_json::Map<String, serde_json::Value> = Phases::WORDS
        .iter()
        .zip(probe.phases.values())
        .map(|(word, seconds)| ((*word).to_owned(), seconds.into()))
        .collect();
    let outcome = match &probe.outcome {
        Outcome::Issued(issued) => {
            let expires = match issued.expiry {
                Expiry::At(end) => json!(end.to_string()),
                Expiry::Never => json!("never"),
                Expiry::Unknown => json!(null),
            };
            json!({ "issued": true, "expires": expires, "lifetime_seconds": issued.lifetime })
        }
        Outcome::Failed(failure) => {
            let facts = failure.reason.facts();
            json!({
                "issued": false,
                "class": facts.class.word(),
                "reason": facts.word,
                "code": failure.code.as_str(),
                "message": failure.message.as_str(),
                "meaning": facts.meaning,
                "action": facts.action,
                "retry_after_seconds": failure.retry_after.map(|wait| wait.as_secs_f64()),
                "missing_scopes": failure.missing_scopes,
            })
        }
    };
    let main = explanation.token();
    let others = |step: &&crate::outcome::Step| main.is_none_or(|told| *told.step != *step.name);
    let steps: Vec<serde_json::Value> = probe
        .steps
        .iter()
        .filter(others)
        .map(|step| {
            let told = explanation.calls.iter().find(|told| *told.step == *step.name);
            json!({
                "step": &*step.name,
                "duration_seconds": step.duration,
                "failure": step.failure.as_ref().map(|failure| json!({ "reason": failure.reason.word(), "code": failure.code.as_str(), "message": failure.message.as_str() })),
                "request": told.map(|told| &told.request),
                "http_status": told.and_then(|told| told.status),
                "answer": told.map(|told| json!({ "headers": told.headers, "body": told.body })),
                "reading": told.map(|told| &told.reading),
            })
        })
        .collect();
    json!({
        "provider": provider.name,
        "recipe": provider.recipe.name,
        "started": probe.started.to_string(),
        "duration_seconds": probe.duration,
        "phases_seconds": phases,
        "http_status": probe.status,
        "certificate_expires": probe.certificate_expiry.map(|end| end.to_string()),
        "clock_skew_seconds": probe.clock_skew,
        "request": main.map(|told| &told.request),
        "answer": { "headers": main.map(|told| &told.headers), "body": main.map(|told| &told.body) },
        "reading": main.map(|told| &told.reading),
        "suggestions": main.map(|told| &told.suggestions),
        "steps": steps,
        "outcome": outcome,
    })
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

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

fn as_text(provider: &Provider, probe: &Probe, explanation: &Explanation, paint: Paint) -> String {
    let mut out = String::new();
    let title = provider.recipe.title.as_deref().unwrap_or(&provider.recipe.name);
    let _ = writeln!(
        out,
        "{}  {}\n",
        paint.head(&provider.name),
        paint.dim(&format!("recipe {}: {title}", provider.recipe.name))
    );
    let token = explanation.calls.iter().position(|told| told.step == "token");
    let (before, after) = explanation.calls.split_at(token.unwrap_or(explanation.calls.len()));
    for told in before {
        step(&mut out, told, paint);
    }
    if let Some((main, after)) = after.split_first() {
        let _ = writeln!(out, "{}", paint.head("Request"));
        request(&mut out, main, paint);
        connection(&mut out, provider, probe, paint);
        answer(&mut out, probe, main, paint);
        for told in after {
            step(&mut out, told, paint);
        }
    } else {
        connection(&mut out, provider, probe, paint);
    }
    steps(&mut out, probe, paint);
    result(&mut out, provider, probe, paint);
    out
}

fn request(out: &mut String, told: &Told, paint: Paint) {
    let shown = &told.request;
    let _ = writeln!(out, "  {}", shown.line);
    for (name, value) in &shown.headers {
        let _ = writeln!(out, "  {name}: {value}");
    }
    for line in &shown.body {
        let _ = writeln!(out, "  {}", paint.dim(line));
    }
    out.push('\n');
}

/// A call beside the token request, in short.
fn step(out: &mut String, told: &Told, paint: Paint) {
    let _ = writeln!(out, "{}", paint.head(&format!("Step {}", told.step)));
    request(out, told, paint);
    let Some(status) = told.status else { return };
    let _ = writeln!(out, "  HTTP {status}");
    read(out, told, paint);
    out.push('\n');
}

/// How long each of several calls took, and which of them failed.
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

fn answer(out: &mut String, probe: &Probe, told: &Told, paint: Paint) {
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
    read(out, told, paint);
    out.push('\n');
}

/// An answer and how it was read.
fn read(out: &mut String, told: &Told, paint: Paint) {
    for (name, value) in &told.headers {
        let _ = writeln!(out, "  {name}: {value}");
    }
    for line in &told.body {
        let _ = writeln!(out, "  {}", paint.dim(line));
    }
    if !told.reading.is_empty() {
        let _ = writeln!(out, "\n{}", paint.head("How it was read"));
        let width = told
            .reading
            .iter()
            .map(|line| line.expression.chars().count())
            .max()
            .unwrap_or_default()
            .min(48);
        for line in &told.reading {
            let _ =
                writeln!(out, "  {:<8} {:<width$}  → {}", line.rule, line.expression, line.result);
        }
    }
    if !told.suggestions.is_empty() {
        let _ = writeln!(out, "\n{}", paint.head("Not read"));
        for suggestion in &told.suggestions {
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
