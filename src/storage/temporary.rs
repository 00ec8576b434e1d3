//! A folder of files for as long as a value lives.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A new folder that only the user of this process can read.
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// A folder with these files: their names and their contents.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn with(files: &[(&str, &str)]) -> io::Result<Self> {
        let name = format!("credwatch-{}", uuid::Uuid::new_v4().simple());
        let folder = Self(std::env::temp_dir().join(name));
        DirBuilder::new().mode(0o700).create(&folder.0)?;
        for (name, text) in files {
            std::fs::write(folder.0.join(name), text)?;
        }
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What is left in a temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
