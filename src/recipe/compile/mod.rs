//! Compiles the TOML form of a recipe. Every mistake is a fault with its place.

mod calls;
mod compiler;
mod ends;
mod inputs;
mod limits;
mod list;
mod meanings;
mod recipe;
mod request;
mod response;

pub use compiler::is_reserved;
