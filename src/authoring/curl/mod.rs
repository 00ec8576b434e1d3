//! Sample commands of vendors' pages: a `curl …` as text, and the request that it would send.
//!
//! Nothing is run and no file is read. What a shell would put in, such as `$KEY`, stays as it is
//! written, and so do the placeholders that pages have, such as `<key>`.

mod command;
mod raw;
mod words;

pub use command::{Piece, Sample};

/// Reads the first curl command of a text, or a request as it goes over the line.
///
/// # Errors
/// A sentence that says what cannot be understood, or cannot be a recipe. It holds no value of the
/// command.
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
        "there is no curl command in this text: it begins with `curl`, as the vendor's page shows it; or paste the request itself, which begins with `POST /path HTTP/1.1`",
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
