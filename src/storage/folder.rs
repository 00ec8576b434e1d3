//! The state directory. One process writes in it, and it never writes through a link.

use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open, openat, renameat};
use rustix::io::Errno;

use super::database::Unusable;

/// The name of the database.
pub const DATABASE: &str = "state.redb";
/// The name of the state file of earlier versions.
pub const STATE_FILE: &str = "state.json";
/// The file whose lock says which process may write.
const LOCK: &str = "lock";

/// Why the state is not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Another process has the lock of the directory.
    #[error("another process saves its state in this directory")]
    Locked,
    /// The disk did not answer in time.
    #[error("the disk did not answer within {0:?}")]
    Slow(Duration),
    /// The database cannot be used.
    #[error("{0}")]
    Database(#[from] Unusable),
    /// An error of the system.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<Errno> for SaveError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

/// A state directory that this process has locked. Dropping this value releases the lock.
pub struct Folder {
    handle: OwnedFd,
    _lock: File,
}

impl Folder {
    /// Opens the directory and locks it. The directory itself may be a link, as it is for a systemd
    /// unit with `DynamicUser=`.
    ///
    /// # Errors
    /// When another process has the lock, or the lock file cannot be opened.
    pub fn lock(path: &Path) -> Result<Self, SaveError> {
        let handle = open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // Not the directory itself is locked: everybody who can read it could lock it.
        let lock = File::from(open_own(&handle, LOCK, OFlags::RDWR | OFlags::CREATE)?);
        if !lock.metadata()?.is_file() {
            let problem = format!("{LOCK} in this directory is not a regular file");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem).into());
        }
        match lock.try_lock() {
            Ok(()) => Ok(Self { handle, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(SaveError::Locked),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The file of the database. A new one is empty.
    ///
    /// # Errors
    /// When something else has its name, or the system refuses.
    pub fn database(&self) -> Result<File, Unusable> {
        let file = regular(open_own(&self.handle, DATABASE, OFlags::RDWR | OFlags::CREATE))?;
        // Another name of the file can be one that somebody needs.
        if file.metadata()?.nlink() > 1 { Err(Unusable::NoFile) } else { Ok(file) }
    }

    /// The file of the database in a directory that another process has locked.
    ///
    /// # Errors
    /// As for [`Folder::database`].
    pub fn reading(path: &Path) -> Result<File, Unusable> {
        let handle = open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        regular(open_own(&handle.map_err(io::Error::from)?, DATABASE, OFlags::RDONLY))
    }

    /// Renames a file that cannot be used, so that a person can look at it.
    ///
    /// # Errors
    /// The error of the system.
    pub fn put_aside(&self, name: &str) -> io::Result<()> {
        Ok(renameat(&self.handle, name, &self.handle, format!("{name}.unusable"))?)
    }
}

/// Opens a file of this process in the directory, and follows no link.
fn open_own(handle: &OwnedFd, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    openat(handle, name, flags, Mode::RUSR | Mode::WUSR)
}

/// A regular file. A link, a pipe, a socket or a directory is none.
fn regular(opened: Result<OwnedFd, Errno>) -> Result<File, Unusable> {
    let file = match opened {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => return Err(Unusable::NoFile),
        Err(error) => return Err(Unusable::Io(error.into())),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(Unusable::NoFile) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::fs::{CWD, mkfifoat};

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::lock(place.path()).expect("nobody else has the lock");
        (place, folder)
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).expect("it can be read")
    }

    #[test]
    fn nothing_but_a_file_with_one_name_is_opened_as_the_database() {
        let (place, folder) = folder();
        let foreign = place.path().join("foreign");
        let database = place.path().join(DATABASE);
        let prepare: [&dyn Fn(); 5] = [
            &|| symlink(&foreign, &database).expect("a link"),
            &|| symlink("/nonexistent/file", &database).expect("a link to nothing"),
            &|| std::fs::hard_link(&foreign, &database).expect("a second name"),
            &|| mkfifoat(CWD, &database, Mode::RUSR | Mode::WUSR).expect("a pipe"),
            &|| std::fs::create_dir(&database).expect("a directory"),
        ];
        std::fs::write(&foreign, "precious").expect("written");
        for (case, prepare) in prepare.iter().enumerate() {
            prepare();
            assert!(matches!(folder.database(), Err(Unusable::NoFile)), "case {case}");
            folder.put_aside(DATABASE).expect("renamed");
            let aside = place.path().join("state.redb.unusable");
            let _ = std::fs::remove_file(&aside).or_else(|_| std::fs::remove_dir(&aside));
        }
        assert_eq!(read(&foreign), "precious");
        folder.database().expect("a new file");
        let mode = std::fs::metadata(&database).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_link_or_a_pipe_in_the_place_of_the_lock_is_refused_at_once() {
        let place = tempfile::tempdir().expect("a folder");
        let lock = place.path().join(LOCK);
        let foreign = place.path().join("foreign");
        std::fs::write(&foreign, "precious").expect("written");
        symlink(&foreign, &lock).expect("a link");
        assert!(matches!(Folder::lock(place.path()), Err(SaveError::Io(_))));
        std::fs::remove_file(&lock).expect("removed");
        mkfifoat(CWD, &lock, Mode::RUSR | Mode::WUSR).expect("a pipe");
        assert!(matches!(Folder::lock(place.path()), Err(SaveError::Io(_))));
        assert_eq!(read(&foreign), "precious");
    }

    #[test]
    fn one_process_at_a_time_has_the_lock() {
        let (place, folder) = folder();
        assert!(matches!(Folder::lock(place.path()), Err(SaveError::Locked)));
        drop(folder);
        assert!(Folder::lock(place.path()).is_ok());
    }

    #[test]
    fn the_database_is_in_the_directory_that_was_locked() {
        let above = tempfile::tempdir().expect("a folder");
        let (path, moved) = (above.path().join("state"), above.path().join("moved"));
        std::fs::create_dir(&path).expect("made");
        let folder = Folder::lock(&path).expect("nobody else has the lock");
        std::fs::rename(&path, &moved).expect("moved");
        let foreign = tempfile::tempdir().expect("a folder");
        symlink(foreign.path(), &path).expect("a link");
        folder.database().expect("it is made");
        assert!(moved.join(DATABASE).exists() && !foreign.path().join(DATABASE).exists());
    }
}
