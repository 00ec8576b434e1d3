//! What is known about the credentials in the list of a provider.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::outcome::{CredentialList, Expiry, Failure, ListedCredential};
use crate::provider::Provider;
use crate::time::unix_seconds;

/// After a failure the list is read again after this part of its interval.
const RETRY_PART: u32 = 6;

/// The last complete list of a provider, and the last try to read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The last complete list.
    pub(super) list: CredentialList,
    /// When the last complete list was read.
    pub(super) complete: Option<Timestamp>,
    /// When the list was last read or tried; `None` when it must be read along with the next probe.
    pub(super) tried: Option<Timestamp>,
    /// Why the last try did not read the whole list.
    pub(super) failure: Option<Failure>,
}

impl Listed {
    /// The last complete list, those credentials that end first at the front.
    #[must_use]
    pub fn list(&self) -> &CredentialList {
        &self.list
    }

    /// When the last complete list was read.
    #[must_use]
    pub fn complete(&self) -> Option<Timestamp> {
        self.complete
    }

    /// Why the last try did not read the whole list.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The credentials, each with the end that counts.
    pub fn ends<'a>(
        &'a self,
        provider: &Provider,
    ) -> impl Iterator<Item = (&'a ListedCredential, Expiry)> {
        let max_age = provider.policy.max_age;
        self.list.rows.iter().map(move |row| (row, row.with_max_age(max_age)))
    }

    /// The names in the list of those credentials that have not ended. Another credential with
    /// such a name that has ended is replaced.
    #[must_use]
    pub fn live(&self, provider: &Provider, now: Timestamp) -> HashSet<&str> {
        let live = self.ends(provider).filter(|(_, expiry)| !is_over(*expiry, now));
        live.map(|(row, _)| &*row.title).collect()
    }

    /// Whether a list with this interval must be read now. A provider that asks to wait cannot
    /// make the wait longer than `longest`.
    pub(super) fn is_due(&self, interval: Duration, longest: Duration, now: Timestamp) -> bool {
        let Some(tried) = self.tried.filter(|tried| *tried <= now) else { return true };
        let wait = match &self.failure {
            Some(failure) => {
                let asked = failure.retry_after.unwrap_or_default().min(longest);
                (interval / RETRY_PART).max(asked)
            }
            None => interval,
        };
        unix_seconds(now) - unix_seconds(tried) >= wait.as_secs_f64()
    }
}

/// Whether an end has passed.
#[must_use]
pub fn is_over(expiry: Expiry, now: Timestamp) -> bool {
    expiry.time().is_some_and(|end| end <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Reason;

    #[test]
    fn a_provider_cannot_put_the_list_off_for_longer_than_the_longest_pause() {
        let time = |seconds| Timestamp::from_second(seconds).expect("a time");
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let mut failure = Failure::new(Reason::Throttled, "");
        failure.retry_after = Some(hours(30 * 24));
        let listed = Listed { tried: Some(time(0)), failure: Some(failure), ..Listed::default() };
        let is_due = |seconds| listed.is_due(hours(6), hours(2), time(seconds));
        assert!(!is_due(2 * 3600 - 1));
        assert!(is_due(2 * 3600));
    }
}
