//! The command and its flags.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::super::configuration::OWN_FILE;
use super::super::explanation::as_text;
use super::super::flags::refused;
use super::super::print::{Screen, complain_of, say, say_styled};
use super::dialogue;
use super::person::Person;
use super::terminal::Stdin;
use super::written::{Written, written};
use crate::authoring::explain::Explanation;
use crate::by_hand::shell_word;
use crate::config::{DEFAULT_ADDRESS, load, load_text};
use crate::next_step::Retry;
use crate::probe::Prober;
use crate::runtime::block_on;
use crate::storage::{write_new, write_new_private};

#[derive(Args)]
pub struct Flags {
    /// The file to write. Secrets are written into the folder `secrets` beside it.
    #[arg(long = "config.file", value_name = "FILE", default_value = "credwatch.toml")]
    file: PathBuf,
}

pub fn main(flags: &Flags) -> ExitCode {
    let file = &flags.file;
    let refuse = |problem: &str| {
        complain_of(problem);
        ExitCode::from(2)
    };
    if file.symlink_metadata().is_ok() {
        return refuse(&format!(
            "{} is there already, and init overwrites nothing\n  hint: `credwatch recipes show \
             NAME --provider` prints a provider to add; --config.file=FILE writes another file",
            file.display()
        ));
    }
    if !io::stdin().is_terminal() {
        return refuse(
            "init asks questions, and standard input is no terminal\n  hint: without questions, \
             `credwatch recipes show NAME --provider > credwatch.toml` writes a provider to fill \
             in",
        );
    }
    let person = &mut Person { input: &mut io::stdin().lock(), out: &mut Screen, terminal: &Stdin };
    let answers = dialogue::ask(person);
    person.leave();
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return refuse(&format!("stopped, nothing is written: {error}")),
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let written = written(answers, folder);
    // The faults come before anything is written.
    if let Err(faults) = load_text("the new configuration", &written.text) {
        return refused(&faults);
    }
    match write(&written, file) {
        Ok(()) => probe(file),
        Err(problem) => {
            complain_of(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Writes all files. None of them may be there.
fn write(written: &Written, file: &Path) -> Result<(), String> {
    if let Some((path, _)) = written.files(file).find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(format!("{} is there already; nothing is written", path.display()));
    }
    for (path, text) in written.files(file) {
        // Only the user chooses where the configuration is, so any folder will do for it.
        let write = if path == file { write_new } else { write_new_private };
        write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        say(&format!("written: {} (mode 600)", path.display()));
    }
    Ok(())
}

/// Probes the new provider, and says what comes next.
fn probe(file: &Path) -> ExitCode {
    let plan = match load(file).plan {
        Ok(plan) => plan,
        Err(faults) => return refused(&faults),
    };
    let Some(provider) = plan.providers.first() else { return ExitCode::FAILURE };
    say("");
    let mut explanation = Explanation::default();
    let probe = match block_on(Prober::new().observe(provider, &mut explanation)) {
        Ok(probe) => probe,
        Err(error) => {
            complain_of(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    say_styled(as_text(provider, &probe, &explanation, Retry::Person).trim_end());
    let flag = if file == Path::new(OWN_FILE) {
        String::new()
    } else {
        format!(" --config.file={}", file.display())
    };
    let is_success = probe.outcome.is_success();
    say(&format!(
        "
Next:
{}
In prometheus.yml:

scrape_configs:
  - job_name: credwatch
    static_configs:
      - targets: [\"{DEFAULT_ADDRESS}\"]",
        next_commands(is_success, &provider.name, file, &flag)
    ));
    if is_success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What to do after the first probe. `init` writes no second time, so a mistake is corrected in the
/// files.
fn next_commands(is_success: bool, name: &str, file: &Path, flag: &str) -> String {
    let name = shell_word(name);
    let corrected = if is_success {
        String::new()
    } else {
        format!(
            "  Correct {} or the files in `secrets` beside it, then:\n  \
             credwatch probe{flag} {name}\n",
            file.display()
        )
    };
    format!(
        "{corrected}  credwatch run{flag}      # then http://{DEFAULT_ADDRESS}/\n  \
         credwatch check{flag}    # after each change\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failed_first_probe_the_files_are_corrected_before_the_daemon_runs() {
        let file = Path::new("x.toml");
        let failed = next_commands(false, "a b", file, " --config.file=x.toml");
        assert!(failed.contains("Correct x.toml or the files in `secrets`"), "{failed}");
        let (probe, run) = (failed.find("probe --config.file=x.toml 'a b'\n"), failed.find("run"));
        assert!(probe.is_some() && probe < run, "{failed}");
        assert!(!next_commands(true, "p", file, "").contains("Correct"));
    }
}
