//! The scheduler in frozen time: hours pass in milliseconds, and every probe is where it should be.

use std::collections::HashMap;
use std::time::Duration;

use super::scripted::{Origin, Reply, Secrets, asked, asked_until, asked_with};
use super::{Control, Instruments, Requested, Requester};
use crate::outcome::Reason;
use crate::plan::Limits;

const WIDE: Limits = Limits { in_flight: 500, per_host: 32 };
const HOUR: Duration = Duration::from_secs(3600);

/// The pauses between times, in whole seconds.
fn pauses(times: &[f64]) -> Vec<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a test")]
    let whole = |pair: &[f64]| (pair[1] - pair[0]).round() as i64;
    times.windows(2).map(whole).collect()
}

#[tokio::test(start_paused = true)]
async fn every_provider_keeps_its_cadence_for_an_hour_and_nothing_is_late() {
    let (asked, instruments, _) = asked(200, WIDE, HOUR, |_, _| Reply::Token).await;
    assert_eq!(asked.len(), 200);
    for (name, times) in &asked {
        assert!((59..=61).contains(&times.len()), "{name}: {}", times.len());
        assert!(times[0] <= 0.5, "{name} was asked first at {}", times[0]);
        let pauses = pauses(times);
        assert!((30..=90).contains(&pauses[0]), "{name}: {pauses:?}");
        assert!(pauses[1..].iter().all(|pause| *pause == 60), "{name}: {pauses:?}");
    }
    let late = instruments.lateness.get_sample_count()
        - instruments.lateness.get_sample_count().min(count_within(&instruments));
    assert_eq!(late, 0, "all within a tick");
}

/// How many probes started within a tick of when they were due.
fn count_within(instruments: &Instruments) -> u64 {
    use prometheus::core::Collector;
    instruments.lateness.collect()[0].get_metric()[0].get_histogram().get_bucket()[0]
        .cumulative_count()
}

#[tokio::test(start_paused = true)]
async fn a_hanging_provider_does_not_delay_the_others() {
    let (asked, instruments, _) = asked(50, WIDE, HOUR, |name, _| {
        if name == "p7" { Reply::Hang(Duration::from_secs(300)) } else { Reply::Token }
    })
    .await;
    for (name, times) in asked.iter().filter(|(name, _)| *name != "p7") {
        assert!(times.len() >= 59, "{name}: {}", times.len());
    }
    assert!(
        (8..=13).contains(&asked["p7"].len()),
        "missed slots are not made up for: {}",
        asked["p7"].len()
    );
    assert_eq!(count_within(&instruments), instruments.lateness.get_sample_count());
}

