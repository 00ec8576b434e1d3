//! The daemon: how it starts and how it stops.

use std::net::TcpListener;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use crate::by_hand::ByHand;
use crate::logging::log_faults;
use crate::metrics::{Daemon as Instruments, Exposition};
use crate::plan::{Plan, PlanFiles};
use crate::probe::Prober;
use crate::reload::{Reloader, trigger_queue};
use crate::runtime::ProbeRuntime;
use crate::schedule::{Control, Mode, Scheduler, read_held_ends};
use crate::state::{Ledger, Roster};
use crate::storage::{LONGEST_RESTORE, LONGEST_SAVE, NoDirectory, Storage, restore};
use crate::threads::OneJob;
use crate::web::{self, App, Bounds, Hosts, Listeners};
use crate::web_config::CurrentWebConfig;
use crate::{signals, systemd};

/// Everything that the daemon needs to start.
pub struct Options {
    /// The plan from the files.
    pub plan: Plan,
    /// How a reload reads the plan; `None` when the plan has no files.
    pub plan_files: Option<PlanFiles>,
    /// Makes the probes.
    pub prober: Arc<Prober>,
    /// The listeners of the HTTP server.
    pub listeners: Vec<TcpListener>,
    /// The listeners for only `/livez` and `/readyz`, without TLS and passwords.
    pub probe_listeners: Vec<TcpListener>,
    /// Where the daemon saves its state; `None` when it saves none.
    pub storage: Option<Arc<Storage>>,
    /// What starts probes.
    pub mode: Mode,
    /// Whether `POST /-/reload` is enabled.
    pub lifecycle: bool,
    /// Whether `POST /api/v1/providers/NAME/probe` is enabled.
    pub admin_api: bool,
    /// The hosts that requests may name.
    pub hosts: Hosts,
    /// The path of the metrics.
    pub telemetry_path: String,
    /// The command line of a person who probes a provider.
    pub by_hand: ByHand,
    /// The URL at which browsers reach the server, for links in alerts.
    pub external_url: Option<String>,
}

