//! The state directory on disks that are full, damaged or slow, and after a crash.

use std::io::{Error, ErrorKind};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::database::{Database, Unusable};
use super::folder::{Folder, SaveError};
use super::keeper::{LONGEST_SAVE, Storage, bounded};
use super::open::{Open, Shared};
use super::read;
use super::write::{self, Row};
use crate::outcome::{Failure, Outcome, Probe, Reason};
use crate::provider::{Provider, Slot};
use crate::state::long::{LongHistory, Saved, Window};
use crate::state::{Entry, Incident, Ledger, Moment};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A ledger with one provider that has failed once and then for good.
fn ledger() -> Ledger {
    let ledger = Ledger::new(vec![Arc::new(Provider::sample("p"))], &[]);
    for _ in 0..2 {
        fail(&ledger);
    }
    ledger
}

fn entry(ledger: &Ledger) -> Arc<Entry> {
    Arc::clone(ledger.roster().entry("p", Slot::Current).expect("it is there"))
}

fn fail(ledger: &Ledger) {
    let failure = Failure::new(Reason::Rejected, "a sentence of the provider");
    let probe = Probe::new(Outcome::Failed(failure), ledger.now().wall);
    let _ = entry(ledger).record(&probe);
}

/// How many probes the history of the provider has.
async fn probes(storage: &Arc<Storage>, ledger: &Ledger) -> u64 {
    let history = Arc::clone(storage).history(entry(ledger), ledger.now().wall).await;
    assert!(history.days.is_some(), "it is read from the database");
    let sum = history.sum(Window::Day).expect("a sum");
    assert_eq!(sum.probes, sum.failures[2]);
    sum.probes
}

/// A disk that has no room left while the flag is set.
#[derive(Debug)]
struct Full(FileBackend, Arc<AtomicBool>);

impl StorageBackend for Full {
    fn len(&self) -> Result<u64, Error> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> Result<(), Error> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        if self.1.load(Ordering::Relaxed) {
            return Err(ErrorKind::StorageFull.into());
        }
        self.0.write(offset, data)
    }
    fn close(&self) -> Result<(), Error> {
        self.0.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }
    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.try_lock_shared_range(start, end)
    }
    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_shared_range(start, end)
    }
    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }
    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.query_lock_range(start, end)
    }
}

