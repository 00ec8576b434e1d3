//! `/providers/NAME`: one provider, with all that is known of it.

use std::sync::Arc;

use maud::{Markup, html};

use super::format::{
    ago, away, command, count, foreign, grouped, moment, prose, query_value, span, stamp, took,
};
use super::parts::{self, Sheet};
use super::ranking::{End, Runway};
use super::selection::Selection;
use crate::outcome::{Expiry, Phases, Reason};
use crate::provider::{Provider, Slot};
use crate::state::history::{History, PastFailure};
use crate::state::{Entry, Health, Ledger, Moment, State};
use crate::time::unix_seconds;

/// A provider with everything copied that the page shows, so that nothing is locked while it is
/// written.
struct View<'a> {
    provider: &'a Provider,
    health: Health,
    history: History,
    now: Moment,
    wall: f64,
    root: &'static str,
}

impl<'a> View<'a> {
    fn of(entry: &'a Arc<Entry>, now: Moment, root: &'static str) -> Self {
        let (health, history) = (entry.health().clone(), entry.history().clone());
        Self { provider: &entry.provider, health, history, now, wall: unix_seconds(now.wall), root }
    }

    /// A moment with how long ago it was.
    fn past(&self, time: jiff::Timestamp) -> Markup {
        html! { (moment(time, &stamp(time))) " " small { (ago(self.wall - unix_seconds(time))) } }
    }

    /// A moment with how far away it is.
    fn end(&self, time: jiff::Timestamp) -> Markup {
        html! { (moment(time, &stamp(time))) " " small { (away(unix_seconds(time) - self.wall)) } }
    }
}

/// The page of a provider; `None` when there is none of this name.
pub fn page(ledger: &Ledger, name: &str, root: &'static str) -> Option<Sheet> {
    let now = ledger.now();
    let roster = ledger.roster();
    let view = View::of(roster.entry(name, Slot::Current)?, now, root);
    let next = roster.entry(name, Slot::Next).map(|entry| View::of(entry, now, root));
    let state = view.health.state();
    let summary = format!("{name} is {}.", state.word());
    let body = html! {
        nav.back aria-label="Back" { a href=(root) { "← All providers" } }
        (head(&view))
        @if view.provider.transport.insecure {
            p.alarm { strong { "Any certificate is accepted" } " (" code { "tls.insecure" } "): what is sent, the credential too, can be read by anybody on the way." }
        }
        (now_and_why(&view, Slot::Current))
        @for end in End::soon(view.provider, view.health.certificate_expiry(), view.wall) { (parts::end(end, view.wall)) }
        div.columns {
            (last_probe(&view))
            (facts(&view))
        }
        (history(&view))
        @if let Some(next) = &next {
            section.next-credential {
                h2 { "Credentials that are to follow " (parts::badge(next.health.state())) }
                (now_and_why(next, Slot::Next))
                div.columns { (last_probe(next)) (history(next)) }
            }
        }
        (counts(&view.health, root))
        p.links {
            "For programs: " a href={ (root) "healthz?provider=" (query_value(name)) } { "/healthz of this provider" } ", " a href={ (root) "metrics" } { "/metrics" } "."
        }
    };
    let title = format!("{name} is {} · credwatch", state.word());
    Some(Sheet {
        root,
        title,
        summary,
        alarm: state == State::Broken,
        stalled: ledger.is_stalled(),
        now,
        body,
    })
}

fn head(view: &View) -> Markup {
    let everybody = Selection { page: 1, ..Selection::default() };
    html! {
        div.head {
            h1 { (foreign(&view.provider.name)) }
            (parts::badge(view.health.state()))
            p.under {
                @if let Some(title) = &view.provider.recipe.title { (foreign(title)) ", " }
                "recipe " span.recipe { (foreign(&view.provider.recipe.name)) }
                @for (name, value) in &view.provider.labels {
                    @let address = everybody.with_label(name, value).address();
                    " " a.label href={ (view.root) (address.trim_start_matches("./")) } { (foreign(&format!("{name}={value}"))) }
                }
            }
        }
    }
}

