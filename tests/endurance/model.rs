//! The documented rules of credwatch, written a second time: what must follow from the answers of
//! the endpoint.

use std::time::Duration;

use crate::scale::{CONFIRM_AFTER, FAILURE_THRESHOLD, INTERVAL, MAX_BACKOFF};
use crate::truth::{Answer, Class, Served};

/// The time of the next request, counted from the request before it.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub earliest: Duration,
    pub latest: Duration,
    /// Whether the next request is at a regular slot of its provider.
    regular: bool,
}

/// The state of a provider by the rules.
#[derive(Clone, Default)]
pub struct Model {
    failures: u32,
    refusals: u32,
    /// Failures in a row with the same reason.
    same: u32,
    reason: Option<(Class, &'static str)>,
    broken: bool,
    on_grid: bool,
}

/// A change of the state by the rules.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The time at which the daemon knows the deciding answer.
    pub at: Duration,
    pub broken: bool,
}

impl Model {
    /// Applies an answer. Returns the time of the next request.
    fn take(&mut self, answer: Answer) -> Window {
        let reason = answer.reason();
        if let Some((class, _)) = reason {
            self.failures += 1;
            self.refusals = if class == Class::Credential { self.refusals + 1 } else { 0 };
            self.same = if self.reason == reason { self.same + 1 } else { 1 };
            // One failure more than the threshold decides. If all failures are `throttled`, the
            // threshold itself decides.
            let alone = matches!(answer, Answer::Throttled(_)) && self.same >= FAILURE_THRESHOLD;
            self.broken |= self.refusals >= 2
                || self.failures > FAILURE_THRESHOLD
                || (self.failures == FAILURE_THRESHOLD && alone);
        } else {
            *self = Self { on_grid: self.on_grid, ..Self::default() };
        }
        self.reason = reason;
        let window = self.window(answer);
        self.on_grid = window.regular;
        window
    }

    fn window(&self, answer: Answer) -> Window {
        let exactly = |pause: Duration| Window { earliest: pause, latest: pause, regular: false };
        let (earliest, latest) = if self.on_grid {
            (INTERVAL, INTERVAL)
        } else {
            (INTERVAL / 2, INTERVAL + INTERVAL / 2)
        };
        let regular = Window { earliest, latest, regular: true };
        match answer {
            Answer::Refused if self.refusals == 1 => exactly(CONFIRM_AFTER),
            Answer::Throttled(seconds) if Duration::from_secs(seconds.into()) > earliest => {
                let wait = Duration::from_secs(seconds.into());
                Window { earliest: wait, latest: wait.max(latest), regular: false }
            }
            Answer::Throttled(_) => regular,
            _ if self.failures == FAILURE_THRESHOLD && !self.broken => exactly(CONFIRM_AFTER),
            Answer::Refused if self.same > 2 => {
                exactly((INTERVAL * 2_u32.saturating_pow(self.same - 2)).min(MAX_BACKOFF))
            }
            _ => regular,
        }
    }
}

/// The rules applied to all requests of a provider.
pub struct Replay {
    /// When the provider becomes broken, and when it is no longer broken.
    pub changes: Vec<Change>,
    /// For each request, the time of the next one.
    pub windows: Vec<Window>,
    /// For each request, whether it came at a regular slot.
    on_grid: Vec<bool>,
}

impl Replay {
    /// Applies the rules to these requests, in order.
    pub fn of(served: &[Served]) -> Self {
        let mut model = Model::default();
        let mut replay = Self {
            changes: Vec::new(),
            windows: Vec::with_capacity(served.len()),
            on_grid: Vec::with_capacity(served.len()),
        };
        for one in served {
            let before = model.broken;
            replay.on_grid.push(model.on_grid);
            replay.windows.push(model.take(one.answer));
            if model.broken != before {
                replay
                    .changes
                    .push(Change { at: one.at() + one.answer.takes(), broken: model.broken });
            }
        }
        replay
    }

    /// Whether this request came at a regular slot, and not later than one interval after the
    /// request before it. A request between two slots can make the next pause longer.
    pub fn comes_regularly(&self, request: usize) -> bool {
        let before = request.checked_sub(1).and_then(|before| self.windows.get(before));
        self.on_grid.get(request).copied().unwrap_or(false)
            && before.is_none_or(|window| window.latest <= INTERVAL)
    }

    /// Whether the provider is broken by the rules at any time between these two.
    pub fn is_broken_within(&self, from: Duration, to: Duration) -> bool {
        let before = self
            .changes
            .iter()
            .take_while(|change| change.at <= from)
            .last()
            .is_some_and(|change| change.broken);
        before
            || self
                .changes
                .iter()
                .any(|change| change.broken && change.at > from && change.at <= to)
    }
}
