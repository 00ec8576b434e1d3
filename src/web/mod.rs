//! The HTTP server: metrics, health, JSON and web pages. It only reads the ledger.

mod api;
mod app;
mod connection;
mod discovery;
mod encoding;
mod gate;
mod health;
mod listen;
mod page;
mod probe;
mod reload;
mod routes;
mod scrape;
mod serve;

pub use app::App;
pub use connection::Bounds;
pub use listen::bind;
pub use serve::{Listeners, serve};
