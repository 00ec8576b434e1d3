//! Why a probe failed: the closed set of reasons, and the one table of what each means.

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
}
