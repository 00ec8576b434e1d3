//! The daemon's configuration: files as an operator would lay them out, replaced as an editor
//! replaces them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Result;
use crate::endpoint::Endpoint;
use crate::scale;
use crate::truth::secret;

/// Providers in one included file.
const PER_FILE: usize = 200;

/// How many providers there are that reloads change, and how many that reloads add and remove.
pub const CHANGING: usize = 20;
pub const GUESTS: usize = 40;

/// The folder with the configuration; removed with it.
pub struct Files {
    folder: tempfile::TempDir,
    endpoint: Arc<Endpoint>,
    /// How many providers no reload touches.
    providers: usize,
}

/// The name of a provider.
pub fn name(provider: usize) -> String {
    format!("p{provider:05}")
}

/// The provider of a name.
pub fn number(name: &str) -> Option<usize> {
    name.strip_prefix('p')?.parse().ok()
}

/// Whether the secret of a provider is in a file: of every fourth one.
pub fn has_secret_file(provider: usize) -> bool {
    provider.is_multiple_of(4)
}

impl Files {
    /// A folder with a configuration that watches nobody.
    pub fn new(endpoint: &Arc<Endpoint>, providers: usize) -> Result<Self> {
        let files =
            Self { folder: tempfile::tempdir()?, endpoint: Arc::clone(endpoint), providers };
        std::fs::create_dir(files.path("conf.d"))?;
        std::fs::create_dir(files.path("secrets"))?;
        files.watch_nobody()?;
        Ok(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The main file.
    pub fn main(&self) -> PathBuf {
        self.path("credwatch.toml")
    }

    /// The providers that reloads change.
    pub fn changing(&self) -> Range<usize> {
        self.providers..self.providers + CHANGING
    }

    /// The providers that reloads add and remove.
    pub fn guests(&self) -> Range<usize> {
        self.providers + CHANGING..self.providers + CHANGING + GUESTS
    }

    /// Nobody is watched.
    pub fn watch_nobody(&self) -> Result<()> {
        self.write("credwatch.toml", &scale::defaults())
    }

    /// Everybody but the guests is watched.
    pub fn watch_all(&self) -> Result<()> {
        for provider in 0..self.guests().end {
            if has_secret_file(provider) {
                self.write_secret(provider, 0)?;
            }
        }
        for first in (0..self.providers).step_by(PER_FILE) {
            let text = self.providers(first..(first + PER_FILE).min(self.providers), "steady");
            self.write(&format!("conf.d/part-{first:05}.toml"), &text)?;
        }
        self.write_changing("0")?;
        self.write_main()
    }

    /// The main file as it is to be.
    pub fn write_main(&self) -> Result<()> {
        self.write(
            "credwatch.toml",
            &format!(
                "provider_files = [\"conf.d/*.toml\", \"changing.toml\"]\n\n{}",
                scale::defaults()
            ),
        )
    }

    /// The main file as somebody has left it in the middle of a word.
    pub fn write_main_by_half(&self) -> Result<()> {
        self.write("credwatch.toml", "provider_files = [\"conf.d/*.toml\", \"chang")
    }

    /// The providers that change, with other settings each time.
    pub fn write_changing(&self, round: &str) -> Result<()> {
        self.write("changing.toml", &self.providers(self.changing(), round))
    }

    /// The file with the guests.
    pub fn write_guests(&self) -> Result<()> {
        self.write("conf.d/zz-guests.toml", &self.providers(self.guests(), "guest"))
    }

    /// Another file, such as one that cannot be read.
    pub fn write_more(&self, text: &str) -> Result<()> {
        self.write("conf.d/zz-more.toml", text)
    }

    /// Takes a file away.
    pub fn remove(&self, name: &str) -> Result<()> {
        Ok(std::fs::remove_file(self.path(name))?)
    }

    /// A secret file.
    pub fn write_secret(&self, provider: usize, version: u32) -> Result<()> {
        self.write(
            &format!("secrets/{}", name(provider)),
            &format!("{}\n", secret(provider, version)),
        )
    }

    fn providers(&self, providers: Range<usize>, label: &str) -> String {
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
                 \n",
                name(provider),
                self.endpoint.url(provider),
            );
        }
        text
    }

    /// Whole or not at all: written beside it, then put in its place.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        // Two threads write here, each other files.
        let fresh = self.path(&format!(".{}", name.replace('/', "-")));
        std::fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?
            .write_all(text.as_bytes())?;
        Ok(std::fs::rename(&fresh, self.path(name))?)
    }
}
