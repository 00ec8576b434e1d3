//! The result of a probe as plain data. Metrics, health, pages, log and alerts share these words.

mod detail;
mod ends;
mod listed;
mod reason;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::printable::is_deceptive;

pub use detail::{Detail, Phase, TlsProblem};
pub use ends::{CredentialEnd, EndSource, HeldEnds};
pub use listed::{CredentialList, HiddenName, ListRead, ListReadings, ListedCredential, Named};
pub use reason::{BackOff, Class, Reason, ReasonFacts};

/// The provider's own error code, limited so that it can be a label value: letters, digits and
/// `_ . : -`, at most [`Code::LONGEST`] characters. Empty when the provider sent none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(Option<Arc<str>>);

impl Code {
    /// The maximum length of a code, in characters.
    pub const LONGEST: usize = 64;

    /// The characters of a text that are read: fewer than the redactor searches.
    const MOST_READ: usize = 1_024;

    /// Makes a code of a text: each run of other characters becomes `_`. `None` when the text has
    /// no letter and no digit.
    #[must_use]
    pub fn clean(text: &str) -> Option<Self> {
        let mut code = String::new();
        for character in text.trim().chars().take(Self::MOST_READ) {
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

    /// `http_<status>`: the code of an answer that has no code of its own.
    #[must_use]
    pub fn http(status: u16) -> Self {
        Self(Some(format!("http_{status}").into()))
    }

    /// A code that credwatch defines, such as `token_missing`.
    #[must_use]
    pub fn word(word: &'static str) -> Self {
        Self(Some(word.into()))
    }

    /// The code that replaces every further one when a provider has reached its limit of codes.
    #[must_use]
    pub fn other() -> Self {
        Self::word("other")
    }

    /// The text; empty when there is no code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is no code.
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

/// A sentence for people. It has no control characters and a limited length; the caller has
/// already removed secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(String);

impl Message {
    /// The maximum length of a message, in characters.
    pub const LONGEST: usize = 300;

    /// The maximum length of its beginning in a label, in characters.
    pub const LONGEST_LABEL: usize = 160;

    /// Removes control characters and marks that reorder text on a screen, and cuts a text that
    /// is too long.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let mut clean = String::new();
        for word in text
            .split(|character: char| is_deceptive(character) || character.is_whitespace())
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

    /// Its beginning, for a label.
    #[must_use]
    pub fn short(&self) -> Cow<'_, str> {
        if self.0.chars().nth(Self::LONGEST_LABEL).is_none() {
            return Cow::Borrowed(&self.0);
        }
        Cow::Owned(self.0.chars().take(Self::LONGEST_LABEL - 1).chain(['…']).collect())
    }
}

/// When a token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The token ends at this time.
    At(Timestamp),
    /// The token never ends, as the recipe reads the answer.
    Never,
    /// The answer does not say.
    Unknown,
}

impl Expiry {
    /// The time; `None` when there is none or it is not known.
    #[must_use]
    pub fn time(self) -> Option<Timestamp> {
        match self {
            Self::At(end) => Some(end),
            Self::Never | Self::Unknown => None,
        }
    }

    /// The end that counts: the earlier one of this and of the greatest age of what was created.
    #[must_use]
    pub fn or_age(self, created: Option<Timestamp>, max_age: Option<Duration>) -> Self {
        let too_old = created.zip(max_age).and_then(|(created, age)| {
            created.checked_add(SignedDuration::try_from(age).ok()?).ok()
        });
        match (self, too_old) {
            (Self::At(end), Some(too_old)) => Self::At(end.min(too_old)),
            (_, Some(too_old)) => Self::At(too_old),
            (expiry, None) => expiry,
        }
    }
}

/// The provider issued a token. The token itself is not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Issued {
    /// When the token ends.
    pub expiry: Expiry,
    /// Seconds from the answer to the token's end. `None` when the token never ends or the answer
    /// does not say.
    pub lifetime: Option<f64>,
    /// The end in the token, a JSON Web Token, minus the end in the answer, in seconds; `None`
    /// unless both are known.
    pub disagreement: Option<f64>,
    /// A keyed hash of the token, to notice a changed token. The key exists in memory only.
    pub fingerprint: u128,
}

impl Issued {
    /// Two ends of a token that differ by at most this many seconds agree.
    pub const AGREE: f64 = 60.0;
}

/// Why the credential does not work.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The reason.
    pub reason: Reason,
    /// The provider's error code; empty when the failure has none.
    pub code: Code,
    /// A sentence for people.
    pub message: Message,
    /// How long the provider asks to wait before the next request.
    pub retry_after: Option<Duration>,
    /// How many required scopes the provider did not grant.
    pub missing_scopes: usize,
    /// What else is known.
    pub detail: Detail,
}

impl Failure {
    /// A failure without a code.
    #[must_use]
    pub fn new(reason: Reason, message: &str) -> Self {
        Self {
            reason,
            code: Code::default(),
            message: Message::clean(message),
            retry_after: None,
            missing_scopes: 0,
            detail: Detail::Nothing,
        }
    }

    /// The same failure with this code.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// The same failure with this detail.
    #[must_use]
    pub fn detail(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }
}