#[tokio::test]
async fn what_was_not_saved_on_a_full_disk_is_saved_when_there_is_room_again() {
    let place = tempfile::tempdir().expect("a folder");
    let storage = Arc::new(Storage::new(place.path().to_owned()));
    let (ledger, is_full) = (ledger(), Arc::new(AtomicBool::new(false)));
    let file = tempfile::tempfile().expect("a file");
    let full = Full(FileBackend::new(file).expect("a backend"), Arc::clone(&is_full));
    let database = Arc::new(Database::of(full).expect("it is made"));
    let open = Open::with(Folder::lock(place.path()).expect("nobody else"), database);
    *storage.open.lock().expect("not poisoned") = Some(open);
    is_full.store(true, Ordering::Relaxed);
    let error = storage.save(&ledger, false).expect_err("there is no room");
    let SaveError::Database(Unusable::Io(error)) = error else { panic!("{error}") };
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    fail(&ledger);
    storage.save(&ledger, false).expect("the file has room");
    assert!(entry(&ledger).unsaved().hours.is_empty());
    assert_eq!(probes(&storage, &ledger).await, 3);
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_a_whole_database() {
    let place = tempfile::tempdir().expect("a folder");
    let storage = Arc::new(Storage::new(place.path().to_owned()));
    let first = ledger();
    storage.save(&first, false).expect("saved");
    fail(&first);
    let file = place.path().join("state.redb");
    // What is on the disk while a save writes, and when the process ends without closing.
    let other = tempfile::tempdir().expect("a folder");
    {
        let guard = storage.opened().expect("open");
        let _transaction = guard.as_ref().expect("open").database().begin().expect("begun");
        std::fs::copy(&file, other.path().join("state.redb")).expect("copied");
    }
    let again = Arc::new(Storage::new(other.path().to_owned()));
    let second = ledger();
    again.save(&second, false).expect("saved");
    assert_eq!(probes(&again, &second).await, 4, "two from before and two of its own");
    assert!(!other.path().join("state.redb.unusable").exists());
}

#[tokio::test]
async fn damage_that_is_found_later_is_put_aside_and_nothing_ends() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("state.redb");
    let ledger = ledger();
    Storage::new(place.path().to_owned()).save(&ledger, true).expect("saved");
    let sound = std::fs::read(&file).expect("readable");
    // Each page but the first, which is checked when the file is opened.
    for begin in (4_096..sound.len()).step_by(4_096) {
        let mut bytes = sound.clone();
        bytes[begin..begin + 4_096].fill(0x5a);
        std::fs::write(&file, &bytes).expect("written");
        let storage = Arc::new(Storage::new(place.path().to_owned()));
        let _ = Arc::clone(&storage).history(entry(&ledger), ledger.now().wall).await;
        fail(&ledger);
        let first = storage.save(&ledger, false);
        storage.save(&ledger, false).unwrap_or_else(|error| panic!("{begin}: {error}"));
        assert!(first.is_ok(), "{begin}: {first:?}");
        assert!(probes(&storage, &ledger).await > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_save_on_a_disk_that_hangs_is_given_up_and_no_second_thread_waits_for_it() {
    let place = tempfile::tempdir().expect("a folder");
    let storage = Arc::new(Storage::new(place.path().to_owned()));
    let (answer, disk) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let hanging = Arc::clone(&storage);
    let save = tokio::spawn(bounded(move || {
        let _open = hanging.opened()?;
        let _ = begun.send(());
        let _ = disk.recv();
        Ok(())
    }));
    begins.await.expect("the save begins");
    tokio::time::advance(LONGEST_SAVE).await;
    assert!(matches!(save.await.expect("it ran"), Err(SaveError::Slow(_))));
    let ledger = Ledger::new(Vec::new(), &[]);
    assert!(matches!(storage.save(&ledger, false), Err(SaveError::Slow(_))));
    drop(answer);
    while storage.save(&ledger, false).is_err() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn old_hours_become_days_and_what_is_older_than_90_days_goes() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::lock(place.path()).expect("nobody else");
    let database = Database::open(folder.database().expect("a file")).expect("it is made");
    // The day 20,484 since 1970 is 2026-01-31.
    let now: Timestamp = "2026-01-31T05:30:00Z".parse().expect("a time");
    let (today, this_hour) = (20_484, 20_484 * 24 + 5);
    let ledger = ledger();
    let entry = entry(&ledger);
    entry.saved(&entry.unsaved());
    for days in [100, 89, 10, 8, 3, 0] {
        let refused = Outcome::Failed(Failure::new(Reason::Rejected, ""));
        for outcome in [refused.clone(), refused, Outcome::Accepted] {
            let _ = entry.record(&Probe::new(outcome, now - days * DAY));
        }
        let unsaved = entry.unsaved();
        let transaction = database.begin().expect("begun");
        let row = Row { name: "p", slot: 0, state: None, unsaved: Some(&unsaved) };
        write::rows(&transaction, std::iter::once(row), today).expect("written");
        transaction.commit().expect("written");
        entry.saved(&unsaved);
    }
    let forget = |is_configured: bool, this_hour: u32| {
        let transaction = database.begin().expect("begun");
        write::forget_old(&transaction, |_| is_configured, this_hour).expect("written");
        transaction.commit().expect("written");
        let moment = database.read().expect("readable");
        let saved = read::saved(&moment, &[0]).expect("readable").remove(&0).expect("asked for");
        (read::number(&moment, "p").expect("readable"), saved)
    };
    for _ in 0..2 {
        let (number, saved) = forget(true, this_hour);
        assert_eq!(number, Some(0));
        let hours: Vec<u32> = saved.hours.keys().map(|hour| this_hour - hour).collect();
        assert_eq!(hours, [72, 0]);
        let days: Vec<(u32, u64)> =
            saved.days.iter().map(|(day, tally)| (today - day, tally.failures[2])).collect();
        assert_eq!(days, [(89, 2), (10, 2), (8, 2)]);
        assert_eq!(saved.incidents.len(), 5);
    }
    let (number, saved) = forget(false, this_hour + 89 * 24);
    assert_eq!((number, saved.days.len(), saved.incidents.len()), (Some(0), 1, 1));
    let (number, saved) = forget(false, this_hour + 90 * 24);
    assert_eq!((number, saved), (None, Saved::default()));
}

/// A provider that is broken for a moment at this time.
fn incident(entry: &Entry, begin: Timestamp) {
    let refused = || Outcome::Failed(Failure::new(Reason::Rejected, ""));
    for (second, outcome) in [(0, refused()), (10, refused()), (20, Outcome::Accepted)] {
        let _ = entry.record(&Probe::new(outcome, begin + Duration::from_secs(second)));
    }
}

#[test]
fn a_clock_that_is_years_ahead_or_behind_for_days_removes_nothing_and_leaves_nothing() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::lock(place.path()).expect("nobody else");
    let database = Database::open(folder.database().expect("a file")).expect("it is made");
    let database = Arc::new(database);
    let mut open = Open::with(folder, Arc::clone(&database));
    let ledger = Ledger::new(vec![Arc::new(Provider::sample("p"))], &[]);
    let entry = entry(&ledger);
    let mut save = |wall: Timestamp| {
        let now = Moment { wall, uptime: Duration::ZERO };
        open.save(&ledger, true, now, &Shared::default()).expect("saved");
    };
    let saved = || {
        let moment = database.read().expect("readable");
        read::saved(&moment, &[0]).expect("readable").remove(&0).expect("asked for")
    };
    let now: Timestamp = "2026-01-31T05:30:00Z".parse().expect("a time");
    for days in [80, 10, 0] {
        incident(&entry, now - days * DAY);
    }
    save(now);
    let before = saved();
    let hours: Vec<u32> = before.days.keys().chain(before.hours.keys()).copied().collect();
    assert_eq!(hours, [20_404, 20_474, 20_484 * 24 + 5], "two days and an hour");
    assert_eq!(before.incidents.len(), 3);

    for (restart, wrong) in ["2035-06-01T00:00:00Z", "1970-01-01T00:00:00Z"].into_iter().enumerate()
    {
        let wrong: Timestamp = wrong.parse().expect("a time");
        for day in 0..7 {
            incident(&entry, wrong + day * DAY);
            save(wrong + day * DAY);
            let all = saved();
            assert!(before.hours.keys().all(|hour| all.hours.contains_key(hour)), "{wrong} {day}");
            assert!(before.days.keys().all(|day| all.days.contains_key(day)), "{wrong} {day}");
        }
        let right = now + DAY * (u32::try_from(restart).expect("a number") + 1);
        let shown = LongHistory::of(&entry.timeline_until(right), Some(saved()), right);
        let begins = shown.incidents.iter().map(Incident::begin);
        assert!(begins.max().is_some_and(|begin| begin <= right), "nothing is in the future");
        save(right);
        assert_eq!(saved(), before, "after {wrong}");
    }

    // After a long stop the clock is right, and a week later that is believed.
    for day in 200..207 {
        save(now + day * DAY);
        assert_eq!(saved(), before, "{day}");
    }
    save(now + 207 * DAY);
    assert_eq!(saved(), Saved::default());
}
