//! The table of providers.

use std::collections::HashMap;
use std::sync::Arc;

use maud::{Markup, html};

use super::choice::Column;
use super::expiring::Expiring;
use super::finding::{Found, Row, TEAM};
use super::format::{grouped, moment, provider_path, runbook, span, visible};
use super::parts;
use super::ranking::{Rank, Section};
use super::runway::{Cell, bar};
use super::selection::Selection;
use super::shape::{Kind, Shape, sign};
use super::spark::{SCALE, sparkline};
use crate::outcome::Failure;
use crate::provider::{Provider, Slot};
use crate::state::{Entry, Health, Moment, Roster, State};
use crate::time::unix_seconds;

/// What the table is made of.
pub struct List<'a> {
    pub found: &'a Found<'a>,
    pub selection: &'a Selection,
    pub roster: &'a Roster,
    pub now: Moment,
}

/// The classes of the columns.
const COLUMNS: [&str; 6] = ["st", "who", "why", "since", "left", "last"];

/// The table. Its elements need `role`, because the narrow layout does not display them as a table.
pub fn table(list: &List) -> Markup {
    let found = list.found;
    let chips = Chips::of(found);
    let mut rows: Vec<Shown> = found.rows.iter().map(|row| Shown::of(row, list)).collect();
    // A probe that has ended since the rows were found can have changed a section.
    if list.selection.sort.is_none() {
        rows.sort_by(|one, other| one.rank.order(&other.rank));
    }
    html! {
        table.list role="table" {
            caption.sr-only { "Credentials" }
            colgroup { @for class in COLUMNS { col class=(class); } }
            (head(list.selection))
            @if list.selection.sort.is_some() {
                tbody role="rowgroup" data-key="rows" {
                    @for row in &rows { (write(row, list, &chips)) }
                }
            } @else {
                @let same = |one: &Shown, next: &Shown| one.rank.section == next.rank.section;
                @for rows in rows.chunk_by(same) {
                    (section(rows, list, &chips))
                }
            }
        }
    }
}

fn head(selection: &Selection) -> Markup {
    let sort = |column, title| sorted(column, title, selection);
    let order = |column| order(column, selection);
    html! {
        thead role="rowgroup" {
            tr role="row" {
                th.st role="columnheader" scope="col" { "State" }
                th.who role="columnheader" scope="col" aria-sort=[order(Column::Name)] {
                    (sort(Column::Name, "Credential")) " " (sort(Column::Team, "Team"))
                }
                th.why role="columnheader" scope="col" { "What is wrong" }
                th.since role="columnheader" scope="col" aria-sort=[order(Column::Since)] {
                    (sort(Column::Since, "Since"))
                }
                th.left role="columnheader" scope="col" aria-sort=[order(Column::Runway)] {
                    (sort(Column::End, "End")) " " (sort(Column::Runway, "Runway"))
                }
                th.last role="columnheader" scope="col" title=(SCALE)
                    aria-sort=[order(Column::Took)] {
                    (sort(Column::Took, "Last 24"))
                }
            }
        }
    }
}

/// The value of `aria-sort`; `None` for another order.
fn order(column: Column, selection: &Selection) -> Option<&'static str> {
    let sort = selection.sort.filter(|sort| sort.column == column)?;
    Some(if sort.is_reversed { "descending" } else { "ascending" })
}

fn sorted(column: Column, title: &str, selection: &Selection) -> Markup {
    html! {
        a href=(selection.sorted_by(column).address()) {
            (title)
            @if let Some(order) = order(column, selection) {
                span aria-hidden="true" { @if order == "ascending" { " ▲" } @else { " ▼" } }
            }
        }
    }
}

