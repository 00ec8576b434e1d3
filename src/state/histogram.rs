//! The histogram of probe durations.

use std::sync::Arc;

/// Counts of durations by bucket.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The upper bounds, in seconds. They stand beside the counts, because a reload can change
    /// them.
    pub bounds: Arc<[f64]>,
    /// Counts of each bucket, not cumulated. The last bucket has no upper bound.
    pub counts: Box<[u64]>,
    /// The sum of all durations, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// A histogram without durations.
    #[must_use]
    pub fn new(bounds: &Arc<[f64]>) -> Self {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_bucket_whose_bound_they_do_not_exceed() {
        let mut histogram = Histogram::new(&[0.5, 1.0].into());
        for seconds in [0.1, 0.5, 0.6, 7.0] {
            histogram.observe(seconds);
        }
        assert_eq!(&*histogram.counts, [2, 1, 1]);
        assert!((histogram.sum - 8.2).abs() < 1e-9);
    }
}
