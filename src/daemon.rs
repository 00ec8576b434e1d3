//! The daemon put together: ledger, scheduler, prober and server, from start to end.

use std::net::TcpListener;
use std::sync::Arc;

use jiff::Timestamp;

use crate::metrics::{Daemon as Instruments, Exposition};
use crate::probe::Prober;
use crate::provider::Provider;
use crate::schedule::Scheduler;
use crate::schedule::lanes::Limits;
use crate::state::Ledger;
use crate::web::door::Doors;
use crate::web::{self, Bounds, Entrances, Faces};

/// What a daemon runs on.
pub struct Settings {
    /// What is watched.
    pub providers: Vec<Arc<Provider>>,
    /// Probes at the same time.
    pub limits: Limits,
    /// Upper bounds of the latency histogram, in seconds.
    pub duration_buckets: Vec<f64>,
    /// Where to serve, already bound.
    pub listeners: Vec<TcpListener>,
    /// Where to serve `/livez` and `/readyz` alone, without TLS and passwords, already bound.
    pub probe_listeners: Vec<TcpListener>,
    /// TLS and passwords of the listeners; whoever keeps a copy can replace the door while the daemon runs.
    pub doors: Arc<Doors>,
}

/// Runs until `end`, then stops within a moment: no new probe is started, running ones are let go.
///
/// # Errors
/// When serving fails.
pub async fn run(settings: Settings, prober: Arc<Prober>, end: impl Future<Output = ()>) -> std::io::Result<()> {
    let instruments = Instruments::new();
    instruments.configured(Timestamp::now());
    let insecure = settings.providers.iter().filter(|provider| provider.transport.insecure);
    for provider in insecure {
        tracing::warn!(provider = %provider.name, "tls.insecure is set: any certificate is accepted");
    }
    let ledger = Arc::new(Ledger::new(settings.providers, settings.duration_buckets));
    let exposition = Arc::new(Exposition::new(Arc::clone(&ledger), instruments.clone()));
    let scheduler = Scheduler::new(Arc::clone(&ledger), prober, settings.limits, instruments.instruments());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let until_stopped = || {
        let mut stopped = stopped.clone();
        async move {
            // An error means that the sender is gone, which is an end as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        }
    };
    let (addresses, probe_addresses) = (addresses(&settings.listeners), addresses(&settings.probe_listeners));
    let (tls, users) = (settings.doors.current().is_locked(), settings.doors.current().users());
    tracing::info!(
        providers = ledger.entries().len(),
        listen = addresses,
        probe_listen = probe_addresses,
        tls,
        users,
        version = env!("CARGO_PKG_VERSION"),
        "credwatch runs"
    );
    let mut scheduling = tokio::spawn(scheduler.run(until_stopped()));
    let Settings { listeners, probe_listeners, doors, .. } = settings;
    let entrances = Entrances { listeners, probe_listeners, doors, bounds: Bounds::default() };
    let mut serving = tokio::spawn(web::serve(entrances, Faces::new(ledger, exposition), until_stopped()));
    // A daemon that watches without being heard, or is heard without watching, is worse than none: when either
    // part ends by itself, all of it ends, and whoever started it starts it again.
    let failed = tokio::select! {
        () = end => None,
        served = &mut serving => Some(served),
        ended = &mut scheduling => {
            let cause = ended.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
            return Err(std::io::Error::other(format!("the scheduler has stopped: {cause}")));
        }
    };
    let _ = stop.send(true);
    let _ = scheduling.await;
    let served = match failed {
        Some(served) => served,
        None => serving.await,
    };
    tracing::info!("credwatch has stopped");
    served.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn addresses(listeners: &[TcpListener]) -> String {
    let addresses: Vec<String> = listeners.iter().filter_map(|listener| Some(listener.local_addr().ok()?.to_string())).collect();
    addresses.join(" ")
}
