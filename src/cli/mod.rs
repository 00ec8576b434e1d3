//! The command line.

mod check;
mod command;
mod demo;
mod draft;
mod explanation;
mod flags;
mod plan;
mod print;
mod probe;
mod ready;
mod recipes;
mod run;

pub use command::{line, main};
pub use ready::block_to_copy;
