//! `credwatch run`: the daemon.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use futures_util::StreamExt;
use jiff::Timestamp;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;

use super::{ConfigFlag, EXIT_CONFIG, LogFlags, WebConfigFlag};
use crate::config::parse_address;
use crate::daemon::{self, Settings};
use crate::probe::Prober;
use crate::schedule::lanes::Limits;
use crate::web::door::Doors;
use crate::{logging, metrics, web};

#[derive(Args)]
pub struct Flags {
    #[command(flatten)]
    config: ConfigFlag,
    /// Where to serve, instead of `web.listen_addresses`; can be repeated. `:PORT` means all addresses.
    #[arg(long = "web.listen-address", value_name = "ADDRESS")]
    listen: Vec<String>,
    #[command(flatten)]
    web_config: WebConfigFlag,
    /// Where to serve `/livez` and `/readyz` alone, without TLS and passwords; can be repeated.
    #[arg(long = "web.probe-address", value_name = "ADDRESS")]
    probe_listen: Vec<String>,
    #[command(flatten)]
    log: LogFlags,
}

pub fn main(flags: &Flags) -> ExitCode {
    metrics::process_started(Timestamp::now());
    logging::start(flags.log.level, flags.log.format);
    let (mut addresses, probe_addresses) = match (parse("--web.listen-address", &flags.listen), parse("--web.probe-address", &flags.probe_listen)) {
        (Ok(addresses), Ok(probe_addresses)) => (addresses, probe_addresses),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let configuration = match super::load(&flags.config) {
        Ok(configuration) => configuration,
        Err(code) => return code,
    };
    for warning in &configuration.warnings {
        tracing::warn!(at = warning.place(), "{}", warning.message);
    }
    let door = match super::load_door(&flags.web_config) {
        Ok(door) => door,
        Err(code) => return code,
    };
    for warning in door.warnings() {
        tracing::warn!(at = warning.place(), "{}", warning.message);
    }
    let prober = Arc::new(Prober::new());
    let faults = super::check::transports(&configuration, &prober);
    if !faults.is_empty() {
        super::complain(&faults);
        return ExitCode::from(EXIT_CONFIG);
    }
    if addresses.is_empty() {
        addresses.clone_from(&configuration.listen_addresses);
    }
    let (listeners, probe_listeners) = match (bind(&addresses), bind(&probe_addresses)) {
        (Ok(listeners), Ok(probe_listeners)) => (listeners, probe_listeners),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let settings = Settings {
        providers: configuration.providers,
        limits: Limits { in_flight: configuration.probes_in_flight, per_host: configuration.probes_in_flight_per_host },
        duration_buckets: configuration.duration_buckets,
        listeners,
        probe_listeners,
        doors: Arc::new(Doors::new(door)),
    };
    run(settings, prober)
}

fn parse(flag: &str, texts: &[String]) -> Result<Vec<SocketAddr>, ExitCode> {
    let parsed: Result<_, _> = texts.iter().map(|text| parse_address(text)).collect();
    parsed.map_err(|message| {
        eprintln!("error: {flag}: {message}");
        ExitCode::from(2)
    })
}

fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ExitCode> {
    let bound = addresses.iter().map(|address| {
        web::bind(*address).map_err(|error| {
            tracing::error!(%address, %error, "cannot listen");
            ExitCode::FAILURE
        })
    });
    bound.collect()
}

fn run(settings: Settings, prober: Arc<Prober>) -> ExitCode {
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        let end = until_told()?;
        daemon::run(settings, prober, end).await
    });
    super::end(runtime);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot go on");
            ExitCode::FAILURE
        }
    }
}

/// Ends at SIGTERM or SIGINT. Must be called inside the runtime.
pub fn until_told() -> std::io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    Ok(async move {
        while let Some(signal) = signals.next().await {
            if signal == SIGHUP {
                tracing::warn!("SIGHUP: this version does not reload; restart to take a changed configuration");
                continue;
            }
            tracing::info!(signal = signal_hook::low_level::signal_name(signal).unwrap_or("?"), "told to stop");
            return;
        }
    })
}
