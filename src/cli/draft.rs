//! `credwatch recipes new`: drafts a recipe from a vendor's sample command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use super::print::{complain, complain_of, say};
use crate::authoring::draft::Options;
use crate::authoring::{curl, draft};
use crate::config;
use crate::files;
use crate::recipe::definition::CredentialKind;

#[derive(Args)]
pub struct Flags {
    /// The sample command as the vendor's page shows it, in single quotes, or the request itself,
    /// which begins with `POST /path HTTP/1.1`; `-` reads it from standard input.
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    from_curl: String,
    /// A file with a sample answer from the vendor's page, with headers if it begins with `HTTP/`;
    /// `-` for standard input. Can be repeated, for a success and a refusal.
    #[arg(long, value_name = "FILE")]
    answer: Vec<PathBuf>,
    /// The name of the recipe [default: from the host].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What the recipe does: `issued` requests a token, `static` presents the key itself
    /// [default: what the samples show].
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
}

#[derive(clap::ValueEnum, Clone, Copy)]
enum Kind {
    Issued,
    Static,
}

pub fn main(flags: &Flags) -> ExitCode {
    match draft(flags) {
        Ok(text) => {
            say(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            complain_of(&problem);
            ExitCode::FAILURE
        }
    }
}

fn draft(flags: &Flags) -> Result<String, String> {
    let stdin = usize::from(flags.from_curl == "-")
        + flags.answer.iter().filter(|path| *path == Path::new("-")).count();
    if stdin > 1 {
        return Err("standard input can be read once only: put the others into files".into());
    }
    let command =
        if flags.from_curl == "-" { read(Path::new("-"))? } else { flags.from_curl.clone() };
    let answers = flags
        .answer
        .iter()
        .map(|path| read(path).map(|text| draft::answer(&text)))
        .collect::<Result<Vec<_>, _>>()?;
    let sample = curl::parse(&command)?;
    let kind = flags.kind.map(|kind| match kind {
        Kind::Issued => CredentialKind::Issued,
        Kind::Static => CredentialKind::Static,
    });
    let options = Options { name: flags.name.as_deref(), kind };
    let text = draft::draft(&sample, options, &answers, Timestamp::now())?;
    // A draft that does not load would mislead its reader.
    if let Err(faults) = config::load_text("the draft", &text) {
        complain(&faults);
        return Err("this command makes no valid recipe; see the faults above".into());
    }
    Ok(text)
}

/// Reads a file or a pipe; `-` is standard input.
fn read(path: &Path) -> Result<String, String> {
    let text = if path == Path::new("-") {
        files::read_stdin(files::SAMPLE)
    } else {
        files::read_stream(path, files::SAMPLE)
    };
    text.map_err(|error| format!("cannot read {}: {error}", path.display()))
}
