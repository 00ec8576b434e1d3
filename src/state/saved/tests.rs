use super::*;
use crate::outcome::{Outcome, Probe};
use crate::provider::Provider;

const HOUR: Duration = Duration::from_secs(3_600);

fn roster(now: Moment) -> Roster {
    let mut provider = Provider::sample("p");
    provider.cadence.interval = HOUR;
    provider.cadence.max_backoff = 6 * HOUR;
    Roster::new(vec![Arc::new(provider)], &[1.0], now.wall)
}

fn at(hours: u32) -> Moment {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    Moment { wall: begin + hours * HOUR, uptime: Duration::from_secs(1) }
}

fn record(entry: &Entry, outcome: Outcome, hours: u32) {
    let _ = entry.record(&Probe::new(outcome, at(hours).wall));
}

/// What is saved of a provider with two failures for this reason and a wait of three hours.
fn failed(reason: Reason) -> Vec<u8> {
    let roster = roster(at(0));
    let entry = &roster.entries()[0];
    for _ in 0..2 {
        record(entry, Outcome::Failed(Failure::new(reason, "")), 0);
    }
    entry.planned(Some(at(0).uptime + 3 * HOUR));
    write(entry, at(0)).expect("it was probed")
}

/// A start so many hours after the first failure, with what was saved. Returns the time until the
/// next probe, and the entry.
fn start(hours: u32, kept: &[u8], touched: Touched) -> (Option<Duration>, Arc<Entry>) {
    let now = at(hours);
    let roster = roster(now);
    assert!(read_one(kept, &roster, now, &|_, _| touched));
    let entry = Arc::clone(&roster.entries()[0]);
    let due = entry.health().next_due();
    (due.map(|due| due.saturating_sub(now.uptime)), entry)
}

#[test]
fn a_start_that_may_bring_a_new_secret_ends_the_back_off_and_forgets_no_refusal() {
    let kept = failed(Reason::Rejected);
    assert_eq!(start(0, &kept, Touched::No).0, Some(3 * HOUR));
    assert_eq!(start(0, &kept, Touched::Unknown).0, Some(HOUR));
    let (due, entry) = start(0, &kept, Touched::ByThisStart);
    assert_eq!((due, entry.health().refusals_in_a_row()), (None, 2));
}

#[test]
fn a_daemon_that_starts_again_and_again_ends_a_back_off_once() {
    let (_, entry) = start(0, &failed(Reason::Rejected), Touched::ByThisStart);
    let kept = write(&entry, at(0)).expect("it was probed");
    let (due, entry) = start(0, &kept, Touched::ByThisStart);
    assert_eq!(due, Some(HOUR), "an interval after the first start");
    let kept = write(&entry, at(0)).expect("it was probed");
    assert_eq!(start(6, &kept, Touched::ByThisStart).0, None, "once in max_backoff");
}

#[test]
fn a_token_lets_the_next_start_end_a_back_off() {
    let (_, entry) = start(0, &failed(Reason::Rejected), Touched::ByThisStart);
    record(&entry, Outcome::Accepted, 1);
    for _ in 0..2 {
        record(&entry, Outcome::Failed(Failure::new(Reason::Rejected, "")), 2);
    }
    entry.planned(Some(at(2).uptime + 3 * HOUR));
    let kept = write(&entry, at(2)).expect("it was probed");
    assert_eq!(start(2, &kept, Touched::ByThisStart).0, None);
}

#[test]
fn a_start_does_not_end_the_wait_for_which_a_vendor_asked() {
    let kept = failed(Reason::Throttled);
    assert_eq!(start(0, &kept, Touched::No).0, Some(3 * HOUR));
    assert_eq!(start(0, &kept, Touched::ByThisStart).0, Some(3 * HOUR));
}
