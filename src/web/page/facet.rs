//! The groups of providers that the list can show alone.

use super::shape::{Kind, Shape};
use crate::state::State;

/// A group of providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    /// The providers in a state.
    In(State),
    /// The providers that are paused. They are in no other group.
    Paused,
    /// The providers whose next credential is broken.
    NextBroken,
    /// The providers with a secret or a certificate that has ended.
    Ended,
    /// The providers with a secret or a certificate that ends soon.
    Ending,
}

impl Facet {
    /// All groups, the most urgent first.
    pub const ALL: [Self; 8] = [
        Self::In(State::Broken),
        Self::In(State::Failing),
        Self::NextBroken,
        Self::Ended,
        Self::Ending,
        Self::In(State::Unknown),
        Self::Paused,
        Self::In(State::Healthy),
    ];

    /// The name of the group in an address.
    pub fn word(self) -> &'static str {
        match self {
            Self::In(state) => state.word(),
            Self::Paused => "paused",
            Self::NextBroken => "next-broken",
            Self::Ended => "ended",
            Self::Ending => "ending",
        }
    }

    /// The title of the group on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::In(State::Broken) => "Broken",
            Self::In(State::Failing) => "Failing",
            Self::In(State::Unknown) => "Unknown",
            Self::In(State::Healthy) => "Healthy",
            Self::Paused => "Paused",
            Self::NextBroken => "Next refused",
            Self::Ended => "Ended",
            Self::Ending => "Ends soon",
        }
    }

    /// Whether the page offers the group even when it has no provider.
    pub fn is_always_offered(self) -> bool {
        matches!(self, Self::In(State::Broken | State::Healthy))
    }

    /// The sign of the group.
    pub fn shape(self) -> Option<Shape> {
        match self {
            Self::In(State::Broken) => Some(Shape::Broken(Kind::Refused)),
            Self::In(State::Failing) => Some(Shape::Failing),
            Self::In(State::Unknown) => Some(Shape::Unknown),
            Self::In(State::Healthy) => Some(Shape::Healthy),
            Self::Paused => Some(Shape::Paused),
            Self::Ended => Some(Shape::Ended),
            Self::NextBroken | Self::Ending => None,
        }
    }
}
