//! Saves state and history in a database in the state directory. So the daemon knows token expiries
//! and what happened before a restart, and keeps backing off from an account that could be locked.

mod clock;
mod database;
mod folder;
mod keeper;
mod open;
mod packed;
mod query;
mod read;
mod readers;
mod restore;
mod temporary;
#[cfg(test)]
mod tests;
mod write;

pub use keeper::{LONGEST_SAVE, Storage};
pub use restore::{LONGEST_RESTORE, NoDirectory, restore};
pub use temporary::{TemporaryFolder, write_new, write_new_private};
