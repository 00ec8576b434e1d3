//! Reads a sample command from a vendor's page: the request that a `curl …` would send.
//!
//! It runs no program and reads no file. Shell variables such as `$KEY` and placeholders such as
//! `<key>` stay as they are.

mod command;
mod foreign;
mod raw;
mod sample;
mod words;

pub use sample::{Other, Piece, Sample};

/// How deep commands in place of words are read.
const DEEPEST: usize = 3;

/// Reads the command of a text that is most like a token request, or a raw HTTP request.
///
/// # Errors
/// A sentence that says what is not understood or not supported. It holds no value of the command.
pub fn parse(text: &str) -> Result<Sample, String> {
    read(text, 0)
}

fn read(text: &str, depth: usize) -> Result<Sample, String> {
    let has_curl = text.lines().any(|line| line.split_whitespace().next().is_some_and(is_curl));
    if raw::is_request(text) && !has_curl {
        return raw::read(text);
    }
    let mut found: Vec<Result<Sample, String>> = Vec::new();
    for command in &words::commands(text)? {
        if let Some(place) = command.iter().position(|word| is_curl(word)) {
            found.push(command::read(&command[place + 1..]));
        } else if let Some(sample) = foreign::read(command) {
            found.push(sample);
        }
        if depth < DEEPEST {
            let inner = command.iter().filter_map(|word| substituted(word));
            found.extend(inner.map(|inner| read(inner, depth + 1)));
        }
    }
    if found.is_empty() {
        return Err(
            "there is no curl command in this text: paste one that begins with `curl`, or \
                    an HTTP request that begins with `POST /path HTTP/1.1`"
                .into(),
        );
    }
    let likeness = |sample: &Result<Sample, String>| sample.as_ref().map_or(0, Sample::likeness);
    let most = found.iter().map(likeness).max().unwrap_or_default();
    // The first one wins a tie, and a first one that cannot be read is reported.
    let place = match &found[0] {
        Ok(first) if first.likeness() < most => {
            found.iter().position(|sample| likeness(sample) == most).unwrap_or_default()
        }
        _ => 0,
    };
    let mut chosen = found.remove(place)?;
    for other in found {
        match other {
            Ok(other) => {
                chosen.others.push(other.as_other());
                chosen.others.extend(other.others);
            }
            Err(_) => chosen.notes.push(
                "the text has another command, which cannot be read and is not in this draft"
                    .into(),
            ),
        }
    }
    Ok(chosen)
}

/// The command that a shell would run in place of a part of this word, as in `TOKEN=$(curl …)` and
/// ``TOKEN=`curl …` ``, if it is one of curl or of another known client.
fn substituted(word: &str) -> Option<&str> {
    let inner = |open: &str, close: char| {
        let rest = &word[word.find(open)? + open.len()..];
        let inner = &rest[..rest.rfind(close)?];
        let mut words = inner.split_whitespace().skip_while(|word| *word == "sudo");
        words.next().is_some_and(is_client).then_some(inner)
    };
    inner("$(", ')').or_else(|| inner("`", '`'))
}

fn is_client(word: &str) -> bool {
    is_curl(word) || matches!(word, "wget" | "http" | "https")
}

fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    matches!(name.to_ascii_lowercase().as_str(), "curl" | "curl.exe")
}
