//! The histogram of probe durations.

use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

/// The upper bounds of the buckets, in seconds. All providers of a daemon share them.
#[derive(Debug)]
pub struct Bounds {
    seconds: Box<[f64]>,
    /// Since when durations are counted in these buckets.
    created: Timestamp,
    /// The highest bucket in which any provider has ever counted a duration.
    highest: AtomicUsize,
}

impl Deref for Bounds {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.seconds
    }
}

impl Bounds {
    /// Bounds in rising order, in use since `created`.
    #[must_use]
    pub fn new(seconds: &[f64], created: Timestamp) -> Arc<Self> {
        Arc::new(Self { seconds: seconds.into(), created, highest: AtomicUsize::new(0) })
    }

    /// Since when durations are counted in these buckets.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }
}

/// Counts of durations by bucket.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The upper bounds. They stand beside the counts, because a reload can change them.
    pub bounds: Arc<Bounds>,
    /// Counts of each bucket, not cumulated. The last bucket has no upper bound.
    pub counts: Box<[u64]>,
    /// The sum of all durations, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// A histogram without durations.
    #[must_use]
    pub fn new(bounds: &Arc<Bounds>) -> Self {
        Self {
            bounds: Arc::clone(bounds),
            counts: vec![0; bounds.len() + 1].into_boxed_slice(),
            sum: 0.0,
        }
    }

    /// Counts one duration.
    pub fn observe(&mut self, seconds: f64) {
        let bucket =
            self.bounds.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket] += 1;
        self.sum += seconds;
        // Nearly never true: most probes write nothing that the threads share.
        if bucket > self.bounds.highest.load(Ordering::Relaxed) {
            self.bounds.highest.fetch_max(bucket, Ordering::Relaxed);
        }
    }

    /// The buckets that compact metrics have beside `+Inf`; they only ever become more.
    ///
    /// A bucket below all durations of this provider is zero and changes no sum over providers. The
    /// highest of them stays, because a quantile is interpolated from it. A bucket above all
    /// durations is not zero, so all providers leave it out together.
    #[must_use]
    pub fn compact(&self) -> RangeInclusive<usize> {
        match self.counts.iter().position(|count| *count > 0) {
            Some(first) => first.saturating_sub(1)..=self.bounds.highest.load(Ordering::Relaxed),
            #[expect(clippy::reversed_empty_ranges, reason = "no bucket")]
            None => 1..=0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_bucket_whose_bound_they_do_not_exceed() {
        let mut histogram = Histogram::new(&Bounds::new(&[0.5, 1.0], Timestamp::UNIX_EPOCH));
        for seconds in [0.1, 0.5, 0.6, 7.0] {
            histogram.observe(seconds);
        }
        assert_eq!(&*histogram.counts, [2, 1, 1]);
        assert!((histogram.sum - 8.2).abs() < 1e-9);
    }

    #[test]
    fn compact_buckets_begin_below_the_first_duration_and_end_where_no_provider_has_one() {
        let bounds = Bounds::new(&[0.1, 0.5, 1.0, 5.0, 10.0], Timestamp::UNIX_EPOCH);
        let [mut quick, mut slow] = [Histogram::new(&bounds), Histogram::new(&bounds)];
        assert!(quick.compact().is_empty(), "before the first duration");
        quick.observe(0.05);
        assert_eq!(quick.compact(), 0..=0);
        slow.observe(3.0);
        assert_eq!((quick.compact(), slow.compact()), (0..=3, 2..=3));
        slow.observe(0.2);
        slow.observe(60.0);
        assert_eq!((quick.compact(), slow.compact()), (0..=5, 0..=5));
    }
}
