//! When a provider is probed next. Pure: times are durations since the start of the daemon and are
//! passed in.

use std::time::Duration;

use jiff::Timestamp;

use crate::outcome::{BackOff, Class, Outcome, Reason};
use crate::pause::Pause;
use crate::provider::{Cadence, Provider};
use crate::state::Health;

/// A paused provider is looked at after this time, because somebody can set the wall clock.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// A provider's own grid of times: a phase that its name decides, and then every interval. Probes
/// return to the grid after every detour, so nothing drifts and providers stay spread.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    phase: Duration,
    interval: Duration,
}

impl Grid {
    /// The grid of this provider.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        Self::new(&provider.turn(), provider.cadence.interval)
    }

    /// The grid of a name. Stable over restarts: the same name always has the same phase.
    #[must_use]
    pub fn new(name: &str, interval: Duration) -> Self {
        Self { phase: interval.mul_f64(fraction(name)), interval }
    }

    /// The first time on the grid that is not before `earliest`.
    #[must_use]
    pub fn at_or_after(&self, earliest: Duration) -> Duration {
        let Some(past) = earliest.checked_sub(self.phase) else { return self.phase };
        let slots = past.as_nanos().div_ceil(self.interval.as_nanos().max(1));
        let nanos = slots.saturating_mul(self.interval.as_nanos());
        self.phase.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

/// A number in 0..1 that depends on the name alone (FNV-1a, then mixed).
fn fraction(name: &str) -> f64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are plenty for a phase")]
    let fraction = (hash >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

/// When the first probe of a provider is due: soon, but not all at once. `count` is the number of
/// providers.
#[must_use]
pub fn first_due(name: &str, cadence: &Cadence, count: usize) -> Duration {
    let window = Duration::from_millis(2)
        .saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
        .min(cadence.interval);
    window.mul_f64(fraction(name))
}

/// When the next probe is due, after one that was due at `due` and ended at `ended`.
///
/// - After a first refusal of the credential, or when only a confirmation is missing, the next
///   probe is due after `confirm_after`, unless the provider asks credwatch to wait.
/// - Each repeated refusal doubles the pause, up to `max_backoff`, because refusals can lock
///   accounts. A wait that the provider asks for makes such a pause only longer.
/// - A throttled provider gets the pause that it asks for, else doubling pauses. A provider that
///   blocks this host gets the same.
/// - All other probes stay on the grid. Missed grid times are skipped.
#[must_use]
pub fn next_due(
    grid: &Grid,
    cadence: &Cadence,
    outcome: &Outcome,
    health: &Health,
    due: Duration,
    ended: Duration,
) -> Duration {
    let regular = grid.at_or_after(ended.max(due + cadence.interval / 2));
    let Outcome::Failed(failure) = outcome else { return regular };
    let longest = cadence.max_backoff.max(cadence.interval);
    let asked = failure.retry_after.map(|wait| regular.max(ended + wait.min(longest)));
    if let Some(asked) = asked
        && failure.reason.back_off() != BackOff::FromThird
    {
        return asked;
    }
    let first_refusal = failure.reason.class() == Class::Credential
        && health.consecutive_credential_failures() == 1
        && health.refusals_in_a_row() <= 1;
    let confirmable = failure.reason != Reason::Throttled && health.awaits_confirmation(cadence);
    if first_refusal || confirmable {
        return asked.unwrap_or(ended + cadence.confirm_after);
    }
    let doublings = match failure.reason.back_off() {
        BackOff::FromThird => health.refusals_in_a_row().saturating_sub(2),
        BackOff::FromSecond => health.consecutive_failures_of_same_reason().saturating_sub(1),
        BackOff::Never => return regular,
    };
    let asked = asked.unwrap_or(regular);
    if doublings == 0 {
        return asked;
    }
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    asked.max(ended + cadence.interval.saturating_mul(factor).min(longest))
}

/// When a probe that a standstill made late is due: it is put off by the length of the standstill,
/// or to the next time on the grid when that is longer than an interval.
#[must_use]
pub fn put_off(
    provider: &Provider,
    due: Duration,
    stood_still: Duration,
    now: Duration,
) -> Duration {
    if stood_still < provider.cadence.interval {
        due + stood_still
    } else {
        Grid::of(provider).at_or_after(now)
    }
}

/// When a paused provider is due again; `None` when only another configuration ends the pause.
#[must_use]
pub fn resumes(
    provider: &Provider,
    pause: &Pause,
    wall: Timestamp,
    now: Duration,
) -> Option<Duration> {
    let left = pause.left(wall)?.min(LONGEST_PAUSE);
    Some(Grid::of(provider).at_or_after(now + left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Failure, Issued, Probe};
    use crate::state::histogram::Bounds;

    const MINUTE: Duration = Duration::from_secs(60);

    fn cadence() -> Cadence {
        Cadence { interval: MINUTE, max_backoff: 10 * MINUTE, ..Cadence::default() }
    }

    /// Runs a series of outcomes and returns the pauses between them, in seconds.
    fn pauses(outcomes: &[Outcome]) -> Vec<u64> {
        let (cadence, mut health) =
            (cadence(), Health::new(&Bounds::new(&[1.0], Timestamp::UNIX_EPOCH)));
        let grid = Grid::new("x", cadence.interval);
        let mut due = grid.at_or_after(Duration::ZERO);
        outcomes
            .iter()
            .map(|outcome| {
                let probe = Probe::new(outcome.clone(), jiff::Timestamp::UNIX_EPOCH);
                health.record(&probe, &cadence);
                let next = next_due(&grid, &cadence, outcome, &health, due, due);
                let pause = next.saturating_sub(due);
                due = next;
                pause.as_secs()
            })
            .collect()
    }

    fn failed(reason: Reason) -> Outcome {
        Outcome::Failed(Failure::new(reason, ""))
    }

    fn issued() -> Outcome {
        Outcome::Issued(Issued {
            expiry: crate::outcome::Expiry::Never,
            disagreement: None,
            lifetime: None,
            fingerprint: 0,
        })
    }

    #[test]
    fn healthy_and_unreachable_providers_keep_their_interval() {
        assert_eq!(
            pauses(&[
                issued(),
                failed(Reason::Timeout),
                failed(Reason::Unavailable),
                failed(Reason::Secret),
                issued()
            ]),
            [60; 5]
        );
    }

    #[test]
    fn an_outage_is_confirmed_quickly_once_and_keeps_its_turns_before_and_after() {
        let outage = [
            Reason::Timeout,
            Reason::Unavailable,
            Reason::Dns,
            Reason::Connect,
            Reason::Transport,
            Reason::Malformed,
            Reason::Tls,
        ];
        assert_eq!(pauses(&outage.map(failed)), [60, 60, 5, 55, 60, 60, 60]);
        assert_eq!(
            pauses(&[
                failed(Reason::Timeout),
                failed(Reason::Timeout),
                failed(Reason::Timeout),
                issued(),
                issued()
            ]),
            [60, 60, 5, 55, 60]
        );
    }

    #[test]
    fn a_refusal_after_an_outage_is_confirmed_quickly_too() {
        assert_eq!(
            pauses(&[
                failed(Reason::Timeout),
                failed(Reason::Timeout),
                failed(Reason::Rejected),
                failed(Reason::Timeout)
            ]),
            [60, 60, 5, 55]
        );
    }

    #[test]
    fn a_refusal_is_confirmed_quickly_and_then_backs_off_to_a_maximum() {
        let outcomes = vec![failed(Reason::Rejected); 8];
        let pauses = pauses(&outcomes);
        assert_eq!(pauses[0], 5, "the confirming try");
        assert!((30..=90).contains(&pauses[1]), "back to the grid: {pauses:?}");
        assert_eq!(pauses[2..], [120, 240, 480, 600, 600, 600]);
    }

    #[test]
    fn a_refused_certificate_and_a_suspended_account_back_off_as_a_refused_secret_does() {
        for reason in [Reason::Certificate, Reason::Suspended] {
            let pauses = pauses(&vec![failed(reason); 4]);
            assert_eq!((pauses[0], &pauses[2..]), (5, &[120, 240][..]), "{reason:?}");
        }
    }

    #[test]
    fn a_blocked_host_backs_off_without_a_confirmation_and_a_fault_of_this_host_keeps_the_pace() {
        assert_eq!(pauses(&vec![failed(Reason::Blocked); 5]), [60, 120, 240, 480, 600]);
        assert_eq!(pauses(&vec![failed(Reason::Local); 5]), [60; 5]);
    }

    #[test]
    fn a_wait_that_a_suspended_account_asks_for_does_not_shorten_the_back_off() {
        let short = Failure {
            retry_after: Some(Duration::from_secs(1)),
            ..Failure::new(Reason::Suspended, "")
        };
        assert_eq!(pauses(&vec![Outcome::Failed(short); 4]), [60, 60, 120, 240]);
    }

    #[test]
    fn a_token_without_scope_is_confirmed_but_does_not_back_off() {
        let pauses = pauses(&vec![failed(Reason::Scope); 4]);
        assert_eq!(pauses[0], 5);
        assert!(pauses[1..].iter().all(|pause| *pause <= 90), "{pauses:?}");
    }

    #[test]
    fn a_throttled_provider_gets_the_pause_that_it_asks_for_up_to_the_maximum() {
        let wait = |seconds| {
            Outcome::Failed(Failure {
                retry_after: Some(Duration::from_secs(seconds)),
                ..Failure::new(Reason::Throttled, "")
            })
        };
        assert_eq!(pauses(&[wait(1)]), [60], "never sooner than its interval");
        assert!((90..=120).contains(&pauses(&[wait(90)])[0]));
        assert_eq!(pauses(&[wait(1_000_000)]), [600]);
        assert_eq!(
            pauses(&[
                failed(Reason::Throttled),
                failed(Reason::Throttled),
                failed(Reason::Throttled)
            ]),
            [60, 120, 240]
        );
    }

    #[test]
    fn a_provider_that_asks_to_be_left_alone_gets_no_early_confirmation() {
        let unavailable = |seconds| {
            Outcome::Failed(Failure {
                retry_after: Some(Duration::from_secs(seconds)),
                ..Failure::new(Reason::Unavailable, "")
            })
        };
        assert_eq!(
            pauses(&[
                failed(Reason::Timeout),
                failed(Reason::Timeout),
                failed(Reason::Throttled),
                failed(Reason::Timeout)
            ]),
            [60; 4]
        );
        assert_eq!(
            pauses(&[
                failed(Reason::Timeout),
                failed(Reason::Timeout),
                unavailable(1),
                failed(Reason::Timeout)
            ]),
            [60; 4]
        );
        assert!((90..=150).contains(
            &pauses(&[failed(Reason::Timeout), failed(Reason::Timeout), unavailable(90)])[2]
        ));
        // A secret that cannot be read needs no confirmation.
        assert_eq!(
            pauses(&[failed(Reason::Timeout), failed(Reason::Timeout), failed(Reason::Secret)]),
            [60; 3]
        );
    }

    #[test]
    fn missed_slots_are_skipped_not_made_up_for() {
        let (cadence, health) =
            (cadence(), Health::new(&Bounds::new(&[1.0], Timestamp::UNIX_EPOCH)));
        let grid = Grid::new("x", MINUTE);
        let due = grid.at_or_after(Duration::ZERO);
        let ended = due + Duration::from_secs(60 * 60 + 7);
        assert_eq!(next_due(&grid, &cadence, &issued(), &health, due, ended), due + 61 * MINUTE);
    }

    #[test]
    fn nothing_drifts() {
        let (cadence, health) =
            (cadence(), Health::new(&Bounds::new(&[1.0], Timestamp::UNIX_EPOCH)));
        let grid = Grid::new("x", MINUTE);
        let first = grid.at_or_after(Duration::ZERO);
        let mut due = first;
        for _ in 0..100_000 {
            due = next_due(
                &grid,
                &cadence,
                &issued(),
                &health,
                due,
                due + Duration::from_millis(317),
            );
        }
        assert_eq!(due, first + 100_000 * MINUTE);
    }

    #[test]
    fn first_probes_and_phases_are_spread_and_stable() {
        let names: Vec<String> = (0..10_000).map(|number| format!("provider-{number}")).collect();
        let cadence = cadence();
        let mut per_second = [0_u32; 60];
        for name in &names {
            let grid = Grid::new(name, MINUTE);
            per_second
                [usize::try_from(grid.at_or_after(Duration::ZERO).as_secs()).expect("small")] += 1;
            assert!(first_due(name, &cadence, names.len()) <= Duration::from_secs(20));
            assert_eq!(first_due(name, &cadence, 5), first_due(name, &cadence, 5));
        }
        assert!(per_second.iter().all(|count| (110..=230).contains(count)), "{per_second:?}");
        assert!(first_due("x", &cadence, 5) <= Duration::from_millis(10));
    }
}