/// What a person has to know first: what is wrong, since when, how long there is, and what to do.
fn now_and_why(view: &View, slot: Slot) -> Markup {
    let health = &view.health;
    let command = command(&view.provider.name, slot);
    html! {
        @match health.trouble() {
            Some(trouble) => {
                section class={ "trouble " (health.state().word()) } {
                    @let facts = trouble.failure.reason.facts();
                    p.first {
                        (parts::sign(health.state())) (parts::verdict(&trouble.failure, view.root))
                        " " span.hush { "for" } " " span.for { (moment(trouble.since, &span(view.wall - unix_seconds(trouble.since)))) }
                    }
                    @if !trouble.failure.message.as_str().is_empty() { p.message { (foreign(trouble.failure.message.as_str())) } }
                    dl.steps {
                        @if slot == Slot::Current { dt { "Runway" } dd { (parts::runway(health.token(), view.wall)) p.hint { (runway_hint(view)) } } }
                        dt { "Since" } dd {
                            (moment(trouble.since, &stamp(trouble.since))) small { ", " (count(health.consecutive_failures() as usize, "failure", "failures")) " in a row" }
                            @if health.state() == State::Failing { p.hint { "Not yet confirmed: one more try decides, or several when it is not the credential’s fault." } }
                        }
                        dt { "Means" } dd { (prose(facts.meaning)) }
                        dt { "Do" } dd { (prose(facts.action)) @if let Some(text) = &view.provider.recipe.documentation { p.hint { "Documentation: " (documentation(text)) } } }
                        dt { "See" } dd { code.command { (command) } p.hint { "asks once more and explains each step. Secrets are never shown." } }
                    }
                }
            }
            None if health.state() == State::Healthy => {
                p.fine {
                    "The last probe issued a token"
                    @if let Some(token) = health.token() { @match token.expiry {
                        Expiry::At(end) => { ", which ends " (moment(end, &away(unix_seconds(end) - view.wall))) },
                        Expiry::Never => { ", which never ends" },
                        Expiry::Unknown => { "; the answer does not say when it ends" },
                    } }
                    ". " code.command { (command) } " explains one probe."
                }
            }
            None => p.fine { "No probe has ended yet. " code.command { (command) } " explains one." }
        }
    }
}

/// What the runway says.
fn runway_hint(view: &View) -> Markup {
    html! {
        @match Runway::of(view.health.token(), view.wall) {
            Runway::Left(_) => {
                "Until then tokens from before still work"
                @if let Some(end) = view.health.token_end() { ", until " (moment(end, &stamp(end))) }
                ". Software that asks for a new token for each call notices now."
            }
            Runway::Ended(_) => "Tokens from before do not work any more: whoever uses this credential has noticed.",
            Runway::None => "No token was issued since credwatch has watched: whoever uses this credential may be without one.",
            Runway::Unknown | Runway::Endless => "Whoever has a token may go on for now; whoever needs a new one cannot.",
        }
    }
}

/// A link when it is an address, else as it is written.
fn documentation(text: &str) -> Markup {
    let linked = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme))
        && !text.contains(char::is_whitespace);
    html! { @if linked { a href=(text) rel="noreferrer noopener" { (foreign(text)) } } @else { (foreign(text)) } }
}

