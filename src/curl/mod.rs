//! Sample commands of vendors' pages: a `curl …` as text, and the request that it would send.
//!
//! Nothing is run and no file is read. What a shell would put in, such as `$KEY`, stays as it is written, and so do
//! the placeholders that pages have, such as `<key>`.

mod command;
mod words;

pub use command::{Piece, Sample};

/// Reads the first curl command of a text.
///
/// # Errors
/// A sentence that says what cannot be understood, or cannot be a recipe. It holds no value of the command.
pub fn parse(text: &str) -> Result<Sample, String> {
    let commands = words::commands(text)?;
    for command in &commands {
        if let Some(place) = command.iter().position(|word| is_curl(word)) {
            return command::read(&command[place + 1..]);
        }
    }
    // TOKEN=$(curl …)
    for word in commands.iter().flatten() {
        if let Some((_, inner)) = word.split_once("$(curl ") {
            return parse(&format!("curl {}", inner.trim_end_matches(')')));
        }
    }
    Err("there is no curl command in this text: it begins with `curl`, as the vendor's page shows it".into())
}

fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    matches!(name.to_ascii_lowercase().as_str(), "curl" | "curl.exe")
}
