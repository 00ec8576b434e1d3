//! Parts that the pages share: the frame, states, runways and pictures.

use maud::{DOCTYPE, Markup, html};

use super::expiring::Expiring;
use super::format::{clock, runbook, untrusted};
use crate::outcome::Failure;
use crate::pause::{Cause, Pause};
use crate::state::Moment;

/// The update interval of the script, in seconds.
const UPDATE_SECONDS: u32 = 5;

/// The update interval without a script, in seconds. It is longer, because a reload of the page
/// loses what a user types.
const RELOAD_SECONDS: u32 = 30;

/// A page that the navigation can lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Credentials,
    Groups,
    Ends,
    Reasons,
    Other,
}

/// The content of a page without the frame.
pub struct Sheet {
    /// The address of `/`, relative to this page, so that links work behind a proxy that adds a
    /// path.
    pub root: &'static str,
    pub place: Place,
    pub title: String,
    /// A sentence that a screen reader reads out when it changes.
    pub summary: String,
    /// Whether the browser tab shows the warning icon.
    pub alarm: bool,
    /// Whether the scheduler has stopped.
    pub stalled: bool,
    pub now: Moment,
    pub body: Markup,
}

/// The whole HTML document.
pub fn frame(sheet: &Sheet, telemetry_path: &str) -> Markup {
    let Sheet { root, .. } = sheet;
    let icon = if sheet.alarm || sheet.stalled { "trouble" } else { "fine" };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (sheet.title) }
                link rel="icon" type="image/svg+xml" href={ (root) "assets/" (icon) ".svg" };
                link rel="stylesheet" href={ (root) "assets/page.css" };
                script src={ (root) "assets/page.js" } defer {}
                noscript { meta http-equiv="refresh" content=(RELOAD_SECONDS); }
            }
            body data-every=(UPDATE_SECONDS) {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href=(root) { "credwatch" }
                    (views(sheet))
                    p.pulse {
                        span #as-of { span.sr-only { "As of " } (clock(sheet.now.wall)) }
                        noscript { ", reloaded every " (RELOAD_SECONDS) " seconds" }
                        button #pause type="button" hidden { "Pause updates" }
                    }
                }
                p #alarm .alarm role="alert" hidden {}
                main #main tabindex="-1" data-summary=(sheet.summary) {
                    @if sheet.stalled { (stalled(root)) }
                    (sheet.body)
                }
                p #announcement .sr-only role="status" {}
                (footer(root, telemetry_path))
            }
        }
    }
}

/// The links to the pages about all providers.
fn views(sheet: &Sheet) -> Markup {
    let views = [
        ("", "Credentials", Place::Credentials),
        ("?group=failure", "Groups", Place::Groups),
        ("ends", "Ends", Place::Ends),
        ("reasons", "Reasons", Place::Reasons),
    ];
    html! {
        nav.views aria-label="Pages of credwatch" {
            @for (path, title, place) in views {
                @let current = (sheet.place == place).then_some("page");
                a href={ (sheet.root) (path) } aria-current=[current] { (title) } " "
            }
        }
    }
}

/// The key of the configuration that pauses a provider.
pub fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Disabled => "enabled = false",
        Cause::Until => "pause_until",
        Cause::Maintenance => "maintenance",
    }
}

/// Why a provider is not probed, and until when.
pub fn paused(pause: &Pause) -> Markup {
    let cause = cause(pause.cause);
    html! {
        p.pause {
            "Not probed"
            @if let Some(until) = pause.until { " until " (clock(until)) }
            " (" code { (cause) } "). The last state stays."
        }
    }
}

fn stalled(root: &str) -> Markup {
    html! {
        p.alarm role="alert" {
            strong { "The scheduler has stopped." }
            " credwatch makes no probes, and this page shows old results. "
            a href={ (root) "livez" } { "/livez" }
            " reports this as well. Save the log, then restart the daemon."
        }
    }
}

fn footer(root: &str, telemetry_path: &str) -> Markup {
    html! {
        footer {
            nav aria-label="Other addresses" {
                @for name in [&telemetry_path[1..], "healthz", "livez", "readyz"] {
                    a href={ (root) (name) } { "/" (name) } " "
                }
                a href={ (root) "reasons" } { "What the reasons mean" }
            }
            p { "credwatch " (env!("CARGO_PKG_VERSION")) }
        }
    }
}

/// The cells of a table's head.
pub fn column_titles(titles: &[&str]) -> Markup {
    html! { @for title in titles { th role="columnheader" scope="col" { (title) } } }
}

/// Class, reason and code of a failure. The reason is a link to its explanation.
pub fn verdict(failure: &Failure, root: &str) -> Markup {
    html! {
        span.verdict {
            (failure.reason.class().word()) " / "
            a href={ (root) (runbook(failure.reason)) } { (failure.reason.word()) }
            @if !failure.code.is_empty() {
                " " span.sr-only { "code " } code.code { (untrusted(failure.code.as_str())) }
            }
        }
    }
}

/// A sentence about a secret or a certificate that ends soon or has ended.
pub fn expiring(expiring: Expiring, now: f64) -> Markup {
    let tone = if expiring.is_over(now) { "ending red" } else { "ending" };
    html! { p class=(tone) { (expiring.sentence(now)) "." } }
}
