//! How long existing tokens stay valid: as numbers, as a cell of the list and in sentences.

use maud::{Markup, html};

use super::format::{ago, span, unit};
use crate::outcome::{Class, Expiry, Reason};
use crate::provider::Provider;
use crate::state::Health;
use crate::state::health::Token;
use crate::time::unix_seconds;

/// How long existing tokens stay valid. This is the time until consumers fail, when the provider
/// issues no new tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Runway {
    /// credwatch has got no good token.
    None,
    /// The last good token expired this many seconds ago.
    Ended(f64),
    /// The last good token expires in this many seconds.
    Left(f64),
    /// The answers do not say when tokens expire.
    Unknown,
    /// Tokens never expire.
    Endless,
}

impl Runway {
    /// The runway of the last good token; `now` is in seconds since the Unix epoch.
    pub fn of(token: Option<&Token>, now: f64) -> Self {
        match token.map(|token| token.expiry) {
            None => Self::None,
            Some(Expiry::Unknown) => Self::Unknown,
            Some(Expiry::Never) => Self::Endless,
            Some(Expiry::At(end)) => {
                let left = unix_seconds(end) - now;
                if left > 0.0 { Self::Left(left) } else { Self::Ended(-left) }
            }
        }
    }

    /// A number to sort by, in seconds: negative when the last token has ended.
    pub fn seconds(self) -> f64 {
        match self {
            Self::None => f64::MIN,
            Self::Ended(seconds) => -seconds,
            Self::Left(seconds) => seconds,
            Self::Unknown => f64::MAX,
            Self::Endless => f64::INFINITY,
        }
    }
}

/// A text of the list with its colour, the text of its tooltip and the part of a bar.
pub struct Cell {
    pub text: String,
    pub tone: &'static str,
    pub title: &'static str,
    pub part: Option<f64>,
}

impl Cell {
    /// A cell without a bar.
    pub fn new(text: impl Into<String>, tone: &'static str, title: &'static str) -> Self {
        Self { text: text.into(), tone, title, part: None }
    }

    /// The runway of a provider that fails; `None` without a failure.
    pub fn of(provider: &Provider, health: &Health, now: f64) -> Option<Self> {
        let failure = health.failure()?;
        Some(match (failure.reason.class(), Runway::of(health.token(), now)) {
            (Class::Config, _) => Self::new(
                "–",
                "dim",
                "credwatch cannot try the credential. This says nothing about applications.",
            ),
            (class, _) if !provider.recipe.issues_tokens() => Self::of_a_key(class),
            (_, Runway::None) if is_about_tokens(failure.reason) => Self::new(
                "not usable",
                "red",
                "The provider issues tokens, but they do not meet the requirements.",
            ),
            (_, Runway::None) => Self::new("none seen", "red", "No token since credwatch started."),
            (_, Runway::Ended(age)) => {
                let text = format!("ended {} ago", unit(age));
                Self::new(text, "red", "The last token has ended.")
            }
            (_, Runway::Left(left)) => {
                let whole = health.token().and_then(|token| token.lifetime);
                let part = whole.filter(|whole| *whole > 0.0).map_or(1.0, |whole| left / whole);
                let tone = match left {
                    left if left < 900.0 => "red",
                    left if left < 3_600.0 => "orange",
                    left if left < 14_400.0 => "yellow",
                    _ => "green",
                };
                let cell = Self::new(span(left), tone, "Existing tokens end within this time.");
                Self { part: Some(part), ..cell }
            }
            (_, Runway::Unknown) => {
                Self::new("not told", "dim", "The answers do not say when tokens end.")
            }
            (_, Runway::Endless) => Self::new("no end", "dim", "Existing tokens never end."),
        })
    }

    fn of_a_key(class: Class) -> Self {
        if class == Class::Credential {
            Self::new(
                "fails now",
                "red",
                "A key has no token: applications with it are refused now.",
            )
        } else {
            Self::new("no token", "dim", "A key has no token that helps over an outage.")
        }
    }
}

