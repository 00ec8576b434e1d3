//! Flags that several commands have, and the files that they name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::print::{EXIT_CONFIG, complain};
use crate::logging::{Format, Verbosity};
use crate::plan::Plan;
use crate::web_config::WebConfig;

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
    web_file: Option<PathBuf>,
}

impl WebConfigFlag {
    /// The file; an empty name stands for none.
    pub fn path(&self) -> Option<&Path> {
        self.web_file.as_deref().filter(|file| !file.as_os_str().is_empty())
    }
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
pub fn load(flag: &ConfigFlag) -> Result<Plan, ExitCode> {
    crate::config::load(&flag.file).plan.map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}

/// The same as [`load`], also from a pipe.
pub fn load_once(flag: &ConfigFlag) -> Result<Plan, ExitCode> {
    crate::config::load_once(&flag.file).map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}

/// Reads the web configuration, and prints what is wrong with it.
pub fn load_web_config(flag: &WebConfigFlag) -> Result<WebConfig, ExitCode> {
    WebConfig::load(flag.path()).map_err(|faults| {
        complain(&faults);
        ExitCode::from(EXIT_CONFIG)
    })
}
