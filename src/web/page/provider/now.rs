//! The first screen of a provider: its state, what is wrong, what to do next, and where to go.

use maud::{Markup, html};

use super::facts::documentation;
use super::history;
use super::uptime;
use super::view::View;
use crate::links::Link;
use crate::next_step::{Retry, explains, in_general, next_step, renewal_can_help};
use crate::outcome::{Class, Expiry};
use crate::pause::Pause;
use crate::provider::Slot;
use crate::state::State;
use crate::state::health::CurrentFailure;
use crate::state::long::LongHistory;
use crate::time::unix_seconds;
use crate::web::page::expiring::known;
use crate::web::page::format::{clock, count, moment, prose, relative, span, untrusted, visible};
use crate::web::page::parts;
use crate::web::page::runway::{Runway, is_about_tokens, runway};
use crate::web::page::shape::{Shape, sign};

/// The state of the current or the next credential. `long` is its history.
pub fn section(view: &View, slot: Slot, long: Option<&LongHistory>) -> Markup {
    let health = &view.health;
    let pause = view.pause().filter(|_| slot == Slot::Current);
    let shape = if pause.is_some() { Shape::Paused } else { Shape::of(health) };
    let failure = health.current_failure();
    html! {
        section class={ "now " (shape.word()) } {
            @if let Some(pause) = &pause { (paused(view, pause)) }
            @match failure {
                Some(current) => (failing(view, current, pause.is_none())),
                None if pause.is_none() => (calm(view, shape)),
                None => {}
            }
            dl.glance {
                @for (title, value) in glance(view, slot, failure) {
                    div class=[(title == NEXT_PROBE).then_some("soon")] {
                        dt { (title) }
                        dd { (value) }
                    }
                }
            }
            p.by-hand {
                span { "By hand" } " "
                code.command { (view.by_hand.line(&view.provider.name, slot)) }
                small { " probes once, explains each step, shows no secrets" }
            }
            @if slot == Slot::Current { (links(view, failure)) }
            @if let Some(long) = long { (uptime::strip(long)) }
        }
    }
}

/// Why the provider is not probed, until when, and what its last state was.
fn paused(view: &View, pause: &Pause) -> Markup {
    let state = view.health.state();
    html! {
        p.first {
            (sign(Shape::Paused)) b { "Paused" }
            @match pause.until {
                Some(until) => {
                    " until " (clock(until)) " "
                    small { "(" (relative(unix_seconds(until) - view.wall)) ")" }
                }
                None => " without an end",
            }
            ": " code { (parts::cause(pause.cause)) }
        }
        p.message {
            "credwatch makes no probes, and no alert fires. The last state stays: "
            b { (state.word()) }
            @if let Some(since) = view.health.since() { " since " (clock(since)) }
            "."
        }
    }
}

/// A sentence about the last success, or that there is no result.
fn calm(view: &View, shape: Shape) -> Markup {
    let health = &view.health;
    html! {
        p.first {
            (sign(shape))
            @if health.state() != State::Healthy { "No probe has ended yet." }
            @else {
                @if view.provider.recipe.issues_tokens() { "The last probe got a token" }
                @else { "The key was accepted at the last probe" }
                @if let Some(token) = health.token() { @match token.expiry {
                    Expiry::At(end) => {
                        ", which expires " (moment(end, &relative(unix_seconds(end) - view.wall)))
                    },
                    Expiry::Never => { ", which never expires" },
                    Expiry::Unknown => { "; the answer does not say when it expires" },
                } }
                "."
            }
        }
    }
}

/// What is wrong, in the words of the provider, and what to do. `is_now`: the provider is not
/// paused.
fn failing(view: &View, current: &CurrentFailure, is_now: bool) -> Markup {
    let health = &view.health;
    let known = known(view.provider, health, view.wall);
    let next = next_step(view.provider, &current.failure, known, Retry::Daemon);
    let message = current.failure.message.as_str();
    html! {
        p class=(if is_now { "first" } else { "last" }) {
            @if is_now { (sign(Shape::of(health))) }
            (parts::verdict(&current.failure, view.root))
            @if is_now {
                " " span.sr-only { "for" } " "
                span.for {
                    (moment(current.since, &span(view.wall - unix_seconds(current.since))))
                }
            }
        }
        @if !message.is_empty() { blockquote { p.message { (untrusted(message)) } } }
        dl.steps {
            dt { "Next step" }
            dd {
                (prose(&visible(&next)))
                @if history::explains(view) {
                    " " a href="#reading" { "How the last failed answer was read" }
                }
            }
        }
    }
}

