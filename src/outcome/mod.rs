//! What a probe found, as plain data: the words that metrics, health, page, log and alerts share.

mod reason;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use reason::{Class, Reason, ReasonFacts};

/// The provider's own error code, bounded so that it can be a label value: letters, digits and `_ .
/// : -`, at most [`Code::LONGEST`] characters. Empty when the provider gave none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(Option<Arc<str>>);

impl Code {
    /// The most characters that a code keeps.
    pub const LONGEST: usize = 64;

    /// Cleans a text into a code: other characters become `_`. `None` when nothing of it is left.
    #[must_use]
    pub fn clean(text: &str) -> Option<Self> {
        let mut code = String::new();
        for character in text.trim().chars() {
            if code.len() == Self::LONGEST {
                break;
            }
            if character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | ':' | '-') {
                code.push(character);
            } else if !code.ends_with('_') {
                code.push('_');
            }
        }
        let code = code.trim_matches('_');
        code.contains(|character: char| character.is_ascii_alphanumeric())
            .then(|| Self(Some(code.into())))
    }

    /// `http_<status>`: the code of an answer that holds none of its own.
    #[must_use]
    pub fn http(status: u16) -> Self {
        Self(Some(format!("http_{status}").into()))
    }

    /// One of this program's own words, such as `token_missing`.
    #[must_use]
    pub fn word(word: &'static str) -> Self {
        Self(Some(word.into()))
    }

    /// What stands for all codes beyond the number that one provider may have.
    #[must_use]
    pub fn other() -> Self {
        Self::word("other")
    }

    /// The text; empty when there is no code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A sentence for people, already free of secrets, control characters and excess length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(String);

impl Message {
    /// The most characters that a message keeps.
    pub const LONGEST: usize = 300;

    /// Takes control characters and the marks that reorder text on a screen out, and cuts what is
    /// too long.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let hostile = |character: char| {
            character.is_control()
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        let mut clean = String::new();
        for word in text
            .split(|character: char| hostile(character) || character.is_whitespace())
            .filter(|word| !word.is_empty())
        {
            if !clean.is_empty() {
                clean.push(' ');
            }
            clean.push_str(word);
            if clean.len() > 4 * Self::LONGEST {
                break;
            }
        }
        if clean.chars().count() > Self::LONGEST {
            clean = clean.chars().take(Self::LONGEST - 1).chain(['…']).collect();
        }
        Self(clean)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// When a token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// At a time.
    At(Timestamp),
    /// Never, as the recipe reads the answer.
    Never,
    /// The answer does not say.
    Unknown,
}

/// A token was issued. The token itself is gone by now.
#[derive(Clone, Debug, PartialEq)]
pub struct Issued {
    /// When it ends.
    pub expiry: Expiry,
    /// How long it lives from the answer on, in seconds; `None` when it never ends or is not known.
    pub lifetime: Option<f64>,
    /// A keyed hash of the token, to tell a changed one; the key dies with the process.
    pub fingerprint: u128,
}

/// No usable token was issued.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// The provider's own code; empty when the failure has none.
    pub code: Code,
    /// For people.
    pub message: Message,
    /// How long the provider asks to wait before the next request.
    pub retry_after: Option<Duration>,
    /// How many required scopes were not granted.
    pub missing_scopes: usize,
}

impl Failure {
    /// A failure without a code of the provider's.
    #[must_use]
    pub fn new(reason: Reason, message: &str) -> Self {
        Self {
            reason,
            code: Code::default(),
            message: Message::clean(message),
            retry_after: None,
            missing_scopes: 0,
        }
    }

    /// With this code.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }
}

/// A failure to read an answer, with a code of our own.
#[must_use]
pub fn malformed(code: &'static str, message: &str) -> Failure {
    Failure::new(Reason::Malformed, message).code(Code::word(code))
}

/// What one probe found.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A usable token.
    Issued(Issued),
    /// None.
    Failed(Failure),
}

/// The parts of a token request, in the words of `blackbox_exporter`, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Phases {
    /// Name resolution.
    pub resolve: f64,
    /// TCP connection, with the proxy's part when there is one.
    pub connect: f64,
    /// TLS handshake.
    pub tls: f64,
    /// From the connection being ready to the head of the answer.
    pub processing: f64,
    /// From the head of the answer to its end.
    pub transfer: f64,
}

impl Phases {
    /// The words of the label `phase`, in order.
    pub const WORDS: [&'static str; 5] = ["resolve", "connect", "tls", "processing", "transfer"];

    /// The values in the order of [`Phases::WORDS`].
    #[must_use]
    pub fn values(&self) -> [f64; 5] {
        [self.resolve, self.connect, self.tls, self.processing, self.transfer]
    }
}

/// One step of reading an answer, for people.
#[derive(serde::Serialize, Clone, Debug, PartialEq)]
pub struct TraceLine {
    /// The rule, as it is called in the recipe.
    pub rule: &'static str,
    /// Its expression.
    pub expression: String,
    /// What came out, without secrets.
    pub result: String,
}

/// One probe: its outcome and all that was measured around it.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What it found.
    pub outcome: Outcome,
    /// When it began.
    pub started: Timestamp,
    /// The whole token request, in seconds.
    pub duration: f64,
    /// Its parts, as far as they were reached.
    pub phases: Phases,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// The earliest end of a certificate in the chain that the endpoint showed.
    pub certificate_expiry: Option<Timestamp>,
    /// The provider's clock minus ours, in seconds, good to a second.
    pub clock_skew: Option<f64>,
    /// A keyed hash of the credentials used; `None` when they could not be read.
    pub credentials: Option<u128>,
    /// How an answer was read that held no usable token. Empty for one that did.
    pub reading: Vec<TraceLine>,
    /// Its calls, where there are more than the token request.
    pub steps: Vec<Step>,
}

impl Probe {
    /// One that found this before anything was sent.
    #[must_use]
    pub fn new(outcome: Outcome, started: Timestamp) -> Self {
        Self {
            outcome,
            started,
            duration: 0.0,
            phases: Phases::default(),
            status: None,
            certificate_expiry: None,
            clock_skew: None,
            credentials: None,
            reading: Vec::new(),
            steps: Vec::new(),
        }
    }
}

/// One call of a probe that makes several.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: Arc<str>,
    /// How long it took, in seconds.
    pub duration: f64,
    /// What went wrong.
    pub failure: Option<Failure>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_only_what_a_label_may_hold() {
        for (text, code) in [
            ("1003", "1003"),
            ("invalid_client", "invalid_client"),
            ("400.008.02", "400.008.02"),
            ("invalid role or secret ID", "invalid_role_or_secret_ID"),
            ("  \"x\"\n{y}  ", "x_y"),
            ("bé", "b"),
        ] {
            assert_eq!(Code::clean(text).expect(text).as_str(), code);
        }
        for text in ["", "   ", "___", "…", "\u{1b}[\u{7}"] {
            assert_eq!(Code::clean(text), None, "{text:?}");
        }
        assert_eq!(Code::clean(&"x".repeat(500)).expect("long").as_str().len(), 64);
    }

    #[test]
    fn messages_lose_control_characters_and_excess_length() {
        assert_eq!(Message::clean("a\u{1b}[31m\r\nb\u{202e}c").as_str(), "a [31m b c");
        assert_eq!(Message::clean(&"ä ".repeat(5_000)).as_str().chars().count(), 300);
        assert_eq!(Message::clean(&"ä".repeat(5_000)).as_str().chars().count(), 300);
    }
}
