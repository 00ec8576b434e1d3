//! Messages to the service manager (`sd_notify(3)`). Without a service manager nothing is sent.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::state::{Ledger, State};

fn notify(states: &[NotifyState<'_>]) {
    // A failure needs no handling: the service manager notices a missing message by itself.
    let _ = sd_notify::notify(states);
}

/// Reports that the configuration is loaded and all listeners are open.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Reports that a reload begins. The caller must call [`ready`] when it ends.
pub fn reloading() {
    // Since version 253, systemd needs both values in one message.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// Reports that the daemon stops.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// How often the status line is computed.
const STATUS_PERIOD: Duration = Duration::from_secs(1);

/// Sends keep-alive messages to the watchdog and updates the status line. Runs until it is
/// cancelled.
///
/// A keep-alive is sent only when the scheduler has run since the last one. A scheduler that hangs
/// stops the keep-alives; a provider that hangs does not.
pub async fn attend(ledger: Arc<Ledger>) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled();
    let period = watchdog.map_or(STATUS_PERIOD, |limit| (limit / 4).min(STATUS_PERIOD));
    let mut sent_status = String::new();
    let mut timer = tokio::time::interval(period);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sent_beat = None;
    loop {
        timer.tick().await;
        let beat = ledger.beats();
        if watchdog.is_some() && sent_beat != Some(beat) {
            sent_beat = Some(beat);
            notify(&[NotifyState::Watchdog]);
        }
        let status = status(&ledger);
        if status != sent_status {
            notify(&[NotifyState::Status(&status)]);
            sent_status = status;
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
