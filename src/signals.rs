//! The signals that the daemon understands.

use futures_util::StreamExt;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;
use tokio::sync::mpsc;

use crate::reload::{Cause, Trigger};

/// Returns a future that ends at SIGTERM or SIGINT, and triggers a reload at SIGHUP. Must be called
/// inside the runtime.
pub fn until_stopped(reload: mpsc::Sender<Trigger>) -> std::io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    Ok(async move {
        while let Some(signal) = signals.next().await {
            if signal == SIGHUP {
                // With a full queue a reload starts soon anyway.
                if let Err(mpsc::error::TrySendError::Closed(_)) =
                    reload.try_send(Trigger { cause: Cause::Signal, reply: None })
                {
                    tracing::warn!("SIGHUP: there is no configuration file to reload");
                }
                continue;
            }
            tracing::info!(
                signal = signal_hook::low_level::signal_name(signal).unwrap_or("?"),
                "stopping after a signal"
            );
            return;
        }
    })
}
