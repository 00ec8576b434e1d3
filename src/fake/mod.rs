//! Fake token APIs on loopback, for the demo and for tests.
//!
//! Each API checks a request as its document says: it computes a digest again, and it rejects a
//! replay. The answers have the forms of the documents. `apis.toml` defines the APIs.

mod answer;
mod api;
mod definition;
mod server;
pub mod story;

pub use api::Behaviour;
pub use server::Fake;
