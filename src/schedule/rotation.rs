//! Noticing that a secret which was refused, or could not be read, is another now: long before a
//! back-off ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use super::control::Event;
use super::{Probes, Scheduler};
use crate::outcome::Reason;
use crate::state::Entry;

/// How often the secrets of refused providers are looked at, to notice a rotation long before the
/// back-off ends.
pub const LOOK_AT_SECRETS: Duration = Duration::from_secs(2);

/// Secrets that are looked at at the same time.
const LOOKS_AT_ONCE: usize = 16;

impl<P: Probes> Scheduler<P> {
    /// Lets somebody else read the secrets of all that wait because theirs was refused or
    /// unreadable.
    pub(super) fn look_at_secrets(&mut self, now: Duration) {
        if now < self.next_look || self.looking {
            return;
        }
        self.next_look = now + LOOK_AT_SECRETS;
        let mut waiting = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let Some(entry) = slot.entry.as_ref().filter(|entry| {
                !slot.running && now >= slot.next_look && entry.provider.can_rotate()
            }) else {
                continue;
            };
            let refused = |reason| matches!(reason, Reason::Rejected | Reason::Secret);
            if entry
                .health()
                .trouble
                .as_ref()
                .is_some_and(|trouble| refused(trouble.failure.reason))
            {
                // A program may be slow, and what it asks may be metered.
                slot.next_look = now
                    + if entry.provider.runs_commands() {
                        entry.provider.cadence.interval
                    } else {
                        LOOK_AT_SECRETS
                    };
                waiting.push((index, Arc::clone(entry)));
            }
        }
        if waiting.is_empty() {
            return;
        }
        self.looking = true;
        let (probes, events) = (Arc::clone(&self.probes), self.events.0.clone());
        tokio::spawn(async move {
            let looks = waiting.into_iter().map(|(index, entry)| {
                let probes = &probes;
                async move {
                    let now = probes.credentials(&entry.provider).await?;
                    let changed = entry.health().has_other_credentials(now);
                    changed.then_some((index, entry))
                }
            });
            let rotated = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
            let rotated: Vec<Option<(usize, Arc<Entry>)>> = rotated.collect().await;
            let _ = events.send(Event::Rotated(rotated.into_iter().flatten().collect()));
        });
    }
}
