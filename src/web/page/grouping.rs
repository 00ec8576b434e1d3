//! Counts the selected providers by cause, vendor, host or label, in the pass that finds them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::choice::Group;
use super::ranking::{Rank, Section};
use super::shape::Kind;
use crate::outcome::{Code, Reason};
use crate::provider::Provider;
use crate::state::Entry;

/// A cause of failures: reason and code.
pub type Cause = (Reason, Code);

/// How many names a group shows.
const MOST_NAMES: usize = 3;

/// What the providers of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Common<'a> {
    Cause(Cause),
    Text(&'a str),
    /// They have no value, or do not fail.
    Nothing,
}

impl<'a> Common<'a> {
    fn of(group: &Group, provider: &'a Provider, cause: Option<&Cause>) -> Self {
        let text = match group {
            Group::Failure => return cause.cloned().map_or(Self::Nothing, Self::Cause),
            Group::Vendor => provider.recipe.vendor(),
            Group::Host => provider.shown_host(),
            Group::Label(wanted) => {
                let label = provider.labels.iter().find(|(name, _)| name == wanted);
                label.map(|(_, value)| value.as_str())
            }
        };
        text.map_or(Self::Nothing, Self::Text)
    }
}

/// The providers of one group.
pub struct Grouped<'a> {
    pub common: Common<'a>,
    pub all: usize,
    broken: [usize; Kind::ALL.len()],
    pub failing: usize,
    /// When the first of the failures began.
    pub since: Option<Timestamp>,
    /// The most urgent provider.
    pub first: &'a Arc<Entry>,
    rank: Rank,
    /// The first names of those that fail; of all when none fails.
    pub names: Vec<&'a str>,
}

impl Grouped<'_> {
    /// The number of broken credentials of one kind.
    pub fn broken(&self, kind: Kind) -> usize {
        self.broken[kind as usize]
    }

    /// The order of the list; the group of those without a value is last.
    pub fn order(&self, other: &Self) -> Ordering {
        let is_last = |group: &Self| group.common == Common::Nothing;
        is_last(self)
            .cmp(&is_last(other))
            .then_with(|| self.rank.order(&other.rank))
            .then_with(|| self.common.cmp(&other.common))
    }
}

/// Collects groups.
pub struct Grouping<'a> {
    group: &'a Group,
    groups: HashMap<Common<'a>, Grouped<'a>>,
}

impl<'a> Grouping<'a> {
    /// No groups yet.
    pub fn new(group: &'a Group) -> Self {
        Self { group, groups: HashMap::new() }
    }

    /// Adds a provider. Providers come in the order of their names.
    pub fn add(
        &mut self,
        entry: &'a Arc<Entry>,
        rank: Rank,
        cause: Option<&Cause>,
        since: Option<Timestamp>,
    ) {
        let common = Common::of(self.group, &entry.provider, cause);
        let grouped = self.groups.entry(common).or_insert_with_key(|common| Grouped {
            common: common.clone(),
            all: 0,
            broken: [0; Kind::ALL.len()],
            failing: 0,
            since: None,
            first: entry,
            rank,
            names: Vec::new(),
        });
        let fails = rank.section <= Section::Failing;
        let others_fail = grouped.rank.section <= Section::Failing;
        grouped.all += 1;
        match rank.section {
            Section::Broken(kind) => grouped.broken[kind as usize] += 1,
            Section::Failing => grouped.failing += 1,
            _ => {}
        }
        if let Some(since) = since.filter(|_| fails) {
            grouped.since = Some(grouped.since.map_or(since, |earliest| earliest.min(since)));
        }
        if fails && !others_fail {
            grouped.names.clear();
        }
        if (fails || !others_fail) && grouped.names.len() < MOST_NAMES {
            grouped.names.push(&entry.provider.name);
        }
        if rank.order(&grouped.rank).is_lt() {
            (grouped.rank, grouped.first) = (rank, entry);
        }
    }

    /// The groups, in no order.
    pub fn finish(self) -> Vec<Grouped<'a>> {
        self.groups.into_values().collect()
    }
}

/// A vendor whose credentials fail together, because it cannot be reached.
pub struct Outage<'a> {
    pub of: Target<'a>,
    pub unreached: usize,
    pub all: usize,
    pub since: Option<Timestamp>,
}

/// What is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target<'a> {
    Vendor(&'a str),
    /// The host of credentials whose recipe names no vendor.
    Host(&'a str),
}

impl<'a> Target<'a> {
    fn of(provider: &'a Provider) -> Option<Self> {
        let vendor = provider.recipe.vendor().map(Self::Vendor);
        vendor.or_else(|| provider.shown_host().map(Self::Host))
    }

    /// The name of the vendor or the host.
    pub fn name(self) -> &'a str {
        match self {
            Self::Vendor(name) | Self::Host(name) => name,
        }
    }
}

/// Collects outages of vendors and hosts.
#[derive(Default)]
pub struct Outages<'a>(HashMap<Target<'a>, (usize, usize, Option<Timestamp>)>);

impl<'a> Outages<'a> {
    /// Adds a provider.
    pub fn add(&mut self, provider: &'a Provider, section: Section, since: Option<Timestamp>) {
        let Some(target) = Target::of(provider) else { return };
        let (all, unreached, earliest) = self.0.entry(target).or_default();
        *all += 1;
        if section == Section::Broken(Kind::Unreached) {
            *unreached += 1;
            *earliest = earliest.map_or(since, |earliest| since.map(|since| earliest.min(since)));
        }
    }

    /// The vendors and hosts with at least three credentials of which four of five cannot be
    /// reached.
    pub fn finish(self) -> Vec<Outage<'a>> {
        let outages = self
            .0
            .into_iter()
            .filter(|(_, (all, unreached, _))| *all >= 3 && *unreached * 5 >= *all * 4);
        let mut outages: Vec<Outage> = outages
            .map(|(of, (all, unreached, since))| Outage { of, unreached, all, since })
            .collect();
        outages
            .sort_by(|one, other| other.unreached.cmp(&one.unreached).then(one.of.cmp(&other.of)));
        outages
    }
}
