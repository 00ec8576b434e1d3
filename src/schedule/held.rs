//! Reads the ends that stand in credentials and client certificates before the first probe.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use crate::probe::Prober;
use crate::state::{Entry, Ledger};

/// Providers whose credentials are read at the same time.
const READS_AT_ONCE: usize = 4;

/// Reads what the credentials and the client certificates of all providers tell about their own
/// ends, where no probe has read them. It makes no request and runs no command.
pub async fn read_held_ends(ledger: Arc<Ledger>, prober: Arc<Prober>) {
    let is_unread = |entry: &&Arc<Entry>| {
        !entry.provider.runs_commands() && entry.health().last_attempt().is_none()
    };
    let entries: Vec<Arc<Entry>> = ledger.roster().all().filter(is_unread).cloned().collect();
    let reads = entries.into_iter().map(|entry| {
        let prober = &prober;
        async move {
            if let Some(held) = prober.held(&entry.provider).await {
                entry.holds(held);
            }
        }
    });
    stream::iter(reads).buffer_unordered(READS_AT_ONCE).for_each(|()| async {}).await;
}
