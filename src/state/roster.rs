//! The list of all providers with their health, and how a reload replaces it.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::health::{Health, Recorded};
use super::histogram::Bounds;
use super::history::History;
use super::timeline::{Incident, Timeline, Unsaved};
use crate::links::Links;
use crate::outcome::{HeldEnds, Probe};
use crate::provider::{Provider, Slot};

/// One provider and its health.
pub struct Entry {
    /// The provider.
    pub provider: Arc<Provider>,
    /// Shared with the entry of the next roster when a reload changes the provider's settings.
    health: Arc<Mutex<Health>>,
    history: Arc<Mutex<History>>,
    /// When the counters of the health began at zero.
    created: Timestamp,
}

impl Entry {
    fn new(provider: Arc<Provider>, bounds: &Arc<Bounds>, created: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            created,
            provider,
            health: Arc::new(Mutex::new(Health::new(bounds))),
            history: Arc::default(),
        })
    }

    /// When the counters began at zero. A reload that keeps the provider keeps them.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// The health, locked. Hold the lock briefly: the scheduler may wait to record a probe.
    #[must_use]
    pub fn health(&self) -> impl Deref<Target = Health> {
        self.change()
    }

    /// The last probes, locked. Hold the lock briefly, and never together with the health.
    #[must_use]
    pub fn history(&self) -> impl Deref<Target = History> {
        self.past()
    }

    /// The last hours and incidents of the provider until now.
    #[must_use]
    pub fn timeline_until(&self, now: Timestamp) -> Timeline {
        self.history().timeline.until(now, self.provider.cadence.longest_pause())
    }

    /// Whether the next save must not leave this entry out.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.history().timeline.is_urgent()
    }

    /// What a save has to write of the hours and incidents.
    #[must_use]
    pub fn unsaved(&self) -> Unsaved {
        self.past().timeline.unsaved()
    }

    /// Forgets what is saved of the hours and incidents.
    pub fn saved(&self, saved: &Unsaved) {
        self.past().timeline.saved(saved);
    }

    /// Sets the incident that lasted before a restart.
    pub(super) fn restore_incident(&self, open: Option<Incident>) {
        self.past().timeline.restore(open);
    }

    fn past(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a probe, and returns what it changed.
    #[must_use]
    pub fn record(&self, probe: &Probe) -> Recorded {
        let cadence = &self.provider.cadence;
        let mut health = self.change();
        let recorded = health.record(probe, cadence);
        let state = health.state();
        let failing_since = health.current_failure().map(|current| current.since);
        drop(health);
        let mut history = self.past();
        history.record(probe);
        // Nothing shows the hours of next credentials.
        if self.provider.slot == Slot::Current {
            history.timeline.record(probe, state, failing_since, cadence.longest_pause());
        }
        recorded
    }

    /// The credentials were read before the first probe, and hold these ends.
    pub fn holds(&self, held: HeldEnds) {
        self.change().holds(held);
    }

    /// The next probe is due at `due`: see [`Health::next_due`].
    pub fn planned(&self, due: Option<Duration>) {
        self.change().planned(due);
    }

    /// A pause has begun: no probe is planned, and the time until the next one is not observed.
    pub fn paused(&self) {
        self.planned(None);
        self.is_not_observed();
    }

    /// The time from the last probe to the next one is not observed.
    pub fn is_not_observed(&self) {
        self.past().timeline.pause();
    }

    /// Changed credentials end the back-off. Returns whether the provider had refused the previous
    /// ones.
    #[must_use]
    pub fn end_back_off(&self) -> bool {
        let mut health = self.change();
        let refused = health.refusals_in_a_row() > 0;
        health.settings_changed();
        refused
    }

    /// The credentials were read without a probe. Returns whether they differ from the refused
    /// ones.
    #[must_use]
    pub fn credentials_read(&self, fingerprint: u128) -> bool {
        let mut health = self.change();
        let changed = health.has_other_credentials(fingerprint);
        if !changed {
            health.credentials_read(fingerprint);
        }
        changed
    }
}

