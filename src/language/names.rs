//! The names that an expression can use, and the mistakes of an expression.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::diagnostic::{Kind, Sentence};

/// What a value reveals of the secrets that it was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secrecy {
    /// It uses no secret.
    #[default]
    Open,
    /// It is a whole secret, or one of several. Other values decide which one.
    Whole,
    /// It is computed from secrets. Whether it is there does not depend on them.
    Derived,
    /// It is computed from secrets, which can decide whether it is there.
    Uncertain,
}

/// The names that an expression can use.
#[derive(Clone, Default)]
pub struct Names {
    /// Names of values, and what each reveals of secrets.
    plain: HashMap<String, Secrecy>,
    /// Names of parameters that are true or false.
    truths: HashSet<String>,
    /// Names of values that come from an answer and use no secret.
    answers: HashSet<String>,
    /// Names with a fixed set of members. An empty set means any member.
    pub members: Vec<(&'static str, &'static [&'static str])>,
}

impl Names {
    /// Adds a value that is a whole secret or none.
    pub fn add(&mut self, name: &str, secret: bool) {
        self.set(name, if secret { Secrecy::Whole } else { Secrecy::Open });
    }

    /// Adds a value.
    pub fn set(&mut self, name: &str, secrecy: Secrecy) {
        self.plain.insert(name.to_owned(), secrecy);
    }

    /// Says that the value of a name comes from an answer and uses no secret.
    pub fn add_answer(&mut self, name: &str) {
        self.answers.insert(name.to_owned());
    }

    /// Whether the value of this name comes from an answer and uses no secret.
    #[must_use]
    pub fn is_answer(&self, name: &str) -> bool {
        self.answers.contains(name)
    }

    /// Marks the value of a name as true or false.
    pub fn add_truth(&mut self, name: &str) {
        self.truths.insert(name.to_owned());
    }

    /// Whether the value of this name is true or false.
    #[must_use]
    pub fn is_truth(&self, name: &str) -> bool {
        self.truths.contains(name)
    }

    /// Adds a value with members.
    pub fn add_members(&mut self, name: &'static str, members: &'static [&'static str]) {
        self.members.push((name, members));
    }

    /// Whether an expression can use this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.plain.contains_key(name) || self.members.iter().any(|(known, _)| *known == name)
    }

    /// Whether the value of this name is secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.secrecy(name) != Secrecy::Open
    }

    /// What the value of this name reveals of secrets.
    #[must_use]
    pub fn secrecy(&self, name: &str) -> Secrecy {
        self.plain.get(name).copied().unwrap_or_default()
    }

    /// All names, sorted.
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

#[cfg(test)]
impl Names {
    /// A name of each secrecy, and another secret.
    #[must_use]
    pub fn sample() -> Self {
        let mut names = Self::default();
        names.add("a", false);
        names.add("key", true);
        names.add("other", true);
        names.set("made", Secrecy::Derived);
        names.set("maybe", Secrecy::Uncertain);
        names
    }
}

/// A mistake in an expression.
#[derive(Debug, Default)]
pub struct Mistake {
    /// The kind of the fault.
    pub kind: Kind,
    /// The wrong part of the expression; `None` for the whole.
    pub range: Option<Range<usize>>,
    /// What is wrong.
    pub message: Sentence,
    /// What to do about it.
    pub hint: Option<Sentence>,
}
