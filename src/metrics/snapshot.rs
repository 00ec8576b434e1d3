//! The values of all families at one moment, copied before they are written.
//!
//! Each health is locked once, and all its values are read while the processor has it in its cache.
//! The families are written later, one after the other, each from a table of numbers.

use std::sync::Arc;

use jiff::Timestamp;

use super::encode::Encoder;
use super::family::{Family, Samples, Starts, Subject};
use super::format::Format;
use super::histogram::Layout;
use super::names::Names;
use crate::provider::Slot;
use crate::state::histogram::{Bounds, Histogram};
use crate::state::{Entry, Moment};

/// The samples of all providers in one family.
#[derive(Default)]
pub struct Column {
    /// The same number of values for each provider. NaN is no sample.
    pub values: Vec<f64>,
    /// Further samples as text.
    pub text: Vec<u8>,
}

/// Reads the values of families. The columns are in the order of the families. `spare` are those of
/// an earlier scrape: with their memory, scrapes do not scatter the memory of the daemon.
pub fn read(
    families: &[&Family],
    names: &Names,
    pending: bool,
    now: Moment,
    has_created: bool,
    spare: Vec<Column>,
) -> Vec<Column> {
    let roster = names.roster();
    let columns = spare.into_iter().chain(std::iter::repeat_with(Column::default));
    let mut columns: Vec<(&Family, Starts, Column)> = families
        .iter()
        .zip(columns)
        .map(|(family, mut column)| {
            column.values.clear();
            column.text.clear();
            let width = match family.samples {
                Samples::Configured(_) | Samples::Labelled(_) => 0,
                Samples::Value(_) => 1,
                Samples::Each(rests, _) => rests.len(),
                Samples::Histogram(_) => Layout::width(roster.bounds()),
            };
            column.values.reserve_exact(width * names.of(family.slot).count());
            (*family, family.starts(has_created), column)
        })
        .collect();
    for slot in [Slot::Current, Slot::Next] {
        for (entry, provider) in names.of(slot) {
            let health = entry.health();
            let is_compact = roster.is_compact();
            let subject = Subject { entry, health: &health, is_compact, now, pending };
            for (family, starts, Column { values, text }) in &mut columns {
                if family.slot != slot {
                    continue;
                }
                match family.samples {
                    Samples::Configured(_) => {}
                    Samples::Value(value) => values.push(value(&subject).unwrap_or(f64::NAN)),
                    Samples::Each(rests, each) => {
                        let start = values.len();
                        values.resize(start + rests.len(), f64::NAN);
                        let mut writer = starts.writer(text, provider, entry.created());
                        each(&subject, &mut values[start..], &mut writer);
                    }
                    Samples::Labelled(samples) => {
                        samples(&subject, &mut starts.writer(text, provider, entry.created()));
                    }
                    Samples::Histogram(histogram) => {
                        let histogram = histogram(&subject);
                        if Arc::ptr_eq(&histogram.bounds, roster.bounds()) {
                            Layout::push(histogram, is_compact, values);
                        } else {
                            // A reload has changed the bounds during this scrape.
                            let width = Layout::width(roster.bounds());
                            values.resize(values.len() + width, f64::NAN);
                            let created = created(entry, &histogram.bounds);
                            let created = has_created.then_some(created);
                            other_bounds(
                                (family.name, provider),
                                histogram,
                                is_compact,
                                created,
                                text,
                            );
                        }
                    }
                }
            }
        }
    }
    columns.into_iter().map(|(_, _, column)| column).collect()
}

/// When the histogram of an entry with these bounds began.
pub fn created(entry: &Entry, bounds: &Bounds) -> Timestamp {
    entry.created().max(bounds.created())
}

/// Writes a histogram whose bounds are not those of the roster.
fn other_bounds(
    (name, provider): (&str, &str),
    histogram: &Histogram,
    is_compact: bool,
    created: Option<Timestamp>,
    text: &mut Vec<u8>,
) {
    let mut values = Vec::new();
    Layout::push(histogram, is_compact, &mut values);
    let mut encoder = Encoder::new(text, Format::Text);
    Layout::new(name, &histogram.bounds).write(provider, &values, created, &mut encoder);
    // A text in memory takes everything.
    let _ = encoder.finish();
}
