use super::*;
use crate::outcome::{Outcome, Probe};
use crate::provider::Provider;

const HOUR: Duration = Duration::from_secs(3_600);

/// What is saved of a provider that refused the secret with the mark 1.
fn refused(now: Moment) -> Vec<u8> {
    let roster = roster(now);
    let entry = &roster.entries()[0];
    for _ in 0..2 {
        let failure = Failure::new(Reason::Rejected, "");
        let probe = Probe { mark: Some(1), ..Probe::new(Outcome::Failed(failure), now.wall) };
        let _ = entry.record(&probe);
    }
    entry.planned(Some(now.uptime + 3 * HOUR));
    write(entry, now).expect("it was probed")
}

fn roster(now: Moment) -> Roster {
    let mut provider = Provider::sample("p");
    provider.cadence.interval = HOUR;
    provider.cadence.max_backoff = 6 * HOUR;
    Roster::new(vec![Arc::new(provider)], &[1.0], now.wall)
}

/// A start so many hours after the first refusal, with what was saved and the mark of the secrets
/// now. Returns the time until the next probe, and the entry.
fn start(hours: u32, kept: &[u8], mark: u8) -> (Option<Duration>, Arc<Entry>) {
    let now = at(hours);
    let roster = roster(now);
    let touched = |_: &Entry, _, before: Option<u8>| match before {
        Some(before) if before == mark => Touched::No,
        Some(_) => Touched::Replaced(mark),
        None => Touched::Unknown,
    };
    assert!(read_one(kept, &roster, now, &touched));
    let entry = Arc::clone(&roster.entries()[0]);
    let due = entry.health().next_due();
    (due.map(|due| due.saturating_sub(now.uptime)), entry)
}

fn at(hours: u32) -> Moment {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    Moment { wall: begin + hours * HOUR, uptime: Duration::from_secs(1) }
}

#[test]
fn the_same_secret_keeps_its_back_off_over_a_restart_and_another_one_ends_it() {
    let kept = refused(at(0));
    assert_eq!(start(0, &kept, 1).0, Some(3 * HOUR));
    assert_eq!(start(0, &kept, 2).0, None);
}

#[test]
fn a_daemon_that_ends_before_its_first_probe_again_and_again_ends_a_back_off_once() {
    let (due, entry) = start(0, &refused(at(0)), 2);
    assert_eq!(due, None);
    let kept = write(&entry, at(0)).expect("it was probed");
    assert_eq!(start(0, &kept, 2).0, Some(1 * HOUR), "an interval after the start");
    let (due, entry) = start(0, &kept, 3);
    assert_eq!(due, Some(1 * HOUR), "a secret that is new at each start");
    let kept = write(&entry, at(0)).expect("it was probed");
    assert_eq!(start(6, &kept, 3).0, None, "once in max_backoff");
}

#[test]
fn a_token_lets_the_next_new_secret_end_a_back_off() {
    let (_, entry) = start(0, &refused(at(0)), 2);
    let token = Outcome::Accepted;
    let _ = entry.record(&Probe { mark: Some(2), ..Probe::new(token, at(1).wall) });
    for _ in 0..2 {
        let failure = Outcome::Failed(Failure::new(Reason::Rejected, ""));
        let _ = entry.record(&Probe { mark: Some(2), ..Probe::new(failure, at(2).wall) });
    }
    let kept = write(&entry, at(2)).expect("it was probed");
    assert_eq!(start(2, &kept, 3).0, None);
}

#[test]
fn a_new_secret_does_not_end_the_wait_for_which_a_provider_asked() {
    let roster = roster(at(0));
    let entry = &roster.entries()[0];
    let failure = Outcome::Failed(Failure::new(Reason::Throttled, ""));
    let _ = entry.record(&Probe { mark: Some(1), ..Probe::new(failure, at(0).wall) });
    entry.planned(Some(at(0).uptime + 3 * HOUR));
    let kept = write(entry, at(0)).expect("it was probed");
    assert_eq!(start(0, &kept, 2).0, Some(3 * HOUR));
}

#[test]
fn a_state_without_a_mark_is_read_as_before() {
    let kept = String::from_utf8(refused(at(0))).expect("JSON").replace(",\"mark\":1", "");
    assert!(!kept.contains("mark"), "{kept}");
    assert_eq!(start(0, kept.as_bytes(), 2).0, Some(1 * HOUR));
}