/// The phases of the last probe: where on the way it spent its time.
fn last_probe(view: &View) -> Markup {
    let health = &view.health;
    let phases = health.phases().values();
    let total: f64 = phases.iter().sum();
    let mut begin = 0.0;
    let parts: Vec<(&str, f64, f64)> = Phases::WORDS
        .into_iter()
        .zip(phases)
        .map(|(word, length)| {
            let step = (word, begin, length);
            begin += length;
            step
        })
        .collect();
    html! {
        section.phases {
            h2 { "Last probe" }
            @if let Some(last) = health.last_attempt() {
                p { (view.past(last)) @if let Some(status) = health.status() { ", HTTP " (status) } @if let Some(past) = view.history.probes().last() { ", " (took(f64::from(past.duration))) } }
                @if total > 0.0 {
                    table role="table" {
                        caption.hush { "Phases of the last probe" }
                        tbody role="rowgroup" {
                            @for (word, begin, length) in parts {
                                tr role="row" {
                                    th role="rowheader" scope="row" { (word) }
                                    td.number role="cell" { @if length > 0.0 { (took(length)) } @else { "–" } }
                                    td role="cell" {
                                        svg.waterfall viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                                            rect.part x=(percent(begin / total)) width=(percent((length / total).max(if length > 0.0 { 0.004 } else { 0.0 }))) height="8" {}
                                        }
                                    }
                                }
                            }
                        }
                    }
                } @else { p.hint { "It ended before a connection was begun." } }
                (steps(view))
            } @else { p { "There was none yet." } }
        }
    }
}

/// The calls of a probe that makes several.
fn steps(view: &View) -> Markup {
    let steps = &view.provider.steps;
    html! {
        @if !steps.is_empty() {
            table role="table" {
                caption { "Steps" }
                tbody role="rowgroup" {
                    @for step in steps.iter() {
                        @let known = view.health.step(step);
                        tr role="row" {
                            th role="rowheader" scope="row" { (foreign(step)) }
                            td.number role="cell" { @if known.made > 0 { (took(known.duration)) } @else { "–" } }
                            td role="cell" { @if known.failed > 0 { (known.failed) " of " (known.made) " failed" } @else { small { @if known.made == 0 { "not made yet" } @else { "made " (known.made) " times" } } } }
                        }
                    }
                }
            }
        }
    }
}

fn percent(part: f64) -> String {
    format!("{:.2}", part * 100.0)
}

/// What is known beside it.
fn facts(view: &View) -> Markup {
    let (health, provider) = (&view.health, view.provider);
    let mut rows: Vec<(&str, Markup)> = Vec::new();
    if let Some(due) = health.next_due() {
        rows.push(("Next probe", html! { (away((view.now.unix_seconds_at(due) - view.wall).max(0.0))) small { ", every " (span(provider.cadence.interval.as_secs_f64())) " when all is well" } }));
    }
    if let Some(since) = health.since() {
        rows.push(("State since", view.past(since)));
    }
    rows.push((
        "Last token",
        health.last_success().map_or_else(|| html! { "none yet" }, |time| view.past(time)),
    ));
    if let Some(token) = health.token() {
        let lives =
            token.lifetime.map(|lifetime| html! { small { ", issued for " (span(lifetime)) } });
        let ends = match token.expiry {
            Expiry::At(end) => view.end(end),
            Expiry::Never => html! { "never" },
            Expiry::Unknown => html! { "not known" },
        };
        rows.push(("Token ends", html! { (ends) @if let Some(lives) = lives { (lives) } }));
    }
    if let Some(end) = provider.secret_expires {
        rows.push(("Secret ends", view.end(end)));
    }
    if let Some(end) = health.certificate_expiry() {
        rows.push(("Certificate ends", view.end(end)));
    }
    if let Some(skew) = health.clock_skew() {
        let sentence = if skew.abs() < 2.0 {
            html! { "agrees with ours" }
        } else {
            html! { (span(skew.abs())) @if skew > 0.0 { " ahead of ours" } @else { " behind ours" } }
        };
        rows.push(("Its clock", sentence));
    }
    if health.missing_scopes() > 0 {
        rows.push(("Scopes missing", html! { (health.missing_scopes()) }));
    }
    if !provider.expectations.required_scopes.is_empty() {
        rows.push(("Scopes required", html! { @for scope in &provider.expectations.required_scopes { code { (foreign(scope)) } " " } }));
    }
    if let Some(endpoint) = &provider.endpoint {
        rows.push(("Endpoint", html! { code { (foreign(endpoint)) } }));
    }
    // Where something is wrong it stands beside what to do.
    if let (Some(text), None) = (&provider.recipe.documentation, health.trouble()) {
        rows.push(("Documentation", documentation(text)));
    }
    html! { section.facts { h2 { "What is known" } dl { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } } } }
}

