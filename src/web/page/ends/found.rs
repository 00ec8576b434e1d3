//! Finds the ends in one pass. A provider can list hundreds of credentials, so only the earliest
//! ends are kept.

use std::collections::hash_map::Entry as Slots;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::earliest::Earliest;
use super::query::Query;
use super::what::{Band, End, Key, Margins, Source, What};
use crate::outcome::Expiry;
use crate::provider::Slot;
use crate::state::{Entry, Health, Listed, Roster, is_over};
use crate::web::page::filter::Filter;
use crate::web::page::finding::{ROWS, slice};

/// The last page that can be asked for. What a page needs grows with its number.
pub const MOST_PAGES: usize = 100;

/// The ends of a selection.
#[derive(Default)]
pub struct Found<'a> {
    /// The ends on this page, the earliest first.
    pub ends: Vec<End<'a>>,
    /// The number of ends in each band, whatever band is chosen.
    pub bands: [usize; Band::ALL.len()],
    /// The number of ends in the chosen band.
    pub selected: usize,
    /// The earliest end that has not passed, of all selected ones.
    pub next: Option<Timestamp>,
    /// Credentials that never end.
    pub never: usize,
    /// Credentials of which nobody knows the end.
    pub unknown: usize,
    /// Listed credentials that have ended, and another one with their name has not.
    pub replaced: usize,
    /// The number of this page, from 1.
    pub page: usize,
    /// The number of pages.
    pub pages: usize,
}

impl Found<'_> {
    /// The number of ends in a band.
    pub fn of(&self, band: Band) -> usize {
        self.bands[band as usize]
    }

    /// The number of ends in all bands.
    pub fn all(&self) -> usize {
        self.bands.iter().sum()
    }
}

/// What is collected in the pass.
struct Pass<'a, 'q> {
    found: Found<'a>,
    earliest: Earliest<End<'a>, Key>,
    /// The first end of each endpoint's certificate, which many providers share.
    endpoints: HashMap<&'a str, End<'a>>,
    query: &'q Query,
    wall: Timestamp,
}

/// Applies a selection.
pub fn find<'a>(roster: &'a Roster, query: &Query, wall: Timestamp) -> Found<'a> {
    let filter = Filter::of(&query.providers);
    let most = query.providers.page.clamp(1, MOST_PAGES) * ROWS;
    let mut pass = Pass {
        found: Found::default(),
        earliest: Earliest::new(most, End::key),
        endpoints: HashMap::new(),
        query,
        wall,
    };
    for (index, entry) in roster.in_order_of_names().enumerate() {
        if !filter.fits(&entry.provider) {
            continue;
        }
        // What words are not in the provider must be in the name of the credential.
        let words = filter.words_not_in(&entry.provider);
        pass.look(entry, index, &words);
        if let Some(next) = roster.entry(&entry.provider.name, Slot::Next) {
            pass.look_at_next(next, index, &words);
        }
    }
    for (_, end) in std::mem::take(&mut pass.endpoints) {
        pass.add(end);
    }
    let Pass { mut found, earliest, .. } = pass;
    found.pages = found.selected.div_ceil(ROWS).clamp(1, MOST_PAGES);
    found.page = query.providers.page.clamp(1, found.pages);
    found.ends = slice(earliest.finish(), found.page, |one, other| one.key().cmp(&other.key()));
    found
}

fn has_all(name: &str, words: &[&str]) -> bool {
    words.is_empty() || {
        let name = name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    }
}

