//! The fuzz targets: each is a function that takes any bytes and panics if a rule is broken.
//! `tests/it/fuzz.rs` calls the same functions with the corpus and with mutations of it.

#[path = "bodies.rs"]
mod bodies;
#[path = "conversation.rs"]
pub mod conversation;
#[path = "files.rs"]
mod files;
#[path = "replay.rs"]
pub mod replay;

pub use bodies::{answer, challenge, expression, jwt, recipe, xml};
pub use conversation::conversation;
pub use files::{command, configuration, state, web_config};
