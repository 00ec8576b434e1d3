//! Bounds the sentences of a provider in the metrics, as codes are bounded.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::outcome::Message;

/// The most different sentences of one provider in the metrics within a day.
pub const MOST_SENTENCES: usize = 20;

/// How long a sentence counts, in hours.
const HOURS: i64 = 24;

/// Replaces each further sentence.
const TOO_MANY: &str = "see the page of this provider: it has too many different messages today";

/// Which sentences the metrics have shown, each as a hash and the time at which it appeared.
#[derive(Clone, Debug, Default)]
pub(super) struct Sentences(Vec<(u64, Timestamp)>);

impl Sentences {
    /// The text of a message for a label: its beginning, or a fixed text when there were too many
    /// different ones.
    pub(super) fn shown(&mut self, message: &Message, now: Timestamp) -> Arc<str> {
        let text = message.short();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        // The clock can be set back, too.
        self.0.retain(|(_, since)| {
            now.duration_since(*since).abs() < SignedDuration::from_hours(HOURS)
        });
        let is_known = text.is_empty() || self.0.iter().any(|(known, _)| *known == hash);
        if !is_known && self.0.len() == MOST_SENTENCES {
            return TOO_MANY.into();
        }
        if !is_known {
            self.0.push((hash, now));
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_with_a_new_sentence_each_time_has_twenty_in_a_day() {
        let mut sentences = Sentences::default();
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a date");
        let mut shown = |number: usize, hours: i64| {
            let message = Message::clean(&format!("request {number} was refused"));
            sentences.shown(&message, start + SignedDuration::from_hours(hours)).to_string()
        };
        for number in 0..20 {
            assert_eq!(shown(number, 0), format!("request {number} was refused"));
        }
        assert_eq!(shown(20, 23), TOO_MANY);
        assert_eq!(shown(19, 23), "request 19 was refused", "a known one makes no new series");
        assert_eq!(shown(21, 24), "request 21 was refused");
        assert_eq!(shown(22, -24), "request 22 was refused", "the clock was set back");
    }
}
