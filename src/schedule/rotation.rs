//! Notices when a refused or unreadable secret, or the client certificate, changes, so that the
//! back-off ends.
//!
//! A `command` can print a new text each time, such as a signature with a time stamp. Refusals of
//! it must not come faster than those of a fixed secret, because they can lock the account. So two
//! reads must find the same new value, and only one change within `max_backoff` ends the back-off.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::control::Event;
use super::probes::Probes;
use super::slot::Slot;
use crate::state::Entry;

/// How often the secrets of refused providers are read again.
const PERIOD: Duration = Duration::from_secs(2);

/// How long after a change the second read follows. A time stamp in seconds differs by then.
const AGAIN: Duration = Duration::from_secs(1);

/// Secrets that are read at the same time.
const READS_AT_ONCE: usize = 16;

/// Reads the secrets of refused providers again and again.
pub struct Rotation {
    next_look: Duration,
    looking: bool,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { next_look: PERIOD, looking: false }
    }
}

impl Rotation {
    /// Starts a task that reads all refused and unreadable secrets again. The task sends
    /// [`Event::SecretsRead`].
    pub fn look<P: Probes>(
        &mut self,
        slots: &mut [Slot],
        probes: &Arc<P>,
        events: &UnboundedSender<Event>,
        (wall, now): (Timestamp, Duration),
    ) {
        if now < self.next_look || self.looking {
            return;
        }
        self.next_look = now + PERIOD;
        let waiting = waiting(slots, wall, now);
        if waiting.is_empty() {
            return;
        }
        self.looking = true;
        let (probes, events) = (Arc::clone(probes), events.clone());
        tokio::spawn(async move {
            let looks = waiting.into_iter().map(|(index, entry)| {
                let probes = &probes;
                async move {
                    let fingerprint = probes.credentials(&entry.provider).await?;
                    Some((index, entry, fingerprint))
                }
            });
            let read = stream::iter(looks).buffer_unordered(READS_AT_ONCE);
            let read: Vec<Option<_>> = read.collect().await;
            let _ = events.send(Event::SecretsRead(read.into_iter().flatten().collect()));
        });
    }

    /// The task has ended. When one of its secrets was new, the second read follows soon.
    pub fn looked(&mut self, found_new: bool, now: Duration) {
        self.looking = false;
        if found_new {
            self.next_look = self.next_look.min(now + AGAIN);
        }
    }

    /// When the next look is due. `None` while a task reads.
    pub fn wakes_at(&self) -> Option<Duration> {
        (!self.looking).then_some(self.next_look)
    }
}

impl Slot {
    /// The secrets of the entry `read` have this fingerprint now. Returns whether a change of them
    /// ends the back-off.
    pub fn ends_back_off(&mut self, read: &Arc<Entry>, fingerprint: u128, now: Duration) -> bool {
        let before = self.changed.take();
        let Some(entry) = self.entry.as_ref().filter(|entry| Arc::ptr_eq(entry, read)) else {
            return false;
        };
        if !entry.credentials_read(fingerprint) || self.running || self.due <= now {
            return false;
        }
        if before.is_none() {
            self.changed = Some(fingerprint);
            self.next_look = now + AGAIN;
        }
        let ends = before == Some(fingerprint);
        if ends {
            if entry.end_back_off() {
                self.back_off_ended = Some(now);
            }
            self.closed_until = now;
        }
        ends
    }
}

/// The providers whose secrets are due to be read.
fn waiting(slots: &mut [Slot], wall: Timestamp, now: Duration) -> Vec<(usize, Arc<Entry>)> {
    let mut waiting = Vec::new();
    for (index, slot) in slots.iter_mut().enumerate() {
        let Some(entry) = slot.entry.as_ref().filter(|entry| {
            let cadence = &entry.provider.cadence;
            let pause = cadence.max_backoff.max(cadence.interval);
            let may_end = slot.back_off_ended.is_none_or(|ended| now >= ended + pause);
            !slot.running && now >= slot.next_look && may_end && entry.provider.can_rotate()
        }) else {
            continue;
        };
        let refused = entry
            .health()
            .failure()
            .is_some_and(|failure| failure.reason.ends_with_new_credentials());
        if refused && entry.provider.pause(wall).is_none() {
            // A program can be slow, and each run may cost money.
            let commands = entry.provider.runs_commands();
            slot.next_look = now + if commands { entry.provider.cadence.interval } else { PERIOD };
            waiting.push((index, Arc::clone(entry)));
        }
    }
    waiting
}
