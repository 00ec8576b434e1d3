//! The place of a provider in the list: its section, and how urgent it is there.

use std::cmp::Ordering;

use super::expiring::Expiring;
use super::runway::Runway;
use super::shape::Kind;
use crate::outcome::Class;
use crate::provider::Provider;
use crate::state::{Health, State};
use crate::time::unix_seconds;

/// The sections of the list, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    Broken(Kind),
    Failing,
    Next,
    Ends,
    Unknown,
    Healthy,
    Paused,
}

impl Section {
    /// All sections, in order.
    pub const ALL: [Self; 9] = [
        Self::Broken(Kind::Refused),
        Self::Broken(Kind::Untried),
        Self::Broken(Kind::Unreached),
        Self::Failing,
        Self::Next,
        Self::Ends,
        Self::Unknown,
        Self::Healthy,
        Self::Paused,
    ];

    /// The place among all sections.
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|section| *section == self).unwrap_or_default()
    }

    /// The heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Broken(Kind::Refused) => "Refused, or its tokens are unusable",
            Self::Broken(Kind::Untried) => "Cannot be tried here",
            Self::Broken(Kind::Unreached) => "Cannot be reached, or answers wrongly",
            Self::Failing => "Failing, not yet confirmed",
            Self::Next => "Next credential is refused",
            Self::Ends => "Ended or ends soon",
            Self::Unknown => "No result yet",
            Self::Healthy => "Healthy",
            Self::Paused => "Paused",
        }
    }

    /// The section in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Broken(kind) => kind.word(),
            Self::Failing => "failing",
            Self::Next => "next",
            Self::Ends => "ends",
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Paused => "paused",
        }
    }
}

/// A section and the place in it. Equal places are in the order of names.
#[derive(Clone, Copy, Debug)]
pub struct Rank {
    pub section: Section,
    /// The kind of an unconfirmed failure, what is known of the tokens, and a number of seconds;
    /// smaller is more urgent.
    place: (u8, u8, f64),
}

impl Rank {
    /// The rank of a provider that is not paused. `expiring` has the earliest end first.
    pub fn of(
        provider: &Provider,
        health: &Health,
        expiring: &[Expiring],
        next_is_broken: bool,
        now: f64,
    ) -> Self {
        let kind = health.failure().map(|failure| Kind::of(failure.reason.class()));
        let (section, place) = match (health.state(), kind) {
            (State::Broken, kind) => {
                let (tier, number) = urgency(provider, health, now);
                (Section::Broken(kind.unwrap_or(Kind::Refused)), (0, tier, number))
            }
            (State::Failing, kind) => {
                let (tier, number) = urgency(provider, health, now);
                (Section::Failing, (kind.map_or(0, |kind| kind as u8), tier, number))
            }
            _ if next_is_broken => (Section::Next, (0, 0, 0.0)),
            (state, _) => match expiring.first() {
                Some(first) => (Section::Ends, (0, 0, unix_seconds(first.time()))),
                None if state == State::Unknown => (Section::Unknown, (0, 0, 0.0)),
                None => (Section::Healthy, (0, 0, 0.0)),
            },
        };
        Self { section, place }
    }

    /// The rank of a paused provider.
    pub fn paused() -> Self {
        Self { section: Section::Paused, place: (0, 0, 0.0) }
    }

    /// The order of the list.
    pub fn order(&self, other: &Self) -> Ordering {
        let (place, others) = (self.place, other.place);
        self.section
            .cmp(&other.section)
            .then((place.0, place.1).cmp(&(others.0, others.1)))
            .then(place.2.total_cmp(&others.2))
    }
}

/// How urgent a failure is: what no longer works, the youngest first; then what works for the
/// shortest time; then what is not known.
fn urgency(provider: &Provider, health: &Health, now: f64) -> (u8, f64) {
    let Some(current) = health.current_failure() else { return (4, 0.0) };
    let age = now - unix_seconds(current.since);
    if current.failure.reason.class() == Class::Config || !provider.recipe.issues_tokens() {
        return (0, age);
    }
    match Runway::of(health.token(), now) {
        Runway::Ended(age) => (0, age),
        Runway::None => (1, age),
        Runway::Left(left) => (2, left),
        Runway::Unknown => (3, 0.0),
        Runway::Endless => (4, 0.0),
    }
}
