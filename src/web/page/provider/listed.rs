//! The table of the credentials in the list of a provider.

use maud::{Markup, html};

use super::view::View;
use crate::outcome::Expiry;
use crate::state::{Listed, is_over};
use crate::time::unix_seconds;
use crate::web::page::ends::{Band, Margins, Source};
use crate::web::page::format::{clock_to_minutes, count, grouped, relative, unit, untrusted};
use crate::web::page::parts;
use crate::web::page::shape::sign;

/// The ends of the listed credentials; nothing for a provider without a list.
pub fn section(view: &View) -> Markup {
    let Some(listed) = view.health.listed(view.provider) else { return html! {} };
    let list = listed.list();
    html! {
        section.listed id="listed" {
            h2 { "Listed credentials" }
            @if let Some(failure) = listed.failure() {
                p.alarm {
                    strong { "The last read of the list failed" } ": "
                    (untrusted(failure.message.as_str()))
                    @if !failure.code.is_empty() { " (" code { (failure.code.as_str()) } ")" }
                }
            }
            @if let Some(complete) = listed.complete() {
                p {
                    (count(list.rows.len(), "credential", "credentials")) " in the list of "
                    (view.past(complete))
                    @if list.dropped > 0 {
                        ", at least " (grouped(usize::try_from(list.dropped).unwrap_or(usize::MAX)))
                        " more are left out"
                    }
                    "."
                }
            } @else { p { "The list was not read yet." } }
            @if !list.rows.is_empty() { (table(view, listed)) }
        }
    }
}

/// How many credentials of the list have ended and how many end soon, as a link to the table;
/// nothing when there are none.
pub fn warning(view: &View) -> Markup {
    let Some(listed) = view.health.listed(view.provider) else { return Markup::default() };
    let live = listed.live(view.provider, view.now.wall);
    let margins = Margins::of(Source::List, view.provider, view.now.wall);
    let (mut ended, mut soon, mut first) = (0, 0, f64::MAX);
    for (row, expiry) in listed.ends(view.provider) {
        let Expiry::At(time) = expiry else { continue };
        match margins.band(time) {
            Band::Ended if live.contains(&*row.title) => {}
            Band::Ended => ended += 1,
            Band::Critical | Band::Warning => {
                soon += 1;
                first = first.min(unix_seconds(time) - view.wall);
            }
            Band::Later => {}
        }
    }
    let parts = [
        (ended > 0).then(|| format!("{} ended", grouped(ended))),
        match soon {
            0 => None,
            1 => Some(format!("1 ends in {}", unit(first))),
            _ => Some(format!("{} end soon, the first in {}", grouped(soon), unit(first))),
        },
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    html! {
        @if !parts.is_empty() {
            p class=(if ended > 0 { "ending red" } else { "ending" }) {
                a href="#listed" { "In its list: " (parts.join(", ")) }
            }
        }
    }
}

fn table(view: &View, listed: &Listed) -> Markup {
    let live = listed.live(view.provider, view.now.wall);
    let margins = Margins::of(Source::List, view.provider, view.now.wall);
    let has_created = listed.list().rows.iter().any(|row| row.created.is_some());
    let titles: &[&str] =
        if has_created { &["Name", "Ends", "Created"] } else { &["Name", "Ends"] };
    html! {
        table role="table" {
            thead role="rowgroup" { tr role="row" { (parts::column_titles(titles)) } }
            tbody role="rowgroup" {
                @for (row, expiry) in listed.ends(view.provider) {
                    tr role="row" {
                        td role="cell" { (untrusted(&row.name)) }
                        td role="cell" data-label="Ends" {
                            (end(view, expiry, &margins, live.contains(&*row.title)))
                        }
                        @if has_created {
                            td role="cell" data-label="Created" {
                                @if let Some(created) = row.created { (view.past(created)) }
                                @else { "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An end with the sign and the word of its band, as on the page of ends. `has_heir`: another
/// credential with its name has not ended.
fn end(view: &View, expiry: Expiry, margins: &Margins, has_heir: bool) -> Markup {
    let Expiry::At(time) = expiry else {
        return html! { (if expiry == Expiry::Never { "never" } else { "not known" }) };
    };
    let is_replaced = has_heir && is_over(expiry, view.now.wall);
    let band = margins.band(time);
    html! {
        @if let Some(shape) = band.shape().filter(|_| !is_replaced) {
            span class={ "badge " (band.word()) } { (sign(shape)) (band.word()) } " "
        }
        (clock_to_minutes(time)) " " small { (relative(unix_seconds(time) - view.wall)) }
        @if is_replaced { ", replaced" }
    }
}
