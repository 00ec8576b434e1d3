//! Rules that find a time or a duration in an answer.

use schemars::JsonSchema;

use crate::document::Text;

/// One place of a time: of an expiry, or of the end of a wait.
#[derive(serde::Deserialize, JsonSchema, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct TimeRule {
    /// An expression; if it or a value that it needs is absent, null or a blank text, the next rule
    /// counts.
    pub value: Text,
    /// The unit of the number or text.
    pub unit: Unit,
}

/// One place of the end of a configured credential.
#[derive(serde::Deserialize, JsonSchema, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct EndRule {
    /// An expression; if it or a value that it needs is absent, the next rule counts.
    pub value: Text,
    /// The unit of the number or text.
    pub unit: Unit,
    /// What an absent value means; `unknown` when left out.
    #[serde(default)]
    pub absent: Absent,
    /// The credential that ends; the last one that is not optional when left out.
    #[serde(default)]
    pub credential: Option<Text>,
}

/// One place of the time at which a configured credential was created.
#[derive(serde::Deserialize, JsonSchema, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CreationRule {
    /// An expression; if it or a value that it needs is absent, the next rule counts.
    pub value: Text,
    /// The unit of the number or text. A duration is the age of the credential.
    pub unit: Unit,
    /// The credential that was created; the last one that is not optional when left out.
    #[serde(default)]
    pub credential: Option<Text>,
}

/// What an absent end means.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Absent {
    /// The end is not known.
    #[default]
    Unknown,
    /// The credential never ends.
    Never,
}

/// The unit of a time.
#[derive(serde::Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds from now on.
    Seconds,
    /// Milliseconds from now on.
    Milliseconds,
    /// Minutes from now on.
    Minutes,
    /// Hours, minutes and seconds from now on, with colons: `1:30:00`.
    Hms,
    /// Days, hours and minutes from now on, with colons: `14:00:00`.
    Dhm,
    /// Seconds since 1970; milliseconds from 1e12 on (in milliseconds 2001, in seconds the year
    /// 33658), microseconds from 1e15 on, nanoseconds from 1e18 on.
    Epoch,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Microseconds since 1970.
    EpochMicroseconds,
    /// A date with time and offset as in RFC 3339.
    Rfc3339,
    /// A date in any usual form, with or without a time and a zone: of RFC 3339, of RFC 2822,
    /// `2027-01-31`, `2027-01-31 09:00:00 UTC`, `2027-01-31 09:00:00 +0100`. Without a time it is
    /// 00:00, without a zone UTC.
    Date,
    /// The value is a certificate (PEM, or DER in Base64); its `notAfter` counts (RFC 5280).
    X509,
    /// The value is a shared access signature; its `se` counts.
    Sas,
    /// The value is a JSON Web Token; its `exp` claim counts (RFC 7519, section 4.1.4).
    Jwt,
}

impl Unit {
    /// Whether the value is a text that holds its own end, which may be a secret: only a time
    /// leaves it.
    #[must_use]
    pub fn holds_an_end(self) -> bool {
        matches!(self, Self::Jwt | Self::X509 | Self::Sas)
    }

    /// Whether the value is a duration from now on, so that no clock decides the time.
    #[must_use]
    pub fn is_duration(self) -> bool {
        matches!(self, Self::Seconds | Self::Milliseconds | Self::Minutes | Self::Hms | Self::Dhm)
    }

    /// The word in the recipe.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Minutes => "minutes",
            Self::Hms => "hms",
            Self::Dhm => "dhm",
            Self::Epoch => "epoch",
            Self::EpochSeconds => "epoch_seconds",
            Self::EpochMilliseconds => "epoch_milliseconds",
            Self::EpochMicroseconds => "epoch_microseconds",
            Self::Rfc3339 => "rfc3339",
            Self::Date => "date",
            Self::X509 => "x509",
            Self::Sas => "sas",
            Self::Jwt => "jwt",
        }
    }
}