/// The last probes, and the failures among and before them.
fn history(view: &View) -> Markup {
    let history = &view.history;
    html! {
        @if !history.probes().is_empty() {
            section.history {
                h2 { "Last probes" }
                (parts::sparkline(history))
                details data-key="probes" {
                    summary { "The last " (count(history.probes().len(), "probe", "probes")) " as a list" }
                    table role="table" {
                        thead role="rowgroup" { tr role="row" { th role="columnheader" scope="col" { "When" } th role="columnheader" scope="col" { "Took" } th role="columnheader" scope="col" { "Found" } } }
                        tbody role="rowgroup" {
                            @for past in history.probes().iter().rev() {
                                tr role="row" {
                                    td role="cell" { (view.past(past.started)) }
                                    td.number role="cell" { (took(f64::from(past.duration))) }
                                    td role="cell" { @match past.reason { None => "a token", Some(reason) => span.failed { (reason.word()) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !history.failures().is_empty() {
            section.failures {
                h2 { "Last failures" }
                table role="table" {
                    caption.hush { "The last failures, the newest first; they are kept longer than other probes" }
                    thead role="rowgroup" { tr role="row" { @for title in ["When", "Took", "HTTP", "Why", "Message"] { th role="columnheader" scope="col" { (title) } } } }
                    tbody role="rowgroup" { @for past in history.failures().iter().rev() { (failure(past, view)) } }
                }
            }
        }
        @if !history.reading().is_empty() {
            section.reading {
                h2 { "How the answer of the last failure was read" }
                table role="table" {
                    thead role="rowgroup" { tr role="row" { @for title in ["Rule", "Expression", "Result"] { th role="columnheader" scope="col" { (title) } } } }
                    tbody role="rowgroup" {
                        @for line in history.reading() {
                            tr role="row" { th role="rowheader" scope="row" { (line.rule) } td role="cell" data-label="Expression" { @if !line.expression.is_empty() { code { (foreign(&line.expression)) } } } td role="cell" data-label="Result" { (foreign(&line.result)) } }
                        }
                    }
                }
            }
        }
    }
}

fn failure(past: &PastFailure, view: &View) -> Markup {
    html! {
        tr role="row" {
            td role="cell" { (view.past(past.started)) }
            td.number role="cell" data-label="Took" { (took(past.duration)) }
            td.number role="cell" data-label="HTTP" { @if let Some(status) = past.status { (status) } @else { "–" } }
            td role="cell" { (parts::verdict(&past.failure, view.root)) }
            td.message role="cell" { (foreign(past.failure.message.as_str())) }
        }
    }
}

/// All failures since the start, by reason and code.
fn counts(health: &Health, root: &str) -> Markup {
    let plain = Reason::ALL
        .into_iter()
        .zip(health.failures())
        .filter(|(_, number)| **number > 0)
        .map(|(reason, number)| (reason, String::new(), *number));
    let coded = health
        .coded_failures()
        .map(|(reason, code, number)| (reason, code.as_str().to_owned(), number));
    let mut rows: Vec<(Reason, String, u64)> = plain.chain(coded).collect();
    rows.sort_by(|one, other| other.2.cmp(&one.2).then_with(|| one.1.cmp(&other.1)));
    let times = |number: u64| grouped(usize::try_from(number).unwrap_or(usize::MAX));
    html! {
        @if health.probes() > 0 {
            section.counts {
                h2 { "Since the daemon started" }
                p { (times(health.probes())) @if health.probes() == 1 { " probe" } @else { " probes" } ", " (times(rows.iter().map(|row| row.2).sum())) " failed" @if health.token_changes() > 0 { ", the token has changed " (times(health.token_changes())) " times" } "." }
                @if !rows.is_empty() {
                    ul { @for (reason, code, number) in rows {
                        li { a href={ (root) (super::format::runbook(reason)) } { (reason.word()) } @if !code.is_empty() { " " code { (foreign(&code)) } } ": " (times(number)) }
                    } }
                }
            }
        }
    }
}