#[tokio::test(start_paused = true)]
async fn many_that_hang_leave_half_of_the_places_to_the_others() {
    let limits = Limits { in_flight: 10, per_host: 32 };
    let hangs = |name: &str| name[1..].parse::<u32>().is_ok_and(|number| number < 100);
    let (asked, _, _) = asked(120, limits, HOUR, move |name, count| {
        if hangs(name) && count > 1 {
            Reply::Hang(Duration::from_secs(59))
        } else if hangs(name) {
            Reply::Fail(Reason::Timeout)
        } else {
            Reply::Token
        }
    })
    .await;
    for (name, times) in asked.iter().filter(|(name, _)| !hangs(name)) {
        assert!(times.len() >= 58, "{name}: {}", times.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_confirmed_and_then_asked_less_and_less() {
    let (asked, _, ledger) = asked(1, WIDE, HOUR, |_, _| Reply::Fail(Reason::Rejected)).await;
    let pauses = pauses(&asked["p0"]);
    assert_eq!(pauses[0], 5);
    assert!((30..=90).contains(&pauses[1]), "{pauses:?}");
    assert_eq!(pauses[2..6], [120, 240, 480, 600]);
    assert!(asked["p0"].len() <= 11, "an account is not locked by us: {pauses:?}");
    assert_eq!(ledger.roster().entries()[0].health().state().word(), "broken");
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_cadence_so_that_recovery_is_seen_within_one_interval() {
    let (asked, _, ledger) = asked(1, WIDE, HOUR, |_, count| {
        if (10..20).contains(&count) { Reply::Fail(Reason::Unavailable) } else { Reply::Token }
    })
    .await;
    let pauses = pauses(&asked["p0"]);
    // Its tries are 10 to 19: the third is confirmed by the fourth.
    assert_eq!(pauses[11..13], [5, 55], "{pauses:?}");
    assert!(pauses[1..11].iter().chain(&pauses[13..]).all(|pause| *pause == 60), "{pauses:?}");
    assert_eq!(ledger.roster().entries()[0].health().state().word(), "healthy");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_counts_as_malformed_and_its_provider_stays_watched() {
    let (asked, _, ledger) =
        asked(2, WIDE, HOUR, |name, _| if name == "p0" { Reply::Panic } else { Reply::Token })
            .await;
    assert!(asked["p0"].len() >= 59 && asked["p1"].len() >= 59);
    let roster = ledger.roster();
    let health = roster.entries()[0].health();
    assert_eq!(
        health.failure().map(|failure| (failure.reason, failure.code.as_str())),
        Some((Reason::Malformed, "internal_error"))
    );
}

/// Stops everything after ten minutes for some seconds, as when a container is frozen on a clock
/// that runs on, and returns the times of all requests after that, with those of each provider.
async fn asked_after_a_standstill(seconds: u64) -> (Vec<f64>, HashMap<String, Vec<f64>>) {
    let standstill = async move {
        tokio::time::sleep(HOUR / 6).await;
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::sleep(HOUR / 6).await;
    };
    let (mut asked, _, _) = asked_until(600, WIDE, |_| standstill, |_, _| Reply::Token).await;
    let end = 600.0 + Duration::from_secs(seconds).as_secs_f64();
    for times in asked.values_mut() {
        times.retain(|time| *time >= end - 0.001);
    }
    let mut all: Vec<f64> = asked.values().flatten().map(|time| time - end).collect();
    all.sort_unstable_by(f64::total_cmp);
    (all, asked)
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_stood_still_does_not_burst_when_it_goes_on() {
    for seconds in [5, 20, 59, 60, 61, 150, 7_200] {
        let (all, asked) = asked_after_a_standstill(seconds).await;
        // 600 a minute are ten a second; what was missed comes on top of what is due anyway.
        let fullest = (0..all.len())
            .map(|first| all[first..].partition_point(|time| *time < all[first] + 1.0))
            .max()
            .unwrap_or_default();
        assert!(fullest <= 35, "{fullest} within a second after {seconds} s");
        for (name, times) in &asked {
            assert!(
                times[0] <= 600.0 + Duration::from_secs(seconds).as_secs_f64() + 60.1,
                "{name} was forgotten after {seconds} s: {}",
                times[0]
            );
            assert!(
                times.windows(2).all(|pair| pair[1] - pair[0] > 29.0),
                "{name} was asked twice after {seconds} s: {times:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_ends_a_back_off_and_a_scraper_does_not() {
    let drive = async |control: Control| {
        tokio::time::sleep(HOUR).await;
        let request = |requester| control.probe("p0", requester);
        assert!(matches!(request(Requester::Scraper).await, Some(Requested::Refused(_))));
        assert_eq!(request(Requester::Operator).await, Some(Requested::Ended));
        let Some(Requested::Refused(wait)) = request(Requester::Operator).await else {
            panic!("a second probe within five seconds");
        };
        assert!(wait <= Duration::from_secs(5), "{wait:?}");
        tokio::time::sleep(wait).await;
        let together =
            futures_util::future::join(request(Requester::Operator), request(Requester::Operator));
        assert_eq!(together.await, (Some(Requested::Ended), Some(Requested::Ended)));
        assert_eq!(control.probe("nobody", Requester::Operator).await, None);
    };
    let (asked, _, _) = asked_until(1, WIDE, drive, |_, _| Reply::Fail(Reason::Rejected)).await;
    let late = asked["p0"].iter().filter(|time| **time >= HOUR.as_secs_f64()).count();
    assert_eq!(late, 2, "{:?}", asked["p0"]);
}

/// The times of the requests of one provider whose credential is refused until `right`, and then
/// accepted. Its secret comes from there.
async fn asked_with_secrets(
    origin: Origin,
    time: Duration,
    right: usize,
    secrets: impl Fn(f64, usize) -> Option<u128> + Send + Sync + 'static,
) -> Vec<f64> {
    let secrets = (origin, Box::new(secrets) as Secrets);
    let script = move |_: &str, count| {
        if count < right { Reply::Fail(Reason::Rejected) } else { Reply::Token }
    };
    let (mut asked, ..) = asked_with(1, WIDE, |_| tokio::time::sleep(time), script, secrets).await;
    asked.remove("p0").expect("it was asked")
}

/// The secrets that can change while the daemon runs.
const CHANGING: [Origin; 3] = [Origin::Command, Origin::File, Origin::ClientCertificate];

/// How often a secret is refused within ten minutes: at 0 and 5 seconds, at its turn in the first
/// minute and a half, and 120 and 360 seconds after that.
const REFUSALS_IN_TEN_MINUTES: usize = 5;

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_new_at_each_read_does_not_end_the_back_off() {
    for origin in CHANGING {
        let number = |count: usize| u128::try_from(count).ok();
        let ten_minutes = HOUR / 6;
        let fixed = asked_with_secrets(origin, ten_minutes, 99, |_, _| Some(1)).await;
        assert_eq!(fixed.len(), REFUSALS_IN_TEN_MINUTES, "{fixed:?}");
        let new = asked_with_secrets(origin, ten_minutes, 99, move |_, count| number(count)).await;
        assert_eq!(new, fixed);
        // Each value is read twice before the next one.
        let twice = asked_with_secrets(origin, HOUR, 99, move |_, count| number(count / 2)).await;
        assert!(twice.len() <= 6 * 6, "{twice:?}");
        // Every second read fails.
        let half = asked_with_secrets(origin, ten_minutes, 99, move |_, count| {
            number(count).filter(|count| count % 2 == 1)
        });
        let half = half.await;
        assert!(half.len() <= REFUSALS_IN_TEN_MINUTES, "{half:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_changes_each_minute_ends_the_back_off_once_in_its_longest_pause() {
    for origin in CHANGING {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes")]
        let minute = |seconds: f64| (seconds / 60.0) as u128;
        let times = asked_with_secrets(origin, HOUR, 99, move |now, _| Some(minute(now))).await;
        // The longest pause is ten minutes. After each end: one request, then pauses of one, one,
        // two and four minutes.
        assert!(times.len() <= 6 * 6, "{times:?}");
        let in_ten_minutes = |first: usize| {
            times.iter().skip(first).take_while(|time| **time < times[first] + 600.0).count()
        };
        let most = (3..times.len()).map(in_ten_minutes).max();
        assert!(most <= Some(6), "{most:?} {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_changes_once_ends_the_back_off_within_seconds() {
    // The first five requests are over after at most 450 seconds, and the sixth is not due before
    // 845 seconds. A look comes every two seconds, and the second read a second later.
    let moments = [500.0, 500.3, 500.7, 501.1, 501.4, 501.9];
    for (origin, changed) in CHANGING.into_iter().flat_map(|one| moments.map(|at| (one, at))) {
        let longest = if origin == Origin::Command { 63.1 } else { 3.1 };
        let change = move |now: f64, _| Some(if now < changed { 1 } else { 2 });
        let times = asked_with_secrets(origin, HOUR, 6, change).await;
        assert!(times[4] < changed, "{origin:?} {times:?}");
        assert!((changed..changed + longest).contains(&times[5]), "{origin:?} {times:?}");
        // Every minute after the token.
        assert!(times.len() > 50, "{times:?}");
    }
}
