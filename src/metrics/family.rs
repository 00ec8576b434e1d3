//! The type of a metric family about providers.

use std::sync::LazyLock;

use super::encode::push_sample;
use crate::provider::{Provider, Slot};
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
    /// Samples that depend only on the configuration.
    Configured(fn(&Provider, &mut Writer<'_>)),
    /// One sample, or none when there is no value.
    Value(fn(&Subject<'_>) -> Option<f64>),
    /// A sample for each of these label sets, where the function sets a value; it can write more.
    Each(&'static Rests, fn(&Subject<'_>, &mut [f64], &mut Writer<'_>)),
    /// Any number of samples with more labels.
    Labelled(fn(&Subject<'_>, &mut Writer<'_>)),
    /// The samples of a histogram.
    Histogram(for<'a> fn(&Subject<'a>) -> &'a histogram::Histogram),
}

/// The rests of label sets, each after the name of the provider: `",state="broken"} `.
pub type Rests = LazyLock<Vec<String>>;

/// The provider that a sample is about.
pub struct Subject<'a> {
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

/// Writes samples of one provider in one family as text.
pub struct Writer<'a> {
    pub(super) text: &'a mut Vec<u8>,
    /// The start of each sample: `NAME{provider="`.
    pub(super) open: &'a str,
    /// The name of the provider, escaped.
    pub(super) provider: &'a str,
}

impl Writer<'_> {
    /// Writes one sample. `labels` are further ones: `name="value"`, with commas between them.
    pub fn sample(&mut self, labels: &str, value: f64) {
        push_sample(self.text, self.open, self.provider, &rest(labels), value);
    }
}

/// The start of each sample of a family, up to the name of the provider.
pub fn open(name: &str) -> String {
    format!("{name}{{provider=\"")
}

/// The rest of a label set with these labels after that of the provider.
pub fn rest(labels: &str) -> String {
    format!("\",{labels}}} ")
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
