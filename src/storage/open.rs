//! The opened state directory: its lock and its database.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::clock;
use super::database::{Database, Unusable, guarded};
use super::folder::{DATABASE, Folder, SaveError};
use super::write::{self, Row};
use crate::provider::Slot;
use crate::state::long::HOURS_OF_A_DAY;
use crate::state::{Entry, Hour, Ledger, Moment, Roster, Unsaved, saved};

/// A save writes the entries that have failed or changed, and one of so many parts of the others.
const PARTS: usize = 10;

/// The database for readers. A save holds the lock while its rows go from memory to the database,
/// so that a reader finds each of them in one of both.
pub type Shared = RwLock<Option<Arc<Database>>>;

/// A state directory that this process has locked, with its database.
pub struct Open {
    folder: Folder,
    database: Arc<Database>,
    /// How often the state was saved.
    saves: usize,
    /// The day on which old history was last removed.
    pruned: Option<u32>,
    /// The roster of the last save.
    roster: Option<Arc<Roster>>,
    /// Whether the database took the place of one that cannot be used.
    is_replaced: bool,
}

impl Open {
    /// Opens the directory. A database that cannot be used is renamed and logged, and a new one
    /// takes its place.
    ///
    /// # Errors
    /// When another process has the lock, or the system refuses.
    pub fn new(path: &Path) -> Result<Self, SaveError> {
        let folder = Folder::lock(path)?;
        let open = || Database::open(folder.database()?);
        let (database, is_replaced) = match open() {
            Err(problem) if problem.is_lasting() => {
                put_aside(&folder, path, &problem)?;
                (open()?, true)
            }
            outcome => (outcome?, false),
        };
        Ok(Self { is_replaced, ..Self::with(folder, Arc::new(database)) })
    }

    /// This directory with this database.
    pub(super) fn with(folder: Folder, database: Arc<Database>) -> Self {
        Self { folder, database, saves: 0, pruned: None, roster: None, is_replaced: false }
    }

    /// The directory.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The database.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// Whether the database took the place of one that cannot be used.
    pub fn is_replaced(&self) -> bool {
        self.is_replaced
    }

    /// Saves what is due, or everything.
    ///
    /// # Errors
    /// See [`Unusable`]. Nothing is written then.
    pub fn save(
        &mut self,
        ledger: &Ledger,
        everything: bool,
        now: Moment,
        shared: &Shared,
    ) -> Result<(), Unusable> {
        let roster = ledger.roster();
        let everything = everything || self.saves == 0;
        let due = due(&roster, (!everything).then_some(self.saves % PARTS));
        let transaction = self.database.begin()?;
        let clock = clock::note(&transaction, Hour::at(now.wall.as_millisecond()))?;
        let today = clock.hour / HOURS_OF_A_DAY;
        let rows = due.iter().map(|(entry, unsaved)| Row {
            name: &entry.provider.name,
            slot: number(entry.provider.slot),
            state: saved::write(entry, now),
            unsaved: (entry.provider.slot == Slot::Current).then_some(unsaved),
        });
        write::rows(&transaction, rows, today)?;
        let is_known = |name: &str, slot: Slot| roster.entry(name, slot).is_some();
        if self.roster.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &roster)) {
            write::forget_states(&transaction, |name, slot| is_known(name, slot_of(slot)))?;
        }
        if clock.is_believed() && self.pruned != Some(today) {
            let is_configured = |name: &str| is_known(name, Slot::Current);
            write::forget_old(&transaction, is_configured, clock.hour)?;
        }
        {
            let _readers_wait = shared.write().unwrap_or_else(PoisonError::into_inner);
            transaction.commit().map_err(redb::Error::from)?;
            for (entry, unsaved) in &due {
                entry.saved(unsaved);
            }
        }
        self.saves += 1;
        if clock.is_believed() {
            self.pruned = Some(today);
        }
        self.roster = Some(roster);
        Ok(())
    }

    /// Closes a database that cannot be used. It is renamed when another one must take its place.
    pub fn give_up(self, path: &Path, problem: &Unusable) {
        let Self { folder, database, .. } = self;
        // Closing a damaged database can panic.
        let _ = guarded(|| {
            drop(database);
            Ok(())
        });
        if problem.is_lasting() {
            let _ = put_aside(&folder, path, problem);
        }
    }
}

fn put_aside(folder: &Folder, path: &Path, problem: &Unusable) -> Result<(), SaveError> {
    folder.put_aside(DATABASE)?;
    let path = path.join(DATABASE);
    tracing::warn!(
        path = %path.display(), %problem, "the saved state cannot be used; its file is renamed"
    );
    Ok(())
}

/// The entries to save with what is not saved of them. `part` is the part of the entries that is
/// due beside those that have failed or changed; `None` for all.
fn due(roster: &Roster, part: Option<usize>) -> Vec<(Arc<Entry>, Unsaved)> {
    let count = roster.entries().len();
    let is_due = |place: usize| part.is_none_or(|part| place * PARTS / count.max(1) == part);
    let current = roster.in_order_of_names().enumerate();
    current
        .filter(|(place, entry)| is_due(*place) || entry.is_urgent())
        .map(|(_, entry)| entry)
        .chain(roster.next())
        .map(|entry| (Arc::clone(entry), entry.unsaved()))
        .collect()
}

/// The number of a slot in the database.
fn number(slot: Slot) -> u8 {
    u8::from(slot == Slot::Next)
}

fn slot_of(number: u8) -> Slot {
    if number == 0 { Slot::Current } else { Slot::Next }
}
