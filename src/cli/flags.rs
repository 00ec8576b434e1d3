//! Flags of several commands, and how their files are loaded.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::print::complain;
use crate::diagnostic::Fault;
use crate::logging::{Format, Verbosity};
use crate::plan::Plan;
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

/// Loads the configuration, or prints its faults.
pub fn load(flag: &ConfigFlag) -> Result<Plan, ExitCode> {
    crate::config::load(&flag.file).plan.map_err(|faults| refused(&faults))
}

/// Loads the configuration from a file or a pipe, or prints its faults.
pub fn load_once(flag: &ConfigFlag) -> Result<Plan, ExitCode> {
    crate::config::load_once(&flag.file).map_err(|faults| refused(&faults))
}

/// Loads the web configuration, or prints its faults.
pub fn load_web_config(flag: &WebConfigFlag) -> Result<WebConfig, ExitCode> {
    WebConfig::load(flag.path()).map_err(|faults| refused(&faults))
}
