//! The table of the credentials in the list of a provider.

use maud::{Markup, html};

use super::view::View;
use crate::outcome::Expiry;
use crate::state::{Listed, is_over};
use crate::time::unix_seconds;
use crate::web::page::format::{count, grouped, untrusted};
use crate::web::page::parts;

/// The ends of the listed credentials; nothing for a provider without a list.
pub fn section(view: &View) -> Markup {
    let Some(listed) = view.health.listed(view.provider) else { return html! {} };
    let list = listed.list();
    html! {
        section.listed {
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

fn table(view: &View, listed: &Listed) -> Markup {
    let live = listed.live(view.provider, view.now.wall);
    html! {
        table role="table" {
            thead role="rowgroup" {
                tr role="row" { (parts::column_titles(&["Name", "Ends", "Created"])) }
            }
            tbody role="rowgroup" {
                @for (row, expiry) in listed.ends(view.provider) {
                    tr role="row" {
                        td role="cell" { (untrusted(&row.name)) }
                        td role="cell" data-label="Ends" {
                            (end(view, expiry, live.contains(&*row.title)))
                        }
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

/// `has_heir`: another credential with its name has not ended.
fn end(view: &View, expiry: Expiry, has_heir: bool) -> Markup {
    let warning = view.provider.policy.warning.as_secs_f64();
    html! {
        @match expiry {
            Expiry::Never => "never",
            Expiry::Unknown => "not known",
            Expiry::At(time) if has_heir && is_over(expiry, view.now.wall) => {
                (view.at(time)) ", replaced"
            }
            Expiry::At(time) if unix_seconds(time) - view.wall < warning => {
                span.failed { (view.at(time)) }
            }
            Expiry::At(time) => (view.at(time)),
        }
    }
}
