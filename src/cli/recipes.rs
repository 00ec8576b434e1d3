//! `credwatch recipes`: lists, prints, drafts and tests recipes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::draft;
use super::print::{complain_of, say};
use crate::diagnostic::{nearest, suggestion};
use crate::exchange;
use crate::recipe::Recipe;
use crate::recipe::builtin::{self, BUILTINS};
use crate::recipe::definition::CredentialKind;
use crate::time::human_duration;

#[derive(Args)]
pub struct Flags {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List the built-in recipes with their inputs, or only those that contain all given words.
    List {
        /// Beginnings of words in the name, the title, the aliases, the documentation or the inputs
        /// of a recipe.
        #[arg(value_name = "WORDS")]
        words: Vec<String>,
    },
    /// Draft a recipe from a vendor's sample command.
    New(draft::Flags),
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
        None => list(&[]),
        Some(Command::List { words }) => list(words),
        Some(Command::New(flags)) => draft::main(flags),
        Some(Command::Show { name }) => show(name),
        Some(Command::Test { files }) => test(files),
    }
}

/// The texts of a recipe that `list` searches, as words.
fn searched(recipe: &Recipe) -> String {
    let mut texts = vec![recipe.name.as_str()];
    texts.extend(recipe.title.as_deref().into_iter().chain(recipe.documentation.as_deref()));
    texts.extend(recipe.aliases().iter().map(String::as_str));
    let parameters =
        recipe.parameters.iter().map(|(name, parameter)| (name, &parameter.description));
    for (name, description) in parameters
        .chain(recipe.credentials.iter().map(|(name, credential)| (name, &credential.description)))
    {
        texts.push(name);
        texts.extend(description.as_deref());
    }
    in_words(&texts.join("\n"))
}

/// The words of a text in lower case, each with a blank before it.
fn in_words(text: &str) -> String {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| [" ", word]).collect()
}

/// The names of the recipes for a whole standard.
fn general() -> Vec<String> {
    let names = BUILTINS.iter().map(|(name, _)| *name);
    names.filter(|name| name.starts_with("oauth2-")).map(|name| format!("`{name}`")).collect()
}

fn list(words: &[String]) -> ExitCode {
    let words: Vec<String> =
        words.iter().flat_map(|word| word.split_whitespace()).map(str::to_owned).collect();
    let mut found = 0;
    for recipe in BUILTINS.iter().filter_map(|(name, _)| builtin::recipe(name)) {
        let text = searched(&recipe);
        // A word is found by its beginning: `micro`, but not `sap` in `whatsapp`.
        if words.iter().any(|word| !text.contains(&in_words(word))) {
            continue;
        }
        found += 1;
        let name = &recipe.name;
        say(&format!("{name:<28}{}", recipe.title.as_deref().unwrap_or_default()));
        let mark = |optional: bool| if optional { "?" } else { "" };
        let parameters = recipe.parameters.iter().map(|(name, parameter)| {
            let default = parameter.default.as_ref();
            let default = default.map(|value| format!(" [{}]", minijinja::Value::from(value)));
            format!("{name}{}{}", mark(parameter.optional), default.unwrap_or_default())
        });
        let credentials = recipe
            .credentials
            .iter()
            .map(|(name, credential)| format!("{name}{}", mark(credential.optional)));
        let interval = recipe
            .interval
            .map(|interval| format!("asked every {}", human_duration(interval.as_secs_f64())));
        let known = recipe.known.iter().map(|known| known.words().to_owned()).chain(interval);
        let row = |title: &str, texts: Vec<String>| {
            say(&format!("{:<28}{title:<13}{}", "", texts.join(", ")));
        };
        if !recipe.aliases().is_empty() {
            row("also for:", recipe.aliases().to_vec());
        }
        row("parameters:", parameters.collect());
        row("credentials:", credentials.collect());
        if recipe.kind() == CredentialKind::Static {
            row("kind:", vec!["static: the key itself is presented, nothing is issued".into()]);
        }
        row("known:", known.collect());
        if let Some(side_effects) = &recipe.side_effects {
            row("beside:", vec![side_effects.clone()]);
        }
    }
    if found == 0 {
        let near =
            words.iter().find_map(|word| nearest(word, BUILTINS.iter().map(|(name, _)| *name)));
        let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        complain_of(&format!(
            "no built-in recipe has {}\n  hint: {hint}for an API with OAuth 2.0 take one of {}; \
             `credwatch recipes new` drafts a recipe for any other API, `credwatch recipes list` \
             shows all",
            words.join(" and "),
            general().join(", ")
        ));
        return ExitCode::FAILURE;
    }
    say("\n? can be left out, [default]. `credwatch recipes show NAME` prints one.");
    ExitCode::SUCCESS
}

/// Prints a recipe under the header that it has in a configuration.
fn show(name: &str) -> ExitCode {
    let Some(text) = builtin::text(name) else {
        let hint = suggestion(name, BUILTINS.iter().map(|(name, _)| *name));
        complain_of(&format!("there is no built-in recipe {name:?}\n  hint: {hint}"));
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
    say(shown.trim_end());
    ExitCode::SUCCESS
}

fn test(files: &[PathBuf]) -> ExitCode {
    let mut failed = 0;
    for file in files {
        match exchange::run_file(file) {
            Ok(()) => say(&format!("ok      {}", file.display())),
            Err(problem) => {
                failed += 1;
                say(&format!("FAILED  {}\n{problem}", file.display()));
            }
        }
    }
    say(&format!("{} passed, {failed} failed", files.len() - failed));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
