//! New files, and a folder of files for as long as a value lives.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::process::geteuid;

/// Writes a new file, which only the user of this process can read. Makes its folder, if necessary.
///
/// # Errors
/// When something has this name already, or the file cannot be written.
pub fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make(folder)?;
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Writes a new file as [`write_new`] does, into a folder in which only this user can write.
///
/// # Errors
/// Also when the folder is a link, or when another user owns it or can write in it.
pub fn write_new_private(path: &Path, text: &str) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    make(folder)?;
    let problem = |text: &str| {
        io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {text}", folder.display()))
    };
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = open(folder, flags, Mode::empty())
        .map_err(|_| problem("is a link, or cannot be opened"))?;
    let handle = File::from(handle);
    let meta = handle.metadata()?;
    if meta.uid() != geteuid().as_raw() {
        return Err(problem("belongs to another user"));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(problem("can be changed by other users: chmod go-w"));
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut file = File::from(openat(&handle, name, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(text.as_bytes())
}

/// Makes a folder that only this user can read, unless it is there.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
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

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_secret_goes_only_into_a_folder_that_nobody_else_can_change() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        let told = |name: &str| {
            let written = write_new_private(&at(name).join("key"), "s3cret");
            written
                .err()
                .map(|error| error.to_string().replace(&root.path().display().to_string(), ""))
        };
        assert_eq!(told("new"), None);
        let mode = |name: &str| at(name).metadata().expect("it is there").mode() & 0o777;
        assert_eq!((mode("new"), mode("new/key")), (0o700, 0o600));
        symlink(at("new"), at("link")).expect("a link");
        let link = told("link");
        assert_eq!(link.as_deref(), Some("/link is a link, or cannot be opened"));
        for (open, expected) in [
            (0o755, None),
            (0o775, Some("/775 can be changed by other users: chmod go-w")),
            (0o702, Some("/702 can be changed by other users: chmod go-w")),
        ] {
            let name = format!("{open:o}");
            std::fs::create_dir(at(&name)).expect("a folder");
            std::fs::set_permissions(at(&name), Permissions::from_mode(open)).expect("set");
            assert_eq!(told(&name).as_deref(), expected);
            assert_eq!(at(&name).join("key").exists(), expected.is_none(), "{name}");
        }
        assert!(told("new").is_some(), "no file is overwritten");
    }
}
