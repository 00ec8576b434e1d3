//! An endurance campaign: thousands of providers, faults and breakages drawn with a seed, and a
//! ground truth to hold against what the daemon says of them.
//!
//! `cargo test --test endurance` runs a short one, `cargo test --test endurance -- --minutes 60
//! --providers 10000 --faults 0.02 --seed 7` a long one. It fails when anything is not as the
//! documentation says, and tells what.
//!
//! Reading order: [`campaign`] (the phases), [`scale`] (its settings), [`truth`] and [`endpoint`]
//! (what is really the matter), [`events`], [`reloads`], [`suspend`] and [`clockstep`] (what
//! happens), [`daemon`], [`files`], [`exposition`] and [`observer`] (what the daemon says),
//! [`model`], [`case`], [`judge`], [`verdict`], [`books`] and [`control`] (how both are compared),
//! [`report`], [`options`] and [`dice`].

mod books;
mod campaign;
mod case;
mod clockstep;
mod control;
mod daemon;
mod dice;
mod endpoint;
mod events;
mod exposition;
mod files;
mod judge;
mod model;
mod observer;
mod options;
mod reloads;
mod report;
mod scale;
mod stop;
mod suspend;
mod truth;
mod verdict;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use options::Task;
use stop::Stop;
use truth::World;

/// Whatever keeps the campaign from going on.
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
        "endurance: seed {seed}, {} providers, {} % faults, {:?} of storm",
        options.providers,
        options.faults * 100.0,
        options.storm
    );
    let report = match campaign::run(&options) {
        Ok(report) => report,
        Err(error) => {
            println!("endurance: broken off: {error}; seed {seed}");
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

/// Tells how far it is; the report alone goes to standard output.
fn progress(world: &World, text: &str) {
    eprintln!("{:7.1} s  {text}", world.now().as_secs_f64());
}

/// Waits for a moment of the campaign; false when it is told to stop before.
fn pause_until(world: &World, moment: Duration, stop: &Stop) -> bool {
    !stop.wait(moment.saturating_sub(world.now()))
}

/// Waits until `condition` yields a value.
fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    const BETWEEN: Duration = Duration::from_millis(50);
    let start = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if start.elapsed() > patience {
            return Err(format!("waited in vain for {what}").into());
        }
        std::thread::park_timeout(BETWEEN);
    }
}
