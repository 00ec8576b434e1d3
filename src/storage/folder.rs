//! The state directory. One process writes in it, and it never writes through a link.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{AtFlags, Mode, OFlags, fsync, open, openat, renameat, unlinkat};
use rustix::io::Errno;

/// The name of the state file.
pub const STATE_FILE: &str = "state.json";
/// The name of a state file that the daemon could not use.
const UNUSABLE: &str = "state.json.unusable";
/// The new state file, until it replaces the old one.
const NEW: &str = "state.json.new";
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
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK;
        let lock = File::from(open_own(&handle, LOCK, flags)?);
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

    /// Writes a new state file and renames it over the old one, so that the state file is always
    /// whole.
    ///
    /// # Errors
    /// The error of the system. The old file is unchanged then.
    pub fn write(&self, content: &[u8]) -> Result<(), SaveError> {
        // The process may have crashed while it wrote. A link is removed, and its target stays.
        let _ = self.remove(NEW);
        let written = self.write_new(content);
        if written.is_err() {
            let _ = self.remove(NEW);
        }
        written
    }

    fn write_new(&self, content: &[u8]) -> Result<(), SaveError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = File::from(open_own(&self.handle, NEW, flags)?);
        file.write_all(content)?;
        file.sync_all()?;
        renameat(&self.handle, NEW, &self.handle, STATE_FILE)?;
        Ok(fsync(&self.handle)?)
    }

    /// Renames a state file that cannot be used, so that a person can look at it.
    ///
    /// # Errors
    /// The error of the system.
    pub fn put_aside(&self) -> io::Result<()> {
        Ok(renameat(&self.handle, STATE_FILE, &self.handle, UNUSABLE)?)
    }

    fn remove(&self, name: &str) -> Result<(), Errno> {
        unlinkat(&self.handle, name, AtFlags::empty())
    }
}

/// Opens a file of this process in the directory, and follows no link.
fn open_own(handle: &OwnedFd, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(handle, name, flags, Mode::RUSR | Mode::WUSR)
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
    fn a_save_never_writes_into_a_file_that_is_already_there() {
        let (place, folder) = folder();
        let foreign = place.path().join("foreign");
        let new = place.path().join(NEW);
        let state = place.path().join(STATE_FILE);
        let pipe = |path: &Path| mkfifoat(CWD, path, Mode::RUSR).expect("a pipe");
        let prepare: [&dyn Fn(); 7] = [
            &|| symlink(&foreign, &new).expect("a link"),
            &|| symlink("/nonexistent/file", &new).expect("a link to nothing"),
            &|| std::fs::hard_link(&foreign, &new).expect("a second name"),
            &|| pipe(&new),
            &|| std::fs::write(&new, "half of a st").expect("what a crash left"),
            &|| symlink(&foreign, &state).expect("a link"),
            &|| pipe(&state),
        ];
        for (case, prepare) in prepare.iter().enumerate() {
            let _ = std::fs::remove_file(&state);
            std::fs::write(&foreign, "precious").expect("written");
            prepare();
            folder.write(b"saved").expect("it is saved");
            assert_eq!(read(&foreign), "precious", "case {case}");
            assert_eq!(read(&state), "saved", "case {case}");
            let kind = std::fs::symlink_metadata(&state).expect("it is there");
            assert!(kind.is_file(), "case {case}");
            assert_eq!(kind.permissions().mode() & 0o777, 0o600, "case {case}");
            assert!(!new.exists(), "case {case}");
        }
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
    fn a_save_stays_in_the_directory_that_was_locked() {
        let above = tempfile::tempdir().expect("a folder");
        let (path, moved) = (above.path().join("state"), above.path().join("moved"));
        std::fs::create_dir(&path).expect("made");
        let folder = Folder::lock(&path).expect("nobody else has the lock");
        std::fs::rename(&path, &moved).expect("moved");
        let foreign = tempfile::tempdir().expect("a folder");
        symlink(foreign.path(), &path).expect("a link");
        folder.write(b"saved").expect("it is saved");
        assert_eq!(read(&moved.join(STATE_FILE)), "saved");
        assert!(!foreign.path().join(STATE_FILE).exists());
    }
}
