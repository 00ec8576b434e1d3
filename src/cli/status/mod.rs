//! `credwatch status`: the state of a running daemon in the terminal.

mod asked;
mod command;
mod frame;
mod row;

pub use command::{Flags, main};
