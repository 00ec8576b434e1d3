//! What a probe learned about the end of a configured credential.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Expiry;

/// Where the end of a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSource {
    /// In an answer of the provider.
    Reported,
    /// In the credential itself, which is a JSON Web Token or a signed text.
    Jwt,
    /// In the credential itself, which is a certificate.
    Certificate,
}

impl EndSource {
    /// All sources.
    pub const ALL: [Self; 3] = [Self::Reported, Self::Jwt, Self::Certificate];

    /// The value of the label `source`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Jwt => "jwt",
            Self::Certificate => "certificate",
        }
    }
}

/// The end of one configured credential, as a probe found it.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialEnd {
    /// The input that the credential is configured as; empty for a recipe without credentials.
    pub credential: Arc<str>,
    /// Where the end stands.
    pub source: EndSource,
    /// When the credential ends, as the answer says.
    pub expiry: Expiry,
    /// When the credential was created.
    pub created: Option<Timestamp>,
}

/// The ends that the credentials of a provider hold themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldEnds {
    /// Those of its configured credentials.
    pub credentials: Vec<CredentialEnd>,
    /// That of its client certificate.
    pub client_certificate: Option<Timestamp>,
}

impl CredentialEnd {
    /// What the answers tell and what the credentials themselves hold, once for each credential and
    /// source. What is held counts.
    pub fn known<'a>(told: &'a [Self], held: &'a [Self]) -> impl Iterator<Item = &'a Self> {
        let is_held = |one: &Self| {
            held.iter().any(|end| end.credential == one.credential && end.source == one.source)
        };
        told.iter().filter(move |one| !is_held(one)).chain(held)
    }

    /// The end that counts: the earlier one of that in the answer and of the greatest age.
    #[must_use]
    pub fn with_max_age(&self, max_age: Option<Duration>) -> Expiry {
        self.expiry.or_age(self.created, max_age)
    }
}
