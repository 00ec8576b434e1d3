//! The table of groups: causes, vendors, hosts or values of a label, instead of providers.

use maud::{Markup, html};

use super::choice::Group;
use super::finding::slice;
use super::format::{grouped, moment, provider_path, span, untrusted};
use super::grouping::{Common, Grouped, Outage, Target};
use super::parts;
use super::runway::Cell;
use super::selection::Selection;
use super::shape::Kind;
use crate::state::Moment;
use crate::time::unix_seconds;

/// The links that choose how the list is grouped.
pub fn switch(selection: &Selection) -> Markup {
    let groups = [
        ("none", None),
        ("failure", Some(Group::Failure)),
        ("vendor", Some(Group::Vendor)),
        ("host", Some(Group::Host)),
        ("team", Some(Group::Label("team".into()))),
    ];
    html! {
        nav.switch aria-label="Group by" {
            "Group by: "
            @for (title, group) in groups {
                @let current = (group == selection.group).then_some("true");
                a href=(selection.grouped_by(group).address()) aria-current=[current] { (title) }
                " "
            }
        }
    }
}

/// The vendors and hosts of which nearly all credentials fail for the one cause that they are out
/// of reach.
pub fn outages(outages: &[Outage], selection: &Selection) -> Markup {
    html! {
        @for outage in outages.iter().take(3) {
            p.outage data-key={ "outage-" (outage.of.name()) } {
                "One cause: "
                a href=(unreached_of(outage.of, selection).address()) {
                    @if outage.unreached == outage.all { "all of " }
                    (untrusted(outage.of.name())) ": " (grouped(outage.unreached)) " of "
                    (grouped(outage.all)) " cannot be reached"
                }
                @if let Some(since) = outage.since { " since " (super::format::minute(since)) }
                "."
            }
        }
    }
}

fn unreached_of(target: Target, selection: &Selection) -> Selection {
    match target {
        Target::Vendor(vendor) => selection.of_vendor(vendor, Some(Kind::Unreached)),
        Target::Host(host) => selection.at_host(host).with_kind(Kind::Unreached),
    }
}

/// A page of the groups.
pub fn table(groups: Vec<Grouped>, selection: &Selection, page: usize, now: Moment) -> Markup {
    let by = selection.group.clone().unwrap_or(Group::Failure);
    let rows = slice(groups, page, Grouped::order);
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| rows.iter().any(|row| row.broken(*kind) > 0)).collect();
    let columns = Columns { kinds, failing: rows.iter().any(|row| row.failing > 0) };
    let failing = columns.failing.then_some("Failing");
    let titles: Vec<&str> = (columns.kinds.iter().map(|kind| column(*kind)))
        .chain(failing)
        .chain(["Of all", "Runway", "Since", "Credentials"])
        .collect();
    html! {
        table.groups role="table" {
            caption.sr-only { "Groups of credentials" }
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { (title(&by)) }
                    (parts::column_titles(&titles))
                }
            }
            tbody role="rowgroup" {
                @for group in &rows {
                    (row(group, &by, &columns, selection, unix_seconds(now.wall)))
                }
            }
        }
    }
}

/// The columns of numbers that are not empty.
struct Columns {
    kinds: Vec<Kind>,
    failing: bool,
}

fn column(kind: Kind) -> &'static str {
    match kind {
        Kind::Refused => "Refused",
        Kind::Untried => "Untried",
        Kind::Unreached => "Unreached",
    }
}

fn title(by: &Group) -> Markup {
    html! {
        @match by {
            Group::Failure => "Cause",
            Group::Vendor => "Vendor",
            Group::Host => "Host",
            Group::Label(name) => (untrusted(name)),
        }
    }
}

fn row(group: &Grouped, by: &Group, columns: &Columns, selection: &Selection, now: f64) -> Markup {
    let health = group.first.health().clone();
    let cell = Cell::of(&group.first.provider, &health, now);
    let rest = group.all.saturating_sub(group.names.len());
    html! {
        tr role="row" {
            th.common role="rowheader" scope="row" { (common(group, by, selection)) }
            @for kind in columns.kinds.iter().copied() {
                td class={ "number " (kind.word()) } role="cell" data-label=(kind.word()) {
                    (some(group.broken(kind)))
                }
            }
            @if columns.failing {
                td.number role="cell" data-label="failing" { (some(group.failing)) }
            }
            td.number role="cell" data-label="in all" { (grouped(group.all)) }
            @match cell {
                Some(cell) => {
                    td class={ "left " (cell.tone) } role="cell" title=(cell.title) { (cell.text) }
                }
                None => td.left role="cell" {},
            }
            td.since role="cell" {
                @if let Some(since) = group.since {
                    (moment(since, &span(now - unix_seconds(since))))
                }
            }
            td.names role="cell" {
                @for (place, name) in group.names.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href=(provider_path(name)) { (untrusted(name)) }
                }
                @if rest > 0 { ", " (grouped(rest)) " more" }
            }
        }
    }
}

/// The number; nothing for 0.
fn some(number: usize) -> Markup {
    html! { @if number > 0 { b { (grouped(number)) } } }
}

/// What the group has in common, as a link to its providers.
fn common(group: &Grouped, by: &Group, selection: &Selection) -> Markup {
    let selection = selection.grouped_by(None);
    html! {
        @match (&group.common, by) {
            (Common::Cause((reason, code)), _) => {
                a href=(selection.with_failure(*reason, code.as_str()).address()) {
                    b { (reason.word()) }
                    @if !code.is_empty() { " " (untrusted(code.as_str())) }
                }
            }
            (Common::Text(vendor), Group::Vendor) => {
                a href=(selection.of_vendor(vendor, None).address()) { (untrusted(vendor)) }
            }
            (Common::Text(host), Group::Host) => {
                a href=(selection.at_host(host).address()) { (untrusted(host)) }
            }
            (Common::Text(value), Group::Label(name)) => {
                a href=(selection.with_label(name, value).address()) { (untrusted(value)) }
            }
            (Common::Text(text), Group::Failure) => (untrusted(text)),
            (Common::Nothing, Group::Failure) => "no failure",
            (Common::Nothing, Group::Vendor) => "no vendor",
            (Common::Nothing, Group::Host) => "no fixed host",
            (Common::Nothing, Group::Label(name)) => { "no " (untrusted(name)) }
        }
    }
}
