//! Flags of several commands, and how their files are loaded.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::print::{complain, complain_of};
use crate::diagnostic::Fault;
use crate::logging::{Format, Verbosity};
use crate::plan::Plan;
use crate::web::Hosts;
use crate::web_config::WebConfig;

/// The flag of the configuration.
#[derive(Args)]
pub struct ConfigFlag {
    /// The configuration file.
    #[arg(long = "config.file", value_name = "FILE", default_value = "credwatch.toml")]
    pub file: PathBuf,
}

/// The flag of the web configuration.
#[derive(Args)]
pub struct WebConfigFlag {
    /// TLS, passwords and headers of the HTTP server, in the format of the Prometheus exporters.
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_file: Option<PathBuf>,
}

impl WebConfigFlag {
    /// The file; `None` for an empty name.
    pub fn path(&self) -> Option<&Path> {
        self.web_file.as_deref().filter(|file| !file.as_os_str().is_empty())
    }
}

/// The flags of the requests that change something.
#[derive(Args)]
pub struct RequestFlags {
    /// Enable `POST /-/reload`, which has the effect of SIGHUP. Every client can then trigger a
    /// reload.
    #[arg(long = "web.enable-lifecycle")]
    pub lifecycle: bool,
    /// Enable `POST /api/v1/providers/NAME/probe`, which probes a provider at once. Every client
    /// can then start probes.
    #[arg(long = "web.enable-admin-api")]
    pub admin_api: bool,
}

/// The flags about the names of the HTTP server.
#[derive(Args)]
pub struct HostFlags {
    /// A host that requests may name, besides that of `--web.external-url`; can be repeated or
    /// separated by commas, and `*` allows all [default: loopback names on loopback addresses, all
    /// on others].
    #[arg(long = "web.allowed-hosts", value_name = "HOST", value_delimiter = ',')]
    allowed: Vec<String>,
    /// The URL at which browsers reach this server, for example through a proxy.
    #[arg(long = "web.external-url", value_name = "URL")]
    external_url: Option<String>,
}

impl HostFlags {
    /// The hosts, or the exit status for wrong usage.
    pub fn hosts(&self) -> Result<Hosts, ExitCode> {
        Hosts::new(&self.allowed, self.external_url.as_deref()).map_err(|message| {
            complain_of(&format!("--web.allowed-hosts or --web.external-url: {message}"));
            ExitCode::from(2)
        })
    }
}

/// The flags of the log.
#[derive(Args)]
pub struct LogFlags {
    /// How much is logged [default: `RUST_LOG`, else info].
    #[arg(long = "log.level", value_name = "LEVEL")]
    pub level: Option<Verbosity>,
    /// The format of the log.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The exit status when the configuration is wrong (`EX_CONFIG` of sysexits.h).
const EXIT_CONFIG: u8 = 78;

/// Prints the faults, and returns the exit status for a wrong configuration.
pub fn refused(faults: &[Fault]) -> ExitCode {
    complain(faults);
    ExitCode::from(EXIT_CONFIG)
}

/// Loads the configuration from a file or a pipe, or prints its faults.
pub fn load_once(flag: &ConfigFlag) -> Result<Plan, ExitCode> {
    crate::config::load_once(&flag.file).map_err(|faults| refused(&faults))
}

/// Loads the web configuration, or prints its faults.
pub fn load_web_config(flag: &WebConfigFlag) -> Result<WebConfig, ExitCode> {
    WebConfig::load(flag.path()).map_err(|faults| refused(&faults))
}