type Fact = (&'static str, Markup);

/// The title of the fact that means nothing on paper.
const NEXT_PROBE: &str = "Next probe";

/// The facts that a person needs first.
fn glance(view: &View, slot: Slot, failure: Option<&CurrentFailure>) -> Vec<Fact> {
    let (health, provider) = (&view.health, view.provider);
    let mut facts: Vec<Fact> = Vec::new();
    if failure.is_some() && slot == Slot::Current && provider.recipe.issues_tokens() {
        let value = html! { (runway(health, view.wall)) p.hint { (runway_hint(view)) } };
        facts.push(("Runway", value));
    }
    let title = if failure.is_some() { "Failing since" } else { "State since" };
    if let Some(since) = failure.map(|current| current.since).or(health.since()) {
        facts.push((title, html! { (view.past(since)) (in_a_row(view)) }));
    }
    let last = health.last_success().map_or_else(|| html! { "none yet" }, |time| view.past(time));
    let title = if provider.recipe.issues_tokens() { "Last token" } else { "Last accepted" };
    facts.push((title, last));
    facts.push((NEXT_PROBE, next_probe(view)));
    if let Some(owner) = provider.facts.owner.as_ref().filter(|_| slot == Slot::Current) {
        facts.push(("Owner", html! { (untrusted(owner)) }));
    }
    facts
}

fn in_a_row(view: &View) -> Markup {
    let number = view.health.consecutive_failures() as usize;
    html! {
        @if number > 0 { p.hint { (count(number, "failure", "failures")) " in a row" } }
        @if view.health.state() == State::Failing {
            p.hint {
                "Not yet confirmed. One more failed probe confirms a credential failure; other "
                "failures need several in a row."
            }
        }
    }
}

fn next_probe(view: &View) -> Markup {
    let interval = view.provider.cadence.interval.as_secs_f64();
    html! {
        @match view.health.next_probe(view.provider, view.now) {
            Some(time) => (relative((time - view.wall).max(0.0))),
            None => "none planned",
        }
        // A failing provider is probed at other times, and a paused one not at all.
        @if view.health.state() == State::Healthy && view.pause().is_none() {
            " " small { "every " (span(interval)) }
        }
    }
}

/// The links to other tools.
fn links(view: &View, failure: Option<&CurrentFailure>) -> Markup {
    let (provider, name) = (view.provider, &view.provider.name);
    let reason = failure.map(|current| current.failure.reason.word());
    let runbook = reason.and_then(|reason| view.links.runbook(reason));
    let fixed = |address: &Option<Link>| address.as_deref().map(str::to_owned);
    let mut links = vec![
        ("Vendor's page (status)", fixed(&provider.facts.vendor_url)),
        ("Dashboard", view.links.board(name)),
        ("Silence its alerts", view.links.silence(name)),
        ("Runbook", runbook),
    ];
    // A link to renew at the front says that a new secret helps.
    let known = known(provider, &view.health, view.wall);
    let renews = failure.is_none_or(|current| renewal_can_help(&current.failure, known));
    let place = if renews { 0 } else { links.len() };
    links.insert(place, ("Renew the credential", fixed(&provider.facts.renew_url)));
    if links.iter().all(|(_, address)| address.is_none()) {
        return Markup::default();
    }
    html! {
        p.out.links {
            @for (title, address) in &links {
                @if let Some(address) = address {
                    a href=(address) rel="noreferrer noopener" { (title) } " "
                }
            }
        }
    }
}

/// What the runway means for consumers.
fn runway_hint(view: &View) -> Markup {
    let is_tried =
        view.health.failure().is_none_or(|failure| failure.reason.class() != Class::Config);
    if !is_tried {
        return html! {
            "credwatch cannot try the credential, so it does not know whether consumers are "
            "affected."
        };
    }
    let is_unusable = view.health.failure().is_some_and(|failure| is_about_tokens(failure.reason));
    html! {
        @match Runway::of(view.health.token(), view.wall) {
            Runway::None if is_unusable => {
                "The provider issues tokens, but they do not meet the requirements. Consumers may "
                "get the same ones."
            }
            Runway::Left(_) => {
                "Existing tokens end one after another"
                @if let Some(end) = view.health.token_end() {
                    ", the last ones at about " (clock(end))
                }
                ". Applications with older tokens fail earlier. Consumers that request a new token "
                "for each call fail now."
            }
            Runway::Ended(_) => "Existing tokens have expired, so consumers fail now.",
            Runway::None => {
                "credwatch has not got a token since it started, "
                "so consumers may have none either."
            }
            Runway::Unknown | Runway::Endless => {
                "Consumers that have a token can go on for now. "
                "Consumers that need a new one fail."
            }
        }
    }
}

/// What the reason of the current failure means in general; nothing without a failure.
pub fn meaning(view: &View) -> Markup {
    let Some(current) = view.health.current_failure() else { return Markup::default() };
    let facts = current.failure.reason.facts();
    let is_known = explains(view.provider, &current.failure);
    let known = known(view.provider, &view.health, view.wall);
    html! {
        section.meaning {
            h2 { "What " (facts.word) " means" }
            p { (prose(facts.meaning)) }
            p { b { "In general: " } (prose(in_general(&current.failure, known))) }
            @if let (Some(text), true) = (&view.provider.recipe.documentation, is_known) {
                p { b { "Documentation of the recipe: " } (documentation(text)) }
            }
        }
    }
}
