//! Saves the state in a directory, so that the daemon knows token expiries after a restart and
//! keeps backing off from an account that could be locked.

mod folder;
mod keeper;
mod restore;
mod temporary;

pub use keeper::{LONGEST_SAVE, Storage};
pub use restore::{LONGEST_RESTORE, NoDirectory, restore};
pub use temporary::{TemporaryFolder, write_new};
