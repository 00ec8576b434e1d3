//! `credwatch init`: asks a person for a first provider, and writes the configuration and its
//! secret files.

mod command;
mod dialogue;
mod person;
mod terminal;
mod written;

pub use command::{Flags, main};
