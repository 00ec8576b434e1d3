//! The names that an expression may use, and what is wrong with an expression.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::Kind;

/// The names that an expression may use.
#[derive(Clone, Default)]
pub struct Names {
    /// Names that stand for a value, with whether it is secret or derived from a secret.
    plain: HashMap<String, bool>,
    /// Names with a fixed set of members; no members means that any will do.
    pub members: Vec<(&'static str, &'static [&'static str])>,
}

impl Names {
    /// Adds a value.
    pub fn add(&mut self, name: &str, secret: bool) {
        self.plain.insert(name.to_owned(), secret);
    }

    /// Adds a value with members.
    pub fn add_members(&mut self, name: &'static str, members: &'static [&'static str]) {
        self.members.push((name, members));
    }

    /// Whether a value of this name is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.plain.contains_key(name) || self.members.iter().any(|(known, _)| *known == name)
    }

    /// Whether the value of this name is secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.plain.get(name).is_some_and(|secret| *secret)
    }

    /// All of them, sorted.
    pub fn all(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .plain
            .keys()
            .map(String::as_str)
            .chain(self.members.iter().map(|(name, _)| *name))
            .collect();
        names.sort_unstable();
        names
    }
}

/// What is wrong with an expression.
#[derive(Debug, Default)]
pub struct Mistake {
    /// What it is about.
    pub kind: Kind,
    /// The bytes of the expression that are wrong; the whole when not known.
    pub range: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}
