//! The whole page of one provider.

use maud::{Markup, html};

use super::view::View;
use super::{facts, history, last_probe, listed, now as first_screen, uptime};
use crate::by_hand::ByHand;
use crate::provider::Slot;
use crate::state::long::LongHistory;
use crate::state::{Ledger, State};
use crate::web::page::expiring::Expiring;
use crate::web::page::format::{query_value, untrusted};
use crate::web::page::parts::{self, Place, Sheet};
use crate::web::page::selection::Selection;
use crate::web::page::shape::{Shape, badge, sign};

/// The page of the provider with this name; `None` when there is no such provider.
pub fn page(
    ledger: &Ledger,
    name: &str,
    long: Option<&LongHistory>,
    root: &'static str,
    by_hand: &ByHand,
) -> Option<Sheet> {
    let now = ledger.now();
    let roster = ledger.roster();
    let view = View::of(roster.entry(name, Slot::Current)?, &roster, now, root, by_hand);
    let next = roster.entry(name, Slot::Next);
    let next = next.map(|entry| View::of(entry, &roster, now, root, by_hand));
    let state = view.health.state();
    let pause = view.pause();
    let shape = if pause.is_some() { Shape::Paused } else { Shape::of(&view.health) };
    let word = shape.state();
    let body = html! {
        nav.back aria-label="Back" { a href=(root) { "← All providers" } }
        (head(&view, shape, next.as_ref()))
        @for expiring in Expiring::soon(view.provider, &view.health, view.wall) {
            @if let Expiring::Listed(_) = expiring { (listed::warning(&view)) }
            @else { (parts::expiring(expiring, view.wall)) }
        }
        (first_screen::section(&view, Slot::Current, long))
        @if let Some(next) = next.as_ref().filter(|next| is_broken(next)) {
            (next_credential(next))
        }
        @if view.provider.transport.insecure { (insecure()) }
        (first_screen::meaning(&view))
        @if history::explains(&view) { (history::reading(&view)) }
        div.columns { (last_probe::section(&view)) (facts::section(&view)) }
        (listed::section(&view))
        @if let Some(long) = long { (uptime::section(&view, long)) }
        (history::sections(&view))
        @if let Some(next) = next.as_ref().filter(|next| !is_broken(next)) {
            (next_credential(next))
        }
        (history::counts(&view.health, root))
        p.links {
            "For programs: "
            a href={ (root) "healthz?provider=" (query_value(name)) } {
                "/healthz of this provider"
            }
            "."
        }
    };
    Some(Sheet {
        root,
        place: Place::Other,
        title: format!("{name} is {word} · credwatch"),
        summary: format!("{name} is {word}."),
        alarm: state == State::Broken && pause.is_none(),
        stalled: ledger.is_stalled(),
        now,
        body,
    })
}

fn is_broken(view: &View) -> bool {
    view.health.state() == State::Broken
}

/// What a person must know of the next credential at once.
fn of_next(next: &View) -> Option<&'static str> {
    match next.health.state() {
        State::Broken => Some("next credential broken"),
        State::Failing => Some("next credential failing"),
        State::Healthy => Some("next credential accepted"),
        State::Unknown => None,
    }
}

/// `next` is the next credential.
fn head(view: &View, shape: Shape, next: Option<&View>) -> Markup {
    let all = Selection { page: 1, ..Selection::default() };
    html! {
        div.head {
            h1 { (untrusted(&view.provider.name)) }
            (badge(shape))
            @if let Some((next, text)) = next.and_then(|next| Some((next, of_next(next)?))) {
                @let shape = Shape::of(&next.health);
                a class={ "badge " (shape.word()) } href="#next" { (sign(shape)) (text) }
            }
            p.under {
                @if let Some(title) = &view.provider.recipe.title { (untrusted(title)) ", " }
                "recipe " span.recipe { (untrusted(&view.provider.recipe.name)) }
                @if let Some(host) = &view.provider.endpoint {
                    " at " code { (untrusted(host)) }
                }
                @for (name, value) in view.provider.labels.iter() {
                    @let address = all.with_label(name, value).address();
                    @let address = format!("{}{}", view.root, address.trim_start_matches("./"));
                    " " a.label href=(address) { (untrusted(&format!("{name}={value}"))) }
                }
            }
        }
    }
}

fn insecure() -> Markup {
    html! {
        p.alarm {
            strong { "The certificate is not checked" } " (" code { "tls.insecure" } "): "
            "an attacker in the network can read everything that credwatch sends, "
            "including the credential."
        }
    }
}

fn next_credential(next: &View) -> Markup {
    html! {
        section.next-credential id="next" {
            h2 { "Next credential " (badge(Shape::of(&next.health))) }
            (first_screen::section(next, Slot::Next, None))
            div.columns { (last_probe::section(next)) (history::sections(next)) }
        }
    }
}
