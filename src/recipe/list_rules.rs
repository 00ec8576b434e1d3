//! The compiled rules for a list of credentials.

use std::time::Duration;

use crate::language::expression::Compiled;
use crate::language::taint::paths;
use crate::recipe::definition::{Absent, Unit};
use crate::secret::is_listed_secret;

/// The rules for a list of credentials in an answer.
pub struct ListRules {
    pub rows: Compiled,
    /// Where the inner rows of a row are; empty when each row is one credential.
    pub each: Vec<Compiled>,
    /// The members of a row that hold its inner rows and that no other rule uses.
    pub inner: Vec<Vec<String>>,
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

impl ListRules {
    /// The keys of the rules and their expressions, as the recipe writes them.
    pub fn sources(&self) -> Vec<(&'static str, &str)> {
        let rows = [("rows", &self.rows)].into_iter();
        let all = rows
            .chain(self.each.iter().map(|rule| ("each", rule)))
            .chain(self.keep.iter().map(|rule| ("keep", rule)))
            .chain(self.name.iter().map(|rule| ("name", rule)))
            .chain(self.id.iter().map(|rule| ("id", rule)))
            .chain(self.expiry.iter().map(|place| ("expiry", &place.rule)))
            .chain(self.created.iter().map(|(rule, _)| ("created", rule)))
            .chain(self.next.iter().map(|rule| ("next", rule)));
        all.map(|(key, rule)| (key, rule.source.as_str())).collect()
    }

    /// The rules for a name that read a member whose name says that it is secret, so that most of
    /// its values are hidden.
    pub fn hidden_names(&self) -> Vec<&str> {
        // A value that is secret under such a name.
        const RANDOM: &str = "0a1b2c3d4e5f6a7b8c9d";
        let is_secret = |path: &Vec<String>| {
            let mut names = path.iter().skip(1).rev();
            let name = names.find(|name| !name.bytes().all(|byte| byte.is_ascii_digit()));
            name.is_some_and(|name| is_listed_secret(name, RANDOM))
        };
        let is_hidden = |rule: &&Compiled| paths(&rule.source).iter().any(is_secret);
        let names = self.name.iter().chain(&self.id).filter(is_hidden);
        names.map(|rule| rule.source.as_str()).collect()
    }
}

/// One place of the end of a credential in a row.
pub struct RowPlace {
    pub rule: Compiled,
    pub unit: Unit,
    pub absent: Absent,
}
