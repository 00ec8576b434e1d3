//! Writes `/metrics` from the ledger.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::daemon::Daemon;
use super::encode::{Encoder, label};
use super::families::{FAMILIES, PROBE_PENDING};
use super::family::{Family, Samples, Subject, Writer};
use super::process;
use super::samples::count;
use crate::provider::Slot;
use crate::state::histogram::{Bounds, Histogram};
use crate::state::{Entry, Health, Ledger, Moment, Roster};

/// The content type of the exposition.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes the answers of `/metrics`.
pub struct Exposition {
    ledger: Arc<Ledger>,
    daemon: Daemon,
    /// The labels of the last roster that was written.
    labels: Mutex<Arc<Labels>>,
}

/// For each provider the start of every label set: `{provider="NAME"`.
struct Labels {
    roster: Arc<Roster>,
    of_entries: Vec<Box<str>>,
    of_next: Vec<Box<str>>,
}

impl Labels {
    fn new(roster: Arc<Roster>) -> Self {
        let open = |entries: &[Arc<Entry>]| -> Vec<Box<str>> {
            let name = |entry: &Arc<Entry>| label("provider", &entry.provider.name);
            entries.iter().map(|entry| format!("{{{}", name(entry)).into()).collect()
        };
        Self { of_entries: open(roster.entries()), of_next: open(roster.next()), roster }
    }
}

impl Exposition {
    /// An exposition of the providers in this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, daemon: Daemon) -> Self {
        let labels = Mutex::new(Arc::new(Labels::new(ledger.roster())));
        Self { ledger, daemon, labels }
    }

    /// The labels of the current roster; computed once for each roster.
    fn labels(&self) -> Arc<Labels> {
        let roster = self.ledger.roster();
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&labels.roster, &roster) {
            *labels = Arc::new(Labels::new(roster));
        }
        Arc::clone(&labels)
    }

    /// Writes all families. `now` is the time of the scrape.
    ///
    /// # Errors
    /// When the writer fails, for example because the scraper has closed the connection.
    pub fn write(&self, out: impl Write, now: Moment) -> io::Result<()> {
        let mut encoder = Encoder::new(out);
        let labels = self.labels();
        let scrape = Scrape::new(&labels, now, false);
        FAMILIES.iter().try_for_each(|family| scrape.write(family, &mut encoder))?;
        encoder.raw(&self.daemon.text())?;
        encoder.raw(&process::text())?;
        encoder.finish()
    }
}

/// Writes the families of one provider. `pending` means that the requested probe has not ended yet.
///
/// # Errors
/// When the writer fails.
pub fn write_one(out: impl Write, roster: Roster, pending: bool, now: Moment) -> io::Result<()> {
    let mut encoder = Encoder::new(out);
    let labels = Labels::new(Arc::new(roster));
    let scrape = Scrape::new(&labels, now, pending);
    for family in FAMILIES.iter().chain([&PROBE_PENDING]) {
        scrape.write(family, &mut encoder)?;
    }
    encoder.finish()
}

/// The data of one scrape, copied at one moment.
struct Scrape<'a> {
    labels: &'a Labels,
    healths: Vec<Health>,
    next_healths: Vec<Health>,
    now: Moment,
    pending: bool,
}

impl<'a> Scrape<'a> {
    fn new(labels: &'a Labels, now: Moment, pending: bool) -> Self {
        let healths = |entries: &[Arc<Entry>]| -> Vec<Health> {
            entries.iter().map(|entry| entry.health().clone()).collect()
        };
        Self {
            healths: healths(labels.roster.entries()),
            next_healths: healths(labels.roster.next()),
            labels,
            now,
            pending,
        }
    }

    /// The subjects of a family: all current or all next credentials.
    fn subjects(&self, slot: Slot) -> impl Iterator<Item = Subject<'_>> {
        let (labels, entries, healths) = match slot {
            Slot::Current => (&self.labels.of_entries, self.labels.roster.entries(), &self.healths),
            Slot::Next => (&self.labels.of_next, self.labels.roster.next(), &self.next_healths),
        };
        labels.iter().zip(entries).zip(healths).map(|((labels, entry), health)| Subject {
            labels,
            entry,
            health,
            is_compact: self.labels.roster.is_compact(),
            now: self.now,
            pending: self.pending,
        })
    }

    fn write(&self, family: &Family, encoder: &mut Encoder<'_>) -> io::Result<()> {
        encoder.family(family.name, family.kind, family.help)?;
        let roster = &self.labels.roster;
        let mut buckets = Buckets::new(family.name, roster.bounds(), roster.is_compact());
        for subject in self.subjects(family.slot) {
            match family.samples {
                Samples::Value(value) => {
                    if let Some(value) = value(&subject) {
                        encoder.sample(family.name, subject.labels, "", value)?;
                    }
                }
                Samples::Labelled(samples) => {
                    let labels = subject.labels;
                    samples(&subject, &mut Writer { encoder, name: family.name, labels })?;
                }
                Samples::Histogram(histogram) => {
                    buckets.write(histogram(&subject), subject.labels, encoder)?;
                }
            }
        }
        Ok(())
    }
}

/// Names and labels of the samples of a histogram, computed once for all providers.
struct Buckets {
    name: &'static str,
    sample_names: [String; 3],
    bounds: Arc<Bounds>,
    labels: Vec<String>,
    is_compact: bool,
}

impl Buckets {
    fn new(name: &'static str, bounds: &Arc<Bounds>, is_compact: bool) -> Self {
        let labels = bounds
            .iter()
            .map(|bound| format!(",le=\"{bound}\""))
            .chain([",le=\"+Inf\"".to_owned()])
            .collect();
        let sample_names = ["bucket", "sum", "count"].map(|suffix| format!("{name}_{suffix}"));
        Self { name, sample_names, bounds: Arc::clone(bounds), labels, is_compact }
    }

    fn write(
        &mut self,
        histogram: &Histogram,
        labels: &str,
        encoder: &mut Encoder<'_>,
    ) -> io::Result<()> {
        // A reload can change the bounds during a scrape.
        if !Arc::ptr_eq(&self.bounds, &histogram.bounds) {
            *self = Self::new(self.name, &histogram.bounds, self.is_compact);
        }
        let [bucket, sum, total_name] = &self.sample_names;
        let mut total = 0;
        let compact = self.is_compact.then(|| histogram.compact());
        for (index, (label, own)) in self.labels.iter().zip(&histogram.counts).enumerate() {
            total += own;
            // The rules count the requests of at most one second.
            let stays = self.bounds.get(index).is_none_or(|bound| bound.total_cmp(&1.0).is_eq());
            if stays || compact.as_ref().is_none_or(|compact| compact.contains(&index)) {
                encoder.sample(bucket, labels, label, count(total))?;
            }
        }
        encoder.sample(sum, labels, "", histogram.sum)?;
        encoder.sample(total_name, labels, "", count(total))
    }
}
