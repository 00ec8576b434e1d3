//! The daemon stopped for several intervals and continued: no burst afterwards, and everybody is
//! asked again.

use std::time::Duration;

use crate::daemon::Daemon;
use crate::observer::Observer;
use crate::scale::INTERVAL;
use crate::stop::Stop;
use crate::truth::{Served, World, pause};
use crate::{Result, pause_until};

/// How long it is stopped, and how long it is watched afterwards.
const STOPPED: Duration = Duration::from_secs(18);
const WATCHED: Duration = Duration::from_secs(14);

/// The window in which requests are counted.
const WINDOW: Duration = Duration::from_secs(1);

/// How long a hiccup is: too short to count as a standstill, long enough for many probes to be due
/// at once.
const HICCUP: Duration = Duration::from_secs(2);

/// What was seen.
pub struct Outcome {
    /// When it went on.
    pub from: Duration,
    /// Requests in the fullest second before and after.
    pub before: usize,
    pub after: usize,
    /// Providers that were not asked within an interval and a half after it went on.
    pub forgotten: usize,
    /// Providers that were asked twice within half an interval after it went on.
    pub twice: usize,
    /// The longest time after it went on until somebody was asked.
    pub resumed: Duration,
}

/// Stops and continues the daemon. No faults may be drawn meanwhile.
pub fn run(
    world: &World,
    daemon: &Daemon,
    observer: &Observer,
    providers: usize,
    stop: &Stop,
) -> Result<Outcome> {
    // Whoever asks while it is stopped would wait for an answer.
    let silence = observer.silence();
    let from = world.now();
    daemon.signal("STOP")?;
    let waited = pause_until(world, from + STOPPED, stop);
    let at = world.now();
    daemon.signal("CONT")?;
    drop(silence);
    if !waited {
        return Err("the suspend was broken off".into());
    }
    pause_until(world, at + WATCHED, stop);
    let served: Vec<Vec<Served>> = (0..providers).map(|provider| world.served(provider)).collect();
    let times = |from: Duration, to: Duration| {
        let mut times: Vec<Duration> = served
            .iter()
            .flatten()
            .map(|one| one.at())
            .filter(|at| (from..to).contains(at))
            .collect();
        times.sort_unstable();
        times
    };
    let after = times(at, at + WATCHED);
    let since = |times: &'_ [Served]| times[times.partition_point(|one| one.at() < at)..].to_vec();
    let forgotten = served
        .iter()
        .filter(|times| {
            since(times).first().is_none_or(|first| first.at() > at + INTERVAL + INTERVAL / 2)
        })
        .count();
    let twice = served
        .iter()
        .filter(|times| since(times).windows(2).any(|two| pause(two) < INTERVAL.mul_f64(0.45)))
        .count();
    Ok(Outcome {
        from: at,
        before: fullest(&times(from.saturating_sub(2 * INTERVAL), from)),
        after: fullest(&after),
        forgotten,
        twice,
        resumed: after.first().map_or(Duration::MAX, |first| first.saturating_sub(at)),
    })
}

/// Stops the daemon for a moment, so that everything that was due meanwhile is done at once, secret
/// files read included. Returns the most threads that were seen after it.
pub fn hiccup(world: &World, daemon: &Daemon, observer: &Observer, stop: &Stop) -> Result<usize> {
    let silence = observer.silence();
    daemon.signal("STOP")?;
    pause_until(world, world.now() + HICCUP, stop);
    daemon.signal("CONT")?;
    drop(silence);
    let (mut most, until) = (0, world.now() + WINDOW);
    while world.now() < until {
        most = daemon.vitals()?.threads.max(most);
        pause_until(world, world.now() + WINDOW / 50, stop);
    }
    Ok(most)
}

/// The most of these times that lie within one window.
fn fullest(times: &[Duration]) -> usize {
    let within =
        |start: usize| times[start..].partition_point(|time| *time < times[start] + WINDOW);
    (0..times.len()).map(within).max().unwrap_or_default()
}