/// Runs until SIGTERM or SIGINT, then stops within a moment: no new probe starts, and running
/// probes are dropped.
///
/// # Errors
/// When there is no state directory, or when the server or the scheduler ends by itself.
pub async fn run(options: Options) -> std::io::Result<()> {
    let (trigger, triggers) = trigger_queue();
    let mut signalled = std::pin::pin!(signals::until_stopped(trigger.clone())?);
    let (stop, stopped) = watch::channel(false);

    // Start: the saved state, then the server, then the threads of the probes, which take longer.
    let ledger = tokio::select! {
        () = &mut signalled => return Ok(()),
        ledger = ledger(&options) => ledger?,
    };
    let Options {
        plan,
        plan_files,
        prober,
        storage,
        mode,
        listeners,
        probe_listeners,
        hosts,
        by_hand,
        external_url,
        ..
    } = options;
    // The ledger has the providers. A reload replaces them, and this list would keep them.
    drop((plan.providers, plan.warnings));
    let instruments = Instruments::new();
    instruments.configured(Timestamp::now());
    if let Some(url) = &external_url {
        instruments.reached_at(url);
    }
    let (control, events) = Control::new();
    let current_web_config = Arc::new(CurrentWebConfig::new(plan.web));
    let web_config = Arc::clone(&current_web_config);
    let bounds = Bounds::default();
    let listeners =
        Listeners { main: listeners, probe: probe_listeners, current_web_config, hosts, bounds };
    let by_hand = if may_tell_paths(&listeners) { by_hand } else { by_hand.without_path() };
    log_start(&ledger, &listeners);
    warn_of_requests(&listeners, options.lifecycle, options.admin_api);
    let exposition = Arc::new(Exposition::new(Arc::clone(&ledger), instruments.clone()));
    let app = App::new(Arc::clone(&ledger), exposition, options.lifecycle.then_some(trigger))
        .probing(control.clone(), mode)
        .with_external(listeners.hosts.external().cloned())
        .with_telemetry_path(&options.telemetry_path)
        .with_by_hand(by_hand)
        .with_history(storage.clone())
        .with_admin_api(options.admin_api);
    let mut serving = tokio::spawn(web::serve(listeners, app, until(&stopped)));
    let probe_runtime = ProbeRuntime::start()?;
    let measured = instruments.instruments();
    let scheduler =
        Scheduler::new(Arc::clone(&ledger), Arc::clone(&prober), plan.limits, measured, mode)
            .taking(control.clone(), events)
            .probing_in(probe_runtime.handle());
    let mut scheduling = tokio::spawn(scheduler.run(until(&stopped)));
    let saving = storage.map(|storage| {
        tokio::spawn(storage.keep(Arc::clone(&ledger), instruments.clone(), until(&stopped)))
    });
    // A reload ends with the runtime: the stop does not wait for it.
    tokio::spawn(read_held_ends(Arc::clone(&ledger), Arc::clone(&prober)));
    plan_files.map(|files| {
        let addresses = plan.listen_addresses;
        let known = (Arc::clone(&ledger), prober);
        let reloader = Reloader::new(files, addresses, control, web_config, known, instruments);
        tokio::spawn(reloader.run(triggers))
    });
    tokio::spawn(systemd::attend(ledger));
    systemd::ready();

    // Run. When the scheduler or the server ends, the daemon ends, and systemd starts it again.
    let served = tokio::select! {
        () = &mut signalled => None,
        served = &mut serving => Some(served),
        ended = &mut scheduling => return Err(scheduler_ended(ended)),
    };

    // Stop: nothing new begins, the state is saved, and running answers end.
    systemd::stopping();
    let _ = stop.send(true);
    let _ = scheduling.await;
    drop(probe_runtime);
    if let Some(saving) = saving {
        wait_for_last_save(saving).await;
    }
    let served = if let Some(served) = served { served } else { serving.await };
    tracing::info!("credwatch has stopped");
    served.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// The ledger of the plan, with the saved state.
async fn ledger(options: &Options) -> std::io::Result<Arc<Ledger>> {
    let plan = &options.plan;
    log_faults(&plan.warnings);
    let now = Timestamp::now();
    let roster = || Roster::new(plan.providers.clone(), &plan.duration_buckets, now);
    let shown = || roster().compact(plan.compact_metrics).with_created(plan.created_metrics);
    let links = || Arc::clone(&plan.links);
    let new = || Arc::new(Ledger::of(shown().linking(links())));
    let Some(storage) = options.storage.clone() else { return Ok(new()) };
    let configured = options.plan_files.as_ref().and_then(PlanFiles::written);
    let reading = Arc::clone(&storage);
    restored(new, move |ledger| restore(&reading, ledger, configured), || storage.not_read()).await
}

/// A new ledger, into which a thread reads the saved state. When the disk does not answer in time,
/// `not_read` is called and the ledger has no saved state.
async fn restored(
    new: impl Fn() -> Arc<Ledger>,
    read: impl FnOnce(&Ledger) -> Result<(), NoDirectory> + Send + 'static,
    not_read: impl FnOnce(),
) -> std::io::Result<Arc<Ledger>> {
    let ledger = new();
    let reading = Arc::clone(&ledger);
    match OneJob::new(LONGEST_RESTORE).call(move || read(&reading)).await {
        Ok(outcome) => outcome.map(|()| ledger).map_err(std::io::Error::other),
        Err(error) => {
            tracing::error!(
                %error, "the disk did not answer, so the daemon starts without a saved state"
            );
            not_read();
            // The thread may still change the first ledger.
            Ok(new())
        }
    }
}

/// Waits for the last save, but not without end: a disk can hang.
async fn wait_for_last_save(saving: JoinHandle<()>) {
    if tokio::time::timeout(LONGEST_SAVE, saving).await.is_err() {
        tracing::error!("the disk did not answer, so the state is not saved at the stop");
    }
}

/// Waits for the stop.
fn until(stopped: &watch::Receiver<bool>) -> impl Future<Output = ()> + use<> {
    let mut stopped = stopped.clone();
    async move {
        // An error means that the sender was dropped, which is a stop too.
        let _ = stopped.wait_for(|stop| *stop).await;
    }
}

fn scheduler_ended(ended: Result<(), JoinError>) -> std::io::Error {
    let cause = ended.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
    std::io::Error::other(format!("the scheduler has stopped: {cause}"))
}

/// Whether only people of this host, or with a login, can read the pages.
fn may_tell_paths(listeners: &Listeners) -> bool {
    let is_loopback = |listener: &TcpListener| {
        listener.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback())
    };
    listeners.current_web_config.get().users() > 0 || listeners.main.iter().all(is_loopback)
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

/// Warns when clients that nobody knows can send the requests of these flags.
fn warn_of_requests(listeners: &Listeners, lifecycle: bool, admin_api: bool) {
    let web_config = listeners.current_web_config.get();
    let is_closed = may_tell_paths(listeners) || web_config.needs_client_certificates();
    if !is_closed && (lifecycle || admin_api) {
        tracing::warn!(
            lifecycle,
            admin_api,
            "every client in the network can reload the configuration or start probes"
        );
    }
}

fn addresses(listeners: &[TcpListener]) -> String {
    let addresses: Vec<String> = listeners
        .iter()
        .filter_map(|listener| Some(listener.local_addr().ok()?.to_string()))
        .collect();
    addresses.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_stop_does_not_wait_longer_than_its_limit_for_a_disk_that_hangs() {
        let start = tokio::time::Instant::now();
        wait_for_last_save(tokio::spawn(std::future::pending())).await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_does_not_wait_longer_than_its_limit_for_a_state_directory_that_hangs() {
        let start = tokio::time::Instant::now();
        let (disk, answer) = std::sync::mpsc::channel::<()>();
        let (begun, begins) = std::sync::mpsc::channel();
        let new = || Arc::new(Ledger::new(Vec::new(), &[]));
        let hanging = move |ledger: &Ledger| {
            let _ = begun.send(std::ptr::from_ref(ledger).addr());
            let _ = answer.recv();
            Ok(())
        };
        let not_read = std::cell::Cell::new(false);
        let ledger = restored(new, hanging, || not_read.set(true)).await;
        let ledger = ledger.expect("the daemon starts");
        assert!(not_read.get(), "the first save must keep the old file");
        assert_eq!(start.elapsed().as_secs(), 30);
        let read_into = begins.recv().expect("the thread has begun");
        assert_ne!(Arc::as_ptr(&ledger).addr(), read_into, "the thread can change the ledger");
        drop(disk);
    }

    #[tokio::test]
    async fn the_daemon_starts_only_when_the_state_directory_exists_or_does_not_answer() {
        let new = || Arc::new(Ledger::new(Vec::new(), &[]));
        let not_read = || panic!("it was read");
        assert!(restored(new, |_| Ok(()), not_read).await.is_ok());
        let missing = NoDirectory("/nonexistent".into());
        let outcome = restored(new, |_| Err(missing), not_read).await;
        let error = outcome.err().expect("the daemon cannot start");
        assert_eq!(error.to_string(), "--storage.path is no directory: /nonexistent");
    }
}
