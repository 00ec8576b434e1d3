//! The command line.

mod check;
mod command;
mod configuration;
mod demo;
mod draft;
mod explanation;
mod flags;
mod init;
mod plan;
mod print;
mod probe;
mod readers;
mod ready;
mod recipes;
mod run;
mod status;

pub use command::{line, main};
pub use ready::block_to_copy;
