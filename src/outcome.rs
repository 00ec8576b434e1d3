//! What a probe found, as plain data: the words that metrics, health, page, log and alerts share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// Who has to act on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The way to the provider.
    Network,
    /// The provider itself.
    Provider,
    /// The credential, and so its owner.
    Credential,
    /// The configuration of this daemon.
    Config,
}

impl Class {
    /// The word in the label `class`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Provider => "provider",
            Self::Credential => "credential",
            Self::Config => "config",
        }
    }
}

/// Why a probe failed: a closed set, each with a fixed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The name of the endpoint does not resolve.
    Dns,
    /// No TCP connection, to the endpoint or the proxy.
    Connect,
    /// The TLS handshake failed, the certificate among other causes.
    Tls,
    /// The whole answer did not arrive in time.
    Timeout,
    /// The connection broke while the answer was on its way.
    Transport,
    /// The provider answered 5xx, or with a code that its recipe counts as such.
    Unavailable,
    /// The provider answered 429, or with a code that its recipe counts as such.
    Throttled,
    /// The provider answered 3xx. Credentials are never sent on.
    Redirect,
    /// The answer cannot be read as the recipe says.
    Malformed,
    /// The provider refused the credential or the request.
    Rejected,
    /// The token was expired on arrival, or lives shorter than `min_lifetime`.
    Expired,
    /// The granted scopes lack a required one.
    Scope,
    /// The token was issued, but the verification refused it.
    Unverified,
    /// A credential cannot be read here and now.
    Secret,
}

/// One row of the table of reasons, the single source for docs, page and `probe`.
pub struct ReasonFacts {
    /// The class it belongs to.
    pub class: Class,
    /// The word in the label `reason`.
    pub word: &'static str,
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// What to do about it, in a sentence.
    pub action: &'static str,
}

impl Reason {
    /// All reasons, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Transport,
        Self::Unavailable,
        Self::Throttled,
        Self::Redirect,
        Self::Malformed,
        Self::Rejected,
        Self::Expired,
        Self::Scope,
        Self::Unverified,
        Self::Secret,
    ];

    /// Class, word, meaning and action.
    #[must_use]
    pub fn facts(self) -> ReasonFacts {
        let (class, word, meaning, action) = match self {
            Self::Dns => (
                Class::Network,
                "dns",
                "The name of the token endpoint does not resolve.",
                "Check `parameters.base_url` for a typing error, then the resolver of this host (`getent hosts NAME`).",
            ),
            Self::Connect => (
                Class::Network,
                "connect",
                "No TCP connection to the token endpoint, or to the proxy, came about.",
                "Check firewall, proxy and allow-lists of this host, then the provider's status page.",
            ),
            Self::Tls => (
                Class::Network,
                "tls",
                "The TLS handshake failed: the certificate is expired, for another name or from an unknown authority, or the peers share no protocol.",
                "Run `credwatch probe NAME`; a private authority needs `tls.ca_file`, an expired certificate is the provider's to renew.",
            ),
            Self::Timeout => (
                Class::Network,
                "timeout",
                "The whole answer did not arrive within `timeout`.",
                "See which phase took the time (`credwatch_probe_phase_duration_seconds`); a slow provider needs a ticket, or a longer `timeout`.",
            ),
            Self::Transport => (
                Class::Network,
                "transport",
                "The connection broke before the answer was whole.",
                "Look for a middlebox that closes connections; if it lasts, open a ticket with the provider.",
            ),
            Self::Unavailable => (
                Class::Provider,
                "unavailable",
                "The provider answered with a server error.",
                "See the provider's status page and open a ticket; the credential is most likely fine.",
            ),
            Self::Throttled => (
                Class::Provider,
                "throttled",
                "The provider refuses because of too many requests.",
                "Lengthen `interval`; see who else uses the same credential.",
            ),
            Self::Redirect => (
                Class::Provider,
                "redirect",
                "The token endpoint answered with a redirect, which is not followed so that credentials stay where they belong.",
                "Check `parameters.base_url` against the provider's documentation: the endpoint has moved, or a login page stands before it.",
            ),
            Self::Malformed => (
                Class::Provider,
                "malformed",
                "The answer cannot be read as the recipe says: no JSON, no token, an unreadable expiry, or too large.",
                "Run `credwatch probe NAME` to see the answer's structure; a gateway's error page or a changed API is the usual cause.",
            ),
            Self::Rejected => (
                Class::Credential,
                "rejected",
                "The provider refuses the credential or the request.",
                "Look up the code in the provider's documentation; check whether the secret was rotated, revoked or deactivated.",
            ),
            Self::Expired => (
                Class::Credential,
                "expired",
                "A token was issued that has expired already, or lives shorter than `min_lifetime`.",
                "Check the clock (`credwatch_clock_skew_seconds`), then the token lifetime set at the provider.",
            ),
            Self::Scope => (
                Class::Credential,
                "scope",
                "A token was issued, but it lacks a scope listed in `required_scopes`.",
                "Grant the missing scopes to this client at the provider, or correct `required_scopes`.",
            ),
            Self::Unverified => (
                Class::Credential,
                "unverified",
                "A token was issued, but the verification call refused it.",
                "Use the token by hand against the API; the client may lack permissions or point at another environment.",
            ),
            Self::Secret => (
                Class::Config,
                "secret",
                "A credential of this provider cannot be read on this host.",
                "Check path, permissions and content of the source that the log line names.",
            ),
        };
        ReasonFacts { class, word, meaning, action }
    }

    /// The class it belongs to.
    #[must_use]
    pub fn class(self) -> Class {
        self.facts().class
    }

    /// The word in the label `reason`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.facts().word
    }

    /// The reason that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// The provider's own error code, bounded so that it can be a label value: letters, digits and `_ . : -`,
/// at most [`Code::LONGEST`] characters. Empty when the provider gave none.
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
        code.contains(|character: char| character.is_ascii_alphanumeric()).then(|| Self(Some(code.into())))
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

    /// Takes control characters and the marks that reorder text on a screen out, and cuts what is too long.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let hostile = |character: char| {
            character.is_control() || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        let mut clean = String::new();
        for word in text.split(|character: char| hostile(character) || character.is_whitespace()).filter(|word| !word.is_empty()) {
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
        Self { reason, code: Code::default(), message: Message::clean(message), retry_after: None, missing_scopes: 0 }
    }

    /// With this code.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let mut words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().all(|reason| Reason::from_word(reason.word()) == Some(*reason)));
    }

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
