//! The daemon process is stopped for several intervals and continued. Afterwards there must be no
//! burst of requests, and the daemon must probe all providers again.

use std::time::Duration;

use crate::daemon::Daemon;
use crate::observer::Observer;
use crate::scale::INTERVAL;
use crate::stop::Stop;
use crate::truth::{Served, World, pause};
use crate::{Result, pause_until};

/// How long the daemon is stopped, and how long the campaign watches it afterwards.
const STOPPED: Duration = Duration::from_secs(18);
const WATCHED: Duration = Duration::from_secs(14);

/// The length of the window in which requests are counted.
const WINDOW: Duration = Duration::from_secs(1);

/// The length of a short stop: the daemon does not treat it as a suspend, but many probes become
/// due at once.
const SHORT_STOP: Duration = Duration::from_secs(2);

/// What the campaign saw.
pub struct Outcome {
    /// When the daemon continued.
    pub from: Duration,
    /// Requests in the fullest second before the stop, and after it.
    pub before: usize,
    pub after: usize,
    /// Providers without a request within an interval and a half after the daemon continued.
    pub forgotten: usize,
    /// Providers with two requests within half an interval after the daemon continued.
    pub twice: usize,
    /// The time from the moment the daemon continued to the first request.
    pub resumed: Duration,
}

/// Stops and continues the daemon. No fault may happen meanwhile.
pub fn run(
    world: &World,
    daemon: &Daemon,
    observer: &Observer,
    providers: usize,
    stop: &Stop,
) -> Result<Outcome> {
    // A request to a stopped daemon would time out.
    let paused = observer.pause_requests();
    let from = world.now();
    daemon.signal("STOP")?;
    let waited = pause_until(world, from + STOPPED, stop);
    let at = world.now();
    daemon.signal("CONT")?;
    drop(paused);
    if !waited {
        return Err("a stop was requested during the suspend".into());
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

/// Stops the daemon for a short time. Afterwards it makes all probes that are due at once, and
/// reads their secret files. Returns the largest number of threads after the stop.
pub fn stop_shortly(
    world: &World,
    daemon: &Daemon,
    observer: &Observer,
    stop: &Stop,
) -> Result<usize> {
    let paused = observer.pause_requests();
    daemon.signal("STOP")?;
    pause_until(world, world.now() + SHORT_STOP, stop);
    daemon.signal("CONT")?;
    drop(paused);
    let (mut most, until) = (0, world.now() + WINDOW);
    while world.now() < until {
        most = daemon.vitals()?.threads.max(most);
        pause_until(world, world.now() + WINDOW / 50, stop);
    }
    Ok(most)
}

/// The largest number of these times within one window.
fn fullest(times: &[Duration]) -> usize {
    let within =
        |start: usize| times[start..].partition_point(|time| *time < times[start] + WINDOW);
    (0..times.len()).map(within).max().unwrap_or_default()
}
