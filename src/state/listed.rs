//! What is known about the credentials in the list of a provider.

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

    /// Whether a credential has ended and another one with its name in the list has not.
    #[must_use]
    pub fn is_replaced(&self, row: &ListedCredential, provider: &Provider, now: Timestamp) -> bool {
        let is_over = |expiry: Expiry| matches!(expiry, Expiry::At(end) if end <= now);
        is_over(row.with_max_age(provider.policy.max_age))
            && self.ends(provider).any(|(other, end)| other.title == row.title && !is_over(end))
    }

    /// Whether a list with this interval must be read now.
    pub(super) fn is_due(&self, interval: Duration, now: Timestamp) -> bool {
        let Some(tried) = self.tried.filter(|tried| *tried <= now) else { return true };
        let wait = match &self.failure {
            Some(failure) => (interval / RETRY_PART).max(failure.retry_after.unwrap_or_default()),
            None => interval,
        };
        unix_seconds(now) - unix_seconds(tried) >= wait.as_secs_f64()
    }
}
