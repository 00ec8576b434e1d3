//! The database of the state directory: its tables, and how it is opened.

use std::fs::File;
use std::io;
use std::panic::AssertUnwindSafe;

use redb::backends::FileBackend;
use redb::{
    Builder, ConcurrencyMode, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, StorageBackend,
    TableDefinition, TableError, WriteTransaction,
};

/// The version of the tables. A database of a newer version is not used.
const VERSION: u64 = 1;

/// The most memory for pages of the file, in bytes.
const CACHE: usize = 1024 * 1024;

/// Numbers about the database: its version, and the number of the next provider.
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Each provider with a history: its number, which is never used again, and the last day on which
/// it was configured.
pub(super) const NAMES: TableDefinition<&str, (u32, u32)> = TableDefinition::new("names");
/// The state of each provider and slot, as JSON.
pub(super) const STATES: TableDefinition<(&str, u8), &[u8]> = TableDefinition::new("states");
/// The tallies of 64 providers by hour.
pub(super) const HOURS: TableDefinition<(u32, u32), &[u8]> = TableDefinition::new("hours");
/// The tallies of 64 providers by day.
pub(super) const DAYS: TableDefinition<(u32, u32), &[u8]> = TableDefinition::new("days");
/// The incidents of a provider by their begin: end, reason and code.
pub(super) const INCIDENTS: TableDefinition<(u32, i64), (i64, &str, &str)> =
    TableDefinition::new("incidents");

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It has no meaning, or its checksums are wrong.
    #[error("it is damaged")]
    Damaged,
    /// A newer version of credwatch has written it.
    #[error("it has version {0}, and this program knows {VERSION}")]
    Newer(u64),
    /// It is a link, a pipe or something else that must not be written.
    #[error("it is not a regular file with one name")]
    NoFile,
    /// Another process has opened it.
    #[error("another process has opened it")]
    Locked,
    /// The system refuses to read or to write.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Unusable {
    /// Whether another file must take its place.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Damaged | Self::Newer(_) | Self::NoFile)
    }
}

impl From<redb::Error> for Unusable {
    fn from(error: redb::Error) -> Self {
        match error {
            // A file that is no database, or one that ends too early.
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                Self::Damaged
            }
            redb::Error::Io(error) => Self::Io(error),
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::Locked,
            error @ (redb::Error::PreviousIo
            | redb::Error::DatabaseClosed
            | redb::Error::Unsupported
            | redb::Error::Backend(_)) => Self::Io(io::Error::other(error)),
            _ => Self::Damaged,
        }
    }
}

/// Bytes that the tables do not allow.
pub(super) fn damaged() -> redb::Error {
    redb::Error::Corrupted(String::new())
}

/// Runs work on the database. A panic on the way means that the file is damaged.
///
/// # Errors
/// See [`Unusable`].
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Unusable>) -> Result<T, Unusable> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Unusable::Damaged))
}

/// The database, for the process that has the lock of the directory.
pub struct Database(redb::Database);

impl Database {
    /// Opens the database in this file, or makes a new one in an empty file. After a crash, all
    /// checksums are checked.
    ///
    /// # Errors
    /// See [`Unusable`].
    pub fn open(file: File) -> Result<Self, Unusable> {
        Self::of(FileBackend::new(file).map_err(redb::Error::from)?)
    }

    /// Opens the database in this backend.
    pub(super) fn of(backend: impl StorageBackend) -> Result<Self, Unusable> {
        guarded(|| {
            let database = builder().create_with_backend(backend).map_err(redb::Error::from)?;
            let database = Self(database);
            if let Some(version) = version(&database.read()?)? {
                return match version {
                    VERSION => Ok(database),
                    other => Err(Unusable::Newer(other)),
                };
            }
            made(&database.0)?;
            Ok(database)
        })
    }

    /// A moment of the database. What is written later does not change it.
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub fn read(&self) -> Result<ReadTransaction, Unusable> {
        Ok(self.0.begin_read().map_err(redb::Error::from)?)
    }

    /// A transaction.
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub fn begin(&self) -> Result<WriteTransaction, Unusable> {
        Ok(self.0.begin_write().map_err(redb::Error::from)?)
    }
}

/// A moment of a database that another process writes.
///
/// # Errors
/// See [`Unusable`].
pub fn read_only(file: File) -> Result<(ReadOnlyDatabase, ReadTransaction), Unusable> {
    guarded(|| {
        let backend = FileBackend::new(file).map_err(redb::Error::from)?;
        let database = builder().open_read_only_with_backend(backend).map_err(redb::Error::from)?;
        let moment = database.begin_read().map_err(redb::Error::from)?;
        match version(&moment)? {
            Some(VERSION) => Ok((database, moment)),
            other => Err(Unusable::Newer(other.unwrap_or_default())),
        }
    })
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder
}

/// Makes the tables.
fn made(database: &redb::Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert("version", VERSION)?;
    transaction.open_table(NAMES)?;
    transaction.open_table(STATES)?;
    transaction.open_table(HOURS)?;
    transaction.open_table(DAYS)?;
    transaction.open_table(INCIDENTS)?;
    Ok(transaction.commit()?)
}

/// The version of the tables; `None` without tables.
fn version(moment: &ReadTransaction) -> Result<Option<u64>, redb::Error> {
    match moment.open_table(META) {
        Ok(table) => Ok(Some(table.get("version")?.ok_or_else(damaged)?.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
