//! What a refusal is about. The next step, the general text and the order of the links follow this
//! one decision.

use jiff::Timestamp;

use crate::outcome::Failure;

/// What is known beside a failure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// The end of the credential, if it has passed.
    pub ended: Option<PastEnd>,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The vendor does not know the address.
    Address,
    /// A scope of the request.
    Scope,
    /// The client itself, or how it may get tokens.
    Client,
    /// How the client may get tokens.
    Grant,
    /// The form of the request.
    Request,
    /// A permission, or the network address of this host.
    Permission,
    /// A secret that has ended.
    Ended(PastEnd),
    /// The secret.
    Secret,
    /// Nobody but the vendor knows.
    Unclear,
}

/// When a credential has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastEnd {
    /// Its end.
    pub at: Timestamp,
    /// Whether `secret_expires` says so, and no answer or credential.
    pub is_declared: bool,
}

impl Refusal {
    /// Codes are those of RFC 6749 (sections 4.1.2.1 and 5.2), and HTTP status. A server that
    /// answers 401 refuses the secret, whatever its code is.
    pub fn of(failure: &Failure, known: Known) -> Self {
        let code = failure.code.as_str();
        let is_401 = known.status == Some(401) || code == "http_401";
        match code {
            "http_404" => Self::Address,
            "invalid_scope" if !is_401 => Self::Scope,
            "unauthorized_client" if !is_401 => Self::Client,
            "unsupported_grant_type" if !is_401 => Self::Grant,
            "invalid_request" if !is_401 => Self::Request,
            "access_denied" | "http_403" if !is_401 => Self::Permission,
            _ => match known.ended {
                Some(end) => Self::Ended(end),
                None if is_401 || code == "invalid_client" => Self::Secret,
                None => Self::Unclear,
            },
        }
    }

    /// Whether a new secret can end it.
    pub fn is_about_the_secret(self) -> bool {
        matches!(self, Self::Ended(_) | Self::Secret | Self::Unclear)
    }

    /// What a refusal of this kind means in general; `None` where the text of the reason fits.
    pub fn in_general(self) -> Option<&'static str> {
        Some(match self {
            Self::Address => {
                "The address is wrong, or the API has moved. The vendor has not looked at the \
                 secret."
            }
            Self::Scope => {
                "The secret is most likely fine: the client exists, and it asks for more than it \
                 may have."
            }
            Self::Client => {
                "The vendor knows no such client here, or this client may not use this grant type. \
                 The secret is most likely fine."
            }
            Self::Grant => {
                "The vendor offers no such grant type to this client. The secret is most likely \
                 fine."
            }
            Self::Request => {
                "A parameter is missing, wrong or sent twice. The vendor may not have looked at \
                 the secret."
            }
            Self::Permission => {
                "The vendor understood the request and does not allow it. Causes are permissions, \
                 policies and allow-lists of addresses; a refused secret has most often status \
                 401."
            }
            Self::Ended(_) => {
                "A vendor refuses a secret after its end. If somebody has renewed it, credwatch \
                 still has the old one."
            }
            Self::Secret | Self::Unclear => return None,
        })
    }
}
