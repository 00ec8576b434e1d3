//! Filters, counts and sorts the providers in one pass. For each provider only a few numbers are
//! copied under its lock; a page reads all data only for its own rows.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::choice::{Column, Sort};
use super::expiring::Expiring;
use super::facet::Facet;
use super::filter::Filter;
use super::grouping::{Cause, Grouped, Grouping, Outage, Outages};
use super::ranking::{Rank, Section};
use super::runway::Runway;
use super::selection::Selection;
use super::shape::Kind;
use crate::state::{Entry, Health, Roster, State};
use crate::time::unix_seconds;

/// The number of providers on a page.
pub const ROWS: usize = 100;

/// The label that names the owner of a credential.
pub const TEAM: &str = "team";

/// The number of providers in each group and in each section. A provider can be in several groups,
/// and is in one section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    facets: [usize; Facet::ALL.len()],
    sections: [usize; Section::ALL.len()],
}

impl Counts {
    /// The number of providers in one group.
    pub fn of(&self, facet: Facet) -> usize {
        Facet::ALL.iter().position(|other| *other == facet).map_or(0, |place| self.facets[place])
    }

    /// The number of providers in one section.
    pub fn in_section(&self, section: Section) -> usize {
        self.sections[section.index()]
    }

    /// The number of broken credentials of one kind.
    pub fn broken(&self, kind: Kind) -> usize {
        self.in_section(Section::Broken(kind))
    }

    fn add(&mut self, belongs: Belongs, section: Section) {
        self.all += 1;
        self.sections[section.index()] += 1;
        for (count, belongs) in self.facets.iter_mut().zip(belongs) {
            *count += usize::from(belongs);
        }
    }
}

/// Whether a provider is in each of the groups.
type Belongs = [bool; Facet::ALL.len()];

/// What a list that is not sorted by urgency is sorted by.
#[derive(Clone, Copy)]
enum Key<'a> {
    Number(f64),
    Text(&'a str),
    /// Providers without a value are last in both directions.
    Missing,
}

/// A provider with what decides its place in the list.
pub struct Row<'a> {
    pub entry: &'a Arc<Entry>,
    pub rank: Rank,
    key: Key<'a>,
    /// The place in the order of names.
    index: usize,
}

impl Row<'_> {
    fn order(&self, other: &Self, sort: Option<Sort>) -> Ordering {
        let Some(sort) = sort else {
            return self.rank.order(&other.rank).then(self.index.cmp(&other.index));
        };
        let order = match (self.key, other.key) {
            (Key::Number(one), Key::Number(other)) => one.total_cmp(&other),
            (Key::Text(one), Key::Text(other)) => one.cmp(other),
            (Key::Missing, Key::Missing) => Ordering::Equal,
            (Key::Missing, _) => return Ordering::Greater,
            (_, Key::Missing) => return Ordering::Less,
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        };
        let order = if sort.is_reversed { order.reverse() } else { order };
        order.then(self.index.cmp(&other.index))
    }
}

/// The result of a selection.
pub struct Found<'a> {
    /// Counts of all providers.
    pub total: Counts,
    /// Counts of the providers that match the selection, in any group.
    pub matching: Counts,
    /// Counts of the providers that match the selection and are in its group.
    pub selected: Counts,
    /// The most urgent of the selected providers; `None` when none fails.
    pub worst: Option<&'a Arc<Entry>>,
    /// How many of the selected providers fail for which cause, the most frequent first.
    pub causes: Vec<(Cause, usize)>,
    /// The vendors that cannot be reached.
    pub outages: Vec<Outage<'a>>,
    /// All groups, in no order; empty without groups.
    pub groups: Vec<Grouped<'a>>,
    /// The providers on this page; empty with groups.
    pub rows: Vec<Row<'a>>,
    /// The number of this page, from 1.
    pub page: usize,
    /// The number of pages.
    pub pages: usize,
}

/// What the pass reads of a provider under its lock.
struct Seen<'a> {
    row: Row<'a>,
    belongs: Belongs,
    cause: Option<Cause>,
    since: Option<Timestamp>,
    matches: bool,
}

