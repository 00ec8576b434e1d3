//! What credwatch costs beside its peers, in one run on one machine: see `benches/README.md`.
//!
//! Reading order: this file (sections and roles), [`saturated`], [`scheduled`], [`scrape`],
//! [`start`] and [`answer`] (what is measured), [`contenders`], [`daemon`] and [`exporter`] (who is measured),
//! [`endpoint`] and [`authority`] (what they are measured against), [`process`], [`client`] and
//! [`table`] (with what).

mod answer;
mod authority;
mod client;
mod contenders;
mod daemon;
mod endpoint;
mod exporter;
mod process;
mod saturated;
mod scheduled;
mod scrape;
mod start;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use endpoint::Endpoint;
use table::{Reach, Row, Samples};

/// Whatever keeps a measurement from being made.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The argument that makes this binary one of the processes that the measuring one starts.
const ROLE: &str = "--role";

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All contenders, often enough for figures that are published.
    Whole,
    /// The prober and the daemon beside the floor, scrapes and starts: within a minute.
    Quick,
}

/// The argument that asks for the short form.
const QUICK: &str = "quick";

/// The sections, as they can be named on the command line.
const SECTIONS: [&str; 5] = ["answer", "saturated", "scheduled", "start", "size"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [first, role, rest @ ..] if first == ROLE => play(role, rest),
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

/// What a child process does.
fn play(role: &str, arguments: &[String]) -> Result<()> {
    match (role, arguments) {
        ("endpoint", [folder]) => endpoint::serve(Path::new(folder)),
        ("static", [plain, gzip]) => scrape::serve_static(Path::new(plain), Path::new(gzip)),
        ("floor", [url, authority]) => contenders::floor(url, Path::new(authority)),
        ("reqwest", [url, authority]) => contenders::bare_reqwest(url, Path::new(authority)),
        ("prober", [configuration]) => contenders::prober(Path::new(configuration)),
        _ => Err(format!("there is no role {role} with {} arguments", arguments.len()).into()),
    }
}

/// Measures the sections that are named, all when none is, and prints the table.
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
    let wanted = |section: &str| named.is_empty() || named.contains(&section);
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
    if wanted("answer") {
        rows.extend(answer::measure()?);
    }
    if wanted("size") {
        rows.push(size()?);
    }
    println!("\n{}", table::print(&rows));
    println!(
        "measured in {:.0} s; what each row means and how to read it: benches/README.md",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The size of the binary, as the profile strips it.
fn size() -> Result<Row> {
    let bytes = std::fs::metadata(daemon::binary())?.len();
    Ok(Row::new("binary, stripped", Samples::one(table::float(bytes) / 1e6), "MB")
        .reach(Reach::Value(14.0, 10.0)))
}

/// Tells how far the run is; the table alone goes to standard output.
fn progress(text: &str) {
    eprintln!("{text}");
}

/// Waits until `condition` yields a value, for a minute at most.
fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if start.elapsed() > Duration::from_secs(60) {
            return Err(format!("waited in vain for {what}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
