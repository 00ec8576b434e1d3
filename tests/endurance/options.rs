//! The command line: the options of a campaign, and those that `cargo test` gives to each test
//! program.

use std::time::{Duration, SystemTime};

use crate::{Result, speed};

/// The name under which `cargo test NAME` finds this program.
const NAME: &str = "endurance";

/// The default length of the phase with faults and events. The whole run takes a minute more.
const SHORT: Duration = Duration::from_secs(66);

/// The options of a campaign.
#[derive(Clone, Debug)]
pub struct Options {
    /// The length of the storm: the phase with faults and events.
    pub storm: Duration,
    /// The number of watched providers; by default as many as this machine can watch now.
    pub providers: usize,
    /// The share of requests with a transient fault.
    pub faults: f64,
    /// The share of requests with a hostile answer.
    pub hostile: f64,
    /// The seed of all random numbers.
    pub seed: u64,
}

/// What the command line asks for.
pub enum Task {
    /// Run a campaign.
    Run(Options),
    /// Print the name of the test.
    List,
    /// The filters select another test.
    Nothing,
}

/// Reads the arguments.
pub fn read(arguments: &[String]) -> Result<Task> {
    let mut options =
        Options { storm: SHORT, providers: 0, faults: 0.02, hostile: 0.02, seed: of_the_clock() };
    let (mut filters, mut skipped, mut list, mut ignored) = (Vec::new(), false, false, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let mut value = || {
            inline.clone().or_else(|| rest.next().cloned()).ok_or(format!("{name} wants a value"))
        };
        match name {
            "--minutes" => {
                options.storm = Duration::try_from_secs_f64(value()?.parse::<f64>()? * 60.0)?;
            }
            "--providers" => options.providers = value()?.parse()?,
            "--faults" => options.faults = value()?.parse()?,
            "--hostile" => options.hostile = value()?.parse()?,
            "--seed" => options.seed = value()?.parse()?,
            "--skip" => skipped |= NAME.contains(&value()?),
            "--list" => list = true,
            "--ignored" => ignored = true,
            // Options of the usual test harness that change nothing here.
            "--test-threads" | "--format" | "--color" | "--logfile" | "-Z" => drop(value()?),
            "--nocapture" | "--no-capture" | "--show-output" | "--exact" | "--quiet" | "-q"
            | "--include-ignored" => {}
            filter if !filter.starts_with('-') => filters.push(filter.to_owned()),
            unknown => {
                return Err(format!(
                    "{unknown} is not known; there are --minutes, --providers, --faults, --hostile \
                     and --seed"
                )
                .into());
            }
        }
    }
    let wanted = filters.is_empty() || filters.iter().any(|filter| NAME.contains(filter.as_str()));
    if skipped || ignored || !wanted {
        return Ok(Task::Nothing);
    }
    if list {
        return Ok(Task::List);
    }
    if options.providers == 0 {
        options.providers = speed::providers();
    }
    options.checked().map(Task::Run)
}

impl Options {
    /// These options, when each is in its range.
    fn checked(self) -> Result<Self> {
        let rates = 0.0..0.5;
        let problem = if !(100..=50_000).contains(&self.providers) {
            "--providers must be from 100 to 50000"
        } else if !rates.contains(&self.faults) {
            "--faults must be from 0 to less than 0.5"
        } else if !rates.contains(&self.hostile) {
            "--hostile must be from 0 to less than 0.5"
        } else if self.storm < SHORT {
            "--minutes must be at least 1.1"
        } else {
            return Ok(self);
        };
        Err(problem.into())
    }
}

/// A new seed for each run. The output shows it, so that a run can be repeated.
fn of_the_clock() -> u64 {
    let nanos =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    u64::try_from(nanos / 1_000 % 1_000_000_000).unwrap_or_default()
}
