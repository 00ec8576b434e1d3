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
mod recipes;
mod run;

pub use command::{line, main};
