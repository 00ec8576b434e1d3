//! A fake of the token APIs, on loopback: for the demo and for tests.
//!
//! It is not a canned reply: each request is checked as the API's document says (a digest is
//! computed again, a replay is refused), and answers have the shapes of the documents. What the
//! APIs are is data, in `apis.toml`.

mod answer;
mod api;
mod definition;
mod server;
pub mod story;

pub use api::Behaviour;
pub use server::Fake;
