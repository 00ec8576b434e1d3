//! Reads histories for pages, the API and the export. A disk that hangs keeps one thread, and
//! nothing else waits for it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use redb::ReadTransaction;

use super::database::{Unusable, guarded};
use super::keeper::Storage;
use super::packed::PROVIDERS;
use super::read;
use crate::state::long::LongHistory;
use crate::state::{Entry, Timeline};

/// How long an answer waits for a history. After that it shows only what is in memory.
const LONGEST_READ: Duration = Duration::from_secs(3);

impl Storage {
    /// The history of a provider until now. While the database cannot be read, it is what is in
    /// memory, without sums.
    pub async fn history(self: Arc<Self>, entry: Arc<Entry>, now: Timestamp) -> LongHistory {
        let in_memory = LongHistory::without_the_saved(&entry.timeline_until(now), now);
        let read = async {
            let turn = self.readers.turns.take(LONGEST_READ).await?;
            let storage = Arc::clone(&self);
            let reading = self.readers.threads.call(move || {
                let _turn = turn;
                storage.read_one(&entry, now)
            });
            reading.await?
        };
        let read = tokio::time::timeout(LONGEST_READ, read).await;
        read.ok().flatten().unwrap_or(in_memory)
    }

    fn read_one(&self, entry: &Arc<Entry>, now: Timestamp) -> Option<LongHistory> {
        let mut found = None;
        let entries = std::slice::from_ref(entry);
        let moment = self.moment(entries, now)?;
        let _ = self.noted(|| {
            let number = read::number(&moment.0, &entry.provider.name)?;
            moment.histories(&[number], now, &mut |_, long| {
                found = Some(long);
                Ok(())
            })
        });
        found
    }

    /// Passes on the history of each of these providers, 64 at a time. Without a database, it is
    /// what is in memory.
    ///
    /// # Errors
    /// The error of `each`, and when the database cannot be read.
    pub fn export(
        &self,
        entries: &[Arc<Entry>],
        now: Timestamp,
        each: &mut dyn FnMut(&Entry, &LongHistory) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut numbered: Vec<(Option<u32>, Arc<Entry>)> =
            entries.iter().map(|entry| (None, Arc::clone(entry))).collect();
        if let Some(moment) = self.moment(&[], now) {
            let read = self.noted(|| {
                for (number, entry) in &mut numbered {
                    *number = read::number(&moment.0, &entry.provider.name)?;
                }
                Ok(())
            });
            read.ok_or_else(unreadable)?;
        }
        let chunk = |number: Option<u32>| number.map(|number| number / PROVIDERS);
        numbered.sort_by_key(|(number, _)| *number);
        for part in numbered.chunk_by(|one, other| chunk(one.0) == chunk(other.0)) {
            for part in part.chunks(PROVIDERS as usize) {
                let (numbers, entries): (Vec<_>, Vec<_>) = part.iter().cloned().unzip();
                let Some(moment) = self.moment(&entries, now) else {
                    for entry in &entries {
                        let timeline = entry.timeline_until(now);
                        each(entry, &LongHistory::without_the_saved(&timeline, now))?;
                    }
                    continue;
                };
                let mut failed = None;
                let read = self.noted(|| {
                    moment.histories(&numbers, now, &mut |place, long| {
                        each(&entries[place], &long).map_err(|error| {
                            let kind = error.kind();
                            failed = Some(error);
                            kind.into()
                        })
                    })
                });
                failed.map_or(Ok(()), Err)?;
                read.ok_or_else(unreadable)?;
            }
        }
        Ok(())
    }

    /// What is in the database and in memory at one moment; `None` without a database.
    fn moment(&self, entries: &[Arc<Entry>], now: Timestamp) -> Option<Moment> {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        let transaction = shared.as_ref()?.read().ok()?;
        let timelines = entries.iter().map(|entry| entry.timeline_until(now)).collect();
        Some(Moment(transaction, timelines))
    }

    /// Runs a read. When the database is damaged, the next save puts it aside.
    pub(super) fn noted(&self, work: impl FnOnce() -> Result<(), Unusable>) -> Option<()> {
        let outcome = guarded(work);
        if outcome.as_ref().is_err_and(Unusable::is_lasting) {
            self.is_damaged.store(true, Ordering::Relaxed);
        }
        outcome.ok()
    }
}

fn unreadable() -> io::Error {
    io::Error::other("the history cannot be read")
}

/// The database and the timelines of some providers at one moment.
struct Moment(ReadTransaction, Vec<Timeline>);

impl Moment {
    /// Passes on the history of each provider with its place. `numbers` are those of the providers,
    /// which have their tallies in the same values; `None` for one without a saved history.
    fn histories(
        &self,
        numbers: &[Option<u32>],
        now: Timestamp,
        each: &mut dyn FnMut(usize, LongHistory) -> io::Result<()>,
    ) -> Result<(), Unusable> {
        let known: Vec<u32> = numbers.iter().copied().flatten().collect();
        let mut all = read::saved(&self.0, &known)?;
        for (place, (number, timeline)) in numbers.iter().zip(&self.1).enumerate() {
            let saved = number.and_then(|number| all.remove(&number)).unwrap_or_default();
            each(place, LongHistory::of(timeline, Some(saved), now))?;
        }
        Ok(())
    }
}
