//! `/`: the credentials in a table, the most urgent first.

use maud::{Markup, html};

use super::facet::Facet;
use super::filters::filters;
use super::finding::{Found, ROWS, find};
use super::format::count;
use super::groups;
use super::headline;
use super::pager::{Part, pager};
use super::parts::{Place, Sheet};
use super::rows::{List, table};
use super::selection::Selection;
use crate::state::{Ledger, State};

/// The page for a selection of providers.
pub fn page(ledger: &Ledger, selection: &Selection) -> Sheet {
    let now = ledger.now();
    let roster = ledger.roster();
    let mut found = find(&roster, selection, now.wall);
    let grouped = std::mem::take(&mut found.groups);
    let is_grouped = selection.group.is_some() && !grouped.is_empty();
    let shown = Part {
        page: found.page,
        pages: found.pages,
        rows: grouped.len().saturating_sub((found.page - 1) * ROWS).min(ROWS).max(found.rows.len()),
        all: if is_grouped { grouped.len() } else { found.selected.all },
    };
    let address = |page| selection.on_page(page).address();
    let mut summary = headline::sentence(&found, selection);
    if selection.is_filtered() {
        let number = count(found.selected.all, "provider", "providers");
        summary.push_str(&format!(" {number} found."));
    }
    let body = html! {
        (groups::outages(&found.outages, selection))
        (headline::lead(&found, selection, now))
        @if found.total.all > 0 { (filters(&found, selection)) }
        @if found.selected.all == 0 { (empty(&found)) } @else {
            div.tops data-key="tops" {
                (groups::switch(selection))
                (pager(shown, "top", address))
            }
            @if is_grouped { (groups::table(grouped, selection, found.page, now)) }
            @else { (table(&List { found: &found, selection, roster: &roster, now })) }
            (pager(shown, "bottom", address))
        }
    };
    Sheet {
        root: "./",
        place: if is_grouped { Place::Groups } else { Place::Credentials },
        title: title(&found, selection),
        summary,
        alarm: found.total.of(Facet::In(State::Broken)) > 0,
        stalled: ledger.is_stalled(),
        now,
        body,
    }
}

fn title(found: &Found, selection: &Selection) -> String {
    let filter = Some(selection.summary()).filter(|summary| !summary.is_empty());
    let parts = headline::title(found).into_iter().chain(filter);
    parts.chain(["credwatch".to_owned()]).collect::<Vec<String>>().join(" · ")
}

fn empty(found: &Found) -> Markup {
    html! {
        p.empty {
            @if found.total.all == 0 {
                "The configuration has no table " code { "[providers.NAME]" } ". "
                code { "credwatch init" } " asks what it needs and writes one."
            } @else {
                "No provider matches."
            }
        }
    }
}
