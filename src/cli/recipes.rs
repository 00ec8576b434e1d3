//! `credwatch recipes`: lists, prints, drafts and tests recipes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::draft;
use super::print::{complain_of, say};
use super::ready::block_to_copy;
use crate::diagnostic::nearest;
use crate::exchange;
use crate::recipe::Recipe;
use crate::recipe::builtin::{self, BUILTINS};
use crate::recipe::definition::{Parameter, Scalar};
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
        /// Print a provider that uses the recipe, not the recipe itself.
        #[arg(long)]
        provider: bool,
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
        Some(Command::Show { name, provider: true }) => show_provider(name),
        Some(Command::Show { name, provider: false }) => show(name),
        Some(Command::Test { files }) => test(files),
    }
}

/// The texts of a recipe that `list` searches, as words: those that name it, and all.
fn searched(recipe: &Recipe) -> [String; 2] {
    let mut texts = vec![recipe.name.as_str()];
    texts.extend(recipe.title.as_deref());
    texts.extend(recipe.aliases().iter().map(String::as_str));
    texts.extend(recipe.vendor());
    let naming = in_words(&texts.join("\n")) + " ";
    texts.extend(recipe.documentation.as_deref());
    let parameters =
        recipe.parameters.iter().map(|(name, parameter)| (name, &parameter.description));
    for (name, description) in parameters
        .chain(recipe.credentials.iter().map(|(name, credential)| (name, &credential.description)))
    {
        texts.push(name);
        texts.extend(description.as_deref());
    }
    [naming, in_words(&texts.join("\n")) + " "]
}

/// Whether words with all of these beginnings are in the text. `keys` finds `key` too.
fn has_all(text: &str, words: &[String]) -> bool {
    words.iter().all(|word| {
        let word = in_words(word);
        let one = word.strip_suffix('s').filter(|one| one.len() > 3);
        text.contains(&word) || one.is_some_and(|one| text.contains(&format!("{one} ")))
    })
}

/// How far a recipe is from the words: 0 when its name or vendor has them as whole words, 1 when a
/// text that names it has them. `None` when it has not all of them.
fn distance(recipe: &Recipe, words: &[String]) -> Option<u8> {
    let [naming, all] = searched(recipe);
    let own = in_words(&format!("{} {}", recipe.name, recipe.vendor().unwrap_or_default())) + " ";
    let is_own = |word: &String| own.contains(&(in_words(word) + " "));
    if !has_all(&all, words) {
        None
    } else if words.iter().all(is_own) {
        Some(0)
    } else {
        Some(if has_all(&naming, words) { 1 } else { 2 })
    }
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

/// The built-in recipes that have all these words, each with its distance from them. A word is
/// found by its beginning: `micro`, but not `sap` in `whatsapp`.
pub fn matching(words: &[String]) -> Vec<(u8, Recipe)> {
    let all = BUILTINS.iter().filter_map(|(name, _)| builtin::recipe(name));
    all.filter_map(|recipe| Some((distance(&recipe, words)?, recipe))).collect()
}

fn list(words: &[String]) -> ExitCode {
    let words: Vec<String> =
        words.iter().flat_map(|word| word.split_whitespace()).map(str::to_owned).collect();
    let mut found = matching(&words);
    if found.is_empty() {
        return nothing_found(&words);
    }
    let vendor = |recipe: &Recipe| recipe.vendor().unwrap_or("Any provider").to_owned();
    // The nearest vendors come first.
    let mut nearest: HashMap<String, u8> = HashMap::new();
    for (distance, recipe) in &found {
        let least = nearest.entry(vendor(recipe)).or_insert(*distance);
        *least = (*least).min(*distance);
    }
    found.sort_by_cached_key(|(distance, recipe)| {
        let vendor = vendor(recipe);
        (nearest[&vendor], vendor.to_lowercase(), *distance, recipe.name.clone())
    });
    for recipes in found.chunk_by(|(_, one), (_, next)| vendor(one) == vendor(next)) {
        say(&format!("  {}", vendor(&recipes[0].1)));
        for (_, recipe) in recipes {
            list_one(recipe);
        }
    }
    say("\n? can be left out, [default]. `credwatch recipes show NAME` prints one, and with \
         --provider a provider that uses it.");
    ExitCode::SUCCESS
}

fn list_one(recipe: &Recipe) {
    say(&format!("{:<27} {}", recipe.name, recipe.title.as_deref().unwrap_or_default()));
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
        if !texts.is_empty() {
            say(&format!("{:<28}{title:<13}{}", "", texts.join(", ")));
        }
    };
    row("also for:", recipe.aliases().to_vec());
    row("parameters:", parameters.collect());
    row("credentials:", credentials.collect());
    if !recipe.issues_tokens() {
        row("kind:", vec!["static: the key itself is presented, nothing is issued".into()]);
    }
    row("known:", known.collect());
    row("beside:", recipe.side_effects.iter().cloned().collect());
}

