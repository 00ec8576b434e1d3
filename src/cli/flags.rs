//! Flags of several commands, and how their files are loaded.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::configuration::{self, EXIT_CONFIG, OWN_FILE};
use super::print::{complain, complain_of, note};
use crate::diagnostic::Fault;
use crate::logging::{Format, Verbosity};
use crate::web::Hosts;

/// The flag of the configuration.
#[derive(Args)]
pub struct ConfigFlag {
    /// The configuration file [default: credwatch.toml, else /etc/credwatch/credwatch.toml].
    #[arg(long = "config.file", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

impl ConfigFlag {
    /// The configuration, or the exit status when there is none. Says which file it is when the
    /// reader may expect another one.
    pub fn find(&self) -> Result<PathBuf, ExitCode> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = configuration::default_file().ok_or_else(configuration::missing)?;
        if file != Path::new(OWN_FILE) {
            note(&format!("the configuration is {}", file.display()));
        }
        Ok(file)
    }
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
    pub external_url: Option<String>,
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

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The flags of the log.
#[derive(Args)]
pub struct LogFlags {
    /// How much is logged [default: `RUST_LOG`, else info].
    #[arg(long = "log.level", value_name = "LEVEL")]
    pub level: Option<Verbosity>,
    /// The format of the log.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub format: Format,
}

/// Prints the faults, and returns the exit status for a wrong configuration.
pub fn refused(faults: &[Fault]) -> ExitCode {
    complain(faults);
    ExitCode::from(EXIT_CONFIG)
}
