//! New files, and a folder of files for as long as a value lives.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Writes a new file, which only the user of this process can read. Makes its folder, if necessary.
///
/// # Errors
/// When something has this name already, or the file cannot be written.
pub fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

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
        DirBuilder::new().mode(0o700).create(&folder.0).map_err(|error| {
            let path = folder.0.display();
            io::Error::new(
                error.kind(),
                format!("cannot make the temporary folder {path}: {error}"),
            )
        })?;
        for (name, text) in files {
            folder.write(name, text)?;
        }
        Ok(folder)
    }

    /// Writes one more file, which only this user can read. Returns its path.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        write_new(&path, text)?;
        Ok(path)
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
