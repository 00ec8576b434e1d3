//! What the service manager is told (`sd_notify(3)`). Without one, nothing happens.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::state::{Ledger, State};

fn tell(states: &[NotifyState<'_>]) {
    // Nobody to tell is no error; anything else could only be logged, and the service manager
    // notices by itself.
    let _ = sd_notify::notify(states);
}

/// Everything listens and is configured.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload begins. Must be followed by [`ready`].
pub fn reloading() {
    // Some versions want both in one message.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The end begins.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// How often the status line is looked at.
const STATUS_PERIOD: Duration = Duration::from_secs(1);

/// Feeds the watchdog and keeps the status line, for ever.
///
/// The watchdog is fed only when the scheduler has turned since the last time: one that is stuck
/// starves it, while a provider that hangs does not, as the scheduler turns beside it.
pub async fn attend(ledger: Arc<Ledger>) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled();
    let period = watchdog.map_or(STATUS_PERIOD, |limit| (limit / 4).min(STATUS_PERIOD));
    let mut told = String::new();
    let mut timer = tokio::time::interval(period);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut fed = None;
    loop {
        timer.tick().await;
        let beat = ledger.beats();
        if watchdog.is_some() && fed != Some(beat) {
            fed = Some(beat);
            tell(&[NotifyState::Watchdog]);
        }
        let status = status(&ledger);
        if status != told {
            tell(&[NotifyState::Status(&status)]);
            told = status;
        }
    }
}

/// One line for `systemctl status`.
fn status(ledger: &Ledger) -> String {
    let roster = ledger.roster();
    let mut counts = [0_usize; State::ALL.len()];
    for entry in roster.entries() {
        let state = entry.health().state();
        if let Some(place) = State::ALL.iter().position(|known| *known == state) {
            counts[place] += 1;
        }
    }
    let parts: Vec<String> = State::ALL
        .iter()
        .zip(counts)
        .rev()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {}", state.word()))
        .collect();
    let total = roster.entries().len();
    format!(
        "{total} provider{}{}{}",
        if total == 1 { "" } else { "s" },
        if parts.is_empty() { "" } else { ": " },
        parts.join(", ")
    )
}
