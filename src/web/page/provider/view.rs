//! The data that the page of a provider shows.

use std::sync::Arc;

use maud::{Markup, html};

use crate::by_hand::ByHand;
use crate::links::Links;
use crate::pause::Pause;
use crate::provider::Provider;
use crate::state::history::History;
use crate::state::{Entry, Health, Moment, Roster};
use crate::time::unix_seconds;
use crate::web::page::format::{ago, clock, relative};

/// A provider with copies of its health and history, so that no lock is held while the page is
/// written.
pub struct View<'a> {
    pub provider: &'a Provider,
    pub health: Health,
    pub history: History,
    pub now: Moment,
    /// `now` in seconds since the Unix epoch.
    pub wall: f64,
    /// The address of `/`, relative to this page.
    pub root: &'static str,
    /// The command line of a person.
    pub by_hand: &'a ByHand,
    /// The links to other tools.
    pub links: &'a Links,
}

impl<'a> View<'a> {
    pub fn of(
        entry: &'a Arc<Entry>,
        roster: &'a Roster,
        now: Moment,
        root: &'static str,
        by_hand: &'a ByHand,
    ) -> Self {
        let (health, history) = (entry.health().clone(), entry.history().clone());
        let (provider, wall) = (&entry.provider, unix_seconds(now.wall));
        let links = roster.links();
        Self { provider, health, history, now, wall, root, by_hand, links }
    }

    /// The pause of the provider.
    pub fn pause(&self) -> Option<Pause> {
        self.provider.pause(self.now.wall)
    }

    /// A time in the past, with how long ago it was.
    pub fn past(&self, time: jiff::Timestamp) -> Markup {
        html! { (clock(time)) " " small { (ago(self.wall - unix_seconds(time))) } }
    }

    /// A time in the past or future, with its distance from now.
    pub fn at(&self, time: jiff::Timestamp) -> Markup {
        let distance = relative(unix_seconds(time) - self.wall);
        html! { (clock(time)) " " small { (distance) } }
    }
}