/// Applies a selection: filters, counts and sorts the providers.
pub fn find<'a>(roster: &'a Roster, selection: &'a Selection, wall: Timestamp) -> Found<'a> {
    let now = unix_seconds(wall);
    let next_broken: HashSet<&str> = roster
        .next()
        .iter()
        .filter(|entry| entry.health().state() == State::Broken)
        .map(|entry| entry.provider.name.as_str())
        .collect();
    let filter = Filter::of(selection);
    let place = |chosen| Facet::ALL.iter().position(|facet| *facet == chosen);
    let chosen = selection.facet.and_then(place);
    let [mut total, mut matching, mut selected] = [Counts::default(); 3];
    let mut causes: HashMap<Cause, usize> = HashMap::new();
    let mut worst: Option<(Rank, &Arc<Entry>)> = None;
    let mut rows: Vec<Row> = Vec::new();
    let mut outages = Outages::default();
    let mut grouping = selection.group.as_ref().map(Grouping::new);
    for (index, entry) in roster.in_order_of_names().enumerate() {
        let is_paused = entry.provider.pause(wall).is_some();
        let next_is_broken = next_broken.contains(entry.provider.name.as_str());
        let mut seen = see(entry, index, (is_paused, next_is_broken), &filter, now);
        let section = seen.row.rank.section;
        total.add(seen.belongs, section);
        if !seen.matches {
            continue;
        }
        matching.add(seen.belongs, section);
        outages.add(&entry.provider, section, seen.since);
        if chosen.is_some_and(|place| !seen.belongs[place]) {
            continue;
        }
        selected.add(seen.belongs, section);
        let is_worse = |(worst, _): &(Rank, _)| seen.row.rank.order(worst).is_lt();
        if section <= Section::Failing && worst.as_ref().is_none_or(is_worse) {
            worst = Some((seen.row.rank, entry));
        }
        if let Some(grouping) = &mut grouping {
            grouping.add(entry, seen.row.rank, seen.cause.as_ref(), seen.since);
        }
        if let Some(cause) = seen.cause.take() {
            *causes.entry(cause).or_default() += 1;
        }
        if let Some(sort) = selection.sort {
            seen.row.key = key(entry, index, sort.column, now);
        }
        if grouping.is_none() {
            rows.push(seen.row);
        }
    }
    let groups = grouping.map(Grouping::finish).unwrap_or_default();
    let outages = outages.finish();
    let pages = rows.len().max(groups.len()).div_ceil(ROWS).max(1);
    // The list may have become shorter since the browser loaded its last page.
    let page = selection.page.clamp(1, pages);
    let rows = slice(rows, page, |one, other| one.order(other, selection.sort));
    let mut causes: Vec<(Cause, usize)> = causes.into_iter().collect();
    causes
        .sort_by(|(one, often), (other, other_often)| other_often.cmp(often).then(one.cmp(other)));
    Found {
        total,
        matching,
        selected,
        worst: worst.map(|worst| worst.1),
        causes,
        outages,
        groups,
        rows,
        page,
        pages,
    }
}

fn see<'a>(
    entry: &'a Arc<Entry>,
    index: usize,
    (is_paused, next_is_broken): (bool, bool),
    filter: &Filter,
    now: f64,
) -> Seen<'a> {
    let provider = &*entry.provider;
    let health = entry.health();
    let expiring = Expiring::soon(provider, &health, now);
    let rank = if is_paused {
        Rank::paused()
    } else {
        Rank::of(provider, &health, &expiring, next_is_broken, now)
    };
    let kind = if let Section::Broken(kind) = rank.section { Some(kind) } else { None };
    let failure = health.failure().filter(|_| !is_paused);
    let since = health.current_failure().map(|current| current.since).filter(|_| !is_paused);
    let matches = filter.matches(provider, failure, kind);
    let cause = failure.filter(|_| matches).map(|failure| (failure.reason, failure.code.clone()));
    Seen {
        row: Row { entry, rank, key: Key::Missing, index },
        belongs: Facet::ALL.map(|facet| match facet {
            Facet::Paused => is_paused,
            _ if is_paused => false,
            Facet::In(state) => health.state() == state,
            Facet::NextBroken => next_is_broken,
            Facet::Ended => expiring.iter().any(|end| end.is_over(now)),
            Facet::Ending => expiring.iter().any(|end| !end.is_over(now)),
        }),
        cause,
        since,
        matches,
    }
}

/// What a provider is sorted by.
fn key(entry: &Entry, index: usize, column: Column, now: f64) -> Key<'_> {
    let provider = &entry.provider;
    let of_health = |read: fn(&Health) -> Option<f64>| read(&entry.health());
    let number = match column {
        #[expect(clippy::cast_precision_loss, reason = "far fewer providers than 2^52")]
        Column::Name => Some(index as f64),
        Column::Team => {
            let team = provider.labels.iter().find(|(name, _)| name == TEAM);
            return team.map_or(Key::Missing, |(_, team)| Key::Text(team));
        }
        Column::Since => {
            of_health(|health| health.current_failure().map(|current| -unix_seconds(current.since)))
        }
        Column::Runway => {
            let health = entry.health();
            health.failure().map(|_| Runway::of(health.token(), now).seconds())
        }
        Column::Took => entry.history().probes().last().map(|past| f64::from(past.duration)),
        Column::End => {
            let end = entry.health().first_credential_end(provider);
            end.map(|(end, _)| unix_seconds(end))
        }
    };
    number.map_or(Key::Missing, Key::Number)
}

/// The rows of a page in order. Only these are sorted, because a page has few of many rows.
pub fn slice<T>(mut rows: Vec<T>, page: usize, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let first = (page.max(1) - 1) * ROWS;
    if first >= rows.len() {
        return Vec::new();
    }
    if first > 0 {
        rows.select_nth_unstable_by(first, &order);
    }
    let mut rows = rows.split_off(first);
    if rows.len() > ROWS {
        rows.select_nth_unstable_by(ROWS, &order);
        rows.truncate(ROWS);
    }
    rows.sort_unstable_by(order);
    rows
}
