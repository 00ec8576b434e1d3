//! When the list of a provider is read, and what is recorded of it.

use jiff::Timestamp;

use super::health::Health;
use super::listed::Listed;
use crate::outcome::ListRead;
use crate::provider::Provider;

impl Health {
    /// What is known about the list of this provider; `None` when its recipe has no list.
    #[must_use]
    pub fn listed(&self, provider: &Provider) -> Option<&Listed> {
        provider.recipe.list_interval()?;
        self.listed.as_deref()
    }

    /// Whether a probe that begins now reads the list.
    #[must_use]
    pub fn list_is_due(&self, provider: &Provider, now: Timestamp) -> bool {
        let Some(interval) = provider.recipe.list_interval() else { return false };
        // The probes are at a grid of their own, so the nearest one counts.
        let cadence = &provider.cadence;
        let interval = interval.saturating_sub(cadence.interval / 2);
        let longest = cadence.max_backoff.max(cadence.interval);
        self.listed.as_ref().is_none_or(|listed| listed.is_due(interval, longest, now))
    }

    /// Records a list that a probe read. The last complete list stays until there is another.
    pub(super) fn record_list(&mut self, read: &ListRead, started: Timestamp) {
        let listed = self.listed.get_or_insert_default();
        listed.tried = Some(started);
        match read {
            Ok(list) => {
                listed.list = list.clone();
                listed.complete = Some(started);
                listed.failure = None;
            }
            Err(failure) => listed.failure = Some(failure.clone()),
        }
    }

    /// The next probe reads the list.
    pub(super) fn list_again(&mut self) {
        if let Some(listed) = &mut self.listed {
            listed.tried = None;
        }
    }

    /// The list is about something else now.
    pub(super) fn forget_list(&mut self) {
        self.listed = None;
    }
}
