//! Steps of the wall clock under a daemon of its own, steered through libfaketime: the monotonic
//! clock stays real.
//!
//! Time namespaces would not do: they shift the monotonic clock and not the wall clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::daemon::Daemon;
use crate::endpoint::Endpoint;
use crate::exposition::{State, label, provider_of};
use crate::files::Files;
use crate::scale::INTERVAL;
use crate::stop::Stop;
use crate::truth::{Answer, World, pause};
use crate::{Result, pause_until, wait_for};

/// How many providers its daemon watches.
const PROVIDERS: usize = 100;

/// The lifetime of a token, as the endpoint says it.
const LIFETIME: f64 = 7200.0;

/// The offsets that follow each other, in seconds: an hour on, back, an hour back, and back again.
const OFFSETS: [i32; 4] = [3600, 0, -3600, 0];

/// The greatest difference between what a time to expiry is and what it should be, in seconds.
const NEAR: f64 = 3.0;

/// What was seen.
pub struct Outcome {
    pub steps: usize,
    pub requests: usize,
    /// The greatest deviation of a pause between two requests from the interval.
    pub worst_pause: Duration,
    pub problems: Vec<String>,
}

/// The library, when it is installed.
pub fn library() -> Option<PathBuf> {
    glob::glob("/usr/lib/*/faketime/libfaketimeMT.so.1").ok()?.flatten().next()
}

/// Steps the clock and watches what comes of it.
pub fn run(library: &Path, stop: &Stop) -> Result<Outcome> {
    let world =
        Arc::new(World::new(PROVIDERS + crate::files::CHANGING + crate::files::GUESTS, 0.0, 0));
    let endpoint = Arc::new(Endpoint::start(&world, 0)?);
    let files = Files::new(&endpoint, PROVIDERS)?;
    files.watch_all()?;
    let folder = tempfile::tempdir()?;
    let steer = folder.path().join("offset");
    // In one piece: the library reads it at every question for the time.
    let set = |offset: i32| -> Result<()> {
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, format!("{offset:+}\n"))?;
        Ok(std::fs::rename(&fresh, &steer)?)
    };
    set(0)?;
    let (library, file) = (library.to_string_lossy(), steer.to_string_lossy());
    let environment = [
        ("LD_PRELOAD", &*library),
        ("FAKETIME_TIMESTAMP_FILE", &*file),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let daemon = Daemon::start(&files.main(), &environment)?;
    let mut outcome =
        Outcome { steps: 0, requests: 0, worst_pause: Duration::ZERO, problems: Vec::new() };
    wait_for("its providers to be ready", Duration::from_secs(30), || {
        Ok(daemon.get("/readyz").is_ok().then_some(()))
    })?;
    pause_until(&world, world.now() + 2 * INTERVAL, stop);
    let steady = world.now();
    judge(&daemon, 0, 0.0, &mut outcome.problems)?;
    for (before, offset) in std::iter::once(0).chain(OFFSETS).zip(OFFSETS) {
        set(offset)?;
        outcome.steps += 1;
        // Just after the step every token is from before it; an interval later every one is from
        // after it.
        judge(&daemon, offset, f64::from(before - offset), &mut outcome.problems)?;
        if !pause_until(&world, world.now() + INTERVAL + INTERVAL / 2, stop) {
            return Err("the steps of the clock were broken off".into());
        }
        judge(&daemon, offset, 0.0, &mut outcome.problems)?;
        if daemon.get("/livez").is_err() {
            outcome
                .problems
                .push(format!("/livez says that it has stalled at an offset of {offset} s"));
        }
    }
    let until = world.now();
    for provider in 0..PROVIDERS {
        let served: Vec<_> = world
            .served(provider)
            .into_iter()
            .filter(|one| one.at() >= steady && one.at() < until)
            .collect();
        outcome.requests += served.len();
        if served.iter().any(|one| one.answer != Answer::Token) {
            outcome.problems.push(format!("provider {provider} was refused"));
        }
        let deviations = served.windows(2).map(|two| pause(two).abs_diff(INTERVAL));
        outcome.worst_pause = deviations.chain([outcome.worst_pause]).max().unwrap_or_default();
        if served.len() < 2 {
            outcome.problems.push(format!("provider {provider} was asked {} times", served.len()));
        }
    }
    if daemon.log().contains("expired") {
        outcome.problems.push("something is called expired in the log".into());
    }
    outcome.problems.truncate(10);
    Ok(outcome)
}

/// Looks at one scrape: everybody is healthy, and every time is one of the daemon's clock. `shift`
/// is what a token from before the last step lives longer than one from after it.
fn judge(daemon: &Daemon, offset: i32, shift: f64, problems: &mut Vec<String>) -> Result<()> {
    let text = daemon.get("/metrics")?;
    let wall =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64() + f64::from(offset);
    let interval = INTERVAL.as_secs_f64();
    let (mut count, mut followed) = (0, 0);
    for line in text.lines().filter(|line| provider_of(line).is_some()) {
        let Some((series, value)) = line
            .rsplit_once(' ')
            .and_then(|(series, value)| Some((series, value.parse::<f64>().ok()?)))
        else {
            continue;
        };
        let (name, labels) = series.split_once('{').unwrap_or_default();
        let wrong = match name {
            "credwatch_provider_state" => {
                value > 0.5
                    && label(labels, "state").and_then(State::from_word) != Some(State::Healthy)
            }
            // Renewed at any time within the interval before, and perhaps just now.
            "credwatch_token_time_to_expiry_seconds" => {
                count += 1;
                let near =
                    |expected: f64| value <= expected + NEAR && value >= expected - interval - NEAR;
                followed += usize::from(near(LIFETIME + shift));
                !(near(LIFETIME) || near(LIFETIME + shift))
            }
            "credwatch_probe_next_timestamp_seconds" => {
                value < wall - NEAR || value > wall + 1.5 * interval + NEAR
            }
            "credwatch_token_lifetime_seconds" => (value - LIFETIME).abs() > NEAR,
            "credwatch_probe_failures_total" => value > 0.0,
            _ => false,
        };
        if wrong {
            problems.push(format!("offset {offset} s: {line}"));
        }
    }
    if count < PROVIDERS || followed < count / 2 {
        problems.push(format!(
            "offset {offset} s: {followed} of {count} times to expiry follow the clock"
        ));
    }
    Ok(())
}
