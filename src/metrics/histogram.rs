//! The samples of a histogram.

use jiff::Timestamp;

use super::encode::Encoder;
use super::family::{open, rest};
use super::samples::count;
use crate::state::histogram::{Bounds, Histogram};
use crate::time::unix_seconds;

/// Names and labels of the samples of histograms with the same bounds.
pub struct Layout {
    bucket: String,
    rests: Vec<String>,
    sum: String,
    count: String,
    created: String,
}

impl Layout {
    /// The layout of a family with these bounds.
    pub fn new(name: &str, bounds: &Bounds) -> Self {
        let rests = bounds.iter().map(|bound| rest(&format!("le=\"{bound}\"")));
        Self {
            bucket: open(&format!("{name}_bucket")),
            rests: rests.chain([rest("le=\"+Inf\"")]).collect(),
            sum: open(&format!("{name}_sum")),
            count: open(&format!("{name}_count")),
            created: open(&format!("{name}_created")),
        }
    }

    /// The number of values of a provider: the buckets with `+Inf`, the sum and the count.
    pub fn width(bounds: &Bounds) -> usize {
        bounds.len() + 3
    }

    /// Appends the values of a provider. NaN is a bucket that is left out.
    pub fn push(histogram: &Histogram, is_compact: bool, values: &mut Vec<f64>) {
        let compact = is_compact.then(|| histogram.compact());
        let mut total = 0;
        for (index, own) in histogram.counts.iter().enumerate() {
            total += own;
            // The rules count the requests of at most one second.
            let bound = histogram.bounds.get(index);
            let stays = bound.is_none_or(|bound| bound.total_cmp(&1.0).is_eq());
            let is_shown = stays || compact.as_ref().is_none_or(|it| it.contains(&index));
            values.push(if is_shown { count(total) } else { f64::NAN });
        }
        values.extend([histogram.sum, count(total)]);
    }

    /// Writes the values of a provider, and when the histogram began if the exposition tells it.
    pub fn write(
        &self,
        provider: &str,
        values: &[f64],
        created: Option<Timestamp>,
        encoder: &mut Encoder<'_>,
    ) {
        let [buckets @ .., sum, count] = values else { return };
        for (rest, value) in self.rests.iter().zip(buckets) {
            if !value.is_nan() {
                encoder.sample(&self.bucket, provider, rest, *value);
            }
        }
        // A histogram of other bounds has its samples in the text of the column.
        if !count.is_nan() {
            encoder.sample(&self.sum, provider, "\"} ", *sum);
            encoder.sample(&self.count, provider, "\"} ", *count);
            if let Some(created) = created {
                encoder.sample(&self.created, provider, "\"} ", unix_seconds(created));
            }
        }
    }
}
