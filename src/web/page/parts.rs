//! Parts that the pages share: the frame, states, runways and pictures.

use maud::{DOCTYPE, Markup, html};

use super::format::{ago, count, moment, prose, relative, runbook, span, stamp, took, untrusted};
use super::ranking::{Expiring, Runway};
use crate::outcome::Failure;
use crate::pause::{Cause, Pause};
use crate::state::health::Token;
use crate::state::history::{History, MOST_PROBES};
use crate::state::{Moment, State};
use crate::time::unix_seconds;

/// The update interval of the script, in seconds.
const UPDATE_SECONDS: u32 = 5;

/// The update interval without a script, in seconds. It is longer, because a reload of the page
/// loses what a user types.
const RELOAD_SECONDS: u32 = 30;

/// The content of a page without the frame.
pub struct Sheet {
    /// The address of `/`, relative to this page, so that links work behind a proxy that adds a
    /// path.
    pub root: &'static str,
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
    let now = sheet.now.wall;
    let datetime = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
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
                    p.pulse {
                        span #as-of { "As of " time datetime=(datetime) { (stamp(now)) } }
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

/// Why a provider is not probed, and until when.
pub fn paused(pause: &Pause) -> Markup {
    let cause = match pause.cause {
        Cause::Disabled => "enabled = false",
        Cause::Until => "pause_until",
        Cause::Maintenance => "maintenance",
    };
    html! {
        p.pause {
            "Not probed"
            @if let Some(until) = pause.until { " until " (moment(until, &stamp(until))) }
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

/// The sign of a state. Each state has a different shape, so that people need not see colours.
pub fn sign(state: State) -> Markup {
    html! {
        svg.sign viewBox="0 0 16 16" aria-hidden="true" {
            @match state {
                State::Broken => {
                    path.fill d="M5 .5h6L15.5 5v6L11 15.5H5L.5 11V5z" {}
                    path.mark d="M5.2 5.2l5.6 5.6m0-5.6l-5.6 5.6" {}
                }
                State::Failing => {
                    path.fill d="M8 .8l7.6 14H.4z" {}
                    path.mark d="M8 5.6v4.2m0 2v1" {}
                }
                State::Unknown => {
                    circle.ring cx="8" cy="8" r="6.8" {}
                    path.line d="M5.9 6.2c0-2.9 4.3-2.8 4.3-.2 0 1.7-2.2 1.7-2.2 3.4m0 1.7v1.1" {}
                }
                State::Healthy => { path.line d="M2.5 8.6l3.6 3.7 7.4-8" {} }
            }
        }
    }
}

/// A state as a word with a coloured sign.
pub fn badge(state: State) -> Markup {
    html! { span class={ "badge " (state.word()) } { (sign(state)) (state.word()) } }
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

/// What a failure means and what to do about it.
pub fn advice(failure: &Failure) -> Markup {
    let facts = failure.reason.facts();
    html! { p.advice { (prose(facts.meaning)) " " b { "What to do: " } (prose(facts.action)) } }
}

/// How long existing tokens stay valid, in words and as a bar.
pub fn runway(token: Option<&Token>, now: f64) -> Markup {
    let runway = Runway::of(token, now);
    let whole = token.and_then(|token| token.lifetime).filter(|lifetime| *lifetime > 0.0);
    html! {
        @match runway {
            Runway::None => span.runway.none {
                b { "none" } " " small { "credwatch has got no token" }
            },
            Runway::Ended(since) => span.runway.none { b { "expired" } " " small { (ago(since)) } },
            Runway::Left(left) => span.runway {
                b { (span(left)) }
                @if let Some(whole) = whole {
                    " " small { "of " (span(whole)) } (bar(left / whole))
                }
            },
            Runway::Unknown => span.runway {
                b { "not known" } " " small { "the answers do not say when tokens expire" }
            },
            Runway::Endless => span.runway {
                b { "unlimited" } " " small { "tokens never expire" }
            },
        }
    }
}

/// How long existing tokens stay valid, as part of a sentence.
pub fn runway_sentence(token: Option<&Token>, now: f64) -> Markup {
    html! {
        @match Runway::of(token, now) {
            Runway::None => "no existing token is known.",
            Runway::Ended(since) => { "existing tokens expired " b { (ago(since)) } "." },
            Runway::Left(left) => { "existing tokens stay valid for " b { (span(left)) } "." },
            Runway::Unknown => "it is not known when existing tokens expire.",
            Runway::Endless => "existing tokens never expire.",
        }
    }
}

/// A bar for a part of a whole. The text beside it says the same.
fn bar(part: f64) -> Markup {
    let width = format!("{:.1}", part.clamp(0.0, 1.0) * 100.0);
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.ground width="100" height="6" {}
            rect.part width=(width) height="6" {}
        }
    }
}

/// A sentence about a secret or a certificate that expires soon or has expired.
pub fn expiring(expiring: Expiring, now: f64) -> Markup {
    let (subject, time) = match expiring {
        Expiring::Secret(time) => ("The client secret", time),
        Expiring::Credential(time) => ("The credential", time),
        Expiring::ClientCertificate(time) => ("Our client certificate", time),
        Expiring::Certificate(time) => ("A certificate of the endpoint", time),
    };
    let left = unix_seconds(time) - now;
    let verb = if left > 0.0 { " expires " } else { " expired " };
    html! { p.ending { (subject) (verb) (moment(time, &relative(left))) "." } }
}

/// Height and width of one probe in the picture of the last probes.
const HEIGHT: f64 = 24.0;
const WIDTH: f64 = 5.0;

/// The last probes as a picture, the newest on the right. The height of a bar shows the duration of
/// a probe, a cross shows a failure.
pub fn sparkline(history: &History) -> Markup {
    let probes = history.probes();
    // The scale ignores failures, because a timeout would make all other bars invisible.
    let good =
        probes.iter().filter(|past| past.reason.is_none()).map(|past| f64::from(past.duration));
    let longest = good.fold(0.0, f64::max).max(1e-6);
    let (mut bars, mut crosses, mut bands) = (String::new(), String::new(), String::new());
    for (place, past) in (MOST_PROBES - probes.len().min(MOST_PROBES)..).zip(probes) {
        #[expect(clippy::cast_precision_loss, reason = "at most a few dozen")]
        let left = place as f64 * WIDTH;
        if past.reason.is_some() {
            crosses.push_str(&format!(
                "M{:.1} {:.1}l3.6 3.6m0-3.6l-3.6 3.6",
                left + 0.7,
                HEIGHT - 4.6
            ));
            bands.push_str(&format!("M{:.1} {HEIGHT}v-{HEIGHT}", left + WIDTH / 2.0));
        } else {
            let height = (f64::from(past.duration) / longest * (HEIGHT - 2.0)).max(1.5);
            bars.push_str(&format!("M{:.1} {HEIGHT}v-{height:.1}", left + WIDTH / 2.0));
        }
    }
    html! {
        svg.spark viewBox="0 0 120 24" role="img" aria-label=(description(history)) {
            path.base d={ "M0 " (HEIGHT - 0.25) "h120" } {}
            @if !bars.is_empty() { path.good d=(bars) {} }
            @if !crosses.is_empty() { path.band d=(bands) {} path.bad d=(crosses) {} }
        }
    }
}

/// The picture of the last probes in words.
fn description(history: &History) -> String {
    let probes = history.probes();
    let failed = probes.iter().filter(|past| past.reason.is_some()).count();
    let good: Vec<f64> = probes
        .iter()
        .filter(|past| past.reason.is_none())
        .map(|past| f64::from(past.duration))
        .collect();
    let mut text = format!("The last {}: {failed} failed", count(probes.len(), "probe", "probes"));
    if let (Some(shortest), Some(longest)) =
        (good.iter().copied().reduce(f64::min), good.iter().copied().reduce(f64::max))
    {
        text.push_str(&format!(", the others took {} to {}", took(shortest), took(longest)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Expiry, Issued, Outcome, Reason};
    use crate::web::page::samples::probe;

    #[test]
    fn every_state_has_a_different_shape() {
        let mut shapes: Vec<String> =
            State::ALL.iter().map(|state| sign(*state).into_string()).collect();
        shapes.sort();
        shapes.dedup();
        assert_eq!(shapes.len(), State::ALL.len());
    }

    #[test]
    fn the_picture_of_the_last_probes_has_a_description_in_words() {
        let mut history = History::default();
        assert_eq!(description(&history), "The last 0 probes: 0 failed");
        for outcome in [
            Outcome::Issued(Issued {
                expiry: Expiry::Never,
                lifetime: None,
                disagreement: None,
                fingerprint: 1,
            }),
            Outcome::Failed(Failure::new(Reason::Timeout, "")),
        ] {
            history.record(&probe(outcome));
        }
        assert_eq!(
            description(&history),
            "The last 2 probes: 1 failed, the others took 200ms to 200ms"
        );
        let picture = sparkline(&history).into_string();
        assert!(picture.contains(r#"class="good" d="M112.5 24v-22.0""#), "{picture}");
        assert!(
            picture.contains(r#"class="bad" d="M115.7 19.4l3.6 3.6m0-3.6l-3.6 3.6""#),
            "{picture}"
        );
    }

    #[test]
    fn a_bar_is_never_wider_than_its_background() {
        for (part, width) in [(-1.0, "0.0"), (0.25, "25.0"), (7.0, "100.0")] {
            assert!(bar(part).into_string().contains(&format!("class=\"part\" width=\"{width}\"")));
        }
    }
}
