//! The type of a metric family about providers.

use std::io;

use super::encode::Encoder;
use crate::provider::Slot;
use crate::state::histogram;
use crate::state::{Entry, Health, Moment};

/// One metric family.
#[derive(Clone, Copy)]
pub struct Family {
    /// The name of the metric.
    pub name: &'static str,
    /// `gauge`, `counter` or `histogram`.
    pub kind: &'static str,
    /// The text of the `# HELP` line.
    pub help: &'static str,
    /// The credentials of the provider that the family is about.
    pub(super) slot: Slot,
    /// How the samples of a provider are written.
    pub(super) samples: Samples,
}

/// The samples of one provider in a family.
#[derive(Clone, Copy)]
pub enum Samples {
    /// One sample, or none when there is no value.
    Value(fn(&Subject<'_>) -> Option<f64>),
    /// Any number of samples with more labels.
    Labelled(fn(&Subject<'_>, &mut Writer<'_, '_>) -> io::Result<()>),
    /// The samples of a histogram.
    Histogram(for<'a> fn(&Subject<'a>) -> &'a histogram::Histogram),
}

/// The provider that a sample is about.
pub struct Subject<'a> {
    /// The start of the label sets: `{provider="NAME"`.
    pub labels: &'a str,
    /// The provider.
    pub entry: &'a Entry,
    /// The health of the provider at this scrape.
    pub health: &'a Health,
    /// Whether failure reasons that never happened are left out.
    pub is_compact: bool,
    /// The time of the scrape.
    pub now: Moment,
    /// At `/probe`: whether the requested probe has not ended yet.
    pub pending: bool,
}

/// Writes the samples of one provider in one family.
pub struct Writer<'a, 'w> {
    pub(super) encoder: &'a mut Encoder<'w>,
    pub(super) name: &'static str,
    pub(super) labels: &'a str,
}

impl Writer<'_, '_> {
    /// Writes one sample. `more` has further labels: `,name="value"`.
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

/// The same family for the next credential. It is a separate family, because a sum over the current
/// credentials must not count credentials that consumers do not use yet.
pub const fn next(family: Family) -> Family {
    Family { slot: Slot::Next, ..family }
}
