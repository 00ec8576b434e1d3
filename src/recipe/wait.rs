//! How long an answer asks to wait: by the rules of the recipe, else by its headers.

use std::time::Duration;

use super::expiry::{ends_at, is_absent};
use super::reader::Reader;
use super::retry::{leaves_nothing, retry_after, whole_seconds};
use super::trace::Found;
use crate::language::expression::explain;
use crate::outcome::{Expiry, Reason};
use crate::time::unix_seconds;

/// A status with which servers throttle (GitHub, AWS WAF) and also refuse.
const FORBIDDEN: u16 = 403;

/// What an answer says about waiting.
pub struct Waiting {
    /// The wait of the rules `retry_after`, in whole seconds.
    told: Option<Duration>,
    /// Whether the answer throttles the request although its status is that of a refusal.
    pub throttles: bool,
}

impl Reader<'_, '_> {
    /// Reads what a failed answer says about waiting.
    pub fn waiting(&mut self) -> Waiting {
        let told = self.told_wait();
        let headers = &self.response.headers;
        let asks = || {
            let received = self.response.received;
            told.or_else(|| retry_after(headers, false, received)).is_some()
        };
        let throttles = self.response.status == FORBIDDEN && (leaves_nothing(headers) || asks());
        Waiting { told, throttles }
    }

    /// How long to wait after a failure of this reason; `None` for one that stays.
    pub fn wait(&self, waiting: &Waiting, reason: Reason) -> Option<Duration> {
        let throttled = reason == Reason::Throttled;
        let by_headers = || retry_after(&self.response.headers, throttled, self.response.received);
        let passes = throttled
            || matches!(reason, Reason::Unavailable | Reason::Suspended | Reason::Blocked);
        passes.then(|| waiting.told.or_else(by_headers)).flatten()
    }

    /// The wait of the first rule `retry_after` that finds one.
    fn told_wait(&mut self) -> Option<Duration> {
        let (call, received) = (self.call, self.response.received);
        call.rules.retry_after.iter().find_map(|(rule, unit)| {
            let end = match self.evaluate(rule) {
                Ok(value) if is_absent(&value) => {
                    self.trace.note("retry_after", &rule.source, Found::Absent);
                    return None;
                }
                Ok(value) => ends_at(&value, *unit, received),
                Err(error) => Err(format!("nothing that can be worked out: {}", explain(&error))),
            };
            let found = match &end {
                Ok(Expiry::At(at)) => Found::End { at: Some(*at), received, unit: *unit },
                Ok(_) => Found::End { at: None, received, unit: *unit },
                Err(problem) => Found::NoEnd(*unit, problem.clone()),
            };
            self.trace.note("retry_after", &rule.source, found);
            whole_seconds(match end.ok()? {
                Expiry::At(end) => unix_seconds(end) - unix_seconds(received),
                Expiry::Never | Expiry::Unknown => f64::INFINITY,
            })
        })
    }
}
