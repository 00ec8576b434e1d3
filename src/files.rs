//! Reads every file: regular files only, without waiting, and up to a limit.
//!
//! Symbolic links are followed, because Kubernetes and systemd mount secrets as links.

use std::fs::{File, FileType};
use std::io::{self, Read, Take};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use secrecy::zeroize::Zeroizing;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The largest configuration or provider file, in bytes: some hundred thousand providers.
pub const CONFIGURATION: u64 = 64 * MIB;
/// The largest file of `recipe_files`, in bytes. The largest built-in recipe has 8 KiB.
pub const RECIPES: u64 = 256 * KIB;
/// The largest web config, in bytes.
pub const WEB_CONFIG: u64 = MIB;
/// The largest file with certificates or a key, in bytes.
pub const PEM: u64 = MIB;
/// The largest secret, in bytes; a private key with its chain is far below.
pub const SECRET: u64 = 64 * KIB;
/// The largest saved state, in bytes.
pub const STATE: u64 = 64 * MIB;
/// The largest recorded exchange, in bytes.
pub const EXCHANGE: u64 = 4 * MIB;
/// The largest sample command or answer that a recipe is drafted from, in bytes.
pub const SAMPLE: u64 = MIB;

/// Why a file cannot be read. The caller adds the name of the file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing has this name.
    #[error("there is no such file")]
    NotFound,
    /// It is not a regular file.
    #[error("it is {0}, not a file")]
    NotAFile(Other),
    /// The file is larger than the limit for its purpose.
    #[error("it is larger than {}", size(*limit))]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The content is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Another error of the system.
    #[error("{0}")]
    Io(io::Error),
}

/// Kinds of files that are not regular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// A directory.
    Directory,
    /// A named pipe, or one that a shell has opened.
    Pipe,
    /// A socket.
    Socket,
    /// A terminal or another device.
    Device,
}

impl std::fmt::Display for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Directory => "a directory",
            Self::Pipe => "a pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

impl Other {
    fn of(kind: FileType) -> Option<Self> {
        match kind {
            _ if kind.is_file() => None,
            _ if kind.is_dir() => Some(Self::Directory),
            _ if kind.is_fifo() => Some(Self::Pipe),
            _ if kind.is_socket() => Some(Self::Socket),
            _ => Some(Self::Device),
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            // Linux gives this error for a socket, which cannot be opened.
            _ if Errno::from_io_error(&error) == Some(Errno::NXIO) => Self::NotAFile(Other::Socket),
            _ => Self::Io(error),
        }
    }
}

/// The content of a regular file of at most `limit` bytes, without a byte order mark. Its memory is
/// wiped when it is dropped, because most files hold secrets.
///
/// # Errors
/// See [`FileError`]. A file that is too large is never cut.
pub fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let (file, length) = open(path, limit)?;
    // One allocation: growing would leave copies of a secret behind.
    collect(file, usize::try_from(length).unwrap_or_default() + 1, limit)
}

/// The same as [`read`], for UTF-8 text.
///
/// # Errors
/// See [`FileError`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    text(read(path, limit)?)
}

/// The same as [`read_text`], for a secret of at most [`SECRET`] bytes. Its memory is wiped too.
///
/// # Errors
/// See [`FileError`].
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, FileError> {
    read_text(path, SECRET).map(Zeroizing::new)
}

/// The text of a pipe, a terminal or a regular file. It waits for the end of a pipe, so only
/// commands that a person starts may use it.
///
/// # Errors
/// See [`FileError`].
pub fn read_stream(path: &Path, limit: u64) -> Result<String, FileError> {
    let file = File::open(path)?;
    if let Some(other @ (Other::Directory | Other::Socket)) =
        Other::of(file.metadata()?.file_type())
    {
        return Err(FileError::NotAFile(other));
    }
    text(collect(file.take(limit + 1), 0, limit)?)
}

/// The whole text of standard input.
///
/// # Errors
/// See [`FileError`].
pub fn read_stdin(limit: u64) -> Result<String, FileError> {
    text(collect(io::stdin().lock().take(limit + 1), 0, limit)?)
}

/// Opens a regular file of at most `limit` bytes and returns it with its length. One byte more can
/// be read, so the caller notices a file that grows.
///
/// # Errors
/// See [`FileError`].
pub fn open(path: &Path, limit: u64) -> Result<(Take<File>, u64), FileError> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    // Open first, then check: the file could be replaced between a check and the opening.
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    match Other::of(meta.file_type()) {
        Some(other) => Err(FileError::NotAFile(other)),
        None if meta.len() > limit => Err(FileError::TooLarge { limit }),
        None => Ok((file.take(limit + 1), meta.len())),
    }
}

fn collect(mut from: impl Read, room: usize, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    from.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge { limit });
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(.."\u{feff}".len());
    }
    Ok(bytes)
}

fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<String, FileError> {
    String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        *bytes = error.into_bytes();
        FileError::NotText
    })
}

fn size(bytes: u64) -> String {
    if bytes < MIB { format!("{} KiB", bytes / KIB) } else { format!("{} MiB", bytes / MIB) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &Path) -> String {
        read_text(path, SECRET)
            .err()
            .map_or_else(|| "it was read".into(), |error| error.to_string())
    }

    #[test]
    fn a_path_that_is_not_a_regular_file_is_refused_at_once_with_its_kind() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).expect("a pipe");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).expect("a link");
        for (path, expected) in [
            (folder.path(), "it is a directory, not a file"),
            (&pipe, "it is a pipe, not a file"),
            (&link, "it is a pipe, not a file"),
            (&socket, "it is a socket, not a file"),
            (Path::new("/dev/zero"), "it is a device, not a file"),
            (&folder.path().join("nothing"), "there is no such file"),
        ] {
            assert_eq!(message(path), expected, "{}", path.display());
        }
    }

    #[test]
    fn a_file_behind_links_is_read_without_its_byte_order_mark() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("v1")).expect("a folder");
        std::fs::write(folder.path().join("v1/key"), "\u{feff}s3cret\n").expect("written");
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).expect("a link");
        };
        link("v1", "..data");
        link("..data/key", "key");
        let text = read_text(&folder.path().join("key"), SECRET).expect("it is a file");
        assert_eq!(text, "s3cret\n");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_and_never_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("large");
        let file = File::create(&path).expect("a file");
        file.set_len(SECRET).expect("a sparse file");
        assert_eq!(read(&path, SECRET).expect("it is just within").len(), 64 * 1024);
        file.set_len(SECRET + 1).expect("a sparse file");
        assert_eq!(message(&path), "it is larger than 64 KiB");
        file.set_len(30 << 30).expect("a sparse file");
        let error = read(&path, CONFIGURATION).expect_err("it is too large");
        assert_eq!(error.to_string(), "it is larger than 64 MiB");
        // The kernel gives the length of generated files as 0.
        let error = read(Path::new("/proc/self/maps"), 10).expect_err("it is too large");
        assert!(matches!(error, FileError::TooLarge { limit: 10 }), "{error}");
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_refused_as_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("latin-1");
        std::fs::write(&path, b"caf\xe9").expect("written");
        assert_eq!(message(&path), "it is not UTF-8 text");
        assert_eq!(**read(&path, SECRET).expect("bytes are bytes"), *b"caf\xe9");
    }
}