/// All providers of one plan. A reload makes a new roster.
pub struct Roster {
    entries: Vec<Arc<Entry>>,
    /// The next credentials of some of the entries.
    next: Vec<Arc<Entry>>,
    /// The indexes of `entries` and of `next` in the order of the names.
    by_name: [Box<[u32]>; 2],
    bounds: Arc<Bounds>,
    /// Whether metrics leave out what never happened.
    is_compact: bool,
    /// Whether `OpenMetrics` tells when counters were created.
    has_created: bool,
    links: Arc<Links>,
}

/// The indexes of these entries in the order of their names.
fn by_name(entries: &[Arc<Entry>]) -> Box<[u32]> {
    let mut indexes: Box<[u32]> = (0..).take(entries.len()).collect();
    indexes.sort_unstable_by_key(|index| entries[*index as usize].provider.name.as_str());
    indexes
}

/// The numbers of providers that a reload changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New providers.
    pub added: usize,
    /// Providers with the same name and other settings.
    pub changed: usize,
    /// Removed providers.
    pub removed: usize,
    /// Providers with the same settings.
    pub kept: usize,
}

impl Roster {
    /// A roster of these providers, all in the state `unknown` at this time. `bounds` are those of
    /// the histogram, in seconds.
    #[must_use]
    pub fn new(providers: Vec<Arc<Provider>>, bounds: &[f64], now: Timestamp) -> Self {
        let bounds = Bounds::new(bounds, now);
        let new = |provider| Entry::new(provider, &bounds, now);
        Self::of(providers.into_iter().map(new).collect(), bounds)
    }

    fn of(all: Vec<Arc<Entry>>, bounds: Arc<Bounds>) -> Self {
        let (mut entries, mut next): (Vec<Arc<Entry>>, Vec<Arc<Entry>>) =
            all.into_iter().partition(|entry| entry.provider.slot == Slot::Current);
        entries.shrink_to_fit();
        next.shrink_to_fit();
        let by_name = [by_name(&entries), by_name(&next)];
        let links = Arc::default();
        Self { entries, next, by_name, bounds, is_compact: false, has_created: false, links }
    }

    /// The same roster, whose metrics leave out failure reasons that never happened and empty
    /// buckets (`metrics.compact`).
    #[must_use]
    pub fn compact(self, is_compact: bool) -> Self {
        Self { is_compact, ..self }
    }

    /// See [`Roster::compact`].
    #[must_use]
    pub fn is_compact(&self) -> bool {
        self.is_compact
    }

    /// The same roster with these links of the pages to other tools.
    #[must_use]
    pub fn linking(self, links: Arc<Links>) -> Self {
        Self { links, ..self }
    }

    /// The links of the pages to other tools.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The same roster, whose counters have their time of creation in `OpenMetrics`
    /// (`metrics.created`).
    #[must_use]
    pub fn with_created(self, has_created: bool) -> Self {
        Self { has_created, ..self }
    }

    /// See [`Roster::with_created`].
    #[must_use]
    pub fn has_created(&self) -> bool {
        self.has_created
    }

