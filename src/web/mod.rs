//! The HTTP server: metrics, health, JSON and web pages. It reads the ledger. It can ask the
//! scheduler for a probe, and the daemon for a reload.

mod api;
mod app;
mod authority;
mod connection;
mod discovery;
mod documents;
mod encoding;
mod export;
mod gate;
mod gzip;
mod health;
mod history;
mod hosts;
mod listed;
mod listen;
mod page;
mod places;
mod probe;
mod reload;
mod routes;
mod scrape;
mod serve;
mod stream;

pub use app::{App, TELEMETRY_PATH};
pub use connection::Bounds;
pub use hosts::Hosts;
pub use listen::bind;
pub use routes::is_free_path;
pub use serve::{Listeners, serve};
