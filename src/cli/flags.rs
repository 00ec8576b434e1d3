//! Flags that several commands have, and the files that they name.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print::{EXIT_CONFIG, complain};
use crate::config::Configuration;
use crate::logging::{Format, Verbosity};
use crate::web_config::Door;

/// Which configuration.
#[derive(Args)]
pub struct ConfigFlag {
    /// The configuration file.
    #[arg(long = "config.file", value_name = "FILE", default_value = "credwatch.toml")]
    pub file: PathBuf,
}

/// Who may come in.
#[derive(Args)]
pub struct WebConfigFlag {
    /// TLS, passwords and headers of the daemon's own server, in the format of the Prometheus
    /// exporters.
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub web_file: Option<PathBuf>,
}

/// How logs are written.
#[derive(Args)]
pub struct LogFlags {
    /// How much is logged [default: `RUST_LOG`, else info].
    #[arg(long = "log.level", value_name = "LEVEL")]
    pub level: Option<Verbosity>,
    /// The form of a log line.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// Reads the configuration, and prints what is wrong with it.
pub fn load(flag: &ConfigFlag) -> Result<Configuration, ExitCode> {
    crate::config::load(&flag.file).outcome.map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}

/// The same as [`load`], also from a pipe.
pub fn load_once(flag: &ConfigFlag) -> Result<Configuration, ExitCode> {
    crate::config::load_once(&flag.file).map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}

/// Reads the web configuration, and prints what is wrong with it.
pub fn load_door(flag: &WebConfigFlag) -> Result<Door, ExitCode> {
    Door::load(flag.web_file.as_deref()).map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}
