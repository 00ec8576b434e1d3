//! What a metric family about providers is.

use std::io;

use super::encode::Encoder;
use crate::provider::Slot;
use crate::state::histogram;
use crate::state::{Entry, Health, Moment};

/// One metric family.
#[derive(Clone, Copy)]
pub struct Family {
    /// The name.
    pub name: &'static str,
    /// `gauge`, `counter` or `histogram`.
    pub kind: &'static str,
    /// The help text.
    pub help: &'static str,
    /// Which credentials of a provider it is about.
    pub(super) slot: Slot,
    /// Its samples.
    pub(super) samples: Samples,
}

/// The samples of one provider in a family.
#[derive(Clone, Copy)]
pub enum Samples {
    /// One, or none where there is no value.
    Value(fn(&Subject<'_>) -> Option<f64>),
    /// Any number, with labels of their own.
    Labelled(fn(&Subject<'_>, &mut Writer<'_, '_>) -> io::Result<()>),
    /// Those of a histogram.
    Histogram(for<'a> fn(&Subject<'a>) -> &'a histogram::Histogram),
}

/// What a sample is about.
pub struct Subject<'a> {
    /// The start of its label sets: `{provider="NAME"`.
    pub labels: &'a str,
    /// The provider.
    pub entry: &'a Entry,
    /// Its health, as of this scrape.
    pub health: &'a Health,
    /// The time of the scrape.
    pub now: Moment,
    /// At `/probe`: whether the probe that the scraper asked for has not ended yet.
    pub pending: bool,
}

/// Writes the samples of one provider in one family.
pub struct Writer<'a, 'w> {
    pub(super) encoder: &'a mut Encoder<'w>,
    pub(super) name: &'static str,
    pub(super) labels: &'a str,
}

impl Writer<'_, '_> {
    /// One sample. `more` are its own labels: `,name="value"`.
    pub fn sample(&mut self, more: &str, value: f64) -> io::Result<()> {
        self.encoder.sample(self.name, self.labels, more, value)
    }
}

/// A gauge of the current credentials.
pub const fn gauge(name: &'static str, help: &'static str, samples: Samples) -> Family {
    Family { name, kind: "gauge", help, slot: Slot::Current, samples }
}

/// A counter of the current credentials.
pub const fn counter(name: &'static str, help: &'static str, samples: Samples) -> Family {
    Family { name, kind: "counter", help, slot: Slot::Current, samples }
}

/// A histogram of the current credentials.
pub const fn histogram(name: &'static str, help: &'static str, samples: Samples) -> Family {
    Family { name, kind: "histogram", help, slot: Slot::Current, samples }
}

/// The same of the next credentials. Families of their own: a sum over the others must not count
/// credentials that nobody uses yet.
pub const fn next(family: Family) -> Family {
    Family { slot: Slot::Next, ..family }
}