fn section(rows: &[Shown], list: &List, chips: &Chips) -> Markup {
    let Some(section) = rows.first().map(|row| row.rank.section) else { return Markup::default() };
    html! {
        tbody role="rowgroup" data-key={ "section-" (section.word()) } {
            tr role="row" class={ "section " (section.word()) } {
                th role="rowheader" colspan="6" scope="rowgroup" {
                    (section.heading()) " "
                    b { (grouped(list.found.selected.in_section(section))) }
                }
            }
            @for row in rows { (write(row, list, chips)) }
        }
    }
}

/// The one label that each row shows.
struct Chips<'a> {
    /// The names of labels that have different values on the page.
    telling: Vec<&'a str>,
}

impl<'a> Chips<'a> {
    fn of(found: &'a Found) -> Self {
        let mut values: HashMap<&str, (&str, bool, usize)> = HashMap::new();
        for (name, value) in found.rows.iter().flat_map(|row| row.entry.provider.labels.iter()) {
            let seen = values.entry(name).or_insert((value, false, 0));
            seen.1 |= seen.0 != value;
            seen.2 += 1;
        }
        let rows = found.rows.len();
        let telling =
            values.into_iter().filter(|(_, (_, differs, number))| *differs || *number < rows);
        Self { telling: telling.map(|(name, _)| name).collect() }
    }

    fn label<'p>(&self, provider: &'p Provider) -> Option<&'p (String, String)> {
        let labels = &provider.labels;
        let find = |wanted: &str| labels.iter().find(|(name, _)| name == wanted);
        find(TEAM)
            .or_else(|| find("owner"))
            .or_else(|| labels.iter().find(|(name, _)| self.telling.contains(&name.as_str())))
    }
}

/// What a row shows, copied so that no lock is held while it is written. Section and state are
/// those of the same copy.
struct Shown<'a> {
    entry: &'a Arc<Entry>,
    provider: &'a Provider,
    rank: Rank,
    health: Health,
    next: Option<Health>,
    expiring: Vec<Expiring>,
    section: Section,
    shape: Shape,
    now: f64,
}

fn write(shown: &Shown, list: &List, chips: &Chips) -> Markup {
    let (provider, is_paused) = (shown.provider, shown.section == Section::Paused);
    let failure = shown.health.current_failure().filter(|_| !is_paused);
    let height = if failure.is_some() { "two" } else { "one" };
    let history = shown.entry.history().clone();
    let word =
        if list.selection.sort.is_some() { shown.section.word() } else { shown.shape.state() };
    let tone = if shown.shape == Shape::Ended { "ended" } else { shown.section.word() };
    html! {
        tr role="row" class={ "row " (height) " " (tone) } data-key=(provider.name) {
            td.st role="cell" { (sign(shown.shape)) span.word { (word) } }
            th.who role="rowheader" scope="row" {
                (name(provider))
                small {
                    (visible(vendor_or_host(provider)))
                    @if let Some((name, value)) = chips.label(provider) {
                        @let address = list.selection.with_label(name, value).address();
                        @let title = format!("{}={}", visible(name), visible(value));
                        " "
                        a.label dir="auto" href=(address) title=(title) { (visible(value)) }
                    } @else if let Some(owner) = &provider.facts.owner {
                        @let address = list.selection.of_owner(owner).address();
                        @let title = format!("owner={}", visible(owner));
                        " "
                        a.label dir="auto" href=(address) title=(title) { (visible(owner)) }
                    }
                }
            }
            td.why role="cell" {
                @if let Some(current) = failure { (wrong(&current.failure, shown, list)) }
                @else if let Some(pause) = provider.pause(list.now.wall) { (parts::paused(&pause)) }
                @else { (notes(shown)) }
            }
            td.since role="cell" {
                @if let Some(current) = failure {
                    (moment(current.since, &span(shown.now - unix_seconds(current.since))))
                }
            }
            @match shown.cell() {
                Some(cell) => {
                    td class={ "left " (cell.tone) } role="cell" {
                        span title=(cell.title) { (cell.text) }
                        @if let Some(part) = cell.part { (bar(part, "tiny")) }
                    }
                }
                None => td.left role="cell" {},
            }
            td.last role="cell" { @if !history.probes().is_empty() { (sparkline(&history)) } }
        }
    }
}