/// Whether tokens are issued, but do not meet the requirements.
pub fn is_about_tokens(reason: Reason) -> bool {
    matches!(reason, Reason::Scope | Reason::Expired | Reason::Unverified)
}

/// What a failure means for applications, as the end of a sentence.
pub fn consequence(provider: &Provider, health: &Health, now: f64) -> Markup {
    let Some(failure) = health.failure() else { return Markup::default() };
    let class = failure.reason.class();
    html! {
        @if class == Class::Config { "this says nothing about applications." }
        @else if !provider.recipe.issues_tokens() {
            @if class == Class::Credential { "applications with this key are refused now." }
            @else { "a key has no token that helps over an outage." }
        }
        @else if let (Runway::None, true) =
            (Runway::of(health.token(), now), is_about_tokens(failure.reason)) {
            "its tokens are not usable."
        }
        @else { (sentence(health.token(), now)) }
    }
}

/// How long existing tokens stay valid, as part of a sentence.
fn sentence(token: Option<&Token>, now: f64) -> Markup {
    html! {
        @match Runway::of(token, now) {
            Runway::None => "no token since credwatch started.",
            Runway::Ended(since) => { "its tokens ended " b { (unit(since)) " ago" } "." },
            Runway::Left(left) => { "its tokens last " b { (span(left)) } "." },
            Runway::Unknown => "it does not tell when its tokens end.",
            Runway::Endless => "its tokens never end.",
        }
    }
}

/// How long existing tokens stay valid, in words and as a bar.
pub fn runway(health: &Health, now: f64) -> Markup {
    let token = health.token();
    let runway = Runway::of(token, now);
    let is_unusable = health.failure().is_some_and(|failure| is_about_tokens(failure.reason));
    let whole = token.and_then(|token| token.lifetime).filter(|lifetime| *lifetime > 0.0);
    html! {
        @match runway {
            Runway::None if is_unusable => span.runway.none { b { "not usable" } },
            Runway::None => span.runway.none { b { "none seen" } },
            Runway::Ended(since) => span.runway.none { b { "ended" } " " small { (ago(since)) } },
            Runway::Left(left) => span.runway {
                b { (span(left)) }
                @if let Some(whole) = whole {
                    " " small { "of " (span(whole)) } (bar(left / whole, "bar"))
                }
            },
            Runway::Unknown => span.runway {
                b { "not known" } " " small { "the answers do not say when tokens end" }
            },
            Runway::Endless => span.runway {
                b { "unlimited" } " " small { "tokens never end" }
            },
        }
    }
}

/// A bar for a part of a whole. The text beside it says the same.
pub fn bar(part: f64, class: &str) -> Markup {
    let width = format!("{:.1}", part.clamp(0.0, 1.0) * 100.0);
    html! {
        svg class=(class) viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.ground width="100" height="6" {}
            rect.part width=(width) height="6" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix_seconds;

    #[test]
    fn the_runway_comes_from_the_last_good_token() {
        const NOW: f64 = 1_800_000_000.0;
        let of = |expiry| {
            Runway::of(
                Some(&Token { expiry, lifetime: None, disagreement: None, fingerprint: None }),
                NOW,
            )
        };
        let at = |seconds: f64| from_unix_seconds(NOW + seconds).map_or(Expiry::Never, Expiry::At);
        assert_eq!(
            [of(at(60.0)), of(at(-60.0)), of(at(0.0))],
            [Runway::Left(60.0), Runway::Ended(60.0), Runway::Ended(0.0)]
        );
        assert_eq!(
            [of(Expiry::Never), of(Expiry::Unknown), Runway::of(None, NOW)],
            [Runway::Endless, Runway::Unknown, Runway::None]
        );
    }

    #[test]
    fn a_bar_is_never_wider_than_its_background() {
        for (part, width) in [(-1.0, "0.0"), (0.25, "25.0"), (7.0, "100.0")] {
            let bar = bar(part, "bar").into_string();
            assert!(bar.contains(&format!("class=\"part\" width=\"{width}\"")), "{bar}");
        }
    }
}
