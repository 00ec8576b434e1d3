//! The daemon put together: ledger, scheduler, prober, reloader and server, from start to end.

use std::net::TcpListener;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::metrics::{Daemon as Instruments, Exposition};
use crate::probe::Prober;
use crate::reload::{Fresh, Parts, Read, Reloader, Trigger};
use crate::schedule::{Mode, Scheduler};
use crate::state::Ledger;
use crate::storage::Storage;
use crate::systemd;
use crate::watch::{Digest, Files};
use crate::web::{self, App, Bounds, Listeners};
use crate::web_config::Doors;

/// What a daemon runs on.
pub struct Settings {
    /// Who is watched, and how.
    pub fresh: Fresh,
    /// Where to serve, already bound.
    pub listeners: Vec<TcpListener>,
    /// Where to serve `/livez` and `/readyz` alone, without TLS and passwords, already bound.
    pub probe_listeners: Vec<TcpListener>,
    /// How its configuration is read again; nothing for one that was made up.
    pub source: Option<Source>,
    /// Where the state is kept over a restart.
    pub storage: Option<Storage>,
    /// Who decides when a provider is probed.
    pub mode: Mode,
    /// Whether `POST /-/reload` is answered.
    pub lifecycle: bool,
}

/// Where a configuration came from.
pub struct Source {
    /// Reads it.
    pub read: Read,
    /// Its files.
    pub files: Files,
    /// What they held.
    pub seen: Digest,
}

/// Wishes for a reload that may wait: whoever comes later finds the answer of those before.
pub const MOST_TRIGGERS: usize = 4;

/// Runs until `end`, then stops within a moment: no new probe is started, running ones are let go.
/// `triggers` tell when to reload.
///
/// # Errors
/// When serving fails.
pub async fn run(
    settings: Settings,
    prober: Arc<Prober>,
    (trigger, triggers): (mpsc::Sender<Trigger>, mpsc::Receiver<Trigger>),
    end: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let instruments = Instruments::new();
    instruments.configured(Timestamp::now());
    let adopted = settings.fresh.adopted;
    crate::reload::log(&settings.fresh.warnings);
    let ledger = Arc::new(Ledger::new(adopted.providers, &adopted.bounds));
    if let Some(storage) = &settings.storage {
        storage
            .restore(&ledger, settings.source.as_ref().and_then(|source| source.files.written()));
    }
    let exposition = Arc::new(Exposition::new(Arc::clone(&ledger), instruments.clone()));
    let scheduler = Scheduler::new(
        Arc::clone(&ledger),
        Arc::clone(&prober),
        adopted.limits,
        instruments.instruments(),
        settings.mode,
    );
    let (stop, stopped) = watch::channel(false);
    let until_stopped = || {
        let mut stopped = stopped.clone();
        async move {
            // An error means that the sender is gone, which is an end as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        }
    };
    let doors = Arc::new(Doors::new(settings.fresh.door));
    let (tls, users) = (doors.current().is_locked(), doors.current().users());
    tracing::info!(
        providers = ledger.roster().entries().len(),
        listen = addresses(&settings.listeners),
        probe_listen = addresses(&settings.probe_listeners),
        tls,
        users,
        version = env!("CARGO_PKG_VERSION"),
        "credwatch runs"
    );
    // Ends with the runtime: nobody waits for a reload while the daemon stops.
    match settings.source {
        Some(Source { read, files, seen }) => {
            let (control, doors, instruments) =
                (scheduler.control(), Arc::clone(&doors), instruments.clone());
            let parts = Parts {
                read,
                files,
                seen,
                listen_addresses: settings.fresh.listen_addresses,
                control,
                doors,
                prober,
                instruments,
            };
            tokio::spawn(Reloader::new(parts).run(triggers));
        }
        None => drop(triggers),
    }
    let app = App::new(Arc::clone(&ledger), exposition, settings.lifecycle.then_some(trigger))
        .probing(scheduler.control(), settings.mode);
    let listeners = Listeners {
        main: settings.listeners,
        probe: settings.probe_listeners,
        doors,
        bounds: Bounds::default(),
    };
    let mut scheduling = tokio::spawn(scheduler.run(until_stopped()));
    let mut serving = tokio::spawn(web::serve(listeners, app, until_stopped()));
    let saving = settings.storage.map(|storage| {
        tokio::spawn(storage.keep(Arc::clone(&ledger), instruments, until_stopped()))
    });
    tokio::spawn(systemd::attend(ledger));
    systemd::ready();
    // A daemon that watches without being heard, or is heard without watching, is worse than none:
    // when either part ends by itself, all of it ends, and whoever started it starts it again.
    let failed = tokio::select! {
        () = end => None,
        served = &mut serving => Some(served),
        ended = &mut scheduling => {
            let cause = ended.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
            return Err(std::io::Error::other(format!("the scheduler has stopped: {cause}")));
        }
    };
    systemd::stopping();
    let _ = stop.send(true);
    let _ = scheduling.await;
    if let Some(saving) = saving {
        let _ = saving.await;
    }
    let served = match failed {
        Some(served) => served,
        None => serving.await,
    };
    tracing::info!("credwatch has stopped");
    served.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn addresses(listeners: &[TcpListener]) -> String {
    let addresses: Vec<String> = listeners
        .iter()
        .filter_map(|listener| Some(listener.local_addr().ok()?.to_string()))
        .collect();
    addresses.join(" ")
}
