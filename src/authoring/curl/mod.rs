//! Reads a sample command from a vendor's page: the request that a `curl …` would send.
//!
//! It runs no program and reads no file. Shell variables such as `$KEY` and placeholders such as
//! `<key>` stay as they are.

mod command;
mod raw;
mod words;

pub use command::{Piece, Sample};

/// Reads the first curl command of a text, or a raw HTTP request.
///
/// # Errors
/// A sentence that says what is not understood or not supported. It holds no value of the command.
pub fn parse(text: &str) -> Result<Sample, String> {
    if raw::is_request(text) {
        return raw::read(text);
    }
    let commands = words::commands(text)?;
    let mut found: Vec<Result<Sample, String>> = Vec::new();
    for command in &commands {
        if let Some(place) = command.iter().position(|word| is_curl(word)) {
            found.push(command::read(&command[place + 1..]));
        } else if let Some((_, inner)) = command.iter().find_map(|word| word.split_once("$(curl "))
        {
            // TOKEN=$(curl …)
            found.push(parse(&format!("curl {}", inner.trim_end_matches(')'))));
        }
    }
    let mut found = found.into_iter();
    let mut first = found.next().ok_or(
        "there is no curl command in this text: paste one that begins with `curl`, or an HTTP \
         request that begins with `POST /path HTTP/1.1`",
    )??;
    for other in found {
        match other {
            Ok(other) => {
                first.others.push(other.url);
                first.others.extend(other.others);
            }
            Err(_) => first.notes.push(
                "the text has another command, which cannot be read and is not in this draft"
                    .into(),
            ),
        }
    }
    Ok(first)
}

fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    matches!(name.to_ascii_lowercase().as_str(), "curl" | "curl.exe")
}
