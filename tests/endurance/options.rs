//! The command line: what a campaign is like, beside what `cargo test` hands to every test program.

use std::time::{Duration, SystemTime};

use crate::Result;

/// The name under which `cargo test NAME` finds this program.
const NAME: &str = "endurance";

/// How long faults and events go on when nobody says otherwise: the whole run takes a minute more.
const SHORT: Duration = Duration::from_secs(66);

/// What a campaign is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long faults and events go on.
    pub storm: Duration,
    /// How many providers are watched.
    pub providers: usize,
    /// Which part of all requests meets a transient fault.
    pub faults: f64,
    /// Decides everything that is left to chance.
    pub seed: u64,
}

/// What is to be done.
pub enum Task {
    /// A campaign.
    Run(Options),
    /// Only the name is wanted.
    List,
    /// Another test is meant.
    Nothing,
}

/// Reads the arguments.
pub fn read(arguments: &[String]) -> Result<Task> {
    let mut options =
        Options { storm: SHORT, providers: 2_000, faults: 0.02, seed: of_the_clock() };
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
            "--seed" => options.seed = value()?.parse()?,
            "--skip" => skipped |= NAME.contains(&value()?),
            "--list" => list = true,
            "--ignored" => ignored = true,
            // What the usual harness knows and what changes nothing here.
            "--test-threads" | "--format" | "--color" | "--logfile" | "-Z" => drop(value()?),
            "--nocapture" | "--no-capture" | "--show-output" | "--exact" | "--quiet" | "-q"
            | "--include-ignored" => {}
            filter if !filter.starts_with('-') => filters.push(filter.to_owned()),
            unknown => {
                return Err(format!(
                    "{unknown} is not known; there are --minutes, --providers, --faults and --seed"
                )
                .into());
            }
        }
    }
    if options.providers < 100
        || options.providers > 50_000
        || !(0.0..0.5).contains(&options.faults)
        || options.storm < SHORT
    {
        return Err("there must be 100 to 50000 providers, a rate of faults below 0.5, and 1.1 \
                    minutes at least"
            .into());
    }
    let wanted = filters.is_empty() || filters.iter().any(|filter| NAME.contains(filter.as_str()));
    Ok(match (skipped || ignored || !wanted, list) {
        (true, _) => Task::Nothing,
        (false, true) => Task::List,
        (false, false) => Task::Run(options),
    })
}

/// Another seed each time; the report says which, so that a run can be repeated.
fn of_the_clock() -> u64 {
    let nanos =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    u64::try_from(nanos / 1_000 % 1_000_000_000).unwrap_or_default()
}
