//! `credwatch run`: the daemon.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use listenfd::ListenFd;
use tokio::sync::mpsc;

use super::flags::{ConfigFlag, LogFlags, WebConfigFlag};
use super::plan::fresh;
use super::print::{EXIT_CONFIG, complain};
use super::runtime::{end, runtime};
use super::signals::until_stopped;
use super::transports::transports;
use crate::config::{self, parse_address};
use crate::daemon::{self, Settings, Source};
use crate::probe::Prober;
use crate::reload::{self, Read, Reading};

use crate::schedule::Mode;
use crate::shard::Shard;
use crate::storage::Storage;
use crate::watch::Files;
use crate::web_config::Door;
use crate::{logging, metrics, web};

#[derive(Args)]
pub struct Flags {
    #[command(flatten)]
    config: ConfigFlag,
    /// Where to serve, instead of `web.listen_addresses`; can be repeated. `:PORT` means all
    /// addresses.
    #[arg(long = "web.listen-address", value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Serve on the sockets that systemd has opened (`credwatch.socket`), instead of opening any.
    #[arg(long = "web.systemd-socket", conflicts_with = "listen")]
    systemd_socket: bool,
    /// Answer `POST /-/reload`, as SIGHUP: whoever reaches the address can have the configuration
    /// read again.
    #[arg(long = "web.enable-lifecycle")]
    lifecycle: bool,
    /// The directory in which the state is kept over a restart [default: `STATE_DIRECTORY`, else
    /// none].
    #[arg(long = "storage.path", value_name = "DIRECTORY")]
    storage: Option<PathBuf>,
    #[command(flatten)]
    web_config: WebConfigFlag,
    /// Where to serve `/livez` and `/readyz` alone, without TLS and passwords; can be repeated.
    #[arg(long = "web.probe-address", value_name = "ADDRESS")]
    probe_listen: Vec<String>,
    /// Probe only when asked at `/probe`, such as by Prometheus, and not on a schedule of its own.
    #[arg(long = "probe.on-demand")]
    on_demand: bool,
    /// Watch this share of the providers: INDEX/COUNT such as 0/3, or POD/COUNT such as
    /// credwatch-0/3.
    #[arg(long = "shard", value_name = "SHARD")]
    shard: Option<Shard>,
    #[command(flatten)]
    log: LogFlags,
}

pub fn main(flags: &Flags) -> ExitCode {
    metrics::process_started(Timestamp::now());
    logging::start(flags.log.level, flags.log.format);
    let (mut addresses, probe_addresses) = match (
        parse("--web.listen-address", &flags.listen),
        parse("--web.probe-address", &flags.probe_listen),
    ) {
        (Ok(addresses), Ok(probe_addresses)) => (addresses, probe_addresses),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let prober = Arc::new(Prober::new());
    let read = reader(
        flags.config.file.clone(),
        flags.web_config.web_file.clone(),
        flags.shard,
        Arc::clone(&prober),
    );
    // Most configurations are one file, which is then read once.
    let mut files = Files::default();
    files.add(&flags.config.file);
    flags
        .web_config
        .web_file
        .iter()
        .filter(|file| !file.as_os_str().is_empty())
        .for_each(|file| files.add(file));
    let (reading, seen) = reload::settle(&*read, &files);
    let mut fresh = match reading.outcome {
        Ok(fresh) => fresh,
        Err(faults) => {
            complain(&faults);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    if addresses.is_empty() && !flags.systemd_socket {
        addresses.clone_from(&fresh.listen_addresses);
    } else {
        // What the flags say holds, whatever a reload says.
        fresh.listen_addresses.clear();
    }
    let opened = listen(&addresses, flags.systemd_socket)
        .and_then(|listeners| Ok((listeners, listen(&probe_addresses, false)?)));
    let (listeners, probe_listeners) = match opened {
        Ok(opened) => opened,
        Err(problem) => {
            tracing::error!(problem, "cannot listen");
            return ExitCode::FAILURE;
        }
    };
    // systemd can name several, with colons between.
    let from_systemd = || {
        std::env::var("STATE_DIRECTORY")
            .ok()?
            .split(':')
            .find(|folder| !folder.is_empty())
            .map(PathBuf::from)
    };
    let folder = flags.storage.clone().or_else(from_systemd);
    if let Some(folder) = folder.as_deref().filter(|folder| !folder.is_dir()) {
        tracing::error!(path = %folder.display(), "--storage.path is no directory");
        return ExitCode::FAILURE;
    }
    let storage = folder.map(Storage::new);
    let mode = if flags.on_demand { Mode::OnDemand } else { Mode::Scheduled };
    let source = Some(Source { read, files: reading.files, seen });
    run(
        Settings {
            fresh,
            listeners,
            probe_listeners,
            source,
            storage,
            mode,
            lifecycle: flags.lifecycle,
        },
        prober,
    )
}

/// Opens what is to be listened on, or takes it from systemd.
fn listen(addresses: &[SocketAddr], from_systemd: bool) -> Result<Vec<TcpListener>, String> {
    if !from_systemd {
        return addresses
            .iter()
            .map(|address| web::bind(*address).map_err(|error| format!("{address}: {error}")))
            .collect();
    }
    let mut passed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for place in 0..passed.len() {
        let cannot = |error| format!("socket {place} is no TCP socket that listens: {error}");
        let Some(listener) = passed.take_tcp_listener(place).map_err(cannot)? else { continue };
        listener.set_nonblocking(true).map_err(cannot)?;
        listeners.push(listener);
    }
    if listeners.is_empty() {
        return Err("systemd has passed no socket; is credwatch.socket enabled and started?".into());
    }
    Ok(listeners)
}

/// Reads the configuration and the web configuration, certificate files of both included. Faults of
/// both are told.
fn reader(
    path: PathBuf,
    web_path: Option<PathBuf>,
    shard: Option<Shard>,
    prober: Arc<Prober>,
) -> Read {
    Arc::new(move || {
        let mut loaded = config::load(&path);
        if let Some(web_path) = web_path.as_ref().filter(|path| !path.as_os_str().is_empty()) {
            loaded.files.add(web_path);
        }
        let configured = loaded.outcome.and_then(|configuration| {
            let faults = transports(&configuration, &prober);
            if faults.is_empty() { Ok(configuration) } else { Err(faults) }
        });
        let door = Door::load(web_path.as_deref());
        if let Ok(door) = &door {
            door.files().iter().for_each(|file| loaded.files.add(file));
        }
        let outcome = match (configured, door) {
            (Ok(mut configuration), Ok(door)) => {
                // The others are checked all the same: each daemon says the same of the one
                // configuration.
                configuration
                    .providers
                    .retain(|provider| shard.is_none_or(|shard| shard.owns(&provider.name)));
                Ok(fresh(configuration, door))
            }
            (Err(mut faults), Err(more)) => {
                faults.extend(more);
                Err(faults)
            }
            (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
        };
        Reading { outcome, files: loaded.files }
    })
}

fn parse(flag: &str, texts: &[String]) -> Result<Vec<SocketAddr>, ExitCode> {
    let parsed: Result<_, _> = texts.iter().map(|text| parse_address(text)).collect();
    parsed.map_err(|message| {
        eprintln!("error: {flag}: {message}");
        ExitCode::from(2)
    })
}

fn run(settings: Settings, prober: Arc<Prober>) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        let (trigger, triggers) = mpsc::channel(daemon::MOST_TRIGGERS);
        let stopped = until_stopped(trigger.clone())?;
        daemon::run(settings, prober, (trigger, triggers), stopped).await
    });
    end(runtime);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot go on");
            ExitCode::FAILURE
        }
    }
}