/// A failure to read an answer, with a code that credwatch defines, such as `token_missing`.
#[must_use]
pub fn malformed(code: &'static str, message: &str) -> Failure {
    Failure::new(Reason::Malformed, message).code(Code::word(code))
}

/// The result of one probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The provider issued a usable token.
    Issued(Issued),
    /// The provider accepted the credential itself.
    Accepted,
    /// The probe got no usable token, or the provider did not accept the credential.
    Failed(Failure),
}

impl Outcome {
    /// Whether the credential works.
    #[must_use]
    pub fn is_success(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

/// How long each phase of the main request took, in seconds. The names are those of
/// `blackbox_exporter`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Phases {
    /// Name resolution.
    pub resolve: f64,
    /// TCP connection, including the proxy's `CONNECT` when there is a proxy.
    pub connect: f64,
    /// TLS handshake.
    pub tls: f64,
    /// From the ready connection to the head of the answer.
    pub processing: f64,
    /// From the head of the answer to its end.
    pub transfer: f64,
}

impl Phases {
    /// The values of the label `phase`, in order.
    pub const WORDS: [&'static str; 5] = ["resolve", "connect", "tls", "processing", "transfer"];

    /// The durations in the order of [`Phases::WORDS`].
    #[must_use]
    pub fn values(&self) -> [f64; 5] {
        [self.resolve, self.connect, self.tls, self.processing, self.transfer]
    }
}

/// One line that explains how an answer was read.
#[derive(serde::Serialize, Clone, Debug, PartialEq)]
pub struct TraceLine {
    /// The rule's key in the recipe.
    pub rule: &'static str,
    /// Its expression.
    pub expression: String,
    /// The value that the expression gave, without secrets.
    pub result: String,
}

/// One probe: its outcome and its measurements.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The result.
    pub outcome: Outcome,
    /// When the probe began.
    pub started: Timestamp,
    /// How long the whole token request took, in seconds.
    pub duration: f64,
    /// The phases that the request reached; the others are 0.
    pub phases: Phases,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The earliest end of a certificate on the verified path of the endpoint; that of its own
    /// certificate when the path is not verified.
    pub certificate_expiry: Option<Timestamp>,
    /// The end of our client certificate; `None` when there is none.
    pub client_certificate_expiry: Option<Timestamp>,
    /// The provider's clock minus ours, in seconds, accurate to one second.
    pub clock_skew: Option<f64>,
    /// A keyed hash of the credentials; `None` when they could not be read.
    pub credentials: Option<u128>,
    /// What the answers say about the ends of the configured credentials.
    pub ends: Vec<CredentialEnd>,
    /// The list of credentials, or why it could not be read; `None` when it was not read.
    pub list: Option<Box<ListRead>>,
    /// The ends that stand in the credentials themselves; `None` when they could not be read.
    pub held: Option<Vec<CredentialEnd>>,
    /// How the answer was read, when it held no usable token; else empty.
    pub reading: Vec<TraceLine>,
    /// The calls and the inspection of the token, in order. Empty when the token request is the
    /// only call.
    pub steps: Vec<Step>,
}

impl Probe {
    /// All that is known about the ends of the configured credentials.
    pub fn known_ends(&self) -> impl Iterator<Item = &CredentialEnd> {
        CredentialEnd::known(&self.ends, self.held.as_deref().unwrap_or_default())
    }

    /// A probe that ended with this outcome before it sent anything.
    #[must_use]
    pub fn new(outcome: Outcome, started: Timestamp) -> Self {
        Self {
            outcome,
            started,
            duration: 0.0,
            phases: Phases::default(),
            status: None,
            certificate_expiry: None,
            client_certificate_expiry: None,
            clock_skew: None,
            credentials: None,
            ends: Vec::new(),
            list: None,
            held: None,
            reading: Vec::new(),
            steps: Vec::new(),
        }
    }
}

/// One call of a probe that makes several, or the inspection of its token.
#[derive(Clone, Debug)]
pub struct Step {
    /// The name of the call.
    pub name: Arc<str>,
    /// How long it took, in seconds.
    pub duration: f64,
    /// Why the call failed; `None` when it succeeded.
    pub failure: Option<Failure>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_keeps_only_characters_that_are_safe_in_a_label() {
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
        assert_eq!(Code::clean(&format!("{}abc", "!".repeat(2_000))), None);
    }

    #[test]
    fn a_message_has_no_control_characters_and_a_limited_length() {
        assert_eq!(Message::clean("a\u{1b}[31m\r\nb\u{202e}c").as_str(), "a [31m b c");
        assert_eq!(Message::clean(&"ä ".repeat(5_000)).as_str().chars().count(), 300);
        assert_eq!(Message::clean(&"ä".repeat(5_000)).as_str().chars().count(), 300);
        for (length, shown) in [(0, 0), (160, 160), (161, 160), (300, 160)] {
            let message = Message::clean(&"ä".repeat(length));
            assert_eq!(message.short().chars().count(), shown, "{length}");
            assert_eq!(message.short().ends_with('…'), length > shown, "{length}");
        }
    }
}
