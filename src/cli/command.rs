//! The commands and their functions.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use super::print::say;
use super::{check, demo, init, probe, recipes, run, status};
use crate::config;
use crate::process::forbid_core_dumps;

/// Reports broken credentials before customers notice them. It requests a token from every
/// configured provider, and serves latency, failures by the provider's own code and time to expiry
/// as Prometheus metrics.
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
    /// Check the configuration without the network; prints every fault with file, line, column and
    /// a hint.
    Check(check::Flags),
    /// Probe one provider now and explain each step, or several at once; never prints a secret or
    /// token.
    Probe(probe::Flags),
    /// Ask for a first provider, write the configuration and its secret files, and probe it.
    Init(init::Flags),
    /// Show the state of a running daemon.
    Status(status::Flags),
    /// List, print, draft and test recipes.
    Recipes(recipes::Flags),
    /// Watch built-in fake APIs; needs no configuration and no network.
    Demo(demo::Flags),
    /// Print the JSON Schema of the configuration file, for editors.
    Schema {
        /// Print the schema of a recipe file (`recipe_files`), which has only `[recipes.NAME]`
        /// tables.
        #[arg(long)]
        recipes: bool,
    },
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    forbid_core_dumps();
    match Line::parse().command {
        Command::Run(flags) => run::main(&flags),
        Command::Check(flags) => check::main(&flags),
        Command::Probe(flags) => probe::main(&flags),
        Command::Init(flags) => init::main(&flags),
        Command::Status(flags) => status::main(&flags),
        Command::Recipes(flags) => recipes::main(&flags),
        Command::Demo(flags) => demo::main(&flags),
        Command::Schema { recipes } => {
            let schema = if recipes { config::recipe_schema() } else { config::schema() };
            say(&format!("{schema:#}"));
            ExitCode::SUCCESS
        }
        Command::Completions { shell } => {
            say(&completions(shell));
            ExitCode::SUCCESS
        }
    }
}

/// The completions for a shell.
fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "credwatch", &mut script);
    String::from_utf8(script).unwrap_or_default()
}

/// The command line as data, for manual pages and completions.
#[must_use]
pub fn line() -> clap::Command {
    Line::command()
}
