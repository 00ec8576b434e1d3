//! The closed set of reasons for a failed probe, and the only table of their meanings.

/// Who has to act on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The team that runs the network between credwatch and the provider.
    Network,
    /// The provider.
    Provider,
    /// The owner of the credential.
    Credential,
    /// The operator of credwatch.
    Config,
}

impl Class {
    /// All classes, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Network, Self::Provider, Self::Credential, Self::Config];

    /// The value of the label `class`.
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

/// How the pauses grow while a provider fails for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackOff {
    /// The provider keeps its turns.
    Never,
    /// From the second failure in a row on.
    FromSecond,
    /// From the third failure in a row on, because the second confirms the first.
    FromThird,
}

/// Why a probe failed. The set is closed, and each reason has a fixed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The host name of the endpoint does not resolve.
    Dns,
    /// No TCP connection to the endpoint or to the proxy.
    Connect,
    /// The TLS handshake failed, for example because of the certificate.
    Tls,
    /// The whole answer did not arrive in time.
    Timeout,
    /// The connection broke before the whole answer arrived.
    Transport,
    /// The provider answered 5xx, or with a code that the recipe lists as `unavailable`.
    Unavailable,
    /// The provider answered 429, or with a code that the recipe lists as `throttled`.
    Throttled,
    /// The provider answered 3xx. credwatch follows no redirect.
    Redirect,
    /// The answer does not fit the recipe.
    Malformed,
    /// The provider refused the credential or the request.
    Rejected,
    /// The token had already expired, or lives for less than `min_lifetime`.
    Expired,
    /// The granted scopes lack a required one.
    Scope,
    /// The provider issued a token, but the verification call refused it.
    Unverified,
    /// Our client certificate has ended, or the endpoint refused it.
    Certificate,
    /// The account is suspended, is unpaid or has used up its quota.
    Suspended,
    /// credwatch cannot read a credential.
    Secret,
    /// The provider refuses the address of this host.
    Blocked,
    /// Our clock, our file descriptors, or a request that is too large.
    Local,
}

/// One row of the table of reasons. Documents, pages, alerts and `probe` use its texts.
pub struct ReasonFacts {
    /// The class of the reason.
    pub class: Class,
    /// The value of the label `reason`.
    pub word: &'static str,
    /// What the reason means, in one or two sentences.
    pub meaning: &'static str,
    /// What to do about it, in one or two sentences.
    pub action: &'static str,
    /// The first step, for alerts: at most 23 words. They replace `this host` by the instance.
    pub step: &'static str,
}

