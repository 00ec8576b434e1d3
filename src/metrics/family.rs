//! The type of a metric family about providers.

use std::sync::LazyLock;

use jiff::Timestamp;

use super::encode::push_sample;
use crate::provider::{Provider, Slot};
use crate::state::histogram;
use crate::state::{Entry, Health, Moment};
use crate::time::unix_seconds;

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
    text: &'a mut Vec<u8>,
    /// The start of each sample: `NAME{provider="`.
    open: &'a str,
    /// The name of the provider, escaped.
    provider: &'a str,
    /// The start of each sample that tells when a counter began, and that time; `None` when the
    /// exposition does not tell it.
    created: Option<(&'a str, Timestamp)>,
}

impl Writer<'_> {
    /// Writes one sample. `labels` are further ones: `name="value"`, with commas between them.
    pub fn sample(&mut self, labels: &str, value: f64) {
        let rest = rest(labels);
        push_sample(self.text, self.open, self.provider, &rest, value);
        if let Some((open, created)) = self.created {
            push_sample(self.text, open, self.provider, &rest, unix_seconds(created));
        }
    }

    /// The same for a counter that exists only since this time.
    pub fn sample_since(&mut self, labels: &str, value: f64, since: Timestamp) {
        let Self { open, provider, created, .. } = *self;
        let created = created.map(|(open, _)| (open, since));
        Writer { text: self.text, open, provider, created }.sample(labels, value);
    }
}

/// The starts of the samples of a family, up to the name of the provider.
pub struct Starts {
    /// Of its values.
    pub value: String,
    /// Of the times at which its counters began; `None` when the exposition does not tell them.
    pub created: Option<String>,
}

impl Starts {
    /// Writes samples of this provider, whose counters began at this time.
    pub fn writer<'a>(
        &'a self,
        text: &'a mut Vec<u8>,
        provider: &'a str,
        created: Timestamp,
    ) -> Writer<'a> {
        let created = self.created.as_deref().map(|open| (open, created));
        Writer { text, open: &self.value, provider, created }
    }
}

impl Family {
    /// The starts of its samples. `has_created` tells whether those of times are among them.
    pub fn starts(&self, has_created: bool) -> Starts {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        let is_told = has_created && self.kind != "gauge";
        let created = is_told.then(|| open(&format!("{name}_created")));
        Starts { value: open(self.name), created }
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
