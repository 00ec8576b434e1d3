//! Chance that can be repeated: every draw follows from the seed, from what it is for, and from its
//! number.

use std::time::Duration;

/// A series of draws (`SplitMix64`).
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// One series for each purpose, so that none depends on how often another is used.
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(purpose)))
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// In 0..1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.number() >> 32).unwrap_or_default()) / 4_294_967_296.0
    }

    /// In 0..`count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(count.max(1)).unwrap_or(1))
            .unwrap_or_default()
    }

    /// Between two times.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        low + high.saturating_sub(low).mul_f64(self.fraction())
    }
}

/// Neighbours have nothing in common afterwards.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
