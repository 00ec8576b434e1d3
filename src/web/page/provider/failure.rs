//! The current failure of a provider: what is wrong, since when, and what to do.

use maud::{Markup, html};

use super::facts;
use super::view::View;
use crate::next_step::{explains, next_step};
use crate::outcome::Expiry;
use crate::provider::Slot;
use crate::state::State;
use crate::state::health::CurrentFailure;
use crate::time::unix_seconds;
use crate::web::page::format::{clock, count, moment, prose, relative, span, untrusted, visible};
use crate::web::page::parts;
use crate::web::page::runway::{Runway, runway};
use crate::web::page::shape::{Shape, sign};

/// The current failure, or a sentence that there is none.
pub fn current(view: &View, slot: Slot) -> Markup {
    let health = &view.health;
    let command = view.by_hand.line(&view.provider.name, slot);
    match health.current_failure() {
        Some(current) => failure(view, current, slot, &command),
        None if health.state() == State::Healthy => html! {
            p.fine {
                @if view.provider.recipe.issues_tokens() { "The last probe got a token" }
                @else { "The key was accepted at the last probe" }
                @if let Some(token) = health.token() { @match token.expiry {
                    Expiry::At(end) => {
                        ", which expires " (moment(end, &relative(unix_seconds(end) - view.wall)))
                    },
                    Expiry::Never => { ", which never expires" },
                    Expiry::Unknown => { "; the answer does not say when it expires" },
                } }
                ". " code.command { (command) } " explains a probe step by step."
            }
        },
        None => html! {
            p.fine {
                "No probe has ended yet. "
                code.command { (command) } " explains a probe step by step."
            }
        },
    }
}

fn failure(view: &View, current: &CurrentFailure, slot: Slot, command: &str) -> Markup {
    let health = &view.health;
    let shape = Shape::of(health);
    let next = next_step(view.provider, &current.failure, health.status());
    let facts = current.failure.reason.facts();
    let message = current.failure.message.as_str();
    let in_a_row = count(health.consecutive_failures() as usize, "failure", "failures");
    html! {
        section class={ "trouble " (shape.word()) } {
            p.first {
                (sign(shape)) (parts::verdict(&current.failure, view.root))
                " " span.sr-only { "for" } " "
                span.for { (moment(current.since, &span(view.wall - unix_seconds(current.since)))) }
            }
            @if !message.is_empty() { p.message { (untrusted(message)) } }
            dl.steps {
                @if slot == Slot::Current && view.provider.recipe.issues_tokens() {
                    dt { "Runway" }
                    dd {
                        (runway(health.token(), view.wall))
                        p.hint { (runway_hint(view)) }
                    }
                }
                dt { "Next step" }
                dd { (prose(&visible(&next))) }
                dt { "Since" }
                dd {
                    (clock(current.since))
                    small { ", " (in_a_row) " in a row" }
                    @if health.state() == State::Failing {
                        p.hint {
                            "Not yet confirmed. One more failed probe confirms a credential "
                            "failure; other failures need several in a row."
                        }
                    }
                }
                dt { "Meaning" }
                dd { (prose(facts.meaning)) }
                dt { "In general" }
                dd {
                    (prose(facts.action))
                    @let known = &view.provider.facts;
                    @if let Some(owner) = &known.owner { p.hint { "Owner: " (untrusted(owner)) } }
                    @if known.renew_url.is_some() || known.vendor_url.is_some() {
                        p.hint { (facts::links(known)) }
                    }
                    @let is_known = explains(view.provider, &current.failure);
                    @if let (Some(text), true) = (&view.provider.recipe.documentation, is_known) {
                        p.hint { "Documentation: " (facts::documentation(text)) }
                    }
                }
                dt { "Command" }
                dd {
                    code.command { (command) }
                    p.hint { "makes one probe and explains each step. It shows no secrets." }
                }
            }
        }
    }
}

/// What the runway means for consumers.
fn runway_hint(view: &View) -> Markup {
    html! {
        @match Runway::of(view.health.token(), view.wall) {
            Runway::Left(_) => {
                "Existing tokens stay valid"
                @if let Some(end) = view.health.token_end() {
                    " until " (clock(end))
                }
                ". Consumers that request a new token for each call fail now."
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
