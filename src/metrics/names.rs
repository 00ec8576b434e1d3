//! The names of all providers, escaped for the text format.

use std::sync::Arc;

use super::encode::escaped;
use crate::provider::Slot;
use crate::state::{Entry, Roster};

/// A roster with the escaped names of its entries.
pub struct Names {
    roster: Arc<Roster>,
    current: Texts,
    next: Texts,
}

/// Texts in one piece of memory, so that a scrape reads them from front to back.
struct Texts {
    text: String,
    ends: Box<[usize]>,
}

impl Texts {
    fn new(entries: &[Arc<Entry>]) -> Self {
        let mut text = String::new();
        let ends = entries.iter().map(|entry| {
            text.push_str(&escaped(&entry.provider.name));
            text.len()
        });
        let ends = ends.collect();
        text.shrink_to_fit();
        Self { text, ends }
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.text[*start..*end])
    }
}

impl Names {
    /// The names of this roster.
    pub fn new(roster: Arc<Roster>) -> Self {
        let (current, next) = (Texts::new(roster.entries()), Texts::new(roster.next()));
        Self { roster, current, next }
    }

    /// The roster.
    pub fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// All current or all next credentials, with the escaped names.
    pub fn of(&self, slot: Slot) -> impl Iterator<Item = (&Arc<Entry>, &str)> {
        let (entries, texts) = match slot {
            Slot::Current => (self.roster.entries(), &self.current),
            Slot::Next => (self.roster.next(), &self.next),
        };
        entries.iter().zip(texts.iter())
    }
}
