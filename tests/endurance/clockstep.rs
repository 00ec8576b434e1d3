//! Steps of the wall clock, made by libfaketime under a second daemon. The monotonic clock stays
//! real.
//!
//! Time namespaces do not help: they change the monotonic clock and not the wall clock.

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

/// The number of providers of the second daemon.
const PROVIDERS: usize = 100;

/// The lifetime of each token from the endpoint, in seconds.
const LIFETIME: f64 = 7200.0;

/// The offsets of the wall clock in order, in seconds.
const OFFSETS: [i32; 4] = [3600, 0, -3600, 0];

/// The largest accepted difference of a time to expiry from its expected value, in seconds.
const NEAR: f64 = 3.0;

/// What the campaign saw.
pub struct Outcome {
    pub steps: usize,
    pub requests: usize,
    /// The largest difference between the interval and a pause between two requests.
    pub worst_pause: Duration,
    pub problems: Vec<String>,
}

/// The path of the library, if it is installed.
pub fn library() -> Option<PathBuf> {
    glob::glob("/usr/lib/*/faketime/libfaketimeMT.so.1").ok()?.flatten().next()
}

/// Steps the clock and checks the scrapes after each step.
pub fn run(library: &Path, stop: &Stop) -> Result<Outcome> {
    let world = Arc::new(World::new(
        PROVIDERS + crate::files::CHANGING + crate::files::TEMPORARY,
        [0.0; 2],
        0,
    ));
    let endpoint = Arc::new(Endpoint::start(&world, 0)?);
    let files = Files::new(&endpoint, PROVIDERS)?;
    files.watch_all()?;
    let folder = tempfile::tempdir()?;
    let offset_file = folder.path().join("offset");
    // Replaced by a rename, because the library reads the file each time the daemon asks for the
    // time.
    let set = |offset: i32| -> Result<()> {
        let new = folder.path().join("new");
        std::fs::write(&new, format!("{offset:+}\n"))?;
        Ok(std::fs::rename(&new, &offset_file)?)
    };
    set(0)?;
    let (library, file) = (library.to_string_lossy(), offset_file.to_string_lossy());
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
        // Just after the step, every token is older than the step. An interval later, every token
        // is newer.
        judge(&daemon, offset, f64::from(before - offset), &mut outcome.problems)?;
        if !pause_until(&world, world.now() + INTERVAL + INTERVAL / 2, stop) {
            return Err("a stop was requested during the steps of the clock".into());
        }
        judge(&daemon, offset, 0.0, &mut outcome.problems)?;
        if daemon.get("/livez").is_err() {
            outcome.problems.push(format!("/livez reports a stall at an offset of {offset} s"));
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
            outcome
                .problems
                .push(format!("provider {provider} got only {} requests", served.len()));
        }
    }
    if daemon.log().contains("expired") {
        outcome.problems.push("the log reports an expired token".into());
    }
    outcome.problems.truncate(10);
    Ok(outcome)
}

/// Checks one scrape: all providers must be healthy, and all times must follow the daemon's clock.
/// `shift` is how much longer a token from before the last step lives, in seconds.
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
            // The token was renewed at some time within the last interval.
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
