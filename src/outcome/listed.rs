//! What a probe learned about the credentials in a list of the provider.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Expiry, Failure, Message};

/// The longest name of a listed credential, in characters.
const LONGEST_NAME: usize = 100;
/// The longest text that tells credentials of the same name apart, in characters.
const LONGEST_ID: usize = 64;
/// The longest name with what tells it apart, in characters.
const LONGEST_LABEL: usize = LONGEST_NAME + LONGEST_ID + 16;

/// One credential of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedCredential {
    /// Its name in the metrics, which no other credential of the list has.
    pub name: Arc<str>,
    /// Its name in the list.
    pub title: Arc<str>,
    /// When it ends, as the list says.
    pub expiry: Expiry,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// A list that was read as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CredentialList {
    /// The credentials, those that end first at the front.
    pub rows: Arc<[ListedCredential]>,
    /// How many credentials the limits left out, at least.
    pub dropped: u64,
    /// How the list was read. It is not kept over a restart.
    pub reading: ListReadings,
}

/// How the rows of a list were read, for the author of its rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListReadings {
    /// The pages that were read.
    pub pages: usize,
    /// The rows that were looked at.
    pub rows: usize,
    /// The rows for which `keep` does not hold.
    pub not_kept: usize,
    /// The rules that found a name that must not be shown.
    pub hidden: Vec<HiddenName>,
}

/// A rule for the name of a credential whose value was hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct HiddenName {
    /// The rule, as the recipe writes it.
    pub rule: String,
    /// How many names it would have given.
    pub names: usize,
    /// Whether the name of the member says that it is secret. Else the text repeats a secret.
    pub by_name: bool,
}

impl ListReadings {
    /// Counts a name that a rule found and that is not shown.
    pub fn hide(&mut self, rule: &str, by_name: bool) {
        let is_it = |hidden: &&mut HiddenName| hidden.rule == rule && hidden.by_name == by_name;
        match self.hidden.iter_mut().find(is_it) {
            Some(known) => known.names += 1,
            None => self.hidden.push(HiddenName { rule: rule.to_owned(), names: 1, by_name }),
        }
    }
}

/// A list as a probe read it, or why the list could not be read as a whole.
pub type ListRead = Result<CredentialList, Failure>;

/// A text of the list as the name or the id of a credential: without characters that deceive, and
/// cut to its longest length.
fn short(text: &str, longest: usize) -> String {
    let clean = Message::clean(text);
    let clean = clean.as_str();
    if clean.chars().count() <= longest {
        return clean.to_owned();
    }
    clean.chars().take(longest - 1).chain(['…']).collect()
}

/// A credential before it has its own name.
pub struct Named {
    /// The name in the list; can be empty.
    pub name: String,
    /// What tells it apart; can be empty.
    pub id: String,
    /// When it ends.
    pub expiry: Expiry,
    /// When it was created.
    pub created: Option<Timestamp>,
}

impl CredentialList {
    /// The list of these credentials, which no longer hold secrets. Equal names become `name (id)`,
    /// then `name #2`. The `most` that end first, and then the oldest, are kept; `dropped` are left
    /// out already.
    #[must_use]
    pub fn new(all: Vec<Named>, most: usize, dropped: u64) -> Self {
        let all: Vec<(String, String, Named)> = all
            .into_iter()
            .map(|row| {
                let (name, id) = (short(&row.name, LONGEST_NAME), short(&row.id, LONGEST_ID));
                let title = [&name, &id].into_iter().find(|text| !text.is_empty());
                (title.map_or("unnamed", String::as_str).to_owned(), id, row)
            })
            .collect();
        let mut counts: HashMap<String, usize> = HashMap::new();
        for (title, ..) in &all {
            *counts.entry(title.clone()).or_default() += 1;
        }
        let mut taken: HashSet<Arc<str>> = HashSet::new();
        // The next number of each name that was taken already.
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut rows = Vec::with_capacity(all.len());
        for (title, id, row) in all {
            let is_alone = counts[&title] == 1 || id.is_empty() || id == title;
            let wanted = if is_alone { title.clone() } else { format!("{title} ({id})") };
            // Another name must not be the one that is made here.
            let mut name: Arc<str> = wanted.as_str().into();
            let number = numbers.entry(wanted.clone()).or_insert(2);
            while taken.contains(&name) || *name != *wanted && counts.contains_key(&*name) {
                name = format!("{wanted} #{number}").into();
                *number += 1;
            }
            taken.insert(Arc::clone(&name));
            let title = if *title == *name { Arc::clone(&name) } else { title.into() };
            let Named { expiry, created, .. } = row;
            rows.push(ListedCredential { name, title, expiry, created });
        }
        // Those without an end by their age, because a greatest age can end them.
        rows.sort_by_key(|row| {
            [row.expiry.time(), row.created].map(|time| time.unwrap_or(Timestamp::MAX))
        });
        let more = rows.len().saturating_sub(most);
        rows.truncate(most);
        let dropped = dropped.saturating_add(more as u64);
        Self { rows: rows.into(), dropped, reading: ListReadings::default() }
    }
}