    /// The roster after a reload at this time. A provider that did not change keeps its entry. A
    /// provider with other settings gets a new entry with the same health and history.
    #[must_use]
    pub fn succeed(
        &self,
        providers: Vec<Arc<Provider>>,
        bounds: &[f64],
        now: Timestamp,
    ) -> (Self, Changes) {
        let same_bounds = **self.bounds == *bounds;
        let bounds = if same_bounds { Arc::clone(&self.bounds) } else { Bounds::new(bounds, now) };
        let mut changes = Changes::default();
        let mut entries = Vec::with_capacity(providers.len());
        for provider in providers {
            let entry = match self.entry(&provider.name, provider.slot) {
                Some(known) if *known.provider == *provider => {
                    changes.kept += 1;
                    Arc::clone(known)
                }
                Some(known) => {
                    changes.changed += 1;
                    let mut health = known.change();
                    let (old, new) = (&known.provider, &provider);
                    // Another pause is no reason to ask a provider again that refuses.
                    if old.without_pauses() != new.without_pauses() {
                        health.settings_changed();
                    }
                    if old.credentials != new.credentials || old.recipe != new.recipe {
                        health.credentials_changed();
                    }
                    if old.transport.client_certificate != new.transport.client_certificate {
                        health.client_certificate_changed();
                    }
                    if old.recipe != new.recipe || old.parameters != new.parameters {
                        health.forget_list();
                    }
                    drop(health);
                    Arc::new(Entry {
                        provider,
                        health: Arc::clone(&known.health),
                        history: Arc::clone(&known.history),
                        created: known.created,
                    })
                }
                None => {
                    changes.added += 1;
                    Entry::new(provider, &bounds, now)
                }
            };
            if !same_bounds {
                entry.change().buckets_changed(&bounds);
            }
            entries.push(entry);
        }
        changes.removed = self.all().count() - changes.kept - changes.changed;
        (Self::of(entries, bounds), changes)
    }

    /// The entries of current credentials, in the order of the configuration.
    #[must_use]
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The entries of current credentials, in the order of their names.
    pub fn in_order_of_names(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_name[0].iter().map(|index| &self.entries[*index as usize])
    }

    /// The entries of next credentials, in the order of the configuration.
    #[must_use]
    pub fn next(&self) -> &[Arc<Entry>] {
        &self.next
    }

    /// All entries: those of current credentials, then those of next credentials.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter().chain(&self.next)
    }

    /// The entry of the provider with this name.
    #[must_use]
    pub fn entry(&self, name: &str, slot: Slot) -> Option<&Arc<Entry>> {
        let (entries, by_name) = match slot {
            Slot::Current => (&self.entries, &self.by_name[0]),
            Slot::Next => (&self.next, &self.by_name[1]),
        };
        let name_of = |index: &u32| entries[*index as usize].provider.name.as_str();
        let place = by_name.binary_search_by(|index| name_of(index).cmp(name)).ok()?;
        entries.get(by_name[place] as usize)
    }

    /// A roster with only this provider.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<Self> {
        let current = Arc::clone(self.entry(name, Slot::Current)?);
        let next = self.entry(name, Slot::Next).map(Arc::clone);
        let entries = std::iter::once(current).chain(next).collect();
        let only = Self::of(entries, Arc::clone(&self.bounds));
        Some(only.compact(self.is_compact).with_created(self.has_created))
    }

    /// The upper bounds of the latency histogram.
    #[must_use]
    pub fn bounds(&self) -> &Arc<Bounds> {
        &self.bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Failure, Outcome, Reason};

    #[test]
    fn a_state_began_at_the_latest_at_the_last_probe_when_a_clock_that_was_ahead_is_set_back() {
        let at = |text: &str| -> Timestamp { text.parse().expect("a time") };
        let provider = Arc::new(Provider::sample("p"));
        let roster = Roster::new(vec![provider], &[1.0], at("2036-01-01T00:00:00Z"));
        let entry = &roster.entries()[0];
        let refused = || Outcome::Failed(Failure::new(Reason::Rejected, ""));
        let since = || {
            let health = entry.health();
            (health.since(), health.current_failure().map(|current| current.since))
        };
        let record = |text: &str| entry.record(&Probe::new(refused(), at(text)));
        let _ = record("2036-01-01T00:00:00Z");
        let _ = record("2036-01-01T00:01:00Z");
        let _ = record("2036-01-01T00:02:00Z");
        let ahead = (Some(at("2036-01-01T00:01:00Z")), Some(at("2036-01-01T00:00:00Z")));
        assert_eq!(since(), ahead);
        let _ = record("2026-01-01T00:00:00Z");
        let _ = record("2026-01-01T00:01:00Z");
        let right = Some(at("2026-01-01T00:00:00Z"));
        assert_eq!(since(), (right, right));
    }
}
