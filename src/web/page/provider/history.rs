//! Past probes of a provider: the last ones, the last failures, and counts by reason.

use maud::{Markup, html};

use super::view::View;
use crate::outcome::Reason;
use crate::provider::Slot;
use crate::state::Health;
use crate::state::history::PastFailure;
use crate::web::page::format::{clock, count, grouped, runbook, took, untrusted};
use crate::web::page::parts;
use crate::web::page::spark::sparkline;

/// The last probes, the last failures, and how the last failed answer was read.
pub fn sections(view: &View) -> Markup {
    html! {
        @if !view.history.probes().is_empty() { (probes(view)) }
        @if !view.history.failures().is_empty() { (failures(view)) }
        @if !explains(view) { (reading(view)) }
    }
}

fn probes(view: &View) -> Markup {
    let probes = view.history.probes();
    html! {
        section.history {
            h2 { "Last probes" }
            (sparkline(&view.history))
            details data-key="probes" {
                summary { "The last " (count(probes.len(), "probe", "probes")) " as a list" }
                table role="table" {
                    thead role="rowgroup" {
                        tr role="row" { (parts::column_titles(&["When", "Took", "Result"])) }
                    }
                    tbody role="rowgroup" {
                        @for past in probes.iter().rev() {
                            tr role="row" {
                                td role="cell" { (view.past(past.started())) }
                                td.number role="cell" { (took(f64::from(past.duration))) }
                                td role="cell" {
                                    @if let Some(reason) = past.reason {
                                        span.failed { (reason.word()) }
                                    } @else if view.provider.recipe.issues_tokens() { "token" }
                                    @else { "accepted" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn failures(view: &View) -> Markup {
    let titles = ["When", "Took", "HTTP", "Reason", "Message"];
    html! {
        section.failures {
            h2 { "Last failures" }
            table role="table" {
                caption.sr-only {
                    "The last failures, newest first. Equal ones in a row stand in one line. "
                    "credwatch keeps failures longer than other probes."
                }
                thead role="rowgroup" { tr role="row" { (parts::column_titles(&titles)) } }
                tbody role="rowgroup" {
                    @for past in runs(view.history.failures()) { (failure(past, view)) }
                }
            }
        }
    }
}

/// The newest of the failures in a row that have the same reason and code, the newest run first.
fn runs(failures: &[PastFailure]) -> Vec<&PastFailure> {
    let mut runs: Vec<&PastFailure> = Vec::new();
    for past in failures.iter().rev() {
        // An older failure of a run has been counted by the newer one.
        let is_counted = runs.last().is_some_and(|newer| {
            let [one, other] = [newer, past].map(|it| (it.failure.reason, &it.failure.code));
            one == other && newer.times > past.times && newer.since == past.since
        });
        if !is_counted {
            runs.push(past);
        }
    }
    runs
}

fn failure(past: &PastFailure, view: &View) -> Markup {
    let times = usize::try_from(past.times).unwrap_or(usize::MAX);
    html! {
        tr role="row" {
            td role="cell" {
                @if times > 1 { (clock(past.since)) " to " }
                (view.past(past.started))
            }
            td.number role="cell" data-label="Took" { (took(past.duration)) }
            td.number role="cell" data-label="HTTP" {
                @if let Some(status) = past.status { (status) } @else { "–" }
            }
            td role="cell" {
                @if times > 1 { b { (grouped(times)) " × " } }
                (parts::verdict(&past.failure, view.root))
            }
            td.message role="cell" { (untrusted(past.failure.message.as_str())) }
        }
    }
}

/// Whether how the answer was read explains the current failure. It stands near the top then.
pub fn explains(view: &View) -> bool {
    view.provider.slot == Slot::Current
        && !view.history.reading().is_empty()
        && view.health.failure().is_some_and(|failure| failure.reason == Reason::Malformed)
}

/// How the last failed answer was read; nothing without one.
pub fn reading(view: &View) -> Markup {
    if view.history.reading().is_empty() {
        return Markup::default();
    }
    html! {
        section class=(if explains(view) { "reading explains" } else { "reading" })
            id=[explains(view).then_some("reading")] {
            h2 { "How the last failed answer was read" }
            table role="table" {
                thead role="rowgroup" {
                    tr role="row" { (parts::column_titles(&["Rule", "Expression", "Result"])) }
                }
                tbody role="rowgroup" {
                    @for line in view.history.reading() {
                        tr role="row" {
                            th role="rowheader" scope="row" { (line.rule) }
                            td role="cell" data-label="Expression" {
                                @if !line.expression.is_empty() {
                                    code { (untrusted(&line.expression)) }
                                }
                            }
                            td role="cell" data-label="Result" { (untrusted(&line.result)) }
                        }
                    }
                }
            }
        }
    }
}

/// The number of probes, and of failures by reason and code, since the start of the daemon.
pub fn counts(health: &Health, root: &str) -> Markup {
    if health.probes() == 0 {
        return Markup::default();
    }
    let rows = failures_by_reason(health);
    let times = |number: u64| grouped(usize::try_from(number).unwrap_or(usize::MAX));
    html! {
        section.counts {
            h2 { "Since the daemon started" }
            p {
                (times(health.probes())) @if health.probes() == 1 { " probe" } @else { " probes" }
                ", " (times(rows.iter().map(|row| row.2).sum())) " failed"
                @if health.token_changes() > 0 {
                    ", the token has changed " (times(health.token_changes())) " times"
                }
                "."
            }
            @if !rows.is_empty() {
                ul {
                    @for (reason, code, number) in rows {
                        li {
                            a href={ (root) (runbook(reason)) } { (reason.word()) }
                            @if !code.is_empty() { " " code { (untrusted(&code)) } }
                            ": " (times(number))
                        }
                    }
                }
            }
        }
    }
}

/// Reason, code and number of failures, the most frequent first.
fn failures_by_reason(health: &Health) -> Vec<(Reason, String, u64)> {
    let without_code = Reason::ALL
        .into_iter()
        .zip(health.failures())
        .filter(|(_, number)| **number > 0)
        .map(|(reason, number)| (reason, String::new(), *number));
    let with_code = health
        .coded_failures()
        .map(|(reason, code, number)| (reason, code.as_str().to_owned(), number));
    let mut rows: Vec<(Reason, String, u64)> = without_code.chain(with_code).collect();
    rows.sort_by(|one, other| other.2.cmp(&one.2).then_with(|| one.1.cmp(&other.1)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Failure, Outcome};
    use crate::state::history::History;
    use crate::web::page::samples::probe;

    #[test]
    fn equal_failures_in_a_row_are_one_line() {
        let mut history = History::default();
        let failed = |reason| Outcome::Failed(Failure::new(reason, ""));
        for _ in 0..3 {
            history.record(&probe(failed(Reason::Dns)));
        }
        for outcome in [failed(Reason::Tls), Outcome::Accepted, failed(Reason::Tls)] {
            history.record(&probe(outcome));
        }
        for _ in 0..4 {
            history.record(&probe(failed(Reason::Timeout)));
        }
        let lines: Vec<(&str, u32)> = runs(history.failures())
            .iter()
            .map(|past| (past.failure.reason.word(), past.times))
            .collect();
        assert_eq!(lines, [("timeout", 4), ("tls", 1), ("tls", 1), ("dns", 3)]);
    }
}
