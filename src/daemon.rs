//! The daemon: how it starts and how it stops.

use std::net::TcpListener;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;

use crate::logging::log_faults;
use crate::metrics::{Daemon as Instruments, Exposition};
use crate::plan::{Plan, PlanFiles};
use crate::probe::Prober;
use crate::reload::{MOST_TRIGGERS, Reloader};
use crate::schedule::{Mode, Scheduler};
use crate::state::Ledger;
use crate::storage::Storage;
use crate::web::{self, App, Bounds, Listeners};
use crate::web_config::CurrentWebConfig;
use crate::{signals, systemd};

/// What a daemon runs with.
pub struct Options {
    /// Everything from the files.
    pub plan: Plan,
    /// How the plan is read again; `None` for one that has no files.
    pub plan_files: Option<PlanFiles>,
    /// Makes the probes.
    pub prober: Arc<Prober>,
    /// Where to serve, already bound.
    pub listeners: Vec<TcpListener>,
    /// Where to serve `/livez` and `/readyz` alone, without TLS and passwords, already bound.
    pub probe_listeners: Vec<TcpListener>,
    /// Where the state is kept over a restart.
    pub storage: Option<Storage>,
    /// What starts probes.
    pub mode: Mode,
    /// Whether `POST /-/reload` is answered.
    pub lifecycle: bool,
}

/// Runs until SIGTERM or SIGINT, then stops within a moment: no new probe is started, and running
/// ones are dropped.
///
/// # Errors
/// When the server or the scheduler ends by itself.
pub async fn run(options: Options) -> std::io::Result<()> {
    let Options { plan, plan_files, prober, storage, mode, .. } = options;
    let (trigger, triggers) = mpsc::channel(MOST_TRIGGERS);
    let signalled = signals::until_stopped(trigger.clone())?;
    let (stop, stopped) = watch::channel(false);

    // Start: what is known first, then the scheduler, then the server.
    let instruments = Instruments::new();
    instruments.configured(Timestamp::now());
    log_faults(&plan.warnings);
    let ledger = Arc::new(Ledger::new(plan.providers, &plan.duration_buckets));
    if let Some(storage) = &storage {
        storage.restore(&ledger, plan_files.as_ref().and_then(PlanFiles::written));
    }
    let measured = instruments.instruments();
    let scheduler =
        Scheduler::new(Arc::clone(&ledger), Arc::clone(&prober), plan.limits, measured, mode);
    let control = scheduler.control();
    let current_web_config = Arc::new(CurrentWebConfig::new(plan.web));
    let listeners = Listeners {
        main: options.listeners,
        probe: options.probe_listeners,
        current_web_config: Arc::clone(&current_web_config),
        bounds: Bounds::default(),
    };
    log_start(&ledger, &listeners);
    let exposition = Arc::new(Exposition::new(Arc::clone(&ledger), instruments.clone()));
    let app = App::new(Arc::clone(&ledger), exposition, options.lifecycle.then_some(trigger))
        .probing(control.clone(), mode);
    let mut scheduling = tokio::spawn(scheduler.run(until(&stopped)));
    let mut serving = tokio::spawn(web::serve(listeners, app, until(&stopped)));
    let saving = storage.map(|storage| {
        tokio::spawn(storage.keep(Arc::clone(&ledger), instruments.clone(), until(&stopped)))
    });
    match plan_files {
        // Ends with the runtime: the stop does not wait for a reload.
        Some(files) => drop(tokio::spawn(
            Reloader::new(
                files, plan.listen_addresses, control, current_web_config, prober, instruments,
            )
            .run(triggers),
        )),
        None => drop(triggers),
    }
    tokio::spawn(systemd::attend(ledger));
    systemd::ready();

    // Run. Without the scheduler or the server the daemon is of no use, so it ends with either, and
    // the service manager starts it again.
    let served = tokio::select! {
        () = signalled => None,
        served = &mut serving => Some(served),
        ended = &mut scheduling => return Err(scheduler_ended(ended)),
    };

    // Stop: nothing new begins, the state is saved, and running answers end.
    systemd::stopping();
    let _ = stop.send(true);
    let _ = scheduling.await;
    if let Some(saving) = saving {
        let _ = saving.await;
    }
    let served = match served {
        Some(served) => served,
        None => serving.await,
    };
    tracing::info!("credwatch has stopped");
    served.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// Waits for the stop.
fn until(stopped: &watch::Receiver<bool>) -> impl Future<Output = ()> + use<> {
    let mut stopped = stopped.clone();
    async move {
        // An error means that the sender is gone, which is a stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    }
}

fn scheduler_ended(ended: Result<(), JoinError>) -> std::io::Error {
    let cause = ended.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
    std::io::Error::other(format!("the scheduler has stopped: {cause}"))
}

fn log_start(ledger: &Ledger, listeners: &Listeners) {
    let web_config = listeners.current_web_config.get();
    tracing::info!(
        providers = ledger.roster().entries().len(),
        listen = addresses(&listeners.main),
        probe_listen = addresses(&listeners.probe),
        tls = web_config.uses_tls(),
        users = web_config.users(),
        version = env!("CARGO_PKG_VERSION"),
        "credwatch runs"
    );
}

fn addresses(listeners: &[TcpListener]) -> String {
    let addresses: Vec<String> = listeners
        .iter()
        .filter_map(|listener| Some(listener.local_addr().ok()?.to_string()))
        .collect();
    addresses.join(" ")
}
