//! Which file is the configuration, and what to do when there is none.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::print::complain_of;
use crate::by_hand::SERVICE_FILE;

/// The configuration in the current directory, which comes first.
pub const OWN_FILE: &str = "credwatch.toml";

/// The example of the Debian package.
const EXAMPLE: &str = "/usr/share/doc/credwatch/examples/config.example.toml";

/// The exit status when the configuration is wrong (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// The first of these files that is there.
fn first<'a>(files: &[&'a str]) -> Option<&'a Path> {
    let is_there = |file: &&Path| {
        // A file that cannot be looked at is there: reading it says why it cannot be used.
        file.symlink_metadata().map_or_else(|error| error.kind() != ErrorKind::NotFound, |_| true)
    };
    files.iter().map(|file| Path::new(*file)).find(is_there)
}

/// The configuration that commands read without `--config.file`; `None` when there is none.
pub fn default_file() -> Option<PathBuf> {
    first(&[OWN_FILE, SERVICE_FILE]).map(Path::to_owned)
}

/// Says that there is no configuration, and what to do next. Returns the exit status.
pub fn missing() -> ExitCode {
    let example = if Path::new(EXAMPLE).exists() {
        EXAMPLE
    } else {
        "config.example.toml beside the sources"
    };
    complain_of(&format!(
        "there is no configuration: neither {OWN_FILE} in this directory nor {SERVICE_FILE}
  hint: do one of these
    credwatch init        asks for what a provider needs and writes a configuration
    credwatch demo        shows credwatch without a configuration
    --config.file=FILE    reads another file; {example} explains all keys"
    ));
    ExitCode::from(EXIT_CONFIG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_that_is_there_is_the_configuration() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (own, service) = (path("credwatch.toml"), path("service.toml"));
        let found = || first(&[&own, &service]).map(Path::to_owned);
        assert_eq!(found(), None);
        std::fs::write(&service, "").expect("written");
        assert_eq!(found(), Some(PathBuf::from(&service)));
        // A link to nothing is there: the service must not be taken for it.
        std::os::unix::fs::symlink("/nonexistent/file", &own).expect("a link");
        assert_eq!(found(), Some(PathBuf::from(&own)));
    }
}
