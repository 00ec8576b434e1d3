//! The files of the configuration, in a layout that operators use. They are replaced as an editor
//! replaces them: by a rename.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use crate::Result;
use crate::endpoint::Endpoint;
use crate::scale;
use crate::truth::secret;

/// The number of providers in one included file.
const PER_FILE: usize = 200;

/// The number of providers that reloads change.
pub const CHANGING: usize = 20;
/// The number of providers that reloads add and remove.
pub const TEMPORARY: usize = 40;

/// The label of providers in a window that is always open.
const IN_WINDOW: &str = "paused";
const WINDOW: &str = "[[maintenance]]\nlabels = { group = \"paused\" }\nfrom = \"00:00\"\n\
                      to = \"24:00\"\n\n";

/// The folder with the configuration. Dropping this value removes the folder.
pub struct Files {
    folder: tempfile::TempDir,
    endpoint: Arc<Endpoint>,
    /// The number of providers that no reload changes.
    providers: usize,
}

/// The name of the provider with this number.
pub fn name(provider: usize) -> String {
    format!("p{provider:05}")
}

/// The number of the provider with this name.
pub fn number(name: &str) -> Option<usize> {
    name.strip_prefix('p')?.parse().ok()
}

/// Whether the secret of a provider is in a file: true for every fourth provider.
pub fn has_secret_file(provider: usize) -> bool {
    provider.is_multiple_of(4)
}

impl Files {
    /// Creates a folder with a configuration without providers.
    pub fn new(endpoint: &Arc<Endpoint>, providers: usize) -> Result<Self> {
        let files =
            Self { folder: tempfile::tempdir()?, endpoint: Arc::clone(endpoint), providers };
        std::fs::create_dir(files.path("conf.d"))?;
        std::fs::create_dir(files.path("secrets"))?;
        std::fs::DirBuilder::new().mode(0o700).create(files.state())?;
        files.watch_none()?;
        Ok(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder for the state of the daemon.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The path of the main file.
    pub fn main(&self) -> PathBuf {
        self.path("credwatch.toml")
    }

    /// The providers that reloads change.
    pub fn changing(&self) -> Range<usize> {
        self.providers..self.providers + CHANGING
    }

    /// The providers that reloads add and remove.
    pub fn temporary(&self) -> Range<usize> {
        self.providers + CHANGING..self.providers + CHANGING + TEMPORARY
    }

    /// Three quarters of the changing providers: they are paused at times.
    pub fn pausing(&self) -> Range<usize> {
        self.providers..self.providers + CHANGING / 4 * 3
    }

    /// Writes a configuration without providers.
    pub fn watch_none(&self) -> Result<()> {
        self.write("credwatch.toml", &scale::defaults())
    }

    /// Writes a configuration with all providers but the temporary ones.
    pub fn watch_all(&self) -> Result<()> {
        for provider in 0..self.temporary().end {
            if has_secret_file(provider) {
                self.write_secret(provider, 0)?;
            }
        }
        for first in (0..self.providers).step_by(PER_FILE) {
            let text = self.providers(first..(first + PER_FILE).min(self.providers), "steady", "");
            self.write(&format!("conf.d/part-{first:05}.toml"), &text)?;
        }
        self.write_changing("0")?;
        self.write_main()
    }

    /// Writes the right main file.
    pub fn write_main(&self) -> Result<()> {
        self.write(
            "credwatch.toml",
            &format!(
                "provider_files = [\"conf.d/*.toml\", \"changing.toml\"]\n\n{}{WINDOW}",
                scale::defaults()
            ),
        )
    }

    /// Writes a main file that ends in the middle of a word.
    pub fn write_half_main(&self) -> Result<()> {
        self.write("credwatch.toml", "provider_files = [\"conf.d/*.toml\", \"chang")
    }

    /// Writes the changing providers, with other settings each time.
    pub fn write_changing(&self, round: &str) -> Result<()> {
        self.write("changing.toml", &self.providers(self.changing(), round, ""))
    }

    /// The same with a pause of each kind for a quarter of them.
    pub fn write_pausing(&self, round: &str) -> Result<()> {
        let (all, quarter) = (self.changing(), CHANGING / 4);
        let kinds = [
            (IN_WINDOW, ""),
            (round, "enabled = false\n"),
            (round, "pause_until = 2099-01-01\n"),
            (round, ""),
        ];
        let parts = all
            .step_by(quarter)
            .zip(kinds)
            .map(|(first, (label, more))| self.providers(first..first + quarter, label, more));
        self.write("changing.toml", &parts.collect::<String>())
    }

    /// Writes the file with the temporary providers.
    pub fn write_temporary(&self) -> Result<()> {
        self.write("conf.d/zz-temporary.toml", &self.providers(self.temporary(), "temporary", ""))
    }

    /// Writes one more file, such as one with an error.
    pub fn write_more(&self, text: &str) -> Result<()> {
        self.write("conf.d/zz-more.toml", text)
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> Result<()> {
        Ok(std::fs::remove_file(self.path(name))?)
    }

    /// Writes the secret file of a provider.
    pub fn write_secret(&self, provider: usize, version: u32) -> Result<()> {
        self.write(
            &format!("secrets/{}", name(provider)),
            &format!("{}\n", secret(provider, version)),
        )
    }

    /// `more` are further lines of each provider.
    fn providers(&self, providers: Range<usize>, label: &str, more: &str) -> String {
        let mut text = String::new();
        for provider in providers {
            let secret = if has_secret_file(provider) {
                format!(
                    "{{ file = \"{}\" }}",
                    self.path(&format!("secrets/{}", name(provider))).display()
                )
            } else {
                format!("\"{}\"", secret(provider, 0))
            };
            // Writing to memory cannot fail.
            let _ = write!(
                text,
                "[providers.{}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
                 \"{}\"\nlabels = {{ group = \"{label}\" }}\n\
                 credentials = {{ client_id = \"client-{provider}\", client_secret = {secret} }}\n\
                 {more}\n",
                name(provider),
                self.endpoint.url(provider),
            );
        }
        text
    }

    /// Replaces a file in one step: writes a new file and renames it.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        // Two threads write here, but never the same file.
        let new = self.path(&format!(".{}", name.replace('/', "-")));
        std::fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?
            .write_all(text.as_bytes())?;
        Ok(std::fs::rename(&new, self.path(name))?)
    }
}
