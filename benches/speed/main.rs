//! The cost of credwatch beside other programs, in one run on one machine: see `benches/README.md`.
//!
//! Reading order: this file (sections and roles), [`saturated`], [`scheduled`], [`scrape`],
//! [`start`], [`scale`] and [`answer`] (the measurements), [`contenders`], [`daemon`] and
//! [`exporter`] (the measured programs), [`endpoint`] and [`authority`] (the server), [`process`],
//! [`client`] and [`table`] (the tools).

mod answer;
mod authority;
mod client;
mod contenders;
mod daemon;
mod endpoint;
mod exporter;
mod process;
mod saturated;
mod scale;
mod scheduled;
mod scrape;
mod start;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use endpoint::Endpoint;
use table::{Reach, Row, Samples};

/// The allocator of the daemon, for the floor as well.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The error stops the run.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The argument that starts this binary as one of the child processes.
const ROLE: &str = "--role";

/// How much a run measures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All programs, with enough rounds for published figures.
    Whole,
    /// The prober and the daemon beside the floor, scrapes and starts: within a minute.
    Quick,
}

/// The argument that selects the short form.
const QUICK: &str = "quick";

/// The section that runs only when it is named.
const SCALE: &str = "scale";

/// The names of the sections on the command line.
const SECTIONS: [&str; 6] = ["answer", "saturated", "scheduled", "start", "size", SCALE];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [first, role, rest @ ..] if first == ROLE => run_role(role, rest),
        arguments => measure(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a child process in its role.
fn run_role(role: &str, arguments: &[String]) -> Result<()> {
    match (role, arguments) {
        ("endpoint", [folder]) => endpoint::serve(Path::new(folder)),
        ("static", [plain, gzip]) => scrape::serve_static(Path::new(plain), Path::new(gzip)),
        ("floor", [url, authority]) => contenders::floor(url, Path::new(authority)),
        ("reqwest", [url, authority]) => contenders::bare_reqwest(url, Path::new(authority)),
        ("prober", [configuration]) => contenders::prober(Path::new(configuration)),
        _ => Err(format!("there is no role {role} with {} arguments", arguments.len()).into()),
    }
}

/// Measures the named sections, or all sections if none is named, and prints the table.
fn measure(arguments: &[String]) -> Result<()> {
    let named: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let form = if named.contains(&QUICK) { Form::Quick } else { Form::Whole };
    let named: Vec<&str> = named.into_iter().filter(|name| *name != QUICK).collect();
    if let Some(unknown) = named.iter().find(|name| !SECTIONS.contains(name)) {
        return Err(
            format!("there is no section {unknown}; there are {}", SECTIONS.join(", ")).into()
        );
    }
    let wanted = |section: &str| named.contains(&section) || (named.is_empty() && section != SCALE);
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    let mut endpoint = Endpoint::start(folder.path())?;
    let mut rows = Vec::new();
    let mut exporter = None;
    if wanted("saturated") {
        let (measured, cost) = saturated::measure(form, &mut endpoint, folder.path())?;
        rows.extend(measured);
        exporter = cost;
    }
    if wanted("scheduled") && form == Form::Quick {
        rows.extend(scheduled::scrapes(&mut endpoint, folder.path())?);
    } else if wanted("scheduled") {
        rows.extend(scheduled::measure(&mut endpoint, folder.path(), exporter.as_ref())?);
    }
    if wanted("start") {
        rows.extend(start::measure(
            if form == Form::Quick { 3 } else { 7 },
            &endpoint,
            folder.path(),
        )?);
    }
    if wanted(SCALE) {
        rows.extend(scale::measure(&mut endpoint, folder.path())?);
    }
    if wanted("answer") {
        rows.extend(answer::measure()?);
    }
    if wanted("size") {
        rows.push(size()?);
    }
    println!("\n{}", table::print(&rows));
    println!(
        "measured in {:.0} s; benches/README.md explains each row",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The size of the stripped binary.
fn size() -> Result<Row> {
    let bytes = std::fs::metadata(daemon::binary())?.len();
    Ok(Row::new("binary, stripped", Samples::one(table::float(bytes) / 1e6), "MB")
        .reach(Reach::Value(12.0, 10.0)))
}

/// Prints the progress to standard error. Only the table goes to standard output.
fn progress(text: &str) {
    eprintln!("{text}");
}

/// Waits until `condition` returns a value, for a minute at most.
fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if start.elapsed() > Duration::from_secs(60) {
            return Err(format!("timed out waiting for {what}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