impl<'a> Pass<'a, '_> {
    fn look(&mut self, entry: &'a Arc<Entry>, index: usize, words: &[&str]) {
        let provider = &entry.provider;
        let health = entry.health();
        let mut place = 0;
        let mut add = |pass: &mut Self, at: Timestamp, what: What| {
            place += 1;
            let end = End { at, entry, what, place: (index, place) };
            if has_all(end.what.name(provider), words) {
                pass.add(end);
            }
        };
        for (end, at) in health.ends_that_count(provider) {
            let what = end.map_or(What::Declared, |end| What::Credential {
                name: Arc::clone(&end.credential),
                source: end.source,
                is_next: false,
            });
            add(self, at, what);
        }
        if let Some(at) = health.client_certificate_expiry(provider) {
            add(self, at, What::ClientCertificate);
        }
        if let Some(at) = health.certificate_expiry().filter(|_| words.is_empty()) {
            self.endpoint(End { at, entry, what: What::Endpoint(0), place: (index, 0) });
        }
        let listed = health.listed(provider);
        if words.is_empty() {
            self.count_the_endless(entry, &health);
        }
        if let Some(listed) = listed {
            self.rows(entry, index, listed, words);
        }
    }

    /// Counts the configured credentials that never end, or of which no end is known.
    fn count_the_endless(&mut self, entry: &Entry, health: &Health) {
        let provider = &entry.provider;
        let has_one = provider.credentials.iter().next().is_some();
        if !has_one || health.ends_that_count(provider).next().is_some() {
            return;
        }
        let is_never = |expiry| expiry == Expiry::Never;
        if health.credential_ends(provider).any(|(_, expiry)| is_never(expiry)) {
            self.found.never += 1;
        } else {
            self.found.unknown += 1;
        }
    }

    fn rows(&mut self, entry: &'a Arc<Entry>, index: usize, listed: &Listed, words: &[&str]) {
        let provider = &entry.provider;
        let has_ended = listed.ends(provider).any(|(_, expiry)| is_over(expiry, self.wall));
        let live = if has_ended { listed.live(provider, self.wall) } else { HashSet::new() };
        let margins = Margins::of(Source::List, provider, self.wall);
        for (place, (row, expiry)) in listed.ends(provider).enumerate() {
            if !has_all(&row.name, words) {
                continue;
            }
            match expiry {
                Expiry::Never => self.found.never += 1,
                Expiry::Unknown => self.found.unknown += 1,
                Expiry::At(_) if is_over(expiry, self.wall) && live.contains(&*row.title) => {
                    self.found.replaced += 1;
                }
                Expiry::At(at) => {
                    // After the ends of the provider itself.
                    let place = (index, place + 1_000);
                    if self.counts(at, Source::List, margins.band(at))
                        && self.earliest.takes(&(at, place.0, place.1))
                    {
                        let what = What::Listed(Arc::clone(&listed.list().rows), place.1 - 1_000);
                        self.earliest.push(End { at, entry, what, place });
                    }
                }
            }
        }
    }

    fn look_at_next(&mut self, entry: &'a Arc<Entry>, index: usize, words: &[&str]) {
        let health = entry.health();
        let ends = health.ends_that_count(&entry.provider);
        for (place, (end, at)) in ends.enumerate() {
            // The configured date is about the current credential.
            let Some(end) = end.filter(|end| has_all(&end.credential, words)) else { continue };
            let name = Arc::clone(&end.credential);
            let what = What::Credential { name, source: end.source, is_next: true };
            self.add(End { at, entry, what, place: (index, 500 + place) });
        }
    }

    fn endpoint(&mut self, end: End<'a>) {
        let provider = &end.entry.provider;
        match self.endpoints.entry(provider.endpoint.as_deref().unwrap_or(&provider.name)) {
            Slots::Vacant(free) => {
                free.insert(end);
            }
            Slots::Occupied(mut known) => {
                let known = known.get_mut();
                known.at = known.at.min(end.at);
                if let What::Endpoint(others) = &mut known.what {
                    *others += 1;
                }
            }
        }
    }

    fn add(&mut self, end: End<'a>) {
        if self.counts(end.at, end.what.source(), end.band(self.wall)) {
            self.earliest.push(end);
        }
    }

    /// Counts an end, and returns whether it is selected.
    fn counts(&mut self, at: Timestamp, source: Source, band: Band) -> bool {
        if self.query.source.is_some_and(|wanted| wanted != source) {
            return false;
        }
        self.found.bands[band as usize] += 1;
        if self.query.band.is_some_and(|wanted| wanted != band) {
            return false;
        }
        self.found.selected += 1;
        if at > self.wall && self.found.next.is_none_or(|next| at < next) {
            self.found.next = Some(at);
        }
        true
    }
}
