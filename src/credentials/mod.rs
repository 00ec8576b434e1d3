//! Where the values of credentials come from, and how they are read.

mod command;
mod error;
mod read;
mod shown;
mod source;

pub use error::{CredentialError, SecretError};
pub use read::{CredentialSources, read_all};
pub use source::SecretSource;
