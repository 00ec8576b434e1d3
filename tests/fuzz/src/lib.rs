//! The bodies of the fuzz targets, each a function that takes any bytes and panics when something
//! does not hold. The ordinary tests call the same functions with the corpus and with mutations of
//! it.

#[path = "bodies.rs"]
mod bodies;
#[path = "play.rs"]
pub mod play;

pub use bodies::{answer, challenge, expression, jwt, recipe, xml};
