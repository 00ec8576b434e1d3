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

impl CredentialEnd {
    /// The end that counts: the earlier one of that in the answer and of the greatest age.
    #[must_use]
    pub fn with_max_age(&self, max_age: Option<Duration>) -> Expiry {
        let too_old = self.created.zip(max_age).and_then(|(created, age)| {
            created.checked_add(jiff::SignedDuration::try_from(age).ok()?).ok()
        });
        match (self.expiry, too_old) {
            (Expiry::At(end), Some(too_old)) => Expiry::At(end.min(too_old)),
            (_, Some(too_old)) => Expiry::At(too_old),
            (expiry, None) => expiry,
        }
    }
}