impl<'a> Shown<'a> {
    fn of(row: &Row<'a>, list: &List) -> Self {
        let provider = &*row.entry.provider;
        let health = row.entry.health().clone();
        let now = unix_seconds(list.now.wall);
        let next = list.roster.entry(&provider.name, Slot::Next);
        let next = next.map(|entry| entry.health().clone());
        let next = next.filter(|next| next.state() == State::Broken);
        let expiring = Expiring::soon(provider, &health, now);
        let rank = if row.rank.section == Section::Paused {
            Rank::paused()
        } else {
            Rank::of(provider, &health, &expiring, next.is_some(), now)
        };
        let section = rank.section;
        let has_ended = expiring.first().is_some_and(|end| end.is_over(now));
        let shape = match section {
            Section::Paused => Shape::Paused,
            Section::Ends if has_ended => Shape::Ended,
            _ => Shape::of(&health),
        };
        let entry = row.entry;
        Self { entry, provider, rank, health, next, expiring, section, shape, now }
    }

    /// How long applications can go on, or when the credential ends.
    fn cell(&self) -> Option<Cell> {
        if self.section == Section::Paused {
            return None;
        }
        let end = || self.expiring.first().map(|end| end.cell(self.provider, self.now));
        Cell::of(self.provider, &self.health, self.now).or_else(end)
    }
}

/// The name, whose link takes the whole row.
fn name(provider: &Provider) -> Markup {
    let name = visible(&provider.name);
    html! { a.name dir="auto" href=(provider_path(&provider.name)) title=(name) { (name) } }
}

/// Where the credential is from: its vendor, else the host that tells generic recipes apart.
pub fn vendor_or_host(provider: &Provider) -> &str {
    let recipe = &provider.recipe;
    recipe.vendor().or(provider.api_host.as_deref()).unwrap_or(&recipe.name)
}

/// Reason, code and message of a failure, and what is near.
fn wrong(failure: &Failure, shown: &Shown, list: &List) -> Markup {
    let message = visible(failure.message.as_str());
    html! {
        (verdict(failure))
        (notes(shown))
        (tools(shown, list))
        @if !message.is_empty() { p.msg dir="auto" title=(message) { (message) } }
    }
}

/// The links to other tools.
fn tools(shown: &Shown, list: &List) -> Markup {
    let (links, name) = (list.roster.links(), &shown.provider.name);
    let links = [("Dashboard", links.board(name)), ("Silence", links.silence(name))];
    html! {
        @for (title, address) in links {
            @if let Some(address) = address {
                " " a.tool href=(address) rel="noreferrer noopener" {
                    (title) span.sr-only { " of " (visible(name)) }
                }
            }
        }
    }
}

fn verdict(failure: &Failure) -> Markup {
    html! {
        a.reason href={ "./" (runbook(failure.reason)) } { (failure.reason.word()) }
        @if !failure.code.is_empty() { " " code.code { (visible(failure.code.as_str())) } }
    }
}

/// What is near or unusual, besides the current failure.
fn notes(shown: &Shown) -> Markup {
    html! {
        @if let Some(next) = shown.next.as_ref().and_then(Health::failure) {
            " " span.note {
                @if Kind::of(next.reason.class()) == Kind::Refused { "next credential refused: " }
                @else { "next credential broken: " }
                (verdict(next))
            }
        }
        @for expiring in &shown.expiring {
            @let tone = if expiring.is_over(shown.now) { "note red" } else { "note" };
            " " span class=(tone) title=(expiring.plain(shown.now)) { (expiring.note(shown.now)) }
        }
        @if shown.provider.transport.insecure {
            " " span.note title="tls.insecure" { "certificate not checked" }
        }
    }
}
