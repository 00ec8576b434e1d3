//! The signs of states. Each has a different shape, so that people need not see colours.

use maud::{Markup, html};

use crate::outcome::Class;
use crate::state::{Health, State};

/// In which way a credential is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The provider refuses it.
    Refused,
    /// credwatch cannot try it from this host.
    Untried,
    /// The provider cannot be reached, or answers wrongly.
    Unreached,
}

impl Kind {
    /// All kinds, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Refused, Self::Untried, Self::Unreached];

    /// The kind of the failures of a class.
    pub fn of(class: Class) -> Self {
        match class {
            Class::Credential => Self::Refused,
            Class::Config => Self::Untried,
            Class::Provider | Class::Network => Self::Unreached,
        }
    }

    /// The name in an address and in the style sheet.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Untried => "untried",
            Self::Unreached => "unreached",
        }
    }

    /// The end of a sentence about credentials of this kind.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Untried => "cannot be tried here",
            Self::Unreached => "cannot be reached",
        }
    }
}

/// What a sign shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Broken(Kind),
    Failing,
    Ended,
    Ending,
    Unknown,
    Healthy,
    Paused,
}

impl Shape {
    /// All shapes.
    #[cfg(test)]
    pub const ALL: [Self; 9] = [
        Self::Broken(Kind::Refused),
        Self::Broken(Kind::Untried),
        Self::Broken(Kind::Unreached),
        Self::Failing,
        Self::Ended,
        Self::Ending,
        Self::Unknown,
        Self::Healthy,
        Self::Paused,
    ];

    /// The shape of a provider that is not paused.
    pub fn of(health: &Health) -> Self {
        match health.state() {
            State::Broken => {
                let failure = health.failure();
                Self::Broken(
                    failure.map_or(Kind::Refused, |failure| Kind::of(failure.reason.class())),
                )
            }
            State::Failing => Self::Failing,
            State::Unknown => Self::Unknown,
            State::Healthy => Self::Healthy,
        }
    }

    /// The name in the style sheet.
    pub fn word(self) -> &'static str {
        match self {
            Self::Broken(kind) => kind.word(),
            _ => self.state(),
        }
    }

    /// The state in a word.
    pub fn state(self) -> &'static str {
        match self {
            Self::Broken(_) => "broken",
            Self::Failing => "failing",
            Self::Ended => "ended",
            Self::Ending => "ends soon",
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Paused => "paused",
        }
    }
}

/// The sign of a state.
pub fn sign(shape: Shape) -> Markup {
    let (fill, mark) = match shape {
        Shape::Broken(Kind::Refused) => {
            ("M5 .5h6L15.5 5v6L11 15.5H5L.5 11V5z", "M5.2 5.2l5.6 5.6m0-5.6l-5.6 5.6")
        }
        Shape::Broken(Kind::Untried) => ("M1.5 1.5h13v13h-13z", "M8 4v4.8m0 2v1.2"),
        Shape::Broken(Kind::Unreached) => {
            ("M.7 8a7.3 7.3 0 0 1 14.6 0a7.3 7.3 0 0 1-14.6 0z", "M3.5 8h3m3 0h3")
        }
        Shape::Failing => ("M8 .8l7.6 14H.4z", "M8 5.6v4.2m0 2v1"),
        Shape::Ended | Shape::Ending | Shape::Unknown | Shape::Healthy | Shape::Paused => ("", ""),
    };
    html! {
        svg.sign viewBox="0 0 16 16" aria-hidden="true" {
            @match shape {
                Shape::Broken(_) | Shape::Failing => {
                    path.fill d=(fill) {}
                    path.mark d=(mark) {}
                }
                Shape::Ended => {
                    circle.ring cx="8" cy="8" r="6.8" {}
                    path.line d="M8 3.8V8l3 2" {}
                }
                Shape::Ending => { path.line d="M8 1.8l6.4 12H1.6zM8 6v3.6m0 1.4v1" {} }
                Shape::Unknown => {
                    circle.ring cx="8" cy="8" r="6.8" {}
                    path.line d="M5.9 6.2c0-2.9 4.3-2.8 4.3-.2 0 1.7-2.2 1.7-2.2 3.4m0 1.7v1.1" {}
                }
                Shape::Healthy => { path.line d="M2.5 8.6l3.6 3.7 7.4-8" {} }
                Shape::Paused => { path.line d="M5 3v10M11 3v10" {} }
            }
        }
    }
}

/// A state as a word with a coloured sign.
pub fn badge(shape: Shape) -> Markup {
    html! { span class={ "badge " (shape.word()) } { (sign(shape)) (shape.state()) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_different_shape() {
        let mut shapes: Vec<String> =
            Shape::ALL.iter().map(|shape| sign(*shape).into_string()).collect();
        shapes.sort();
        shapes.dedup();
        assert_eq!(shapes.len(), Shape::ALL.len());
    }
}