fn nothing_found(words: &[String]) -> ExitCode {
    let near = words.iter().find_map(|word| nearest(word, BUILTINS.iter().map(|(name, _)| *name)));
    let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    complain_of(&format!(
        "no built-in recipe has {}\n  hint: {hint}for an API with OAuth 2.0 take one of {}; \
         `credwatch recipes new` drafts a recipe for any other API and for a key that each request \
         presents, from a command of the vendor's page; `credwatch recipes list` shows all",
        words.join(" and "),
        general().join(", ")
    ));
    ExitCode::FAILURE
}

fn unknown(name: &str) -> ExitCode {
    let near = nearest(name, BUILTINS.iter().map(|(name, _)| *name));
    let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    complain_of(&format!(
        "there is no built-in recipe {name:?}\n  hint: {hint}`credwatch recipes list WORDS` finds \
         one"
    ));
    ExitCode::FAILURE
}

fn in_toml(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => toml::Value::String(text.clone()).to_string(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(value) => value.to_string(),
    }
}

/// Prints a provider that uses the recipe, with all inputs that it can have.
fn show_provider(name: &str) -> ExitCode {
    let Some(recipe) = builtin::recipe(name) else { return unknown(name) };
    let comments = [&recipe.title, &recipe.documentation].into_iter().flatten();
    comments.for_each(|text| say(&format!("# {text}")));
    if let Some(text) = &recipe.side_effects {
        say(&format!("# Side effects: {text}"));
    }
    let block = block_to_copy(&recipe).unwrap_or_default();
    let parameters = recipe
        .parameters
        .iter()
        .map(|(input, one)| (format!("parameters.{input} = "), described(one), &one.default));
    let credentials = recipe
        .credentials
        .iter()
        .map(|(input, one)| (format!("credentials.{input} = "), one.description.clone(), &None));
    let inputs: Vec<_> = parameters.chain(credentials).collect();
    for line in block.lines() {
        let input = inputs.iter().find(|(start, ..)| line.starts_with(start));
        if let Some(description) = input.and_then(|(_, description, _)| description.as_ref()) {
            say(&format!("# {description}"));
        }
        say(line);
    }
    for (start, description, default) in
        inputs.iter().filter(|(start, ..)| !block.lines().any(|line| line.starts_with(start)))
    {
        say(&format!("# Optional. {}", description.as_deref().unwrap_or_default()));
        let default = default.as_ref().map(in_toml);
        say(&format!("#{start}{}", default.unwrap_or_else(|| "\"\"".into())));
    }
    ExitCode::SUCCESS
}

/// What a parameter is, and the values that it can have.
fn described(parameter: &Parameter) -> Option<String> {
    let values: Vec<String> = parameter.one_of.iter().map(|value| format!("`{value}`")).collect();
    let values = (!values.is_empty()).then(|| format!("One of {}.", values.join(", ")));
    let texts: Vec<String> = parameter.description.iter().cloned().chain(values).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

/// Prints a recipe under the header that it has in a configuration.
fn show(name: &str) -> ExitCode {
    let Some(text) = builtin::text(name) else { return unknown(name) };
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
