//! The command line: flags, commands, exit statuses.

mod check;
mod demo;
mod draft;
mod probe;
mod recipes;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use tracing::Level;

use crate::config::Configuration;
use crate::diagnostic::{Fault, Severity};
use crate::logging::{self, Format, Verbosity};
use crate::web_config::Door;

/// Exit status when the configuration is wrong (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// Tells that a credential is broken before customers do: requests a token from every configured
/// provider, and serves latency, failures by the provider's own code and time to expiry as
/// Prometheus metrics.
#[derive(Parser)]
#[command(name = "credwatch", version, max_term_width = 100)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon.
    Run(run::Flags),
    /// Validate the configuration without the network; tells every fault with file, line, column
    /// and a hint.
    Check(check::Flags),
    /// Probe one provider now and explain each step; never shows a secret or token.
    Probe(probe::Flags),
    /// Work with recipes: what is built in, one to copy, a draft of a new one, recorded exchanges.
    Recipes(recipes::Flags),
    /// Watch a built-in fake of five token APIs; needs no configuration and no network.
    Demo(demo::Flags),
    /// Print the JSON Schema of the configuration file, for editors.
    Schema {
        /// That of a file with `[recipes.NAME]` tables and nothing else, as `recipe_files` names
        /// them.
        #[arg(long)]
        recipes: bool,
    },
}

/// Which configuration.
#[derive(Args)]
struct ConfigFlag {
    /// The configuration file.
    #[arg(long = "config.file", value_name = "FILE", default_value = "credwatch.toml")]
    file: PathBuf,
}

/// Who may come in.
#[derive(Args)]
struct WebConfigFlag {
    /// TLS, passwords and headers of the daemon's own server, in the format of the Prometheus
    /// exporters.
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_file: Option<PathBuf>,
}

/// How logs are written.
#[derive(Args)]
struct LogFlags {
    /// How much is logged [default: `RUST_LOG`, else info].
    #[arg(long = "log.level", value_name = "LEVEL")]
    level: Option<Verbosity>,
    /// The form of a log line.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    match Line::parse().command {
        Command::Run(flags) => run::main(&flags),
        Command::Check(flags) => check::main(&flags),
        Command::Probe(flags) => probe::main(&flags),
        Command::Recipes(flags) => recipes::main(&flags),
        Command::Demo(flags) => demo::main(&flags),
        Command::Schema { recipes } => {
            let schema =
                if recipes { crate::config::recipe_schema() } else { crate::config::schema() };
            say(&format!("{schema:#}"));
            ExitCode::SUCCESS
        }
    }
}

/// The command line as data, for its manual pages and completions.
#[must_use]
pub fn line() -> clap::Command {
    Line::command()
}

/// Reads the configuration, and prints what is wrong with it.
fn load(flag: &ConfigFlag) -> Result<Configuration, ExitCode> {
    crate::config::load(&flag.file).outcome.map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}

/// Reads the web configuration, and prints what is wrong with it.
fn load_door(flag: &WebConfigFlag) -> Result<Door, ExitCode> {
    Door::load(flag.web_file.as_deref()).map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}

/// More faults than anybody reads at once.
const MOST_SHOWN: usize = 100;

/// Prints faults to standard error, and how many there are.
fn complain(faults: &[Fault]) {
    use std::io::Write;
    let mut out = std::io::stderr().lock();
    let mut write = |severity: Severity, text: &str| {
        let mark = logging::journal_mark(if severity == Severity::Error {
            Level::ERROR
        } else {
            Level::WARN
        });
        for line in text.lines() {
            let _ = writeln!(out, "{mark}{line}");
        }
    };
    for fault in faults.iter().take(MOST_SHOWN) {
        write(fault.severity, &format!("{fault}\n"));
    }
    if faults.len() > MOST_SHOWN {
        write(Severity::Warning, &format!("… and {} more\n\n", faults.len() - MOST_SHOWN));
    }
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let count = |number: usize, word: &str| {
        format!("{number} {word}{}", if number == 1 { "" } else { "s" })
    };
    let worst = if errors > 0 { Severity::Error } else { Severity::Warning };
    write(
        worst,
        &format!("{}, {}", count(errors, "error"), count(faults.len() - errors, "warning")),
    );
}

/// Prints to standard output; a reader that has gone, such as `head`, is no error.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// More threads for blocking calls than there can be probes waiting for a name server that does not
/// answer, so that scrapes still find one. They are made only when needed.
const BLOCKING_THREADS: usize = 2_048;

/// How long such a thread waits for another call. They take turns, so with a thousand calls in ten
/// seconds, which is how long they wait unless told otherwise, a thousand threads that one bad
/// moment has made would stay for ever.
const KEPT_ALIVE: std::time::Duration = std::time::Duration::from_millis(200);

/// What its threads are called.
const THREAD_NAME: &str = "credwatch-run";

/// A runtime for commands that use the network.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name(THREAD_NAME)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(KEPT_ALIVE)
        .enable_all()
        .build()
}

/// Ends a runtime. A name server that does not answer would hold a plain drop for as long as it
/// hangs.
fn end(runtime: tokio::runtime::Runtime) {
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::time::{Duration, Instant};

    /// Threads of this process that belong to such a runtime.
    fn threads() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
        let is_ours = |path: std::path::PathBuf| {
            std::fs::read_to_string(path.join("comm"))
                .is_ok_and(|name| name.trim() == super::THREAD_NAME)
        };
        tasks.flatten().filter(|task| is_ours(task.path())).count()
    }

    #[test]
    fn threads_that_one_bad_moment_needed_end_although_there_is_always_something_to_do() {
        const MANY: usize = 100;
        let runtime = super::runtime().expect("a runtime");
        let before = threads();
        let together = Arc::new(Barrier::new(MANY));
        let waiting: Vec<_> = (0..MANY)
            .map(|_| {
                let together = Arc::clone(&together);
                runtime.spawn_blocking(move || together.wait().is_leader())
            })
            .collect();
        runtime.block_on(async {
            for one in waiting {
                one.await.expect("it waited");
            }
            assert!(threads() >= before + MANY / 2, "they were made");
            let start = Instant::now();
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            while threads() > before + MANY / 4 {
                assert!(start.elapsed() < Duration::from_secs(5), "{} threads still", threads());
                ticks.tick().await;
                runtime.spawn_blocking(|| ()).await.expect("it ran");
            }
        });
    }
}
