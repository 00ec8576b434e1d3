//! `credwatch run`: the daemon.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use listenfd::ListenFd;

use super::configuration;
use super::flags::{ConfigFlag, HostFlags, LogFlags, RequestFlags, WebConfigFlag, refused};
use super::plan::{Sources, plan_files};
use super::print::complain_of;
use crate::by_hand::ByHand;
use crate::config::parse_address;
use crate::daemon::{self, Options};
use crate::probe::Prober;
use crate::runtime::block_on;
use crate::schedule::Mode;
use crate::shard::Shard;
use crate::storage::Storage;
use crate::{logging, metrics, web};

#[derive(Args)]
pub struct Flags {
    #[command(flatten)]
    config: ConfigFlag,
    /// The address of the HTTP server, instead of `web.listen_addresses`; can be repeated. `:PORT`
    /// means all addresses.
    #[arg(long = "web.listen-address", value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Use the sockets that systemd has opened (`credwatch.socket`).
    #[arg(long = "web.systemd-socket", conflicts_with = "listen")]
    systemd_socket: bool,
    #[command(flatten)]
    requests: RequestFlags,
    #[command(flatten)]
    hosts: HostFlags,
    /// The path of the metrics.
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = web::TELEMETRY_PATH)]
    telemetry_path: String,
    /// The directory in which the daemon saves its state [default: `STATE_DIRECTORY`, else none].
    #[arg(long = "storage.path", value_name = "DIRECTORY")]
    storage: Option<PathBuf>,
    #[command(flatten)]
    web_config: WebConfigFlag,
    /// An address for only `/livez` and `/readyz`, without TLS and passwords; can be repeated.
    #[arg(long = "web.probe-address", value_name = "ADDRESS")]
    probe_listen: Vec<String>,
    /// Probe only when Prometheus or another client requests `/probe`, not on a schedule.
    #[arg(long = "probe.on-demand")]
    on_demand: bool,
    /// Watch only a share of the providers: INDEX/COUNT such as 0/3, or POD/COUNT such as
    /// credwatch-0/3.
    #[arg(long = "shard", value_name = "SHARD")]
    shard: Option<Shard>,
    #[command(flatten)]
    log: LogFlags,
}

pub fn main(flags: &Flags) -> ExitCode {
    metrics::process_started(Timestamp::now());
    logging::start(flags.log.level, flags.log.format);
    let options = match options(flags) {
        Ok(options) => options,
        Err(code) => return code,
    };
    match block_on(daemon::run(options)).and_then(|outcome| outcome) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot run");
            ExitCode::FAILURE
        }
    }
}

/// Loads the plan and opens the addresses.
fn options(flags: &Flags) -> Result<Options, ExitCode> {
    let listen_addresses = parse("--web.listen-address", &flags.listen)?;
    let probe_addresses = parse("--web.probe-address", &flags.probe_listen)?;
    let hosts = flags.hosts.hosts()?;
    if !web::is_free_path(&flags.telemetry_path) {
        complain_of(
            "--web.telemetry-path: write a path that no other answer has, such as /metrics or \
             /credwatch/metrics",
        );
        return Err(ExitCode::from(2));
    }
    let config = if let Some(file) = &flags.config.file {
        file.clone()
    } else {
        let file = configuration::default_file().ok_or_else(configuration::missing)?;
        tracing::info!(file = %file.display(), "the configuration is found");
        file
    };
    let by_flags = flags.systemd_socket || !listen_addresses.is_empty();
    let prober = Arc::new(Prober::new());
    let sources = Sources {
        config: config.clone(),
        web_config: flags.web_config.path().map(Into::into),
        shard: flags.shard,
        listen_addresses: by_flags.then_some(listen_addresses),
    };
    let mut plan_files = plan_files(sources);
    let plan = plan_files.load().map_err(|faults| refused(&faults))?;
    let cannot_listen = |problem: String| {
        tracing::error!(problem, "cannot listen");
        ExitCode::FAILURE
    };
    let listeners = if flags.systemd_socket {
        listeners_of_systemd()
    } else {
        bind(&plan.listen_addresses, "--web.listen-address")
    };
    Ok(Options {
        listeners: listeners.map_err(cannot_listen)?,
        probe_listeners: bind(&probe_addresses, "--web.probe-address").map_err(cannot_listen)?,
        storage: storage(flags),
        mode: if flags.on_demand { Mode::OnDemand } else { Mode::Scheduled },
        lifecycle: flags.requests.lifecycle,
        admin_api: flags.requests.admin_api,
        hosts,
        telemetry_path: flags.telemetry_path.clone(),
        by_hand: ByHand::here(&config),
        external_url: flags.hosts.external_url.clone(),
        plan,
        plan_files: Some(plan_files),
        prober,
    })
}

/// The directory of the flag or of systemd.
fn storage(flags: &Flags) -> Option<Arc<Storage>> {
    // systemd separates several directories with colons.
    let from_systemd = || {
        let folders = std::env::var("STATE_DIRECTORY").ok()?;
        folders.split(':').find(|folder| !folder.is_empty()).map(PathBuf::from)
    };
    flags.storage.clone().or_else(from_systemd).map(Storage::new).map(Arc::new)
}

/// Opens the addresses. `flag` is the flag that chooses others.
fn bind(addresses: &[SocketAddr], flag: &str) -> Result<Vec<TcpListener>, String> {
    let bind = |address: &SocketAddr| {
        web::bind(*address).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => format!(
                "{address}: another program listens there, perhaps `credwatch demo`; end it, or \
                 choose another address with {flag}"
            ),
            _ => format!("{address}: {error}"),
        })
    };
    addresses.iter().map(bind).collect()
}

/// The sockets that systemd has opened and passed.
fn listeners_of_systemd() -> Result<Vec<TcpListener>, String> {
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

fn parse(flag: &str, texts: &[String]) -> Result<Vec<SocketAddr>, ExitCode> {
    let parsed: Result<_, _> = texts.iter().map(|text| parse_address(text)).collect();
    parsed.map_err(|message| {
        complain_of(&format!("{flag}: {message}"));
        ExitCode::from(2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_use_is_told_with_the_flag_that_chooses_another() {
        let other = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = other.local_addr().expect("an address");
        let problem = bind(&[address], "--web.listen-address").expect_err("it is in use");
        assert_eq!(
            problem,
            format!(
                "{address}: another program listens there, perhaps `credwatch demo`; end it, or \
                 choose another address with --web.listen-address"
            )
        );
    }
}
