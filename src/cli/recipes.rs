//! `credwatch recipes`: what is built in, one to copy, recorded exchanges.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::diagnostic::suggestion;
use crate::exchange;
use crate::recipe::builtin::{self, BUILTINS};

#[derive(Args)]
pub struct Flags {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List the built-in recipes with their inputs.
    List,
    /// Print a built-in recipe as TOML, ready to copy and change.
    Show {
        /// The name of the recipe.
        name: String,
    },
    /// Run recorded exchanges, offline and without credentials.
    Test {
        /// The files of the exchanges.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

pub fn main(flags: &Flags) -> ExitCode {
    match &flags.command {
        None | Some(Command::List) => list(),
        Some(Command::Show { name }) => show(name),
        Some(Command::Test { files }) => test(files),
    }
}

fn list() -> ExitCode {
    for (name, _) in BUILTINS {
        let Some(recipe) = builtin::recipe(name) else { continue };
        super::say(&format!("{name:<28}{}", recipe.title.as_deref().unwrap_or_default()));
        let parameters: Vec<String> = recipe
            .parameters
            .iter()
            .map(|(name, parameter)| {
                let default = parameter.default.as_ref().map(|default| format!(" [{}]", minijinja::Value::from(default)));
                format!("{name}{}{}", if parameter.optional { "?" } else { "" }, default.unwrap_or_default())
            })
            .collect();
        let credentials: Vec<String> =
            recipe.credentials.iter().map(|(name, credential)| format!("{name}{}", if credential.optional { "?" } else { "" })).collect();
        super::say(&format!("{:<28}parameters:  {}", "", parameters.join(", ")));
        super::say(&format!("{:<28}credentials: {}", "", credentials.join(", ")));
    }
    super::say("\n? can be left out, [default]. `credwatch recipes show NAME` prints one.");
    ExitCode::SUCCESS
}

/// Prints a recipe under the header that it has in a configuration.
fn show(name: &str) -> ExitCode {
    let Some(text) = builtin::text(name) else {
        let hint = suggestion(name, BUILTINS.iter().map(|(name, _)| *name));
        eprintln!("error: there is no built-in recipe {name:?}\n  hint: {hint}");
        return ExitCode::FAILURE;
    };
    let mut shown = format!("[recipes.{name}]\n");
    for line in text.lines() {
        let is_header = line.trim_end().ends_with(']') && !line.contains('=');
        match (line.strip_prefix("[["), line.strip_prefix('[')) {
            (Some(rest), _) if is_header => shown.push_str(&format!("[[recipes.{name}.{rest}")),
            (None, Some(rest)) if is_header => shown.push_str(&format!("[recipes.{name}.{rest}")),
            _ => shown.push_str(line),
        }
        shown.push('\n');
    }
    super::say(shown.trim_end());
    ExitCode::SUCCESS
}

fn test(files: &[PathBuf]) -> ExitCode {
    let mut failed = 0;
    for file in files {
        match exchange::run_file(file) {
            Ok(()) => super::say(&format!("ok      {}", file.display())),
            Err(problem) => {
                failed += 1;
                super::say(&format!("FAILED  {}\n{problem}", file.display()));
            }
        }
    }
    super::say(&format!("{} passed, {failed} failed", files.len() - failed));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
