//! The rules of credwatch's documentation, written a second time: from what the endpoint answered
//! to what must follow.

use std::time::Duration;

use crate::scale::{CONFIRM_AFTER, FAILURE_THRESHOLD, INTERVAL, MAX_BACKOFF};
use crate::truth::{Answer, Class, Served};

/// When the next request must come, counted from the one before.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub earliest: Duration,
    pub latest: Duration,
    /// Whether the next one is back on the grid of its provider.
    regular: bool,
}

/// A provider as the rules have it.
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

/// A change of what the rules say.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// When the answer that decides was known.
    pub at: Duration,
    pub broken: bool,
}

impl Model {
    /// Takes an answer in, and says when the next request must come.
    fn take(&mut self, answer: Answer) -> Window {
        let reason = answer.reason();
        if let Some((class, _)) = reason {
            self.failures += 1;
            self.refusals = if class == Class::Credential { self.refusals + 1 } else { 0 };
            self.same = if self.reason == reason { self.same + 1 } else { 1 };
            // One more than the threshold decides. So many are enough when all of them said that we
            // ask too often.
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

/// What the rules make of all requests of a provider.
pub struct Replay {
    /// When it must be called broken, and when no longer.
    pub changes: Vec<Change>,
    /// For each request, when the next must come.
    pub windows: Vec<Window>,
    /// For each request, whether it came on the grid.
    pub on_grid: Vec<bool>,
}

impl Replay {
    /// Of these requests, in order.
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

    /// Whether the rules call it broken at some moment between two times.
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
