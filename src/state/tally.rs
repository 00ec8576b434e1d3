//! The probes of one hour or of one day as numbers.

use crate::outcome::{Class, Outcome, Probe};

/// The length of an hour, in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// The probes of a period as numbers. Times are in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All probes.
    pub probes: u64,
    /// The failed ones, in the order of [`Class::ALL`].
    pub failures: [u64; Class::ALL.len()],
    /// The probes that sent a request, so that they have a duration.
    pub timed: u64,
    /// The sum of their durations.
    pub duration_sum: u64,
    /// The longest of their durations.
    pub duration_max: u64,
    /// For how long the state of the provider was known.
    pub observed: u64,
    /// For how much of that time the provider was broken.
    pub broken: u64,
}

impl Tally {
    /// Adds the probes of another period.
    pub fn add(&mut self, other: &Self) {
        self.probes += other.probes;
        for (sum, part) in self.failures.iter_mut().zip(other.failures) {
            *sum += part;
        }
        self.timed += other.timed;
        self.duration_sum += other.duration_sum;
        self.duration_max = self.duration_max.max(other.duration_max);
        self.observed += other.observed;
        self.broken += other.broken;
    }

    /// The share of the observed time in which the provider was not broken; `None` when nothing was
    /// observed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of three months are exact")]
    pub fn uptime(&self) -> Option<f64> {
        let up = self.observed.saturating_sub(self.broken);
        (self.observed > 0).then(|| up as f64 / self.observed as f64)
    }
}

/// The same for one hour, in 32 bytes. A daemon without a state directory has 24 of these for each
/// provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// The number of the hour since 1970.
    pub hour: u32,
    duration_sum: u32,
    duration_max: u32,
    observed: u32,
    broken: u32,
    probes: u16,
    timed: u16,
    failures: [u16; Class::ALL.len()],
}

impl Hour {
    /// An hour without a probe.
    #[must_use]
    pub fn new(hour: u32) -> Self {
        Self {
            hour,
            duration_sum: 0,
            duration_max: 0,
            observed: 0,
            broken: 0,
            probes: 0,
            timed: 0,
            failures: [0; Class::ALL.len()],
        }
    }

    /// The number of the hour since 1970 at a time in milliseconds since 1970.
    #[must_use]
    pub fn at(time: i64) -> u32 {
        u32::try_from(time.div_euclid(HOUR)).unwrap_or(0)
    }

    /// Counts a probe.
    pub(super) fn count(&mut self, probe: &Probe) {
        self.probes = self.probes.saturating_add(1);
        if let Outcome::Failed(failure) = &probe.outcome {
            let failures = &mut self.failures[failure.reason.class() as usize];
            *failures = failures.saturating_add(1);
        }
        // A probe that failed before it sent anything has no duration.
        if probe.duration > 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the deadline of a probe is far below 49 days"
            )]
            let duration = (probe.duration * 1e3).round() as u32;
            self.timed = self.timed.saturating_add(1);
            self.duration_sum = self.duration_sum.saturating_add(duration);
            self.duration_max = self.duration_max.max(duration);
        }
    }

    /// The state of the provider was known for this time.
    pub(super) fn observe(&mut self, milliseconds: u32, is_broken: bool) {
        self.observed = self.observed.saturating_add(milliseconds);
        if is_broken {
            self.fail(milliseconds);
        }
    }

    /// The provider was broken for this part of the observed time.
    pub(super) fn fail(&mut self, milliseconds: u32) {
        self.broken = self.broken.saturating_add(milliseconds);
    }

    /// Takes away what is saved. The longest duration stays, because it can be saved twice.
    pub(super) fn take(&mut self, saved: &Self) {
        self.duration_sum = self.duration_sum.saturating_sub(saved.duration_sum);
        self.observed = self.observed.saturating_sub(saved.observed);
        self.broken = self.broken.saturating_sub(saved.broken);
        self.probes = self.probes.saturating_sub(saved.probes);
        self.timed = self.timed.saturating_sub(saved.timed);
        for (rest, part) in self.failures.iter_mut().zip(saved.failures) {
            *rest = rest.saturating_sub(part);
        }
    }

    /// Whether nothing is left of it.
    pub(super) fn is_empty(&self) -> bool {
        (self.probes, self.observed, self.broken) == (0, 0, 0)
    }

    /// The numbers.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally {
            probes: self.probes.into(),
            failures: self.failures.map(u64::from),
            timed: self.timed.into(),
            duration_sum: self.duration_sum.into(),
            duration_max: self.duration_max.into(),
            observed: self.observed.into(),
            broken: self.broken.into(),
        }
    }
}
