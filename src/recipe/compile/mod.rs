//! From a recipe as it is written to one that can be used. Every mistake is a fault with its place.

mod calls;
mod compiler;
mod inputs;
mod names;
mod recipe;
mod request;
mod response;
mod shown;

pub use names::is_reserved;
