//! The rules for an answer that names many credentials.

use std::time::Duration;

use schemars::JsonSchema;

use super::times::{Absent, TimeRule, Unit};
use crate::document::{Expressions, OneOrSeveral, Text};
use crate::time::Span;

/// A list of credentials in the answer: one row for each. All values are expressions, in which
/// `row` is the row and `each` the inner row.
#[derive(serde::Deserialize, JsonSchema, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct List {
    /// Where the rows are: an array; an object is one row, null is none.
    pub rows: Option<Text>,
    /// Where a row has inner rows, of which each is one credential. Several arrays follow each
    /// other.
    pub each: Expressions,
    /// The name of the credential, from `row` and `each`; the first one that is a text or a number
    /// and not blank counts.
    pub name: Expressions,
    /// What tells credentials with the same name apart. It is the name where there is no other.
    pub id: Expressions,
    /// Where the end of the credential is; the first time counts.
    pub expiry: OneOrSeveral<RowTime>,
    /// Where the time is at which the credential was created.
    pub created: OneOrSeveral<TimeRule>,
    /// The condition for a credential that counts; all count when left out.
    pub keep: Option<Text>,
    /// Where the address of the next page is. It can be relative. Scheme, host and port must be
    /// those of the first page.
    pub next: Option<Text>,
    /// The most pages that are read, 1 to 100.
    pub max_pages: u32,
    /// The most credentials that are kept, 1 to 1000: those that end first.
    pub most: u32,
    /// How often the list is read, `1s` to `7d`. A list is read along with a probe.
    pub interval: Span,
}

impl Default for List {
    fn default() -> Self {
        Self {
            rows: None,
            each: Expressions::default(),
            name: Expressions::default(),
            id: Expressions::default(),
            expiry: OneOrSeveral::default(),
            created: OneOrSeveral::default(),
            keep: None,
            next: None,
            max_pages: 10,
            most: 200,
            interval: Span(Duration::from_secs(3600)),
        }
    }
}

/// One place of the end of a credential in a row.
#[derive(serde::Deserialize, JsonSchema, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RowTime {
    /// An expression; if it or a value that it needs is absent, the next rule counts.
    pub value: Text,
    /// The unit of the number or text.
    pub unit: Unit,
    /// What an absent value means; `unknown` when left out.
    #[serde(default)]
    pub absent: Absent,
}
