//! The last probe of a provider: its phases and its calls.

use maud::{Markup, html};

use super::view::View;
use crate::outcome::Phases;
use crate::web::page::format::{took, untrusted};

/// The last probe, with the time that each phase took.
pub fn section(view: &View) -> Markup {
    let health = &view.health;
    html! {
        section.phases {
            h2 { "Last probe" }
            @if let Some(last) = health.last_attempt() {
                p {
                    (view.past(last))
                    @if let Some(status) = health.status() { ", HTTP " (status) }
                    @if let Some(past) = view.history.probes().last() {
                        ", " (took(f64::from(past.duration)))
                    }
                }
                (phases(health.phases()))
                (steps(view))
            } @else { p { "No probe yet." } }
        }
    }
}

fn phases(phases: &Phases) -> Markup {
    let values = phases.values();
    let total: f64 = values.iter().sum();
    if total <= 0.0 {
        return html! { p.hint { "The probe ended before it opened a connection." } };
    }
    let mut begin = 0.0;
    let rows = Phases::WORDS.into_iter().zip(values).map(|(word, length)| {
        let row = (word, begin, length);
        begin += length;
        row
    });
    html! {
        table role="table" {
            caption.sr-only { "Phases of the last probe" }
            tbody role="rowgroup" {
                @for (word, begin, length) in rows {
                    tr role="row" {
                        th role="rowheader" scope="row" { (word) }
                        td.number role="cell" {
                            @if length > 0.0 { (took(length)) } @else { "–" }
                        }
                        td role="cell" { (waterfall(begin / total, length / total)) }
                    }
                }
            }
        }
    }
}

/// A bar that shows a phase as a part of the whole request.
fn waterfall(begin: f64, length: f64) -> Markup {
    let percent = |part: f64| format!("{:.2}", part * 100.0);
    // A very short phase must still be visible.
    let width = if length > 0.0 { length.max(0.004) } else { 0.0 };
    html! {
        svg.waterfall viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.part x=(percent(begin)) width=(percent(width)) height="8" {}
        }
    }
}

/// The calls of a probe that makes several.
fn steps(view: &View) -> Markup {
    let steps = &view.provider.steps;
    if steps.is_empty() {
        return Markup::default();
    }
    html! {
        table role="table" {
            caption { "Steps" }
            tbody role="rowgroup" {
                @for step in steps.iter() {
                    @let calls = view.health.step(step);
                    tr role="row" {
                        th role="rowheader" scope="row" { (untrusted(step)) }
                        td.number role="cell" {
                            @if calls.made > 0 { (took(calls.duration)) } @else { "–" }
                        }
                        td role="cell" {
                            @if calls.failed > 0 {
                                (calls.failed) " of " (calls.made) " failed"
                            } @else if calls.made == 0 {
                                small { "not made yet" }
                            } @else {
                                small { "made " (calls.made) " times" }
                            }
                        }
                    }
                }
            }
        }
    }
}
