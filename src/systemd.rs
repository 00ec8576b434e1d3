//! Messages to the service manager (`sd_notify(3)`). Without a service manager nothing is sent.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, Once};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::state::{Ledger, State};

fn notify(states: &[NotifyState<'_>]) {
    static LOGGED: Once = Once::new();
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let lines: Vec<String> = states.iter().map(|state| format!("{state}\n")).collect();
    if let Err(error) = send(&socket, &lines.concat()) {
        LOGGED.call_once(|| {
            tracing::warn!(%error, "the service manager cannot be reached at NOTIFY_SOCKET");
        });
    }
}

/// Sends a message to a socket. `@` at the start of its name stands for a null byte: the name is
/// abstract (`unix(7)`).
fn send(socket: &OsStr, message: &str) -> std::io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    sender.connect_addr(&address)?;
    sender.send(message.as_bytes()).map(|_| ())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn received(listener: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let length = listener.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn a_message_reaches_a_socket_with_a_path_and_one_with_an_abstract_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let listener = UnixDatagram::bind(&path).expect("a socket");
        send(path.as_os_str(), "READY=1\n").expect("sent");
        assert_eq!(received(&listener), "READY=1\n");

        let name = format!("credwatch-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let listener = UnixDatagram::bind_addr(&address).expect("a socket");
        send(OsStr::new(&format!("@{name}")), "STATUS=fine\n").expect("sent");
        assert_eq!(received(&listener), "STATUS=fine\n");

        assert!(send(OsStr::new("@credwatch-test-nobody"), "").is_err());
    }
}
