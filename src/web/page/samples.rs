//! Providers and probes for the tests of the pages.

use crate::outcome::{Outcome, Probe};
use crate::provider::Provider;

/// A provider with this name and these labels, and with defaults for everything else.
pub fn provider(name: &str, labels: &[(&str, &str)]) -> Provider {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Provider { labels: labels.collect(), ..Provider::sample(name) }
}

/// A probe with this outcome.
pub fn probe(outcome: Outcome) -> Probe {
    Probe { duration: 0.2, ..Probe::new(outcome, "2026-01-01T00:00:00Z".parse().expect("a date")) }
}
