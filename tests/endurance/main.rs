//! The endurance campaign: thousands of providers, with random faults and breakages from a seed.
//! The campaign compares what the daemon reports with the ground truth.
//!
//! `cargo test --test endurance` runs a short campaign. `cargo test --test endurance -- --minutes
//! 60 --providers 10000 --faults 0.02 --seed 7` runs a long one. The campaign fails if the daemon
//! does not behave as the documentation says, and prints each difference.
//!
//! Reading order: [`campaign`] and [`closing`] (the phases), [`scale`] (the settings), [`speed`]
//! (the load), [`truth`] and [`endpoint`] (the real condition of each provider), [`events`],
//! [`reloads`], [`suspend`] and [`clockstep`] (the disturbances), [`daemon`], [`files`],
//! [`exposition`] and [`observer`] (the daemon and what it reports), [`model`], [`case`],
//! [`judge`], [`verdict`], [`counters`], [`memory`] and [`delays`] (the comparison), [`report`],
//! [`options`] and [`dice`].

mod campaign;
mod case;
mod clockstep;
mod closing;
mod counters;
mod daemon;
mod delays;
mod dice;
mod endpoint;
mod events;
mod exposition;
mod files;
mod judge;
mod memory;
mod model;
mod observer;
mod options;
mod reloads;
mod report;
mod scale;
mod speed;
mod stop;
mod suspend;
mod truth;
mod verdict;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use options::Task;
use stop::Stop;
use truth::World;

/// The error stops the campaign.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match options::read(&arguments) {
        Ok(Task::Run(options)) => options,
        Ok(Task::List) => {
            println!("endurance: test\n\n1 test, 0 benchmarks");
            return ExitCode::SUCCESS;
        }
        Ok(Task::Nothing) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let seed = options.seed;
    println!(
        "endurance: seed {seed}, {} providers, {} % faults, {} % hostile answers, {:?} of storm",
        options.providers,
        options.faults * 100.0,
        options.hostile * 100.0,
        options.storm
    );
    let report = match campaign::run(&options) {
        Ok(report) => report,
        Err(error) => {
            println!("endurance: stopped by an error: {error}; seed {seed}");
            return ExitCode::FAILURE;
        }
    };
    println!("\n{}", report.table());
    if report.violations.is_empty() {
        println!("{}", report.passed());
        return ExitCode::SUCCESS;
    }
    println!("endurance: failed, seed {seed}");
    for violation in &report.violations {
        println!("- {violation}");
    }
    ExitCode::FAILURE
}

/// Prints the progress to standard error. Only the report goes to standard output.
fn progress(world: &World, text: &str) {
    eprintln!("{:7.1} s  {text}", world.now().as_secs_f64());
}

/// Waits until this time of the campaign. Returns false if a stop was requested before.
fn pause_until(world: &World, moment: Duration, stop: &Stop) -> bool {
    !stop.wait(moment.saturating_sub(world.now()))
}

/// Waits until `condition` returns `None`, which says how much is left to do. It waits as long as
/// that becomes less, and ends `patience` after the last progress.
fn wait_for_progress(
    what: &str,
    patience: Duration,
    mut left: impl FnMut() -> Result<Option<usize>>,
) -> Result<()> {
    let (mut least, mut progressed) = (usize::MAX, Instant::now());
    loop {
        let Some(now) = left()? else { return Ok(()) };
        if now < least {
            (least, progressed) = (now, Instant::now());
        }
        if progressed.elapsed() > patience {
            let patience = patience.as_secs();
            return Err(format!("no progress for {patience} s with {what}: {least} left").into());
        }
        std::thread::park_timeout(BETWEEN);
    }
}

/// The time between two looks at a condition.
const BETWEEN: Duration = Duration::from_millis(50);

/// Waits until `condition` returns a value, at most for `patience`.
fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if start.elapsed() > patience {
            return Err(format!("timed out waiting for {what}").into());
        }
        std::thread::park_timeout(BETWEEN);
    }
}
