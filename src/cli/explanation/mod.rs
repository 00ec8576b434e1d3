//! The explanation of a probe: for people as text, for programs as JSON.

mod ends;
mod json;
mod list;
mod text;

pub use json::as_json;
pub use text::as_text;
