//! The list of credentials in the state file. The names have passed the redactor.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::listed::Listed;
use crate::outcome::{CredentialList, Expiry, ListReadings, ListedCredential};
use crate::provider::Provider;
use crate::time::{from_unix_seconds, unix_seconds};

/// The last complete list. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
pub struct KeptList {
    complete: f64,
    #[serde(default)]
    dropped: u64,
    rows: Vec<KeptRow>,
}

#[derive(Serialize, Deserialize)]
struct KeptRow {
    name: String,
    /// The name in the list, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<f64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    never: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<f64>,
}

impl KeptList {
    /// `None` before the first complete list.
    pub fn of(listed: &Listed) -> Option<Self> {
        let row = |row: &ListedCredential| KeptRow {
            name: (*row.name).to_owned(),
            title: (row.title != row.name).then(|| (*row.title).to_owned()),
            expires: row.expiry.time().map(unix_seconds),
            never: row.expiry == Expiry::Never,
            created: row.created.map(unix_seconds),
        };
        Some(Self {
            complete: unix_seconds(listed.complete?),
            dropped: listed.list.dropped,
            rows: listed.list.rows.iter().map(row).collect(),
        })
    }

    /// The list of this provider; `None` when its recipe has no list, or when the saved values are
    /// not valid. `now` is the time of the wall clock. A list that is `outdated` is read again with
    /// the next probe.
    pub fn restored(
        self,
        provider: &Provider,
        now: Timestamp,
        outdated: bool,
    ) -> Option<Box<Listed>> {
        provider.recipe.list_interval()?;
        let complete = from_unix_seconds(self.complete).filter(|time| *time <= now)?;
        let rows = self.rows.into_iter().take(provider.recipe.most_listed()).filter_map(|row| {
            let expiry = match row.expires.and_then(from_unix_seconds) {
                Some(end) => Expiry::At(end),
                None if row.never => Expiry::Never,
                None => Expiry::Unknown,
            };
            let created = row.created.and_then(from_unix_seconds);
            ListedCredential::restored(&row.name, row.title.as_deref(), expiry, created)
        });
        let list = CredentialList {
            rows: rows.collect(),
            dropped: self.dropped,
            reading: ListReadings::default(),
        };
        let tried = Some(complete).filter(|_| !outdated);
        Some(Box::new(Listed { list, complete: Some(complete), tried, failure: None }))
    }
}