/// One row for each reason, in the order of [`Reason`].
static FACTS: [ReasonFacts; Reason::ALL.len()] = [
    facts(
        Class::Network,
        "dns",
        "The name of the endpoint does not resolve.",
        "Check the host in `parameters.base_url`, `parameters.token_url`, `url` of the recipe or \
         `proxy` for a typo, then the resolver of this host (`getent ahosts HOST`).",
        "Check the host name for typos, then the resolver of this host.",
    ),
    facts(
        Class::Network,
        "connect",
        "credwatch could not open a TCP connection to the endpoint or to the proxy.",
        "Check firewall, proxy and allow-lists of this host, then the provider's status \
         page.",
        "Check the vendor's status page, then firewall, proxy and allow-lists of this host.",
    ),
    facts(
        Class::Network,
        "tls",
        "The TLS handshake failed: the certificate has expired, is for another name or \
         comes from an unknown authority, or the two sides have no TLS version in common.",
        "Run `credwatch probe NAME`; a private authority needs `tls.ca_file`, and only \
         the provider can renew an expired certificate.",
        "Tell the vendor; for a private authority, set `tls.ca_file`.",
    ),
    facts(
        Class::Network,
        "timeout",
        "The whole answer did not arrive within `timeout`.",
        "See which phase took the time (`credwatch_probe_phase_duration_seconds`); then \
         open a ticket with a slow provider, or set a longer `timeout`.",
        "Check the vendor's status page, then the network of this host.",
    ),
    facts(
        Class::Network,
        "transport",
        "The connection broke before the whole answer arrived.",
        "Look for a middlebox that closes connections; if the failures go on, open a \
         ticket with the provider.",
        "Check the vendor's status page, then proxies and firewalls near credwatch.",
    ),
    facts(
        Class::Provider,
        "unavailable",
        "The provider answered with a server error.",
        "See the provider's status page and open a ticket; the credential is most likely \
         fine.",
        "Check the vendor's status page, then open a ticket with the vendor.",
    ),
    facts(
        Class::Provider,
        "throttled",
        "The provider refuses the request because it has received too many.",
        "Set a longer `interval`; find out who else uses the same credential.",
        "Ask the owner who else uses this credential; set a longer `interval` in credwatch.",
    ),
    facts(
        Class::Provider,
        "redirect",
        "The endpoint answered with a redirect, and credwatch does not follow it, \
         because that would send the credential to another address.",
        "Check `parameters.base_url`, `parameters.token_url` or `url` of the recipe against the \
         provider's documentation: the endpoint has moved, or a login page is in front of it.",
        "Compare the URL in the configuration with the vendor's documentation.",
    ),
    facts(
        Class::Provider,
        "malformed",
        "The answer does not fit the recipe: it is not JSON, has no token, has an \
         unreadable expiry, or is too large.",
        "Run `credwatch probe NAME` to see the answer's structure; the usual cause is a \
         gateway's error page or a changed API.",
        "See on the page how the answer was read; then ask the vendor what changed.",
    ),
    facts(
        Class::Credential,
        "rejected",
        "The provider refuses the credential or the request.",
        "Look up the code in the provider's documentation; check whether the secret was \
         rotated, revoked or deactivated.",
        "Ask the owner for the valid secret, or for a new one, for the applications and \
         credwatch.",
    ),
    facts(
        Class::Credential,
        "expired",
        "The provider issued a token that has already expired or lives for less than \
         `min_lifetime`.",
        "Check the clock (`credwatch_clock_skew_seconds`), then the token lifetime set at \
         the provider.",
        "Check the clock of this host (`timedatectl`). If it is right, raise the token lifetime at \
         the vendor, or lower `min_lifetime` in credwatch.",
    ),
    facts(
        Class::Credential,
        "scope",
        "The token, or a static key itself, lacks a scope listed in `required_scopes`.",
        "Grant the missing scopes to this client or key at the provider, or correct \
         `required_scopes`.",
        "Ask the owner: grant these scopes at the vendor, or correct `required_scopes`?",
    ),
    facts(
        Class::Credential,
        "unverified",
        "The provider issued a token, but the verification call refused it.",
        "Call the API by hand with a token; the client may lack permissions or belong to \
         another environment.",
        "Ask the owner to check permissions, environment (live or sandbox) and audience at the \
         vendor.",
    ),
    facts(
        Class::Credential,
        "certificate",
        "The client certificate of this provider has expired, or the endpoint refused \
         it.",
        "Check `tls.client_certificate_file` (`openssl x509 -in FILE -noout -subject \
         -issuer -dates`); renew the certificate, or register it at the provider.",
        "Renew the client certificate, or register it at the vendor.",
    ),
    facts(
        Class::Credential,
        "suspended",
        "The provider says that the account is suspended, is unpaid or has used up its \
         quota. The secret may be fine.",
        "Check status, invoices and quota of the account in the provider's console; a \
         new secret does not help.",
        "Ask the owner to check invoices, status and quota at the vendor; a new secret does not \
         help.",
    ),
    facts(
        Class::Config,
        "secret",
        "credwatch cannot read a credential of this provider on this host.",
        "Check path, permissions and content of the source that the log line names.",
        "Repair path, permissions or content of the secret on this host; credwatch then tries \
         again.",
    ),
    facts(
        Class::Config,
        "blocked",
        "The provider refuses requests from the network address of this host.",
        "Find the outgoing address of this host, and add it to the allow-list at the \
         provider.",
        "Add the outgoing address of this host to the vendor's allow-list.",
    ),
    facts(
        Class::Config,
        "local",
        "This host is the cause: its clock is wrong, it has no file descriptors, ports \
         or memory left, or the request is too large.",
        "Run `credwatch probe NAME`, which says what it is; then check the clock \
         (`timedatectl`) or the limits of the service (`systemctl show credwatch -p \
         LimitNOFILE`).",
        "Check clock, file descriptors, ports and memory of this host.",
    ),
];

const fn facts(
    class: Class,
    word: &'static str,
    meaning: &'static str,
    action: &'static str,
    step: &'static str,
) -> ReasonFacts {
    ReasonFacts { class, word, meaning, action, step }
}

impl Reason {
    /// All reasons, in the order of the documentation.
    pub const ALL: [Self; 18] = [
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
        Self::Certificate,
        Self::Suspended,
        Self::Secret,
        Self::Blocked,
        Self::Local,
    ];

    /// Class, word, meaning and action.
    #[must_use]
    pub fn facts(self) -> &'static ReasonFacts {
        &FACTS[self as usize]
    }

    /// The class of the reason.
    #[must_use]
    pub fn class(self) -> Class {
        self.facts().class
    }

    /// The value of the label `reason`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.facts().word
    }

    /// How the pauses grow. Refusals can lock an account, and a request too many prolongs a block.
    #[must_use]
    pub fn back_off(self) -> BackOff {
        match self {
            Self::Rejected | Self::Certificate | Self::Suspended => BackOff::FromThird,
            Self::Throttled | Self::Blocked => BackOff::FromSecond,
            _ => BackOff::Never,
        }
    }

    /// Whether a changed secret or client certificate can end the failure.
    #[must_use]
    pub fn ends_with_new_credentials(self) -> bool {
        self == Self::Secret || self.back_off() == BackOff::FromThird
    }

    /// The reason with this word; `None` for an unknown word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_row_with_a_different_word() {
        for (row, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, row, "the rows are in the order of `Reason`");
        }
        assert_eq!((Reason::Dns.word(), Reason::Local.word()), ("dns", "local"));
        let mut words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::from_word(reason.word()), Some(reason));
            let words = reason.facts().step.split_whitespace().count();
            assert!((8..=23).contains(&words), "{}: {words} words", reason.word());
        }
    }
}
