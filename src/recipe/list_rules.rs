//! The compiled rules for a list of credentials.

use std::time::Duration;

use crate::language::expression::Compiled;
use crate::recipe::definition::{Absent, Unit};

/// The rules for a list of credentials in an answer.
pub struct ListRules {
    pub rows: Compiled,
    /// Where the inner rows of a row are; empty when each row is one credential.
    pub each: Vec<Compiled>,
    pub name: Vec<Compiled>,
    pub id: Vec<Compiled>,
    pub expiry: Vec<RowPlace>,
    pub created: Vec<(Compiled, Unit)>,
    pub keep: Option<Compiled>,
    pub next: Option<Compiled>,
    pub max_pages: usize,
    /// The most credentials that are kept.
    pub most: usize,
    /// How often the list is read.
    pub interval: Duration,
}

/// One place of the end of a credential in a row.
pub struct RowPlace {
    pub rule: Compiled,
    pub unit: Unit,
    pub absent: Absent,
}