impl ListedCredential {
    /// The credential with these texts of the saved state; `None` when they are no names.
    #[must_use]
    pub fn restored(
        name: &str,
        title: Option<&str>,
        expiry: Expiry,
        created: Option<Timestamp>,
    ) -> Option<Self> {
        let is_name = |text: &&str| !text.is_empty() && short(text, LONGEST_LABEL) == **text;
        let name: Arc<str> = Some(name).filter(is_name)?.into();
        let title = title.filter(is_name).map_or_else(|| Arc::clone(&name), Arc::from);
        Some(Self { name, title, expiry, created })
    }

    /// The end that counts: the earlier one of that in the list and of the greatest age.
    #[must_use]
    pub fn with_max_age(&self, max_age: Option<Duration>) -> Expiry {
        self.expiry.or_age(self.created, max_age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rows: &[(&str, &str)]) -> Vec<String> {
        let row = |(name, id): &(&str, &str)| Named {
            name: (*name).to_owned(),
            id: (*id).to_owned(),
            expiry: Expiry::Unknown,
            created: None,
        };
        let list = CredentialList::new(rows.iter().map(row).collect(), 200, 0);
        list.rows.iter().map(|row| row.name.to_string()).collect()
    }

    #[test]
    fn equal_names_get_their_id_and_then_a_number() {
        assert_eq!(names(&[("a", "1"), ("b", "2")]), ["a", "b"]);
        assert_eq!(names(&[("a", "1"), ("a", "2"), ("b", "3")]), ["a (1)", "a (2)", "b"]);
        assert_eq!(names(&[("a", ""), ("a", ""), ("a", "")]), ["a", "a #2", "a #3"]);
        assert_eq!(names(&[("a", "1"), ("a", "1")]), ["a (1)", "a (1) #2"]);
        assert_eq!(names(&[("", "7"), ("", ""), ("", "")]), ["7", "unnamed", "unnamed #2"]);
        assert_eq!(names(&[("a", ""), ("a", ""), ("a #2", "")]), ["a", "a #3", "a #2"]);
        assert_eq!(names(&[("a #2", ""), ("a", ""), ("a", "")]), ["a #2", "a", "a #3"]);
        assert_eq!(names(&[("7", "7"), ("7", "7")]), ["7", "7 #2"]);
    }

    #[test]
    fn a_name_is_short_and_has_no_characters_that_deceive() {
        assert_eq!(names(&[("a\u{202e}b\n c", "")]), ["a b c"]);
        let [name] = &*names(&[(&"é".repeat(500), "")]) else { panic!("one row") };
        assert_eq!(name.chars().count(), 100);
        assert!(name.ends_with('…'));
        let long = "x".repeat(500);
        assert!(names(&[(&long, &long), (&long, "2")])[0].chars().count() <= LONGEST_LABEL);
    }

    #[test]
    fn the_credentials_that_end_first_are_kept() {
        let day = |day: i64| {
            let end = Timestamp::from_second(1_700_000_000 + day * 86_400).expect("a time");
            Expiry::At(end)
        };
        let all = [(Expiry::Never, "n"), (day(9), "c"), (Expiry::Unknown, "u"), (day(1), "a")];
        let row = |(expiry, name): (Expiry, &str)| Named {
            name: name.to_owned(),
            id: String::new(),
            expiry,
            created: None,
        };
        let list = CredentialList::new(all.into_iter().map(row).collect(), 3, 5);
        let names: Vec<&str> = list.rows.iter().map(|row| &*row.name).collect();
        assert_eq!((names.as_slice(), list.dropped), (&["a", "c", "n"][..], 6));
    }

    #[test]
    fn a_name_from_the_state_file_is_checked() {
        let read = |name: &str| ListedCredential::restored(name, None, Expiry::Never, None);
        assert!(read("a (1)").is_some());
        for name in ["", "a\nb", " a", "a\u{202e}", &"x".repeat(LONGEST_LABEL + 1)] {
            assert!(read(name).is_none(), "{name:?}");
        }
    }
}
