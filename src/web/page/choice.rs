//! The values of parameters in an address that are neither words nor labels: causes, orders and
//! groups.

use std::borrow::Cow;

use crate::outcome::Reason;

/// A cause of failures.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub reason: Reason,
    /// The provider's code; empty for failures without one, `None` for any code.
    pub code: Option<String>,
}

impl Cause {
    /// The text in an address.
    pub fn text(&self) -> String {
        match &self.code {
            None => self.reason.word().to_owned(),
            Some(code) => format!("{}/{code}", self.reason.word()),
        }
    }
}

/// What the list is sorted by, when it is not by urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Name,
    Since,
    Runway,
    Took,
    Team,
    End,
}

impl Column {
    const ALL: [Self; 6] =
        [Self::Name, Self::Since, Self::Runway, Self::Took, Self::Team, Self::End];

    /// The word in an address.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Since => "since",
            Self::Runway => "runway",
            Self::Took => "took",
            Self::Team => "team",
            Self::End => "end",
        }
    }
}

/// An order of the list that is not by urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: Column,
    pub is_reversed: bool,
}

/// What the list is grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    Failure,
    Vendor,
    Host,
    /// A label with this name.
    Label(String),
}

impl Group {
    /// Reads a group.
    ///
    /// # Errors
    /// A sentence when there is no such group.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "failure" => Ok(Self::Failure),
            "vendor" => Ok(Self::Vendor),
            "host" => Ok(Self::Host),
            "team" => Ok(Self::Label("team".into())),
            _ => {
                text.strip_prefix("label:").map(|name| Self::Label(name.into())).ok_or_else(|| {
                    format!(
                        "There is no group “{text}”; expected one of failure, vendor, host, team, \
                     label:NAME."
                    )
                })
            }
        }
    }

    /// The text in an address.
    pub fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Failure => "failure".into(),
            Self::Vendor => "vendor".into(),
            Self::Host => "host".into(),
            Self::Label(name) if name == "team" => "team".into(),
            Self::Label(name) => format!("label:{name}").into(),
        }
    }
}

/// The one of all values with this word.
///
/// # Errors
/// A sentence with all words.
pub fn one_of<T: Copy>(
    all: &[T],
    word: fn(T) -> &'static str,
    what: &str,
    value: &str,
) -> Result<T, String> {
    all.iter().copied().find(|one| word(*one) == value).ok_or_else(|| {
        let words: Vec<&str> = all.iter().copied().map(word).collect();
        format!("There is no {what} “{value}”; expected one of {}.", words.join(", "))
    })
}

/// Reads a cause.
///
/// # Errors
/// A sentence when there is no such reason.
pub fn cause(value: &str) -> Result<Cause, String> {
    let (word, code) =
        value.split_once('/').map_or((value, None), |(word, code)| (word, Some(code.to_owned())));
    let reason = one_of(&Reason::ALL, Reason::word, "failure", word)?;
    Ok(Cause { reason, code })
}

/// Reads an order; `None` is the order of urgency.
///
/// # Errors
/// A sentence when there is no such order.
pub fn sort(value: &str) -> Result<Option<Sort>, String> {
    if value == "urgency" {
        return Ok(None);
    }
    let (is_reversed, word) = value.strip_prefix('-').map_or((false, value), |word| (true, word));
    let column = one_of(&Column::ALL, Column::word, "order", word)?;
    Ok(Some(Sort { column, is_reversed }))
}
